"""Switching scheduled jobs: paused, resumed, triggered by hand. Since when a job counts stands in `job_state`."""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from schedules.jobs import Job
from services import audit
from services.work import call

#: Rows in: a job, whether it is paused, and the moment from which its slots count if it was unknown or is resumed.
_SWITCH = text(
    """
    INSERT INTO job_state (job, since, paused) VALUES (:job, :now, :paused)
    ON CONFLICT (job) DO UPDATE SET paused = :paused, since = CASE WHEN :paused THEN job_state.since ELSE :now END
    """
)


def named(jobs: tuple[Job, ...], name: str) -> Job:
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
