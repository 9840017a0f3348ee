"""The schedule as people see it: every job with its times in words, when it comes next, its last run, what it missed lately, what was set otherwise.

Read only; what people do about a job is services/jobs.py. A constant number of statements, whatever the number of jobs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import N_, _
from schedules.deciding import LATE, MOST_COUNTED, Why, resume, stretch
from schedules.in_words import in_words
from schedules.jobs import Job
from schedules.slots import jitter, next_slots
from services.job_settings import Kept, in_force, kept
from services.jobs import last_look

#: Missed slots are shown so long.
SHOWN: Final = timedelta(days=7)
_MOST_STRETCHES: Final = 500

#: Rows in: lanes of jobs. Rows out: of each the latest Work, and the latest Run of one of its latest Works.
_LAST = text(
    """
    SELECT lane.lane, newest.id AS work_id, newest.done_at IS NULL AND newest.dead_at IS NULL AS open, newest.key LIKE '%+manual' AS by_hand,
           EXISTS (SELECT FROM run WHERE work_id = newest.id) AS begun,
           last.id AS run_id, last.outcome, last.attempt, last.started_at, last.finished_at, last.acknowledged, last.message
    FROM unnest(CAST(:lanes AS text[])) AS lane
    JOIN LATERAL (SELECT * FROM work WHERE work.lane = lane.lane ORDER BY id DESC LIMIT 1) AS newest ON true
    LEFT JOIN LATERAL (
        SELECT run.* FROM (SELECT id FROM work WHERE work.lane = lane.lane ORDER BY id DESC LIMIT 20) AS near
        JOIN run ON run.work_id = near.id ORDER BY run.id DESC LIMIT 1
    ) AS last ON true
    """
)

#: Rows in: a moment. Rows out: stretches that reach beyond it, the latest first.
_MISSED = text("SELECT * FROM missed_slots WHERE last_slot > :since ORDER BY last_slot DESC, id DESC LIMIT :limit")

_WHY: Final[dict[Why, str]] = {
    "paused": N_("The job was paused."),
    "running": N_("The run before had not ended yet."),
    "nobody": N_("The scheduler did not run."),
}

_OVERLAPS: Final = {
    "skip": N_("left out while the run before has not ended"),
    "queue": N_("waits until the run before has ended"),
}


@dataclass(frozen=True)
class MissedStretch:
    """Slots that did not run when they came. `caught_up_at`: when the latest of them ran after all."""

    why: Why
    first_slot: datetime
    last_slot: datetime
    slots: int
    caught_up_at: datetime | None = None

    @property
    def many(self) -> bool:
        """Whether there may be more of them than were counted."""
        return self.slots >= MOST_COUNTED

    def reason(self) -> Message:
        """Why, as a sentence."""
        if self.why == "nobody" and self.caught_up_at is not None:
            return Message(
                N_("The scheduler did not run. It was made up for once, on {moment}."),
                moment=self.caught_up_at.isoformat(),
            )
        return Message(_WHY[self.why])


@dataclass(frozen=True)
class LastRun:
    """The latest Work of a job and the latest attempt at one. `waiting`: the Work has been called for and has not begun."""

    work_id: int
    waiting: bool
    by_hand: bool
    run_id: int | None
    outcome: str | None
    attempt: int
    started_at: datetime | None
    acknowledged: str | None


@dataclass(frozen=True)
class Line:
    """A job in the schedule. `job` is in force, `default` what the table and avain.toml say; `begins` is `next_slot` with its jitter."""

    job: Job
    default: Job
    row: Kept | None
    paused: bool
    next_slot: datetime | None
    begins: datetime | None
    last: LastRun | None
    missed: Sequence[MissedStretch] = ()
    troubles: Sequence[Message] = field(default_factory=tuple)

    @property
    def name(self) -> str:
        """The job's name, as commands and addresses know it."""
        return self.job.name

    @property
    def paused_until(self) -> datetime | None:
        """When the pause ends; None while there is none, or it has no end."""
        return self.row.standing.paused_until if self.row is not None and self.paused else None

    @property
    def paused_at(self) -> datetime | None:
        """When the pause began."""
        return self.row.standing.paused_at if self.row is not None and self.paused else None

    @property
    def paused_why(self) -> str:
        """Why it is paused, in somebody's own words."""
        return self.row.why if self.row is not None and self.paused else ""

    @property
    def own(self) -> bool:
        """Whether a person set something otherwise."""
        return self.row is not None and any(value is not None for value in self.row.settings.values())

    def times(self) -> str:
        """When it comes, in words."""
        return in_words(self.job)

    def default_times(self) -> str:
        """When it would come without anybody's setting."""
        return in_words(self.default)


