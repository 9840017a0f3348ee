"""How often one address may try: counted in Redis, in memory while Redis is away; the page that says so."""

import time

import pytest
from structlog.testing import capture_logs

from console.web.limits import Limiter
from tests.support.browsing import ORIGIN, Browser


def test_counted_in_redis_by_all_processes_together(services):
    first, second = Limiter(lambda: services.redis_url), Limiter(lambda: services.redis_url)
    who = f"test-{time.time_ns()}"
    assert [first.wait("t", who, "3/minute"), second.wait("t", who, "3/minute"), first.wait("t", who, "3/minute")] == [
        0,
        0,
        0,
    ]
    assert 0 < second.wait("t", who, "3/minute") <= 60
    assert second.wait("t", "another", "3/minute") == 0
    assert second.wait("another", who, "3/minute") == 0


def test_counted_in_memory_while_redis_is_away():
    asked = []

    def url() -> str:
        asked.append(1)
        return "redis://127.0.0.1:1/0"

    limiter = Limiter(url)
    with capture_logs() as logs:
        assert [bool(limiter.wait("t", "a", "2/minute")) for _ in range(4)] == [False, False, True, True]
    assert len(asked) == 1, "what is away is left alone for a while"
    assert [one["event"] for one in logs] == ["rate_limits_without_redis"]
    assert "redis://" not in str(logs)


def test_one_computer_has_many_addresses_of_ipv6():
    limiter = Limiter()
    near = [f"2001:db8:1:2::{number:x}" for number in range(1, 5)]
    assert [bool(limiter.wait("t", who, "3/minute")) for who in near] == [False, False, False, True]
    assert limiter.wait("t", "2001:db8:1:3::1", "3/minute") == 0
    mapped = ["::ffff:192.0.2.7", "192.0.2.7", "::ffff:192.0.2.7", "192.0.2.7"]
    assert [bool(limiter.wait("t", who, "3/minute")) for who in mapped] == [False, False, False, True]
    assert limiter.wait("t", "::ffff:192.0.2.8", "3/minute") == 0
    assert limiter.wait("t", "fe80::1%eth0", "3/minute") == limiter.wait("t", "", "3/minute") == 0


def test_redis_is_asked_again_after_a_while(services, monkeypatch):
    urls = iter(["redis://127.0.0.1:1/0", services.redis_url])
    limiter = Limiter(lambda: next(urls))
    limiter.wait("t", "a", "2/minute")
    limiter._redis, limiter._away_until = None, 0.0
    assert limiter.wait("t", f"b{time.time_ns()}", "2/minute") == 0
    assert next(urls, None) is None


@pytest.mark.parametrize(("path", "times"), [("/login", 60), ("/enter/x", 20), ("/login/callback", 60)])
def test_too_often_is_a_page_with_a_time(app, path, times):
    browser = Browser(app)
    for _ in range(times):
        assert browser.client.get(path).status_code != 429
    answer = browser.client.get(path)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert "tried too often" in answer.text


def test_guessing_links_is_slow(app):
    browser = Browser(app)
    answers = [browser.client.post(f"/enter/guess-{n}", headers={"origin": ORIGIN}).status_code for n in range(25)]
    assert answers.count(429) == 5
