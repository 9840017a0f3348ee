"""Doing called-for Work in this very process, without queue or workers: `avain source run --inline`."""

import sys

import workers.tasks  # noqa: F401 - registers them
from core.logging import configure_logging
from core.settings import settings
from workers.app import app
from workers.tick import expire


def do_now(work_id: int, kind: str) -> None:
    """Claim and do one Work as a worker would. Returns quietly when a worker was faster or it is not due.

    First frees what silent processes hold, also another's in the same lane: there may be no tick to do it. Logs warnings to
    stderr: stdout belongs to the command.
    """
    configure_logging(settings().log_format, "WARNING", stream=sys.__stderr__)
    expire()
    app.tasks[kind](work_id=work_id)
