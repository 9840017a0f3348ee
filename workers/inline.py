"""Doing called-for Work in this very process, without queue or workers: `avain source run --inline`."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded

import workers.tasks  # noqa: F401 - registers them
from core.logging import configure_logging
from core.settings import settings
from services.work import kind_of
from workers.app import app
from workers.tick import expire

#: The limit comes a little before the lease ends, so that a slow attempt can still say so itself.
_LAST_WORDS_SECONDS = 5.0


def do_now(work_id: int, kind: str) -> None:
    """Claim and do one Work as a worker would. Returns quietly when a worker was faster or it is not due.

    First frees what silent processes hold, also another's in the same lane: there may be no tick to do it. Logs warnings to
    stderr: stdout belongs to the command.
    """
    configure_logging(settings().log_format, "WARNING", stream=sys.__stderr__)
    expire()
    with time_limit(kind_of(kind).deadline - _LAST_WORDS_SECONDS):
        app.tasks[kind](work_id=work_id)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise SoftTimeLimitExceeded in the block when it has taken so long, as a worker's process does for its tasks.

    Without effect outside the main thread, which alone hears signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: Any) -> None:
        raise SoftTimeLimitExceeded

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.1))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
