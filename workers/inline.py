"""Doing called-for Work in this very process, without queue or workers: `avain source run --inline`."""

import sys

import workers.tasks  # noqa: F401 - registers them
from core.database import transaction
from core.logging import configure_logging
from core.settings import settings
from services.effects import must_be_allowed
from services.work import kind_of
from workers.app import app
from workers.limits import time_limit
from workers.tick import expire

#: The limit comes a little before the lease ends, so that a slow attempt can still say so itself.
_LAST_WORDS_SECONDS = 5.0


def do_now(work_id: int, kind: str) -> None:
    """Claim and do one Work as a worker would. Returns quietly when a worker was faster or it is not due. Raises InputError while effects
    are paused, if it has one.

    First frees what silent processes hold, also another's in the same lane: there may be no tick to do it. Logs warnings to
    stderr: stdout belongs to the command.
    """
    configure_logging(settings().log_format, "WARNING", stream=sys.__stderr__)
    expire()
    with transaction() as session:
        must_be_allowed(session, kind)
    with time_limit(kind_of(kind).deadline - _LAST_WORDS_SECONDS):
        app.tasks[kind](work_id=work_id)
