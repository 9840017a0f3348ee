"""For those who watch: who is told what, and what stands in it."""

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from console.app import create_app
from services.heartbeats import beat_heart
from tests.console.conftest import _within
from tests.support.browsing import ORIGIN, Browser, settings_for


@pytest.fixture
def served(session, services):
    """A console with a real Redis."""
    return create_app(
        settings_for(metrics_from=["10.0.0.0/24"]),
        transaction=lambda: _within(session),
        redis_url=lambda: services.redis_url,
    )


def ready(app) -> tuple[int, list[str]]:
    answer = Browser(app).client.get("/readyz")
    return answer.status_code, answer.json()["missing"]


def test_alive_whatever_else_is(app):
    def away():
        raise AssertionError

    answer = Browser(create_app(settings_for(), transaction=away)).client.get("/healthz", headers={"host": "pod-7"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_with_everything(session, served):
    assert ready(served) == (503, ["beat"])
    beat_heart(session, "beat@test", "beat")
    assert ready(served) == (200, [])
    session.execute(text("UPDATE heartbeat SET seen_at = seen_at - interval '1 min'"))
    assert ready(served) == (503, ["beat"])


def test_not_ready_without_redis(session, app):
    beat_heart(session, "beat@test", "beat")
    assert ready(app) == (503, ["redis"])


def test_not_ready_with_other_migrations(session, served, monkeypatch):
    monkeypatch.setattr("console.health.wanted_revision", lambda: "9999")
    beat_heart(session, "beat@test", "beat")
    assert ready(served) == (503, ["migrations"])


def test_not_ready_without_database():
    from sqlalchemy.orm import Session

    from core.database import make_engine

    engine = make_engine("postgresql://nobody@127.0.0.1:1/none")
    app = create_app(settings_for(), transaction=lambda: Session(engine), redis_url=lambda: "redis://127.0.0.1:1/0")
    assert ready(app) == (503, ["database", "redis"])
    figures = Browser(app).client.get("/metrics")
    assert figures.status_code == 200
    assert "avain_console_requests_total" in figures.text
    assert "avain_work_due" not in figures.text


def test_figures(session, served, sign_in):
    session.execute(
        text(
            "INSERT INTO work (kind, key, queue, arguments, next_at, dead_at) VALUES"
            " ('a', 'a', 'budgets', '{}', clock_timestamp() - interval '90 s', NULL),"
            " ('a', 'b', 'orders', '{}', clock_timestamp(), clock_timestamp())"
        )
    )
    session.execute(
        text(
            "WITH w AS (INSERT INTO work (kind, key, queue, lane, arguments, done_at)"
            " VALUES ('a', 'c', 'fetch', 'source:lifecare', '{}', clock_timestamp()) RETURNING id)"
            " INSERT INTO run (work_id, kind, attempt, token, host, outcome, counts, finished_at)"
            " SELECT id, 'a', 1, gen_random_uuid(), 'h', 'succeeded', '{}', clock_timestamp() - interval '1 h' FROM w"
        )
    )
    sign_in("operator")
    client = Browser(served).client
    client.get("/login?to=/secret-thing")
    client.get("/nothing/of/the/kind")
    client.request("BREW", "/login")
    told = client.get("/metrics").text
    assert 'avain_console_requests_total{method="GET",route="/login",status="200"} 1.0' in told
    assert 'route="none",status="404"' in told
    assert 'method="other"' in told
    assert 'avain_console_request_seconds_bucket{le="0.3",route="/login"}' in told
    assert "avain_console_sessions 1.0" in told
    assert 'avain_work_due{queue="budgets"} 1.0' in told
    assert 'avain_work_dead{queue="orders"} 1.0' in told
    assert 'avain_work_due{queue="fetch"} 0.0' in told
    assert float(_value(told, 'avain_work_oldest_due_seconds{queue="budgets"}')) >= 90
    assert float(_value(told, 'avain_source_age_seconds{source="lifecare"}')) >= 3600
    assert "secret" not in told
    assert "kind" not in told


def _value(told: str, name: str) -> str:
    return next(line.removeprefix(name).strip() for line in told.splitlines() if line.startswith(name))


@pytest.mark.parametrize(
    ("address", "status"), [("127.0.0.1", 200), ("::1", 200), ("10.0.0.9", 200), ("10.0.1.9", 404), ("testclient", 404)]
)
def test_figures_are_for_those_named(served, address, status):
    with TestClient(served, base_url=ORIGIN, client=(address, 1)) as client:
        assert client.get("/metrics").status_code == status


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "via", "x-forwarded-proto"])
def test_figures_are_not_for_whom_a_proxy_on_this_machine_brings(served, header):
    """A proxy that is not named in `trusted_proxies` makes everybody come from 127.0.0.1."""
    with TestClient(served, base_url=ORIGIN, client=("127.0.0.1", 1)) as client:
        assert client.get("/metrics", headers={header: "192.0.2.7"}).status_code == 404