def overlap_name(overlap: str) -> str:
    """What becomes of a time that comes while the run before has not ended."""
    return _(_OVERLAPS.get(overlap, overlap))


def overview(session: Session, jobs: Sequence[Job], now: datetime) -> list[Line]:
    """Every job, in the order of the table. Four statements."""
    rows = kept(session)
    lanes = {job.name: job.lane for job in jobs}
    last = {row.lane: _last(row) for row in session.execute(_LAST, {"lanes": list(lanes.values())})}
    missed: dict[str, list[MissedStretch]] = {}
    for row in session.execute(_MISSED, {"since": now - SHOWN, "limit": _MOST_STRETCHES}):
        told = MissedStretch(row.why, row.first_slot, row.last_slot, row.slots, row.caught_up_at)
        missed.setdefault(row.job, []).append(told)
    looked_at = last_look(session)
    return [
        _line(
            job,
            rows.get(job.name),
            last=last.get(job.lane),
            missed=missed.get(job.name, []),
            now=now,
            looked_at=looked_at,
        )
        for job in jobs
        if job.enabled
    ]


def coming(line: Line, count: int, now: datetime) -> list[tuple[datetime, datetime]]:
    """The next times of a job with the moments at which it begins. A pause with an end is waited out; one without is passed over."""
    job, after = line.job, now
    if line.paused_until is not None and line.row is not None:
        after = max(now, resume(line.row.standing, line.paused_until).since)
    return [(slot, slot + jitter(job, slot)) for slot in next_slots(job, after, count)]


def troubles(session: Session, jobs: Sequence[Job], now: datetime) -> list[tuple[str, Message]]:
    """What is kept of jobs and makes no sense: (job, sentence). Each is passed over; the tick goes on."""
    known = {job.name: job for job in jobs}
    found: list[tuple[str, Message]] = []
    for name, row in sorted(kept(session).items()):
        if name in known:
            found += [(name, one) for one in in_force(known[name], row, now).troubles]
        elif row.standing.paused_at is not None or any(value is not None for value in row.settings.values()):
            found.append((name, Message(N_("There is no such job any more, but somebody paused it or set its times."))))
    return found


def _line(
    job: Job,
    row: Kept | None,
    *,
    last: LastRun | None,
    missed: list[MissedStretch],
    now: datetime,
    looked_at: datetime | None,
) -> Line:
    acting = in_force(job, row, now)
    paused = row is not None and row.standing.is_paused(now)
    line = Line(
        acting.job,
        job,
        row,
        paused,
        None,
        None,
        last,
        [*_going_on(acting.job, row, now, looked_at), *missed],
        acting.troubles,
    )
    if paused and line.paused_until is None:
        return line
    slot, begins = next(iter(coming(line, 1, now)), (None, None))
    return replace(line, next_slot=slot, begins=begins)


def _going_on(job: Job, row: Kept | None, now: datetime, looked_at: datetime | None) -> list[MissedStretch]:
    """What a pause that is on has cost so far, and what passes while nobody ticks."""
    if row is None:
        return []
    if row.standing.paused_at is not None:
        end = now if row.standing.is_paused(now) else row.standing.paused_until or now
        found = stretch(job, "paused", max(row.standing.since, now - SHOWN), end)
    elif looked_at is not None and now - looked_at > LATE:
        found = stretch(job, "nobody", max(looked_at, row.standing.counts_after(now), now - SHOWN), now)
    else:
        return []
    return [MissedStretch(one.why, one.first_slot, one.last_slot, one.slots) for one in found]


def _last(row: Any) -> LastRun:
    return LastRun(
        row.work_id,
        row.open and not row.begun,
        row.by_hand,
        row.run_id,
        row.outcome,
        row.attempt or 1,
        row.started_at,
        row.acknowledged,
    )
