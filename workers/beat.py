"""Celery Beat with our scheduler: no schedule of its own, only the tick."""

from typing import Any

import structlog
from celery.beat import Scheduler
from sqlalchemy.exc import InterfaceError, OperationalError

from workers.configuration import current_settings
from workers.effects import Watch
from workers.tick import tick, watch_failures

log = structlog.get_logger()

TICK_SECONDS = 1.0
#: Jobs that fail for good are looked at once in so many ticks: letters wait for minutes anyway.
_TICKS_BETWEEN_LOOKS = 10


class TickScheduler(Scheduler):
    """Ticks once a second, whatever happens: a failing database or broker is logged and tried again."""

    max_interval = TICK_SECONDS
    _ticks = 0
    _effects = Watch()

    def setup_schedule(self) -> None:
        """Nothing to set up: what is due stands in the database."""

    def tick(self, *_args: Any, **_kwargs: Any) -> float:
        """One tick; the seconds until the next."""
        try:
            if self._ticks % _TICKS_BETWEEN_LOOKS == 0:
                self._effects.look(current_settings())
            tick()
            self._ticks += 1
            if self._ticks % _TICKS_BETWEEN_LOOKS == 0:
                watch_failures()
        except (OperationalError, InterfaceError) as error:
            log.warning(
                "tick_failed", error=type(error).__name__
            )  # the database is away; once a second is enough of one line
        except Exception:
            log.exception("tick_failed")
        return TICK_SECONDS
