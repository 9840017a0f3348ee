"""Bad messages for Avain's real worker: it survives every kind, keeps a trace of each, loses no slot and does the next Work.

The messages and the worker are those of bench/broker_faults, which measured what they do to a plain worker (docs/reliability.md).
"""

import base64
import json
from types import SimpleNamespace

import pytest
import redis
from sqlalchemy import text

from bench.broker_faults.avain_kind import KIND
from bench.broker_faults.avains_rig import AVAIN_QUEUE, AvainRig
from bench.broker_faults.messages import poisons
from bench.broker_faults.rig import Rig, rig, wait
from core.errors import Message
from workers.guard import LARGEST_BODY, what_is_wrong

POISONS = poisons(KIND, AVAIN_QUEUE)


@pytest.fixture(scope="module")
def bench():
    """A Valkey and a PostgreSQL of our own, migrated: the test empties queues that the run's other tests may be using."""
    with rig() as made, AvainRig(made) as avain:
        yield made, avain


@pytest.mark.slow
def test_the_worker_survives_every_poison_and_does_the_next_work(bench: tuple[Rig, AvainRig]):
    made, avain = bench
    worker = avain.worker()
    broker: redis.Redis = made.redis
    for message in POISONS.values():
        broker.lpush(AVAIN_QUEUE, message)
    work = avain.call(1, prefix="good")
    avain.hint(work)
    assert wait(lambda: avain.undone(work) == 0, 60) is not None, worker.log.read_text("utf-8")[-3000:]
    assert not worker.ended()

    with avain.engine.connect() as connection:
        dead = connection.execute(text("SELECT dead_at, last_error FROM work WHERE kind = 'poison'")).all()
    assert all(row.dead_at is not None for row in dead)
    assert {Message.from_json(row.last_error).msgid.split(".")[0] for row in dead} >= {
        "A message in the queue was not a message at all",
        "A message in the queue named no task",
        "A message in the queue named a task this version does not know",
        "A message in the queue had arguments of the wrong shape",
        "A message in the queue had a body of the wrong shape",
        "A message in the queue was not JSON",
    }
    counted = "SELECT sum((counts ->> 'messages')::int) FROM run WHERE kind = 'poison' AND outcome = 'failed'"
    assert avain.count(counted) == len(POISONS)
    assert broker.llen(AVAIN_QUEUE) == 0
    assert broker.hlen("unacked") == 0, "a settled message would come back after the visibility timeout"

    both = avain.call(2, prefix="both", seconds=1.5)
    avain.hint(both)
    assert wait(lambda: avain.undone(both) == 0, 30) is not None
    steps = [event.step for event in made.events() if event.task.startswith("both-")]
    assert steps == ["start", "start", "end", "end"], "poison must not have cost the worker one of its two slots"


GOOD = {"task": KIND, "id": "1", "timelimit": [None, None], "eta": None, "expires": None}


def hint(payload=None, body=b"", **headers):
    shaped = [[], {"work_id": 7}, {"callbacks": None}] if payload is None else payload
    return SimpleNamespace(headers=GOOD | headers, payload=shaped, body=body)


def test_a_hint_as_celery_writes_it_is_let_through(bench):
    made, avain = bench
    made.fresh()
    avain.hint([1])
    raw = json.loads(made.redis.lrange(AVAIN_QUEUE, 0, -1)[0])
    message = hint(json.loads(base64.b64decode(raw["body"])), **raw["headers"])
    assert what_is_wrong(message, {KIND}) is None
    assert what_is_wrong(hint(timelimit=[120.0, 115.0]), {KIND}) is None, (
        "a publisher that knows the task states its limits"
    )
    assert what_is_wrong(hint([[], {"work_id": 7, "since": "a later version"}, {}]), {KIND}) is None


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (SimpleNamespace(headers=None), "shape"),
        (hint(task=["x"]), "shape"),
        (hint(task="no.such.task"), "task"),
        (hint(id=None), "shape"),
        (hint(timelimit=5), "shape"),
        (hint(timelimit=[5]), "shape"),
        (hint(timelimit=["5", None]), "shape"),
        (hint(eta="2026-01-01"), "shape"),
        (hint(expires={}), "shape"),
        (hint(body=b"x" * (LARGEST_BODY + 1)), "body"),
        (hint(5), "body"),
        (hint([[7], {}, {}]), "arguments"),
        (hint([[], {"work_id": "7"}, {}]), "arguments"),
        (hint([[], {"work_id": 2**63}, {}]), "arguments"),
        (hint([[], {"work_id": 0}, {}]), "arguments"),
        (hint([[], {"work_id": 7}, {"chain": [1]}]), "arguments"),
        (SimpleNamespace(headers=GOOD, body=b""), "encoding"),
    ],
)
def test_anything_else_has_a_reason(message, reason):
    assert what_is_wrong(message, {KIND}) == reason
