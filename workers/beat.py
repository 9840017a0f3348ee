"""Celery Beat with our scheduler: no schedule of its own, only the tick."""

from typing import Any

import structlog
from celery.beat import Scheduler
from sqlalchemy.exc import InterfaceError, OperationalError

from workers.tick import tick

log = structlog.get_logger()

TICK_SECONDS = 1.0


class TickScheduler(Scheduler):
    """Ticks once a second, whatever happens: a failing database or broker is logged and tried again."""

    max_interval = TICK_SECONDS

    def setup_schedule(self) -> None:
        """Nothing to set up: what is due stands in the database."""

    def tick(self, *_args: Any, **_kwargs: Any) -> float:
        """One tick; the seconds until the next."""
        try:
            tick()
        except (OperationalError, InterfaceError) as error:
            log.warning(
                "tick_failed", error=type(error).__name__
            )  # the database is away; once a second is enough of one line
        except Exception:
            log.exception("tick_failed")
        return TICK_SECONDS
