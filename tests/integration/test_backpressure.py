"""A queue never grows past its target, whoever publishes how much at once; what did not fit is taken by a later tick."""

import base64
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from kombu.connection import Connection

from core import database
from core.redis import redis_client_url
from services.work import Call, call_many
from services.work.queueing import TARGET_LENGTH, mark_enqueued
from tests.support.debian_servers import admin_url
from tests.support.in_process import InProcess
from workers import tick
from workers.app import app, connected_app
from workers.queue import hint, keep, publish

#: Far more than a night brings.
MANY = 10_000


@pytest.fixture
def client(here: InProcess, request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """Of the test's own, who may look at everything."""
    with redis.Redis.from_url(redis_client_url(admin_url(request.getfixturevalue("database")))) as found:
        yield found


def call_for(here: InProcess, kind: str, count: int) -> list[int]:
    with here.transaction() as session:
        return call_many(session, [Call(kind, f"{kind}-{number}", subject_id=number) for number in range(count)])


def ids_in(client: redis.Redis, queue: str) -> list[int]:
    """Of which Works there are messages, the next to be taken first."""
    messages = [json.loads(raw) for raw in reversed(client.lrange(queue, 0, -1))]
    return [json.loads(base64.b64decode(one["body"]))[1]["work_id"] for one in messages]


def marked(here: InProcess) -> set[int]:
    return {row.id for row in here.rows("SELECT id FROM work WHERE enqueued_at IS NOT NULL")}


@contextmanager
def watched(queue: str) -> Iterator[list[int]]:
    """The lengths a queue has during the block, looked at without a pause."""
    lengths: list[int] = []
    over = threading.Event()

    def look() -> None:
        with redis.Redis.from_url(redis_client_url(database.redis_url())) as own:
            while not over.is_set():
                lengths.append(int(own.llen(queue)))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield lengths
    finally:
        over.set()
        looking.join()


def test_ten_thousand_due_two_beats_and_many_writers_fill_a_queue_to_its_target_and_no_further(
    here, client, monkeypatch
):
    monkeypatch.setattr(
        "services.work.queueing.ENQUEUE_AGAIN_SECONDS", 3600
    )  # on a slow machine this takes longer than that
    ids = call_for(here, "deliver_order", MANY)
    shares = [ids[start : start + 500] for start in range(0, MANY, 500)]
    with watched("orders") as lengths, ThreadPoolExecutor(10) as pool:
        beats = [pool.submit(lambda: [tick.tick() for _ in range(3)]) for _ in range(2)]
        list(pool.map(hint, shares))
        for one in beats:
            one.result()
    assert len(lengths) > 100, "it was looked at all the time"
    assert max(lengths) == client.llen("orders") == TARGET_LENGTH
    assert set(ids_in(client, "orders")) == marked(here), "what did not fit waits unmarked"
    assert len(marked(here)) == TARGET_LENGTH, "no Work stands in the queue twice"

    taken = ids_in(client, "orders")[:150]
    client.rpop("orders", 150)
    for _ in range(3):
        tick.tick()
    assert client.llen("orders") == TARGET_LENGTH, "the next ticks take what waits, and no more"
    assert set(taken) <= marked(here) == {*taken, *ids_in(client, "orders")}


def test_a_full_queue_hinders_no_other(here, client):
    client.lpush("orders", *("waits" for _ in range(TARGET_LENGTH)))
    orders, plans = call_for(here, "deliver_order", 3), call_for(here, "plan_follow_ups", 3)
    assert hint([*orders, *plans]) == 3
    assert ids_in(client, "reminders") == plans
    assert marked(here) == set(plans)


def test_a_writer_marks_no_more_than_could_ever_fit_but_what_it_does_itself(here):
    orders, plans = call_for(here, "deliver_order", TARGET_LENGTH + 5), call_for(here, "plan_follow_ups", 2)
    with here.transaction() as session:
        assert len(mark_enqueued(session, [*orders, *plans])) == TARGET_LENGTH + 2
    statements = call_for(here, "recompute_budgets", TARGET_LENGTH + 5)
    with keep(("recompute_budgets",)):
        assert hint(statements) == 0
    assert set(statements) <= marked(here), "no tick offers them to anybody soon"


def test_what_the_broker_would_not_take_is_due_again_at_once(here):
    ids = call_for(here, "deliver_order", 3)
    here.configure(redis_url="redis://127.0.0.1:1/0")
    database.redis_url.cache_clear()
    assert hint(ids) == 0
    assert marked(here) == set()


def test_a_message_taken_and_not_begun_goes_back_only_if_there_is_room(here, client):
    publish([(1, "deliver_order", "orders"), (2, "deliver_order", "orders")])
    with connected_app().connection_for_read() as connection:
        first, second = _taken(connection, 2)
        first.requeue()
        assert ids_in(client, "orders") == [1], "it is the next to be taken"
        client.lpush("orders", *("waits" for _ in range(TARGET_LENGTH - 1)))
        second.requeue()
    assert client.llen("orders") == TARGET_LENGTH
    assert client.hlen("unacked") == 0


def _taken(connection: Connection, count: int):
    """So many messages of the queue, as a consumer takes them."""
    queue = next(one for one in app.conf.task_queues if one.name == "orders")
    taken: list[Any] = []
    with connection.Consumer(queue, on_message=taken.append, accept=["json"], prefetch_count=count):
        while len(taken) < count:
            connection.drain_events(timeout=5)
    return taken
