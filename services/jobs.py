"""Scheduled jobs at work: the Work of slots that have come, what people do to jobs, and what was missed.

What there is and when it is due is schedules/; how a job stands, and what a person set otherwise, is a row of `job_state`, which every beat reads
at each tick: a change counts at once and everywhere. Whoever decides about a job holds its row locked and looks again, so that two beats, or a beat
and a person, agree.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from schedules import deciding
from schedules.deciding import Look, Missed, Standing
from schedules.jobs import LONGEST_JITTER, OVERLAPS, Job, Overlap
from schedules.slots import check_cron, jitter, shortest_gap, slot_key
from services import audit
from services.job_settings import Kept, in_force, kept
from services.work import call

log = structlog.get_logger()

#: Who resumes a job whose pause has ended.
_BY_ITSELF: Final = "avain"
#: What was missed is kept so long after.
_KEPT: Final = timedelta(days=60)
_LOOKED_AT: Final = "schedule.looked_at"

#: Rows in: names of jobs. Rows made: those seen for the first time, which count from now, so that installing runs nothing at once.
_MEET = text(
    """
    INSERT INTO job_state (job, since, paused) SELECT name, :now, false FROM unnest(CAST(:names AS text[])) AS name
    WHERE NOT EXISTS (SELECT FROM job_state WHERE job = name) ON CONFLICT DO NOTHING
    """
)

#: Rows in: keys. Rows out: those called for before.
_KNOWN = text("SELECT key FROM work WHERE key = ANY(:keys)")

#: Rows in: lanes of jobs. Rows out: those in which one of the latest Works has not ended.
_UNDER_WAY = text(
    """
    SELECT lane FROM unnest(CAST(:lanes AS text[])) AS lane
    WHERE EXISTS (SELECT FROM (SELECT done_at, dead_at FROM work WHERE work.lane = lane.lane ORDER BY id DESC LIMIT 20) AS latest
                  WHERE done_at IS NULL AND dead_at IS NULL)
    """
)

#: Rows in: a job and how it stands now. Rows changed: its own.
_KEEP = text(
    """
    UPDATE job_state SET since = :since, paused = CAST(:paused_at AS timestamptz) IS NOT NULL, paused_at = :paused_at,
        paused_until = :paused_until, paused_why = CASE WHEN CAST(:paused_at AS timestamptz) IS NULL THEN '' ELSE paused_why END,
        last_slot = :last_slot, called_slot = coalesce(:called_slot, called_slot)
    WHERE job = :job
    """
)

#: Rows in: a slot left out for an earlier Work, and the one decided about before it. Rows changed: the stretch that it continues, if there is one.
_CONTINUE = text(
    """
    UPDATE missed_slots SET last_slot = :last_slot, slots = slots + 1
    WHERE id = (SELECT id FROM missed_slots WHERE job = :job ORDER BY id DESC LIMIT 1) AND why = :why AND last_slot = :before
    """
)

#: Rows in: a stretch. Rows made: it.
_MISSED = text(
    """
    INSERT INTO missed_slots (job, why, first_slot, last_slot, slots, caught_up_at)
    VALUES (:job, :why, :first_slot, :last_slot, :slots, :caught_up_at)
    """
)

_FORGET = text("DELETE FROM missed_slots WHERE job = :job AND last_slot < :before")

_REMEMBER = text(
    """
    INSERT INTO remembered (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value
    """
)


@dataclass(frozen=True)
class Found:
    """A job in force, what there is to do for it, and how it stood before."""

    job: Job
    look: Look
    former: Standing


def call_due_slots(session: Session, jobs: Sequence[Job], now: datetime) -> int:
    """Call for the Work of every slot that has come since its job was first seen and is not there yet; how many were new.

    `jobs` are as the table has them. Notes what was missed, ends pauses that are over, and remembers that somebody looked.
    """
    called = _look_at(session, {job.name: job for job in jobs if job.enabled}, now)
    session.execute(_REMEMBER, {"name": _LOOKED_AT, "value": now.isoformat()})
    return called


def named(jobs: Sequence[Job], name: str) -> Job:
    """The job of that name. Raises NotFound."""
    for job in jobs:
        if job.name == name:
            return job
    raise NotFound("There is no job {name}. There are: {jobs}", name=name, jobs=", ".join(job.name for job in jobs))


def pause(
    session: Session, job: Job, *, actor: str, now: datetime, until: datetime | None = None, why: str = ""
) -> None:
    """Let a job's slots pass by, until a moment or until somebody resumes it. A pause that is on gets another end or reason.

    Raises InputError when it is paused just so already, or the end is not to come.
    """
    if until is not None and until <= now:
        raise InputError("The end of a pause must be still to come.")
    before = _locked(session, job, now)
    if before.standing.paused_at is not None and (before.standing.paused_until, before.why) == (until, why):
        raise InputError("Job {job} is paused already.", job=job.name)
    if before.standing.paused_at is None:
        _note(session, job.name, deciding.not_come_to(in_force(job, before, now).job, before.standing, now), now)
    _keep(session, job.name, deciding.pause(before.standing, now, until))
    session.execute(text("UPDATE job_state SET paused_why = :why WHERE job = :job"), {"job": job.name, "why": why})
    ends = {"until": until.isoformat()} if until is not None else {}
    audit.record(session, actor, "job.paused", f"job:{job.name}", now=now, reason=why, **ends)


def resume(session: Session, job: Job, *, actor: str, now: datetime) -> None:
    """Let a job run again from now on; what it missed while paused is not caught up. Raises InputError when it runs."""
    before = _locked(session, job, now)
    if before.standing.paused_at is None:
        raise InputError("Job {job} is not paused.", job=job.name)
    _note(
        session, job.name, deciding.stretch(in_force(job, before, now).job, "paused", before.standing.since, now), now
    )
    _keep(session, job.name, deciding.resume(before.standing, now))
    audit.record(session, actor, "job.resumed", f"job:{job.name}", now=now)


def trigger(session: Session, job: Job, *, actor: str, now: datetime) -> int:
    """Call for a job's work now, beside its slots; returns the Work's id. Raises InputError twice in one second."""
    moment = now.astimezone(UTC)
    key = f"{job.name}@{moment:%Y-%m-%dT%H:%M:%SZ}+manual"
    work_id = call(session, job.kind, key, lane=job.lane, slot=moment.isoformat())
    if work_id is None:
        raise InputError("Job {job} was triggered this very second.", job=job.name)
    audit.record(session, actor, "job.triggered", f"job:{job.name}", now=now, work=work_id)
    return work_id


def change(
    session: Session,
    job: Job,
    *,
    actor: str,
    now: datetime,
    cron: str | None = None,
    overlap: str | None = None,
    jitter_seconds: int | None = None,
) -> Job:
    """Have a job run at other times, or deal otherwise with overlaps, or begin later; None leaves a setting as it is. Returns the job in force.

    Other times count from now on; what was due by the former ones and was not called for yet is called for first. Raises InputError for what
    cannot be read, never comes, or changes nothing.
    """
    before = _locked(session, job, now)
    former = in_force(job, before, now).job
    wanted = replace(
        former,
        cron=former.cron if cron is None else " ".join(cron.split()),
        overlap=former.overlap if overlap is None else _overlap(overlap),
        jitter_seconds=former.jitter_seconds if jitter_seconds is None else jitter_seconds,
    )
    check_cron(wanted, now)
    _check_jitter(wanted, now)
    return _put(session, job, before, wanted, actor=actor, now=now, action="job.changed")


def reset(session: Session, job: Job, *, actor: str, now: datetime) -> Job:
    """Have a job do again what the table and avain.toml say. A pause stays. Raises InputError when nothing was set otherwise."""
    return _put(session, job, _locked(session, job, now), job, actor=actor, now=now, action="job.reset")


def _put(session: Session, job: Job, before: Kept, wanted: Job, *, actor: str, now: datetime, action: str) -> Job:
    settings = {
        name: _unless(getattr(wanted, name), getattr(job, name)) for name in ("cron", "overlap", "jitter_seconds")
    }
    if settings == before.settings:
        raise InputError("That changes nothing: job {job} is so already.", job=job.name)
    former = in_force(job, before, now).job
    since = before.standing.since
    if wanted.cron != former.cron:
        if before.standing.paused_at is None:
            _look_at(session, {job.name: job}, now)
        else:
            _note(session, job.name, deciding.stretch(former, "paused", since, now), now)
        since = now
    session.execute(
        text(
            "UPDATE job_state SET cron = :cron, overlap = :overlap, jitter_seconds = :jitter_seconds, since = :since,"
            " changed_by = :actor, changed_at = :now WHERE job = :job"
        ),
        {"job": job.name, **settings, "since": since, "actor": actor, "now": now},
    )
    changed = {name: [getattr(former, name), getattr(wanted, name)] for name in settings}
    told: dict[str, Any] = {name: values for name, values in changed.items() if values[0] != values[1]}
    audit.record(session, actor, action, f"job:{job.name}", now=now, **told)
    return wanted


def _unless(value: Any, default: Any) -> Any:
    """What is kept of a setting: nothing where it is the default, which then may change."""
    return None if value == default else value


def _overlap(value: str) -> Overlap:
    for known in OVERLAPS:
        if value == known:
            return known
    raise InputError("{value} is not allowed; allowed: {allowed}", value=value, allowed=", ".join(get_args(Overlap)))


def _check_jitter(job: Job, now: datetime) -> None:
    """A start may be moved by an hour at most, and never up to the next one."""
    if not 0 <= job.jitter_seconds <= LONGEST_JITTER:
        raise InputError("A start can be moved by 0 to {most} seconds.", most=LONGEST_JITTER)
    gap = shortest_gap(job, now)
    if gap is not None and job.jitter_seconds >= gap.total_seconds():
        raise InputError(
            "A start cannot be moved by {seconds} seconds: the next one comes {gap} seconds after it.",
            seconds=job.jitter_seconds,
            gap=round(gap.total_seconds()),
        )


def _look_at(session: Session, every: dict[str, Job], now: datetime) -> int:
    """Decide about each job; how much Work was new. A job that something is to be done for is locked and looked at once more."""
    session.execute(_MEET, {"names": list(every), "now": now})
    looked_at = last_look(session)
    rows = kept(session)
    # looked up first: a conflict on insert would burn an id for every job and second
    busy = _new(session, _looks(every, rows, now, looked_at))
    if not busy:
        return 0
    rows = kept(session, lock=sorted(busy))
    busy = _new(session, _looks({name: every[name] for name in busy}, rows, now, looked_at))
    lanes = [one.job.lane for one in busy.values() if one.job.overlap == "skip"]
    under_way = set(session.execute(_UNDER_WAY, {"lanes": lanes}).scalars()) if lanes else set()
    return sum(_do(session, one, now, under_way=one.job.lane in under_way) for one in busy.values())


def _looks(every: dict[str, Job], rows: dict[str, Kept], now: datetime, looked_at: datetime | None) -> dict[str, Found]:
    jobs = {name: in_force(job, rows[name], now).job for name, job in every.items() if name in rows}
    return {
        name: Found(job, deciding.look(job, rows[name].standing, now, looked_at), rows[name].standing)
        for name, job in jobs.items()
    }


def _new(session: Session, looks: dict[str, Found]) -> dict[str, Found]:
    """The jobs that something is to be done for: a slot without its Work, or a pause that is over. In the order of the day."""
    keys = {name: slot_key(one.job, one.look.slot) for name, one in looks.items() if one.look.slot is not None}
    known = set(session.execute(_KNOWN, {"keys": list(keys.values())}).scalars())
    for name, key in keys.items():
        if key in known:
            looks[name] = replace(looks[name], look=deciding.without_slot(looks[name].look))
    return {name: one for name, one in looks.items() if one.look.resumed or one.look.slot is not None}


def _do(session: Session, found: Found, now: datetime, *, under_way: bool) -> int:
    """Do what is to be done for a job, whose row is locked; whether Work was called for."""
    job = found.job
    decision = deciding.decide(job, found.look, under_way=under_way)
    called = decision.call is not None and _call(session, job, decision.call, now)
    _note(session, job.name, decision.missed, now, before=found.former.last_slot)
    _keep(session, job.name, decision.standing, called_slot=decision.call if called else None)
    if found.look.resumed:
        audit.record(session, _BY_ITSELF, "job.resumed", f"job:{job.name}", now=now)
        log.info("job_resumed", job=job.name)
    return int(called)


def _call(session: Session, job: Job, slot: datetime, now: datetime) -> bool:
    begins = slot + jitter(job, slot)
    delay = max(0.0, (begins - now).total_seconds())
    if call(session, job.kind, slot_key(job, slot), lane=job.lane, delay=delay, slot=slot.isoformat()) is None:
        return False
    log.info("slot_called", job=job.name, slot=slot.isoformat())
    return True


def _note(
    session: Session, job: str, missed: Collection[Missed], now: datetime, *, before: datetime | None = None
) -> None:
    """Keep what was missed; what is long past is forgotten by the way."""
    for one in missed:
        values = {
            "job": job,
            "why": one.why,
            "first_slot": one.first_slot,
            "last_slot": one.last_slot,
            "slots": one.slots,
        }
        if one.why == "running" and session.execute(_CONTINUE, {**values, "before": before}).rowcount:  # type: ignore[attr-defined]
            continue
        session.execute(_MISSED, {**values, "caught_up_at": now if one.caught_up else None})
    if missed:
        session.execute(_FORGET, {"job": job, "before": now - _KEPT})


def _keep(session: Session, job: str, standing: Standing, *, called_slot: datetime | None = None) -> None:
    session.execute(_KEEP, {"job": job, **vars(standing), "called_slot": called_slot})


def _locked(session: Session, job: Job, now: datetime) -> Kept:
    """A job's row, locked until the transaction ends, with a pause that is over ended."""
    session.execute(_MEET, {"names": [job.name], "now": now})
    found = kept(session, lock=[job.name])[job.name]
    if found.standing.paused_at is not None and not found.standing.is_paused(now):
        _look_at(session, {job.name: job}, now)
        found = kept(session, lock=[job.name])[job.name]
    return found


def last_look(session: Session) -> datetime | None:
    """When somebody ticked last, in business time; None before the first time."""
    found = session.execute(text("SELECT value FROM remembered WHERE name = :name"), {"name": _LOOKED_AT}).scalar()
    return None if found is None else datetime.fromisoformat(found)
