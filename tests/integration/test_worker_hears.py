"""A worker whose connections to the broker are cut takes messages again: it holds none on which it would wait without a limit."""

from pathlib import Path

import pytest
import redis
from sqlalchemy.orm import Session

from core.embedded import Embedded
from core.redis import redis_client_url
from services.work import call
from tests.support.debian_servers import admin_url
from tests.support.installation import Installation, installation

pytestmark = pytest.mark.slow


def done(here: Installation, key: str) -> None:
    """Call for something small and wait until a worker has done it."""
    with Session(here.engine) as session, session.begin():
        call(session, "watch_prices", key)
    here.wait(lambda: here.rows("SELECT 1 FROM work WHERE key = :key AND done_at IS NOT NULL", key=key), 60)


def test_cut_connections_make_no_worker_deaf(database: Embedded, tmp_path: Path) -> None:
    with (
        installation(database, tmp_path) as here,
        redis.Redis.from_url(redis_client_url(admin_url(database))) as broker,
    ):
        here.start("worker", "--group", "inside")
        here.start("beat")
        done(here, "first")
        ours = [one for one in broker.client_list() if one["db"] == str(broker.get_connection_kwargs()["db"])]
        assert ours, "the worker waits for messages"
        assert not [one for one in ours if int(one["psub"]) or int(one["sub"])], (
            "redis-py reads those without any limit"
        )
        for one in ours:
            if one["id"] != str(broker.client_id()):
                broker.client_kill_filter(_id=one["id"])
        done(here, "second")
