"""When a source may be asked: its allowed hours, and the circuit breaker that leaves a failing one alone.

Both are judged by machine time and by the history of runs, before anything is asked: the hours are those of the other system, which the
business clock does not move, and a breaker that stands in no table cannot be forgotten in one. How fast a source is asked is
connectors/pace.py, and of several sources on one host together `take_turn`; that one thing at a time asks it is its lane.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import LeftAlone, Message, Permanent, Postponed, Transient
from core.i18n import HELSINKI
from core.source_settings import Gentleness
from schedules.slots import SLOT_MARK
from services.work import KINDS, Claimed
from services.work.lease import CRASHED, GIVEN_BACK

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

#: Work that reads what was fetched. That the source sent something nobody can use is its failure, too.
READING: Final = ("sync_cases", "import_prices", "read_price_mail", "read_incoming", "read_absences", "read_bounces")

#: Rows in: lanes. Rows out: for each that was asked at all, how many attempts since the last good one failed, and when the first and the last
#: of them ended. It is looked back over the newest Work of the lane only, so that a history of years costs nothing. Good is what was read, or
#: that there was nothing new; that files came is not yet good, for they are still to be read. Failures are what would be tried again by itself,
#: and what was sent and could not be used; not what a stopping or killed worker left undone, nor a fault of ours, nor a refusal or a fault in
#: the settings, which waits for a person anyway. Who was killed because it ran past its time was held up by the source.
_LATEST = text(
    """
    SELECT named.lane, count(*) AS failures, min(finished_at) AS first, max(finished_at) AS last
    FROM unnest(CAST(:lanes AS text[])) AS named(lane)
    CROSS JOIN LATERAL (
        SELECT run.id, run.finished_at, judged.good, max(run.id) FILTER (WHERE judged.good) OVER () AS last_good
        FROM (SELECT id FROM work WHERE lane = named.lane ORDER BY id DESC LIMIT 100) AS recent
        -- with a limit: else it is taken for a join worth a look at every Run there is
        CROSS JOIN LATERAL (SELECT * FROM run WHERE work_id = recent.id ORDER BY id DESC LIMIT 100) AS run
        CROSS JOIN LATERAL (SELECT CASE
            WHEN run.kind = ANY(:reading) AND run.outcome IN ('succeeded', 'partly', 'held', 'nothing_to_do') THEN true
            WHEN run.kind = ANY(:reading) AND run.outcome = 'refused' THEN false
            WHEN run.kind = ANY(:asking) AND run.outcome = 'nothing_to_do' THEN true
            WHEN run.kind IN ('put_away_files', 'look_at_source') AND run.outcome = 'succeeded' THEN true
            WHEN run.kind = ANY(:asking) AND coalesce(run.message ->> 'msgid', '') = ANY(CAST(:ours AS text[])) THEN NULL
            WHEN run.kind = ANY(:asking) AND (run.outcome = 'retry' OR run.outcome = 'failed' AND run.attempt >= :attempts) THEN false
            WHEN run.kind = ANY(:asking) AND run.outcome = 'lost'
                 AND run.finished_at - run.started_at >= make_interval(secs => (CAST(:deadlines AS jsonb) ->> run.kind)::float) THEN false
        END AS good) AS judged
        WHERE judged.good IS NOT NULL
    ) AS attempt
    WHERE NOT good AND id > coalesce(last_good, 0)
    GROUP BY named.lane
    """
)

#: Rows in: a Work that asks a source. Rows out: whether a later one of its lane is to do the same, so that this one need not.
_OVERTAKEN = text(
    """
    SELECT EXISTS (
        SELECT FROM work WHERE lane = :lane AND kind = :kind AND id > :work_id AND done_at IS NULL AND dead_at IS NULL AND NOT arguments ? 'retry')
    """
)

#: Rows in: a Work. Rows out: for how many seconds it has been called for.
_AGE = text("SELECT extract(epoch FROM clock_timestamp() - created_at)::float FROM work WHERE id = :work_id")


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
    """A source is left alone until `until`; `reason` says why. After failures: the first of them was at `since`."""

    until: datetime
    reason: Message
    since: datetime | None = None


@dataclass(frozen=True)
class Failing:
    """A source that fails: so many attempts in a row since `since`. Left alone until `until`; if that has passed it is about to be tried."""

    failures: int
    since: datetime
    until: datetime


def rest(session: Session, lane: str, gentle: Gentleness) -> Rest | None:
    """Whether the source of a lane is to be left alone right now; None: it may be asked."""
    return rests(session, {lane: gentle}).get(lane)


def rests(session: Session, sources: Mapping[str, Gentleness]) -> dict[str, Rest]:
    """Which of these sources, by their lanes, are to be left alone right now. One statement, however many they are."""
    now, failed = _failures(session, list(sources))
    found = {}
    for lane, gentle in sources.items():
        row = failed.get(lane)
        resting = None if row is None else _left_alone(row.failures, row.first, row.last, gentle, now)
        resting = resting or outside_hours(gentle.hours, now)
        if resting is not None:
            found[lane] = resting
    return found


def failing(session: Session, sources: Mapping[str, Gentleness]) -> dict[str, Failing]:
    """Which of these sources, by their lanes, fail so often that they are left alone, also while they are tried. One statement."""
    _, failed = _failures(session, list(sources))
    return {
        lane: Failing(row.failures, row.first, _pause_end(row.last, sources[lane]))
        for lane, row in failed.items()
        if row.failures >= sources[lane].failures
    }


def permit(session: Session, lane: str, gentle: Gentleness) -> None:
    """Raises Postponed when the source of a lane is to be left alone right now."""
    found = rest(session, lane, gentle)
    if found is not None:
        now: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        raise Postponed(found.reason, retry_after=max(1.0, (found.until - now).total_seconds()))


def judged(
    session: Session, lane: str, gentle: Gentleness, claimed: Claimed, failure: Transient
) -> Transient | Permanent:
    """What an attempt that the source has just failed is to end with: the failure as it is; that the source is left alone now, which does
    not count as an attempt; or, of Work that has tried for too long, that it is given up.
    """
    if isinstance(failure, Postponed):
        return failure
    now, failed = _failures(session, [lane])
    row = failed.get(lane)
    if (row.failures if row is not None else 0) + 1 < gentle.failures:
        return failure
    age = timedelta(seconds=session.execute(_AGE, {"work_id": claimed.work_id}).scalar_one())
    if age > timedelta(days=gentle.give_up_days):
        return Permanent(failure.message)
    until = _pause_end(now, gentle)
    return LeftAlone(failure.message, retry_after=max((until - now).total_seconds(), failure.retry_after or 0.0))


def is_overtaken(session: Session, lane: str, claimed: Claimed) -> bool:
    """Whether Work that waits for a source is one of the regular readings, and a later one waits as well, which reads all the same."""
    arguments = claimed.arguments
    regular = SLOT_MARK in str(arguments.get("request")) and not arguments.keys() & {"retry", "anew", "now"}
    values = {"lane": lane, "kind": claimed.kind, "work_id": claimed.work_id}
    return regular and bool(session.execute(_OVERTAKEN, values).scalar_one())


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


def _failures(session: Session, lanes: Sequence[str]) -> tuple[datetime, dict[str, Any]]:
    """The machine's time, and by lane what `_LATEST` says of it."""
    values = {
        "lanes": list(lanes),
        "asking": list(ASKING),
        "reading": list(READING),
        "ours": [GIVEN_BACK.msgid, CRASHED],
        "attempts": min(KINDS[kind].max_attempts for kind in ASKING),
        "deadlines": json.dumps({kind: KINDS[kind].deadline for kind in ASKING}),
    }
    now: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now, {row.lane: row for row in session.execute(_LATEST, values)}


def _left_alone(failures: int, first: datetime, last: datetime, gentle: Gentleness, now: datetime) -> Rest | None:
    if failures < gentle.failures:
        return None
    if last + _pause(gentle) <= now:  # one try: when it fails, the pause begins anew; when it succeeds, all is well
        return None
    until = _pause_end(last, gentle)
    reason = Message(
        "The last {failures} attempts to ask the source failed, the first at {since}. It is left alone until {moment} and then tried again by itself.",
        failures=failures,
        since=first.isoformat(),
        moment=until.isoformat(),
    )
    return Rest(until, reason, first)


def _pause(gentle: Gentleness) -> timedelta:
    return timedelta(minutes=gentle.pause_minutes)


def _pause_end(last: datetime, gentle: Gentleness) -> datetime:
    """When a source whose latest failure was at `last` may be tried: after its pause, at one of its hours."""
    until = last + _pause(gentle)
    closed = outside_hours(gentle.hours, until)
    return closed.until if closed is not None else until


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
