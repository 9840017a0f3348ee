"""Orders and test orders through connections of avain.toml, to real servers; and what is wrong with a provider's channel said at approval."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from core.errors import InputError, NotFound
from core.settings import settings
from services.orders import show
from services.orders.sending import ending
from services.orders.sending.testing import call_test
from tests.support.delivering import attempts, deliver, outcomes, parsed, state
from tests.support.in_process import InProcess
from tests.support.order_sinks import CHANNEL_SETTINGS, Sinks, order_sinks
from tests.support.ordering import NOW, make_world, order, reason_of


@pytest.fixture
def sinks(here: InProcess, tmp_path: Path) -> Iterator[Sinks]:
    with order_sinks(tmp_path / "sinks") as made:
        here.configure(config=made.settings)
        yield made


def connected(here: InProcess, channel: str, **over: Any) -> tuple[str, str]:
    """An order of a provider that is reached by `channel`; the provider's business id."""
    with here.transaction() as session:
        world = make_world(session, channel=channel)
        world.provider.channel_settings = {**CHANNEL_SETTINGS[channel], **over}
        session.flush()
        (made,) = order(session, world.item, settings=settings().orders).orders
        return made.number, world.provider.business_id


@pytest.mark.parametrize("channel", ["sftp", "https"])
def test_an_order_arrives_as_it_was_stored_and_a_resend_is_recognised(
    here: InProcess, sinks: Sinks, channel: str
) -> None:
    number, _ = connected(here, channel)
    deliver(here)
    with here.transaction() as session:
        document = show.order_document(session, number)
        ending.resend(session, number, actor="cli:enni", now=NOW)
    deliver(here)
    assert state(here, number) == "sent"
    assert {"sftp": sinks.files.get(f"{number}.xml"), "https": sinks.point.documents.get(number)}[channel] == document
    first, second = (one.reply for one in attempts(here, number))
    assert first == {"sftp": f"127.0.0.1: /in/{number}.xml", "https": "202 m-1"}[channel]
    assert second is not None
    assert {"sftp": "was there already", "https": "already has it (409)"}[channel] in second
    assert not here.rows("SELECT 1 FROM order_paper"), "paper is for letters"


def test_what_an_access_point_refuses_is_told_in_its_own_words(here: InProcess, sinks: Sinks) -> None:
    number, _ = connected(here, "https")
    sinks.point.documents[number] = b"another buyer's"
    deliver(here)
    assert (state(here, number), outcomes(here, number)) == ("failed", ["failed"])
    assert "this key is known" in str(attempts(here, number)[0].message)
    (told,) = here.rows("SELECT message FROM notice WHERE kind = 'order_failed'")
    assert told.message["params"]["order"] == number


@pytest.mark.parametrize(
    ("channel", "over", "endpoint", "said"),
    [
        ("sftp", {}, "003799999992", "not said which connection"),
        ("https", {"connection": "elsewhere"}, "003799999992", "no connection elsewhere in avain.toml"),
        ("https", {"connection": "files"}, "003799999992", "of another kind (sftp)"),
        ("https", {"connection": "point"}, None, "has no electronic address there"),
        ("sftp", {"connection": "files"}, None, ""),
        ("email", {}, None, ""),
    ],
)
def test_a_missing_address_holds_up_only_what_goes_through_peppol(  # noqa: PLR0917 - parameters
    here: InProcess, sinks: Sinks, channel: str, over: dict[str, str], endpoint: str | None, said: str
) -> None:
    with here.transaction() as session:
        world = make_world(session, channel=channel)
        world.provider.channel_settings, world.provider.endpoint_id = over, endpoint
        session.flush()
        done = order(session, world.item, settings=settings().orders)
        assert said in reason_of(done) if said else len(done.orders) == 1


@pytest.mark.parametrize("channel", ["email", "sftp", "https", "file"])
def test_a_test_order_goes_the_way_orders_go_and_is_none(
    here: InProcess, sinks: Sinks, tmp_path: Path, channel: str
) -> None:
    _, business_id = connected(here, channel)
    done = CliRunner().invoke(app, ["provider", "test-order", business_id, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    number = said["number"]
    assert number.startswith("TESTI-")
    assert (said["channel"], said["outcome"]) == (channel, "succeeded")
    if channel == "email":
        (received,) = sinks.mail.messages
        message = parsed(received.content)
        (attached,) = message.iter_attachments()
        document = attached.get_content()
        assert message["Subject"] == number
        assert said["reply"] == "250 OK kept"
    else:
        document = {
            "sftp": lambda: sinks.files[f"{number}.xml"],
            "https": lambda: sinks.point.documents[number],
            "file": (tmp_path / "outbox/all" / f"{number}.xml").read_bytes,
        }[channel]()
    assert "TEST – NOT AN ORDER".encode() in document
    (orders,) = here.rows("SELECT count(*) AS n, min(state) AS state FROM purchase_order")
    assert (orders.n, orders.state) == (1, "approved"), "the real one still waits"
    assert here.rows("SELECT action FROM audit_event WHERE action = 'provider.tried'")


def test_a_test_order_that_does_not_arrive_says_why(here: InProcess, sinks: Sinks) -> None:
    _, business_id = connected(here, "email")
    sinks.mail.recorder.script[:] = ["550"]
    done = CliRunner().invoke(app, ["provider", "test-order", business_id], catch_exceptions=False)
    assert done.exit_code == 1
    assert "550 5.7.1 We do not want this" in done.stdout
    assert here.rows("SELECT dead_at FROM work WHERE kind = 'send_test_order'")[0].dead_at is not None


def test_where_nothing_can_be_sent_nothing_is_called_for(here: InProcess, sinks: Sinks) -> None:
    _, business_id = connected(here, "external")
    with here.transaction() as session:
        connections = settings().orders.connections
        with pytest.raises(InputError, match="placed outside Avain"):
            call_test(session, business_id, connections=connections, actor="cli:enni", now=NOW)
        with pytest.raises(NotFound):
            call_test(session, "1234567-1", connections=connections, actor="cli:enni", now=NOW)
    here.rows("UPDATE provider SET channel = 'https' RETURNING id")
    with here.transaction() as session, pytest.raises(InputError, match="not said which connection"):
        call_test(session, business_id, connections=connections, actor="cli:enni", now=NOW)
    assert not here.rows("SELECT 1 FROM work WHERE kind = 'send_test_order'")
