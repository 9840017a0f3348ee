"""Doing called-for Work in this very process, without queue or workers: `avain source run --inline`."""

import workers.tasks  # noqa: F401 - registers them
from workers.app import app


def do_now(work_id: int, kind: str) -> None:
    """Claim and do one Work as a worker would. Returns quietly when a worker was faster or it is not due."""
    app.tasks[kind](work_id=work_id)
