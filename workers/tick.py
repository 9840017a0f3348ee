"""The tick: what beat does every second. Two or more beats may tick at once; every step is safe beside itself.

1. Work for due slots is inserted (a slot has one key, so it exists once). 2. Leases of silent processes are expired. 3. Each queue
is topped up with due Work. What was enqueued and lost is enqueued again; what is published twice is claimed once.
"""

from dataclasses import dataclass
from datetime import datetime

import redis
import structlog
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import business_now
from core.database import redis_url, transaction
from core.faults import fault_point
from core.redis import redis_client_url
from core.settings import FollowUps
from schedules.jobs import jobs
from schedules.slots import due_slot, slot_key
from services.heartbeats import beat_heart, sweep
from services.work import QUEUES, call, expire_leases
from services.work.lease import after_death
from services.work.queueing import ABSURD_LENGTH, TARGET_LENGTH, top_up
from workers.configuration import current_settings
from workers.queue import publish
from workers.signs_of_life import own_name

log = structlog.get_logger()


@dataclass(frozen=True)
class Ticked:
    """What one tick did."""

    slots: int
    expired: int
    enqueued: int


def tick() -> Ticked:
    """One tick, in short transactions; publishing happens after the last, with none open."""
    with transaction() as session:
        beat_heart(session, own_name("beat"), "beat")
        sweep(session)
    with transaction() as session:
        slots = call_due_slots(session, business_now(session), current_settings().follow_ups)
    fault_point("tick.slots_called")
    expired = expire()
    fault_point("tick.expired")
    return Ticked(slots, expired, _fill_queues())


def expire() -> int:
    """Free the work of silent processes; how many. What must happen when work is thereby given up cannot hinder the rest."""
    with transaction() as session:
        expired, dead = expire_leases(session)
        for ended in dead:
            try:
                with session.begin_nested():
                    after_death(session, ended)
            except Exception:
                log.exception("after_death_failed", work=ended.work_id, kind=ended.kind)
    if expired:
        log.warning("leases_expired", count=expired, dead=len(dead))
    return expired


def call_due_slots(session: Session, now: datetime, follow_ups: FollowUps) -> int:
    """Call for the Work of every slot that has come since its job was first seen and is not there yet; how many were new."""
    every = {job.name: job for job in jobs(follow_ups) if job.enabled}
    since = _job_states(session, now, list(every))
    due = {
        slot_key(every[name], slot): (every[name], slot)
        for name, begun in since.items()
        if name in every and (slot := due_slot(every[name], begun, now))
    }
    # looked up first: a conflict on insert would burn an id for every job and second
    known = set(session.execute(text("SELECT key FROM work WHERE key = ANY(:keys)"), {"keys": list(due)}).scalars())
    called = 0
    for key, (job, slot) in due.items():
        if key not in known and call(session, job.kind, key, slot=slot.isoformat()) is not None:
            log.info("slot_called", job=job.name, slot=slot.isoformat())
            called += 1
    return called


def _job_states(session: Session, now: datetime, names: list[str]) -> dict[str, datetime]:
    """Since when each unpaused job counts; a job seen for the first time counts from now, so installing runs nothing at once."""
    session.execute(
        text(
            "INSERT INTO job_state (job, since, paused) SELECT name, :now, false FROM unnest(CAST(:names AS text[])) AS name"
            " WHERE NOT EXISTS (SELECT FROM job_state WHERE job = name) ON CONFLICT DO NOTHING"
        ),
        {"names": names, "now": now},
    )
    rows = session.execute(text("SELECT job, since FROM job_state WHERE NOT paused"))
    return {row.job: row.since for row in rows}


def _length(client: redis.Redis, queue: str) -> int:
    """How many messages wait. Far more than any tick enqueues is garbage that real hints would wait behind: away with it."""
    length = int(client.llen(queue))
    if length <= ABSURD_LENGTH:
        return length
    client.delete(queue)
    log.error("queue_thrown_away", queue=queue, messages=length)
    return 0


def _fill_queues() -> int:
    """Top every queue up to its target length. With Redis away nothing is marked: it would only have to be marked again."""
    try:
        with redis.Redis.from_url(redis_client_url(redis_url()), socket_timeout=3, socket_connect_timeout=2) as client:
            lengths = {queue: _length(client, queue) for queue in QUEUES}
    except RedisError as error:
        log.warning("queue_unreachable", error=type(error).__name__)
        return 0
    chosen: list[tuple[int, str, str]] = []
    with transaction() as session:
        for queue in QUEUES:
            chosen += [
                (work_id, kind, queue) for work_id, kind in top_up(session, queue, TARGET_LENGTH - lengths[queue])
            ]
    if not chosen:
        return 0
    fault_point("tick.enqueued")
    sent = publish(chosen)
    fault_point("tick.published")
    return sent
