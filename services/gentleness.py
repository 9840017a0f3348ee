"""When a source may be asked: its allowed hours, and the circuit breaker that leaves a failing one alone.

Both are judged by machine time and by the history of runs, before anything is asked: the hours are those of the other system, which the
business clock does not move, and a breaker that stands in no table cannot be forgotten in one. How fast a source is asked is
connectors/pace.py, and of several sources on one host together `take_turn`; that one thing at a time asks it is its lane.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message, Postponed
from core.i18n import HELSINKI
from core.source_settings import Gentleness
from services.work.kinds import KINDS
from services.work.lease import GIVEN_BACK

#: Work that asks a source for something.
ASKING: Final = (
    "fetch_cases",
    "fetch_prices",
    "fetch_incoming",
    "fetch_absences",
    "fetch_bounces",
    "put_away_files",
    "look_at_source",
)
_MINUTE: Final = timedelta(minutes=1)
#: Every window opens once in a day, but one that lies in the hour skipped in spring: minutes of two days, of which one has 25 hours.
_TWO_DAYS: Final = 50 * 60

#: Rows in: a lane, kinds of work, their last attempt, how many failures break the circuit. Rows out: whether the latest so many attempts
#: all failed, and when the last of them ended. What counts would be tried again by itself: not what a stopping or killed worker left
#: undone, and not a refusal or a fault in the settings, which waits for a person anyway.
_LATEST = text(
    """
    SELECT count(*) = :failures AND bool_and(failed) AS broken, max(finished_at) AS last
    FROM (
        SELECT run.outcome IN ('retry', 'failed') AS failed, run.finished_at
        FROM run JOIN work ON work.id = run.work_id
        WHERE work.lane = :lane AND run.kind = ANY(:kinds)
          AND (run.outcome IN ('succeeded', 'partly', 'nothing_to_do')
               OR run.outcome = 'retry' AND run.message ->> 'msgid' IS DISTINCT FROM :given_back
               OR run.outcome = 'failed' AND run.attempt >= :attempts)
        ORDER BY run.id DESC LIMIT :failures
    ) AS latest
    """
)


#: Rows in: a host, and for how long a request is worth its time. Rows out: for how long to wait before it.
_TURN = text(
    """
    INSERT INTO host_turn AS turn (host, free_at) VALUES (:host, clock_timestamp() + make_interval(secs => :seconds))
    ON CONFLICT (host) DO UPDATE SET free_at = greatest(turn.free_at, clock_timestamp()) + make_interval(secs => :seconds)
    RETURNING extract(epoch FROM free_at - clock_timestamp()) - :seconds AS ahead
    """
)


@dataclass(frozen=True)
class Rest:
    """A source is left alone until `until`; `reason` says why."""

    until: datetime
    reason: Message


def rest(session: Session, lane: str, gentle: Gentleness) -> Rest | None:
    """Whether the source of a lane is to be left alone right now; None: it may be asked."""
    now: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return _left_alone(session, lane, gentle, now) or outside_hours(gentle.hours, now)


def permit(session: Session, lane: str, gentle: Gentleness) -> None:
    """Raises Postponed when the source of a lane is to be left alone right now."""
    found = rest(session, lane, gentle)
    if found is not None:
        now: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        raise Postponed(found.reason, retry_after=max(1.0, (found.until - now).total_seconds()))


def take_turn(session: Session, host: str, seconds: float) -> float:
    """Take the next turn at a host, worth so many seconds of its time, whichever source it is for; how many seconds to wait for it."""
    return max(0.0, float(session.execute(_TURN, {"host": host.casefold(), "seconds": seconds}).scalar_one()))


def outside_hours(hours: Sequence[str], now: datetime) -> Rest | None:
    """The rest until the next of the allowed hours (`20:00-06:00`, Helsinki time); None within them, or when there are none."""
    if not hours or _open(hours, now):
        return None
    # Minute by minute by the universal clock: what Helsinki's clocks skip or repeat that night needs no rule of its own.
    minute = now.replace(second=0, microsecond=0)
    until = next(moment for ahead in range(1, _TWO_DAYS) if _open(hours, moment := minute + ahead * _MINUTE))
    reason = Message(
        "The source may be asked only at {hours}. It is put off until {moment}.",
        hours=", ".join(hours),
        moment=until.isoformat(),
    )
    return Rest(until, reason)


def _left_alone(session: Session, lane: str, gentle: Gentleness, now: datetime) -> Rest | None:
    values = {
        "lane": lane,
        "kinds": list(ASKING),
        "failures": gentle.failures,
        "given_back": GIVEN_BACK.msgid,
        "attempts": min(KINDS[kind].max_attempts for kind in ASKING),
    }
    found = session.execute(_LATEST, values).one()
    if not found.broken:
        return None
    until = found.last + timedelta(minutes=gentle.pause_minutes)
    if until <= now:  # one try: when it fails, the pause begins anew; when it succeeds, the circuit is closed
        return None
    closed = outside_hours(gentle.hours, until)
    until = closed.until if closed is not None else until
    reason = Message(
        "The last {failures} attempts to ask the source failed. It is left alone until {moment}.",
        failures=gentle.failures,
        moment=until.isoformat(),
    )
    return Rest(until, reason)


def _open(hours: Sequence[str], moment: datetime) -> bool:
    shown = moment.astimezone(HELSINKI).time()
    return any(_within(window, shown) for window in hours)


def _within(window: str, shown: time) -> bool:
    """Whether a clock that shows `shown` is in a window; one that ends before it begins goes over midnight."""
    first, _, last = window.partition("-")
    begins, ends = _minutes(first), _minutes(last)
    present = shown.hour * 60 + shown.minute
    return begins <= present < ends if begins < ends else present >= begins or present < ends


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)
