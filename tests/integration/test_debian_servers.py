"""That the servers of `make test-debian` are what they are said to be, and what doctor says of a Redis that lets Avain do too little."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from redis.exceptions import NoPermissionError

from core.embedded import Embedded
from core.redis import redis_client_url
from core.settings import ROOT, Settings
from services.health import Ground
from services.health.queue import redis as look
from tests.support.debian_servers import POOLING, Debian
from tests.support.redis_rights import RIGHTS


@pytest.fixture
def servers(services: Embedded) -> Debian:
    if not isinstance(services, Debian):
        pytest.skip("SKIPPED ON THE EMBEDDED SERVERS: make test-debian runs it")
    return services


def test_every_step_of_the_way_to_the_database_is_encrypted_and_a_connection_is_lent_for_a_transaction(servers: Debian):
    address = servers.database_url.replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as first, psycopg.connect(address, autocommit=True) as second:
        assert (first.pgconn.ssl_in_use, second.pgconn.ssl_in_use) == (True, True)
        row = first.execute(
            "SELECT pg_backend_pid(), ssl, usename FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE pid = pg_backend_pid()"
        ).fetchone()
        assert row is not None
        assert row[1:] == (True, "avain_app")
        assert second.execute("SELECT pg_backend_pid()").fetchone() == row[:1], "the same server connection serves both"
    with pytest.raises(psycopg.OperationalError, match="SSL required"):
        psycopg.connect(address.replace("verify-full", "disable"))


@pytest.fixture
def weak(servers: Debian) -> Iterator[str]:
    """A user who may nothing but say hello."""
    with redis.Redis.from_url(redis_client_url(servers.redis_admin_url)) as admin:
        admin.execute_command("ACL", "SETUSER", "weak", "on", ">weak", "~*", "+@connection")
        yield servers.redis_url.replace(str(urlsplit(servers.redis_url).netloc.split("@")[0]), "weak:weak")
        admin.execute_command("ACL", "DELUSER", "weak")


def test_avains_user_of_redis_may_do_little(servers: Debian):
    with redis.Redis.from_url(redis_client_url(servers.redis_url)) as client:
        for forbidden in ("FLUSHALL", "KEYS *", "CONFIG GET maxmemory", "CLIENT LIST", "SHUTDOWN"):
            with pytest.raises(NoPermissionError):
                client.execute_command(*forbidden.split())


def test_doctor_says_why_redis_is_of_no_use(servers: Debian, weak: str, tmp_path: Path):
    good = servers.redis_url
    user, plain = urlsplit(good), good.split("?", maxsplit=1)[0].replace("rediss://", "redis://")
    told = {
        good: "messages waiting",
        good.replace(str(user.password), "wrong"): "another password",
        weak: "may not do there",
        good.split("?", maxsplit=1)[0]: "certificate is not trusted",
        good.replace("127.0.0.1", "localhost"): "certificate is not trusted",
        plain: "does not answer",
    }
    for url, sentence in told.items():
        found = look(Ground(Settings(home=tmp_path), redis_url=partial(str, url)))
        assert sentence in str(found[0].found), url
        assert (found[0].advice is None) == (url == good)
    careless = look(Ground(Settings(home=tmp_path), redis_url=lambda: f"{good.split('?')[0]}?ssl_cert_reqs=none"))
    assert [one.state for one in careless] == ["ok", "warning", "ok"]


def test_the_page_for_administrators_says_what_the_tests_run_on():
    page = (ROOT / "docs" / "servers.md").read_text("utf-8")
    assert f"user avain on >password {RIGHTS}\n" in page
    for name, value in POOLING.items():
        assert f"    {name} = {value}\n" in page
