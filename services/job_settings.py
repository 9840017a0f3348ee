"""What is kept of scheduled jobs (`job_state`), and the jobs as they are in force: the table's, with what a person set otherwise.

A setting that makes no sense any more, since an older or newer version wrote it, is passed over: the job then does what the table says. What is
passed over is told (`avain doctor`); it never stops the tick.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, Message
from schedules.deciding import Standing
from schedules.jobs import LONGEST_JITTER, OVERLAPS, Job
from schedules.slots import check_cron

#: Rows out: every job's row.
_KEPT = "SELECT * FROM job_state"


@dataclass(frozen=True)
class Kept:
    """A job's row: how it stands, why it is paused, what a person set (None: nothing), who and when; `called_slot`: the latest with a Work."""

    job: str
    standing: Standing
    why: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    changed_by: str | None = None
    changed_at: datetime | None = None
    called_slot: datetime | None = None


@dataclass(frozen=True)
class InForce:
    """A job as it is in force, and what of its settings had to be passed over."""

    job: Job
    troubles: tuple[Message, ...] = ()


def kept(session: Session, *, lock: Sequence[str] | None = None) -> dict[str, Kept]:
    """Every job's row by its name; or those of `lock`, locked until the transaction ends."""
    if lock is None:
        rows = session.execute(text(_KEPT))
    else:
        rows = session.execute(text(f"{_KEPT} WHERE job = ANY(:jobs) ORDER BY job FOR UPDATE"), {"jobs": list(lock)})
    return {row.job: _kept(row) for row in rows}


def in_force(job: Job, row: Kept | None, now: datetime) -> InForce:
    """The job with what a person set otherwise, as far as that makes sense."""
    settings = {} if row is None else {name: value for name, value in row.settings.items() if value is not None}
    if not settings:
        return InForce(job)
    troubles: list[Message] = []
    if "cron" in settings and (trouble := _trouble(replace(job, cron=settings["cron"]), now.year)):
        troubles.append(trouble)
        del settings["cron"]
    if settings.get("overlap", OVERLAPS[0]) not in OVERLAPS:
        troubles.append(
            Message(
                "{value} is not allowed; allowed: {allowed}", value=settings.pop("overlap"), allowed=", ".join(OVERLAPS)
            )
        )
    if not 0 <= settings.get("jitter_seconds", 0) <= LONGEST_JITTER:
        troubles.append(Message("A start can be moved by 0 to {most} seconds.", most=LONGEST_JITTER))
        del settings["jitter_seconds"]
    return InForce(replace(job, **settings), tuple(troubles))


@lru_cache(maxsize=256)  # asked at every tick
def _trouble(job: Job, year: int) -> Message | None:
    try:
        check_cron(job, datetime(year, 1, 1, tzinfo=UTC))
    except InputError as unusable:
        return unusable.message
    return None


def _kept(row: Any) -> Kept:
    return Kept(
        row.job,
        Standing(row.since, row.paused_at, row.paused_until, row.last_slot),
        row.paused_why,
        {"cron": row.cron, "overlap": row.overlap, "jitter_seconds": row.jitter_seconds},
        row.changed_by,
        row.changed_at,
        row.called_slot,
    )
