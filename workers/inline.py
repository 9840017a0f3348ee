"""Doing called-for Work in this very process, without queue or workers: `avain source run --inline`."""

import sys

import workers.tasks  # noqa: F401 - registers them
from core.database import transaction
from core.logging import configure_logging
from core.settings import settings
from services.work import expire_leases
from services.work.lease import after_death
from workers.app import app


def do_now(work_id: int, kind: str) -> None:
    """Claim and do one Work as a worker would. Returns quietly when a worker was faster or it is not due.

    First frees what silent processes hold, also another's in the same lane: there may be no tick to do it. Logs warnings to stderr: stdout belongs to the command.
    """
    configure_logging(settings().log_format, "WARNING", stream=sys.__stderr__)
    with transaction() as session:
        for ended in expire_leases(session)[1]:
            after_death(session, ended)
    app.tasks[kind](work_id=work_id)
