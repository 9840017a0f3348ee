"""A message that was settled takes no slot of its worker, also when the broker does not hear of it: else the worker would end up deaf."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.message import Message
from kombu.messaging import Consumer, Producer
from redis.exceptions import ConnectionError as Broken
from redis.exceptions import TimeoutError as TooLate

from core import embedded
from core.redis import redis_client_url
from tests.chaos.whole.wire import Wire
from workers.app import app

QUEUE = Queue("fetch", Exchange(""), routing_key="fetch")


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a Valkey of our own, which no other test empties."""
    home = tmp_path_factory.mktemp("valkey")
    running = embedded.start(home, durable=False, services=("valkey",))
    yield Path(redis_client_url(running.redis_url).removeprefix("unix://").partition("?")[0])
    embedded.remove(home)


def hanging(wire: Wire) -> None:
    wire.leave_half_open()


def away(wire: Wire) -> None:
    wire.reset()
    wire.close()


SETTLED: dict[str, Callable[[Message], None]] = {
    "acknowledged": lambda message: message.ack(),
    "rejected": lambda message: message.reject(),
    "given back": lambda message: message.requeue(),
}


@pytest.mark.parametrize("broker", [hanging, away])
@pytest.mark.parametrize("settle", SETTLED.values(), ids=SETTLED.keys())
def test_a_settled_message_takes_no_slot(valkey, broker, settle):
    wire = Wire(valkey)
    options = {**app.conf.broker_transport_options, "socket_timeout": 0.2}
    with Connection(wire.url, transport_options=options) as connection:
        channel = connection.channel()
        taken: list[Message] = []
        with Consumer(channel, [QUEUE], callbacks=[lambda _, message: taken.append(message)], prefetch_count=1):
            Producer(channel).publish({}, routing_key="fetch")
            while not taken:
                connection.drain_events(timeout=5)
            assert not channel.qos.can_consume(), "its only slot is taken"
            broker(wire)
            with pytest.raises((Broken, TooLate)):
                settle(taken[0])
            assert channel.qos.can_consume()
    wire.close()
