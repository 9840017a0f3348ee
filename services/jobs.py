"""Scheduled jobs at work: the Work of slots that have come, and what people do to jobs: pause, resume, trigger.

What there is and when it is due is schedules/; since when a job counts, and whether it is paused, stands in `job_state`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from schedules.jobs import Job
from schedules.slots import due_slot, slot_key
from services import audit
from services.work import call

log = structlog.get_logger()

#: Rows in: names of jobs. Rows made: those seen for the first time, which count from now, so that installing runs nothing at once.
_MEET = text(
    """
    INSERT INTO job_state (job, since, paused) SELECT name, :now, false FROM unnest(CAST(:names AS text[])) AS name
    WHERE NOT EXISTS (SELECT FROM job_state WHERE job = name) ON CONFLICT DO NOTHING
    """
)

#: Rows out: since when each job counts that is not paused.
_COUNTING = text("SELECT job, since FROM job_state WHERE NOT paused")

#: Rows in: keys. Rows out: those called for before.
_KNOWN = text("SELECT key FROM work WHERE key = ANY(:keys)")

#: Rows in: a job, whether it is paused, and the moment from which its slots count if it was unknown or is resumed.
_SWITCH = text(
    """
    INSERT INTO job_state (job, since, paused) VALUES (:job, :now, :paused)
    ON CONFLICT (job) DO UPDATE SET paused = :paused, since = CASE WHEN :paused THEN job_state.since ELSE :now END
    """
)


def call_due_slots(session: Session, jobs: Sequence[Job], now: datetime) -> int:
    """Call for the Work of every slot that has come since its job was first seen and is not there yet; how many were new."""
    every = {job.name: job for job in jobs if job.enabled}
    session.execute(_MEET, {"names": list(every), "now": now})
    due = {
        slot_key(job, slot): (job, slot)
        for row in session.execute(_COUNTING)
        if (job := every.get(row.job)) and (slot := due_slot(job, row.since, now))
    }
    # looked up first: a conflict on insert would burn an id for every job and second
    known = set(session.execute(_KNOWN, {"keys": list(due)}).scalars())
    called = 0
    for key, (job, slot) in due.items():
        if key not in known and call(session, job.kind, key, slot=slot.isoformat()) is not None:
            log.info("slot_called", job=job.name, slot=slot.isoformat())
            called += 1
    return called


def named(jobs: Sequence[Job], name: str) -> Job:
    """The job of that name. Raises NotFound."""
    for job in jobs:
        if job.name == name:
            return job
    raise NotFound("There is no job {name}. There are: {jobs}", name=name, jobs=", ".join(job.name for job in jobs))


def paused(session: Session) -> set[str]:
    """Names of the jobs that are paused."""
    return set(session.execute(text("SELECT job FROM job_state WHERE paused")).scalars())


def pause(session: Session, job: Job, *, actor: str, now: datetime) -> None:
    """Let a job's slots pass by. Raises InputError when it is paused already."""
    if job.name in paused(session):
        raise InputError("Job {job} is paused already.", job=job.name)
    session.execute(_SWITCH, {"job": job.name, "paused": True, "now": now})
    audit.record(session, actor, "job.paused", f"job:{job.name}", now=now)


def resume(session: Session, job: Job, *, actor: str, now: datetime) -> None:
    """Let a job run again from now on; what it missed while paused is not caught up. Raises InputError when it runs."""
    if job.name not in paused(session):
        raise InputError("Job {job} is not paused.", job=job.name)
    session.execute(_SWITCH, {"job": job.name, "paused": False, "now": now})
    audit.record(session, actor, "job.resumed", f"job:{job.name}", now=now)


def trigger(session: Session, job: Job, *, actor: str, now: datetime) -> int:
    """Call for a job's work now, beside its slots; returns the Work's id. Raises InputError twice in one second."""
    moment = now.astimezone(UTC)
    key = f"{job.name}@{moment:%Y-%m-%dT%H:%M:%SZ}+manual"
    work_id = call(session, job.kind, key, slot=moment.isoformat())
    if work_id is None:
        raise InputError("Job {job} was triggered this very second.", job=job.name)
    audit.record(session, actor, "job.triggered", f"job:{job.name}", now=now, work=work_id)
    return work_id
