"""The tick: what beat does every second. Two or more beats may tick at once; every step is safe beside itself.

1. Work for due slots is inserted (a slot has one key, so it exists once). 2. Leases of silent processes are expired. 3. Each queue
is topped up with due Work. What was enqueued and lost is enqueued again; what is published twice is claimed once.

Every few ticks jobs that failed for good, or work again, are noticed, and the operator is written to.
"""

from dataclasses import dataclass

import redis
import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError

from core.clock import business_now
from core.database import redis_url, transaction
from core.faults import fault_point
from core.redis import redis_client_url
from schedules.jobs import jobs
from services.dead_work.telling import look, tell_operator
from services.effects.witnessed import settle_witnessed
from services.heartbeats import beat_heart, sweep
from services.jobs import call_due_slots
from services.ways.telling import tell_operator as tell_of_left_alone
from services.work import QUEUES, expire_leases
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
        slots = call_due_slots(session, jobs(current_settings().follow_ups), business_now(session))
    fault_point("tick.slots_called")
    expired = expire()
    fault_point("tick.expired")
    return Ticked(slots, expired, _fill_queues())


def watch_failures() -> None:
    """Notice what failed for good, is left alone, or works again, and write the operator. A fault in it must not keep work from its queues."""
    try:
        with transaction() as session:
            look(session)
        fault_point("failures.noticed")
        with transaction() as session:
            told = tell_operator(session, current_settings(), now=business_now(session))
            fault_point("failures.told")
        with transaction() as session:
            told += tell_of_left_alone(session, current_settings(), now=business_now(session))
    except (OperationalError, InterfaceError):
        raise  # the database is away: beat says so, in one line
    except Exception:
        log.exception("failures_not_watched")
        return
    if told:
        log.info("failures_told", jobs=told)


def expire() -> int:
    """Free the work of silent processes; how many. What must happen when work is thereby given up cannot hinder the rest."""
    with transaction() as session:
        expired, dead = expire_leases(session)
        settled = settle_witnessed(session, current_settings().effects_journal) if expired else set()
        for ended in dead:
            if ended.work_id in settled:
                continue
            try:
                with session.begin_nested():
                    after_death(session, ended)
            except Exception:
                log.exception("after_death_failed", work=ended.work_id, kind=ended.kind)
    if expired:
        log.warning("leases_expired", count=expired, dead=len(dead), witnessed=len(settled))
    return expired


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
