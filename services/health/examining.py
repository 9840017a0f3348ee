"""Runs checks side by side, each with a deadline, and shares what was found for some seconds.

A name that does not resolve or a share that hangs cannot be interrupted from Python, so whoever asks others has a thread of its own, and
one that does not come back in time is left behind. It is not begun a second time while it hangs: reloading a page piles up no threads.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError

from core.errors import AvainError, Message
from core.reasons import os_reason
from services.health.checks import Check, checks
from services.health.findings import Finding, Ground

log = structlog.get_logger()


class Patience(NamedTuple):
    """Seconds: how long one check may take, and how long all of them together."""

    each: float
    whole: float


#: A little more than the transports give themselves.
AT_THE_TERMINAL: Final = Patience(12.0, 60.0)
#: Somebody waits for the page.
ON_A_PAGE: Final = Patience(5.0, 10.0)
#: For so long nobody is asked again.
_KEEP_SECONDS: Final = 15.0


@dataclass(frozen=True)
class Examination:
    """What was found, in the order of the checks, and how many seconds ago."""

    findings: tuple[Finding, ...]
    age: float = 0.0


class _Lane:
    """Checks that go one after the other in a thread of their own; what each found so far."""

    def __init__(self, of: Sequence[Check], ground: Ground) -> None:
        self.found: dict[Check, list[Finding]] = {}
        self.went_on_at = time.monotonic()
        self.thread = threading.Thread(
            target=copy_context().run, args=(self._run, of, ground), daemon=True, name="health"
        )
        self.thread.start()

    def _run(self, of: Sequence[Check], ground: Ground) -> None:
        away: OperationalError | None = None
        for check in of:
            try:
                self.found[check] = examined(check, ground) if away is None else [_unexamined(check.name, away)]
            except NoConnectionError as found:
                away = found.error
                self.found[check] = [_unexamined(check.name, away)]
            self.went_on_at = time.monotonic()

    def wait(self, patience: Patience, until: float) -> None:
        """Wait until it ends, one of its checks takes too long, or all of them do."""
        while self.thread.is_alive():
            rest = min(until, self.went_on_at + patience.each) - time.monotonic()
            if rest <= 0:
                return
            self.thread.join(rest)


class Examiner:
    """Examines one installation. May be shared by threads: who comes while it is being examined waits for that result.

    `keep`: seconds for which a result is shown again. `clock` counts seconds.
    """

    def __init__(
        self,
        ground: Ground,
        *,
        patience: Patience = ON_A_PAGE,
        keep: float = _KEEP_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ground, self._patience, self._keep, self._clock = ground, patience, keep, clock
        self._lock = threading.Lock()
        self._hanging: dict[Message, _Lane] = {}
        self._latest: tuple[float, tuple[Finding, ...]] | None = None

    def latest(self) -> Examination:
        """What was found lately; examines if that is too long ago."""
        with self._lock:
            now = self._clock()
            if self._latest is None or now - self._latest[0] >= self._keep:
                self._latest = (now, tuple(self._examine()))
            at, findings = self._latest
            return Examination(findings, max(0.0, self._clock() - at))

    def _examine(self) -> list[Finding]:
        unreachable = _embedded_down(self._ground)
        every = checks(self._ground.settings)
        if unreachable:
            every = [one for one in every if one.asks not in {"database", "redis"}]
        lanes = {lane: self._begun(lane) for lane in _lanes(every)}
        began = time.monotonic()
        for lane in lanes.values():
            lane.wait(self._patience, began + self._patience.whole)
        self._hanging = {of[0].name: lane for of, lane in lanes.items() if lane.thread.is_alive()}
        found = {check: lane.found.get(check) for of, lane in lanes.items() for check in of}
        told = [found[check] or ([self._late(check)] if found[check] is None else []) for check in every]
        return [*unreachable, *(one for findings in told for one in findings)]

    def _begun(self, of: tuple[Check, ...]) -> _Lane:
        before = self._hanging.get(of[0].name)
        return before if before is not None and before.thread.is_alive() else _Lane(of, self._ground)

    def _late(self, check: Check) -> Finding:
        found = Message("no answer within {seconds} s", seconds=f"{self._patience.each:g}")
        return Finding(check.name, "broken", found, Message(check.late))


def _lanes(every: Sequence[Check]) -> list[tuple[Check, ...]]:
    of_database = tuple(check for check in every if check.asks == "database")
    return [*([of_database] if of_database else []), *((check,) for check in every if check.asks != "database")]


class NoConnectionError(Exception):
    """The database cannot be reached: nobody else who asks it need wait for that as well."""

    def __init__(self, error: OperationalError) -> None:
        super().__init__(error)
        self.error = error


def examined(check: Check, ground: Ground) -> list[Finding]:
    """What one check finds; that it failed is itself a finding, and the others go on. Raises NoConnectionError."""
    try:
        return check.examine(ground)
    except AvainError as error:
        return [Finding(check.name, "broken", error.message)]
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) is None:  # the server has said nothing at all
            raise NoConnectionError(error) from error
        return [_unexamined(check.name, error)]
    except (SQLAlchemyError, RedisError, OSError) as error:
        return [_unexamined(check.name, error)]
    except Exception:  # a mistake of ours in one check must not hide what the others find
        log.exception("check_failed", check=check.name.msgid)
        advice = Message("This is a mistake in Avain: see the log, and tell whoever looks after it.")
        return [Finding(check.name, "broken", Message("could not be examined"), advice)]


def _unexamined(name: Message, error: Exception) -> Finding:
    if isinstance(error, ProgrammingError) and getattr(error.orig, "sqlstate", "") == "42P01":
        return Finding(name, "broken", Message("the database has no tables yet"), Message("Run: avain db upgrade"))
    found = os_reason(error) if isinstance(error, OSError) else Message("does not answer")
    return Finding(name, "broken", found, Message("It could not be examined; see the lines above first."))


#: What the embedded servers are called.
_SERVERS: Final = {"postgres": "PostgreSQL", "valkey": "Valkey"}


def _embedded_down(ground: Ground) -> list[Finding]:
    """To look at a server must not start it, or nobody would hear that it was down."""
    if not ground.settings.embedded:
        return []
    from core import embedded  # noqa: PLC0415 - the extra is absent in production

    answering = {one.name for one in embedded.status(ground.settings.home) if one.answers}
    silent = [_SERVERS[one] for one in ground.settings.embedded_services if one not in answering]
    if not silent:
        return []
    found = Message("{servers}: no answer", servers=", ".join(silent))
    advice = Message("Start everything with: avain up. Until all of them answer, nothing that they hold is examined.")
    return [Finding(Message("Embedded services"), "broken", found, advice)]
