"""`avain console`: the link, who is signed in, signing out; what doctor says of it; a server that starts, answers and stops."""

import json
import signal
import socket
from datetime import UTC, datetime

import httpx2
import pytest
from typer.testing import CliRunner, Result

from cli import console
from core.errors import ConfigurationError, InputError, NotFound
from core.settings import Settings
from services.access import sessions
from services.health import Ground
from services.health import console as health
from tests.factories.worker import make_worker
from tests.support.browsing import settings_for
from tests.support.installation import free_port, installation
from tests.support.oidc_provider import OidcProvider

PROVIDER = {"issuer": "https://127.0.0.1:1/realms/county", "client_id": "avain"}


def avain(*arguments: str) -> Result:
    result = CliRunner().invoke(console.app, [*arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_link_is_printed_whole(here):
    with here.transaction() as session:
        make_worker(session, external_id="W-101")
    printed = avain("link").stdout.strip()
    assert printed.startswith("http://127.0.0.1:8765/enter/")
    assert len(printed) > 60
    assert json.loads(avain("link", "--as", "W-101", "--json").stdout)["link"] != printed
    assert [row.worker_id is None for row in here.rows("SELECT worker_id FROM entry_link ORDER BY id")] == [True, False]
    with pytest.raises(NotFound, match="no worker W-9"):
        avain("link", "--as", "W-9")


def test_no_link_beside_a_login_provider_or_in_production(here):
    here.configure(environment="production", hash_key="x" * 32)
    with pytest.raises(InputError, match="In production"):
        avain("link")
    here.configure(
        console__public_url="https://avain.test", console__oidc__issuer="https://a.test", console__oidc__client_id="a"
    )
    with pytest.raises(InputError, match="no one-time links"):
        avain("link")


def test_who_is_signed_in_and_out(here):
    with here.transaction() as session:
        worker = make_worker(session, external_id="W-101", name="Aino Esimerkki")
        for subject, worker_id in (("id-olli", None), ("id-olli", None), ("id-aino", worker.id)):
            sessions.open_session(
                session, subject=subject, name="Olli", roles=frozenset({"price_manager"}), worker_id=worker_id, hours=8,
                now=datetime.now(UTC), actor="cli:test", how="test",
            )  # fmt: skip
    assert "price manager" in avain("sessions").stdout
    assert {one["subject"] for one in json.loads(avain("sessions", "--json").stdout)} == {"id-olli", "id-aino"}
    assert "2 sessions ended" in avain("revoke", "id-olli", "--as", "anna").stdout
    assert json.loads(avain("revoke", "--worker", "W-101", "--json").stdout) == {"ended": 1}
    assert json.loads(avain("sessions", "--json").stdout) == []
    for arguments in ((), ("id-olli", "--worker", "W-101")):
        with pytest.raises(InputError, match="either a subject or"):
            avain("revoke", *arguments)
    with pytest.raises(NotFound):
        avain("revoke", "--worker", "W-9")
    assert (
        here.rows("SELECT actor FROM audit_event WHERE action = 'console.revoked' ORDER BY id")[0].actor == "cli:anna"
    )


def test_a_port_that_is_taken_is_said():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"cannot use port {port} of 127.0.0.1"):
            console.listening_socket(settings_for(port=port))
    with console.listening_socket(settings_for(port=free_port())) as taken:
        assert taken.getsockname()[0] == "127.0.0.1"


def test_nothing_answers_where_nothing_listens():
    assert not console.answers(settings_for(port=free_port()))


def test_a_console_is_served_and_stops(database, tmp_path):
    with installation(database, tmp_path) as made:
        served = made.start("console")
        made.wait(lambda: made.run("alive", "console").returncode == 0)
        again = made.run("console")
        assert again.returncode == 1
        assert f"Konsoli ei voi käyttää porttia {made.console_port}" in again.stderr
        link = made.run("console", "link").stdout.strip()
        with httpx2.Client(base_url=f"http://127.0.0.1:{made.console_port}") as client:
            assert client.post(link, headers={"origin": f"http://localhost:{made.console_port}"}).status_code == 303
            page = client.get("/?secret=thing")
            assert page.status_code == 200
            assert "server" not in page.headers
            assert client.get("/readyz").json() == {"status": "not ready", "missing": ["beat"]}
            spoofed = client.get("/metrics", headers={"x-forwarded-for": "10.0.0.1"})
            assert spoofed.status_code == 404, "what came through a proxy nobody trusts is not from this machine"
            assert client.get("/metrics").status_code == 200
        served.send_signal(signal.SIGTERM)
        served.wait(20)
        log = next(tmp_path.glob("console-*.log")).read_text()
        assert "secret" not in log
        assert "enter/{token}" in log
        assert link.rpartition("/")[2] not in log


def test_a_trusted_proxy_is_believed(database, tmp_path):
    with installation(database, tmp_path, AVAIN_CONSOLE__TRUSTED_PROXIES='["127.0.0.1"]') as made:
        made.start("console")
        made.wait(lambda: made.run("alive", "console").returncode == 0)
        with httpx2.Client(base_url=f"http://127.0.0.1:{made.console_port}") as client:
            assert client.get("/metrics").status_code == 200
            assert client.get("/metrics", headers={"x-forwarded-for": "10.0.0.1"}).status_code == 404
            link = made.run("console", "link").stdout.strip()
            assert client.get(link, headers={"x-forwarded-for": "127.0.0.1"}).status_code == 403


def test_doctor_looks_at_the_console():
    def said(configured: Settings) -> list[tuple[str, str]]:
        return [
            (one.state, str(one.found))
            for check in (health.console, health.login_provider)
            for one in check(Ground(configured))
        ]

    assert said(settings_for()) == [("ok", "http://127.0.0.1:8765, entered by one-time link")]
    production = settings_for().model_copy(update={"environment": "production"})
    assert said(production) == [("broken", "nobody can sign in")]
    with OidcProvider() as provider:
        good = settings_for(oidc=provider.settings, public_url="https://avain.test")
        assert said(good) == [
            ("ok", "https://avain.test"),
            ("warning", "links in e-mails lead to https://avain.invalid"),
            ("ok", provider.issuer),
        ]
        provider.twist = "no_token_endpoint"
        assert said(good)[-1][0] == "broken"
        assert "does not say where its token_endpoint is" in said(good)[-1][1]
        local = settings_for(oidc=provider.settings, public_url="http://127.0.0.1:8765", host="0.0.0.0")
        assert said(local)[:2] == [
            ("warning", "reached on this machine only"),
            ("warning", "no trusted proxy is named"),
        ]
    away = settings_for(oidc=PROVIDER, public_url="https://avain.test")
    assert said(away)[-1] == ("broken", "The connection to 127.0.0.1 failed.")
