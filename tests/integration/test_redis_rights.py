"""The rights that a county gives Avain's user in Redis suffice for everything, and none of them could be left out.

As a user with just these rights, on the embedded Valkey or Debian's Redis; `make test-debian` runs all of tests/integration with them.
"""

from collections.abc import Iterator
from contextlib import suppress

import pytest
import redis
from kombu.exceptions import OperationalError
from kombu.transport.redis import QoS
from limits.errors import StorageError
from redis.exceptions import RedisError

from console.web.limits import Limiter
from core import database
from core.redis import redis_client_url
from core.settings import settings
from services.health import Ground
from services.health.queue import redis as look
from services.work.queueing import ABSURD_LENGTH
from tests.support.debian_servers import admin_url
from tests.support.in_process import InProcess
from tests.support.redis_rights import COMMANDS, RIGHTS
from workers import tick
from workers.app import app, connected_app
from workers.mail_pace import mail_pace
from workers.queue import publish

USER = "avain-limited"
#: What may happen where something is forbidden: nothing is lost by it.
REFUSED = (RedisError, OperationalError, StorageError, OSError)


@pytest.fixture
def admin(here: InProcess, request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """Who may do everything there; from now on this process is another, who may do little."""
    whole = redis_client_url(admin_url(request.getfixturevalue("database")))
    with redis.Redis.from_url(whole, decode_responses=True) as client:
        client.execute_command("ACL", "SETUSER", USER, "reset", "on", ">invented", *RIGHTS.split())
        scheme, _, rest = database.redis_url().partition("://")
        here.configure(redis_url=f"{scheme}://{USER}:invented@{rest.rpartition('@')[2]}")
        database.redis_url.cache_clear()
        yield client
        client.execute_command("ACL", "DELUSER", USER)
    mail_pace.cache_clear()  # it holds a connection of that user


def day(admin: redis.Redis) -> Iterator[set[str]]:
    """Everything that Avain does in Redis, once: queues filled, read, settled and given back; attempts and mails counted; the doctor's look.
    After each part, what was refused in it.
    """
    admin.script_flush()
    admin.flushdb()
    for part in (_doctor, _console, _queue, _given_back, _mails, _tick):
        with suppress(*REFUSED):
            part(admin)
        yield refused(admin)


def _queue(_: object) -> None:
    """A message there, taken by a consumer, settled."""
    publish([(1, "deliver_order", "orders")])
    queue = next(one for one in app.conf.task_queues if one.name == "orders")
    with connected_app().connection_for_read() as connection, connection.channel() as channel:
        queue.bind(channel).declare()
        with connection.Consumer(queue, channel=channel, callbacks=[lambda _, message: message.ack()], accept=["json"]):
            connection.drain_events(timeout=1)


def _given_back(_: object) -> None:
    """What a worker that was killed had taken and not begun comes back, and so does what one that stops hands back."""
    publish([(2, "deliver_order", "orders"), (3, "deliver_order", "orders")])
    queue = next(one for one in app.conf.task_queues if one.name == "orders")
    taken: list[object] = []
    with connected_app().connection_for_read() as connection, connection.channel() as channel:
        with connection.Consumer(queue, channel=channel, on_message=taken.append, accept=["json"], prefetch_count=2):
            connection.drain_events(timeout=1)
            connection.drain_events(timeout=1)
        channel.qos.visibility_timeout = -1
        QoS.restore_visible(channel.qos, interval=1)
        taken[0].requeue()  # type: ignore[attr-defined]


def _console(_: object) -> None:
    limiter = Limiter(database.redis_url)
    for _ in range(3):
        limiter.wait("sign in", "192.0.2.1", "2/minute")


def _mails(_: object) -> None:
    mail_pace.cache_clear()
    for _ in range(2):
        mail_pace().turn(1)


def _tick(admin: redis.Redis) -> None:
    """A queue that is absurdly long is emptied."""
    admin.lpush("orders", *("garbage" for _ in range(ABSURD_LENGTH + 1)))
    tick.tick()


def _doctor(_: object) -> None:
    look(Ground(settings(), redis_url=database.redis_url))


def refused(admin: redis.Redis) -> set[str]:
    """What this user was not let do since it was last asked. (Newer servers are told the library's name, if they want to know it.)"""
    found = {str(entry["object"]) for entry in admin.acl_log() if entry["username"] == USER}
    admin.acl_log_reset()
    return found - {"client|setinfo"}


# a connection that is refused while it is being made is left to Python to close
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_rights_suffice_and_are_the_fewest_that_do(admin: redis.Redis) -> None:
    refused(admin)
    assert set().union(*day(admin)) == set()
    needless = []
    for command in COMMANDS:
        admin.execute_command("ACL", "SETUSER", USER, f"-{command}")
        if not any(command in missed for missed in day(admin)):
            needless.append(command)
        admin.execute_command("ACL", "SETUSER", USER, f"+{command}")
    assert needless == []


def test_other_keys_channels_and_commands_are_out_of_reach(admin: redis.Redis) -> None:
    with redis.Redis.from_url(redis_client_url(database.redis_url())) as client:
        assert client.llen("orders") == 0
        for forbidden in (
            "LPUSH others x",
            "GET others",
            "EVAL return(redis.call('get',KEYS[1])) 1 others",
            "PUBLISH orders x",
            "SUBSCRIBE orders",
            "FLUSHDB",
            "FLUSHALL",
            "KEYS *",
            "SCAN 0",
            "CONFIG GET maxmemory",
            "CLIENT LIST",
            "ACL LIST",
            "MONITOR",
            "SAVE",
            "SHUTDOWN",
            "REPLICAOF 192.0.2.1 6379",
            "MODULE LIST",
            "RENAME orders others",
            "SORT orders STORE others",
        ):
            with pytest.raises(redis.exceptions.ResponseError, match=r"(?i)permission|no access|NOPERM"):
                client.execute_command(*forbidden.split())
