"""Celery Beat with our scheduler: no schedule of its own, only the tick."""

import signal
from contextlib import suppress
from types import FrameType
from typing import Any, Final

import structlog
from celery.beat import Scheduler
from celery.signals import beat_init
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from core.database import transaction
from services.heartbeats import forget
from workers.configuration import current_settings
from workers.effects import Watch
from workers.signs_of_life import own_name
from workers.tick import tick, watch_failures

log = structlog.get_logger()

TICK_SECONDS = 1.0
#: Jobs that fail for good are looked at once in so many ticks: letters wait for minutes anyway.
_TICKS_BETWEEN_LOOKS = 10
#: When beat is told to stop, a tick that is under way has so long to end.
_LAST_TICK_SECONDS: Final = 10.0


class TickScheduler(Scheduler):
    """Ticks once a second, whatever happens: a failing database or broker is logged and tried again."""

    max_interval = TICK_SECONDS
    _ticks = 0
    _effects = Watch()
    _ticking = False
    _stopping = False

    def setup_schedule(self) -> None:
        """Nothing to set up: what is due stands in the database."""

    def tick(self, *_args: Any, **_kwargs: Any) -> float:
        """One tick; the seconds until the next."""
        self._ticking = True
        try:
            self._tick()
        finally:
            self._ticking = False
        if self._stopping:
            raise SystemExit
        return TICK_SECONDS

    def _tick(self) -> None:
        try:
            if self._ticks % _TICKS_BETWEEN_LOOKS == 0:
                self._look_at_effects()
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

    def _look_at_effects(self) -> None:
        """A fault in it must not keep everything else from its queues: whoever lets something leave looks for himself."""
        try:
            self._effects.look(current_settings())
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("effects_not_watched")

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """Told to stop: what was chosen for the queues is published first, unless that takes too long or it is told again."""
        if not self._ticking or self._stopping:
            raise SystemExit
        self._stopping = True
        signal.signal(signal.SIGALRM, self.stop)
        signal.setitimer(signal.ITIMER_REAL, _LAST_TICK_SECONDS)

    def close(self) -> None:
        """Beat ends."""
        super().close()
        signal.setitimer(signal.ITIMER_REAL, 0)
        with suppress(SQLAlchemyError), transaction() as session:
            forget(session, own_name("beat"))


@beat_init.connect
def _listen(sender: Any, **_: object) -> None:
    """Celery's own handlers, in place by now, end beat in the middle of a tick."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, sender.scheduler.stop)
