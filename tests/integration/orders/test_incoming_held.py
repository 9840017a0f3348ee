"""What people do with what came in: list it, look at it, apply or discard what was held; and the commands for that."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli.main import app
from connectors.transports.base import SourceFile
from core.clock import move_business_clock
from core.errors import InputError, NotFound
from core.settings import Settings
from models.answer import IncomingDocument
from models.order import PurchaseOrder
from services.orders.replies import incoming_held
from services.orders.replies.answer_values import Answer
from services.orders.replies.answers import take
from services.orders.replies.incoming import Opened, read, take_file
from tests.support.answers import an_order, coverage, stands, two_lines
from tests.support.billing import Billing
from tests.support.in_process import InProcess
from tests.support.invoices import finvoice, peppol
from tests.support.ordering import NOW
from tests.support.response_writing import write_response
from tests.support.responses import a_response

LATER = datetime(2027, 4, 1, 9, 0, tzinfo=UTC)


def came(session, content: bytes, **over) -> IncomingDocument:
    """A file that came in."""
    file = SourceFile(Path("x"), "x.dat", sha256(content).hexdigest(), len(content))
    values = {"now": LATER, "settings": Settings(), **over}
    row = take_file(session, "posti", Opened(file, read(content)), **values)
    assert row is not None
    return row


def answer(session, found: PurchaseOrder, code: str, number: str) -> IncomingDocument:
    """An answer of the order's provider, as a document."""
    business_id = session.execute(text("SELECT business_id FROM provider")).scalar_one()
    said = a_response(order_number=found.number, code=code, id=number)
    content = (
        write_response(said)
        .decode()
        .replace("0123456-2", business_id)
        .replace("003701234562", "0037" + business_id.replace("-", ""))
    )
    return came(session, content.encode())


def delivered(session, found: PurchaseOrder, *rows: str) -> IncomingDocument:
    """What waits of a table, or the table where nothing does."""
    lines = "".join(f"{found.number};{row}\n" for row in rows)
    whole = came(session, f"Tilaus;Rivi;Alku;Loppu;Määrä\n{lines}".encode())
    waiting = session.execute(text("SELECT max(id) FROM incoming_document WHERE state = 'held'")).scalar()
    return whole if waiting is None else session.get_one(IncomingDocument, waiting)


def test_an_answer_that_was_held_is_applied_or_discarded(session):
    found = an_order(session)
    answer(session, found, "AP", "V-1")
    held = answer(session, found, "RE", "V-2")
    assert [(one.id, one.state, one.order_number) for one in incoming_held.listed(session)] == [
        (held.id, "held", found.number)
    ]
    assert incoming_held.apply(session, held.id, actor="cli:aino", now=LATER) == []
    assert (stands(session, found)[0], coverage(session, found)) == ("rejected", [False])
    session.refresh(held)
    assert (held.state, held.settled_by, held.settled_at) == ("applied", "cli:aino", LATER)
    assert incoming_held.listed(session) == []
    assert len(incoming_held.listed(session, states=None)) == 2
    with pytest.raises(InputError, match="does not wait"):
        incoming_held.apply(session, held.id, actor="cli:aino", now=LATER)
    other = answer(session, found, "AP", "V-3")
    with pytest.raises(InputError, match="note"):
        incoming_held.discard(session, other.id, actor="cli:aino", reason="", now=LATER)
    incoming_held.discard(session, other.id, actor="cli:aino", reason="by mistake", now=LATER)
    session.refresh(other)
    assert (other.state, other.note) == ("discarded", "by mistake")


def test_of_two_answers_that_wait_the_later_is_decided_on_first(session):
    found = an_order(session)
    answer(session, found, "AP", "V-1")
    earlier = answer(session, found, "RE", "V-2")
    take(session, Answer(found.number, "AP", external_id="V-3", starts_on=date(2026, 12, 9)), now=LATER)
    with pytest.raises(InputError, match="A later answer"):
        incoming_held.apply(session, earlier.id, actor="cli:aino", now=LATER)


def test_quantities_beyond_the_order_are_taken_on_a_persons_word(session):
    found = two_lines(session)
    row = delivered(session, found, "1;1.12.2026;31.12.2026;20", "2;1.12.2026;31.12.2026;4")
    assert row.state == "held"
    assert incoming_held.apply(session, row.id, actor="cli:aino", reason="agreed", now=LATER) == []
    figures = session.execute(text("SELECT quantity FROM delivered ORDER BY quantity")).scalars().all()
    assert figures == [Decimal(4), Decimal(20)]
    session.refresh(row)
    assert (row.state, "held" in row.content) == ("applied", False)
    event = session.execute(text("SELECT reason FROM audit_event WHERE action = 'incoming.applied'")).scalar_one()
    assert event == "agreed"


def test_what_cannot_be_even_so_is_said(session):
    found = two_lines(session)
    delivered(session, found, "1;1.12.2026;31.12.2026;3")
    row = delivered(session, found, "1;10.12.2026;5.1.2027;3", "1;1.1.2027;5.1.2027;90")
    assert len(row.content["held"]) == 2
    (left,) = incoming_held.apply(session, row.id, actor="cli:aino", now=LATER)
    assert "together with others" in str(left)
    row = delivered(session, found, "1;10.12.2026;20.12.2026;3")
    with pytest.raises(InputError, match="together with others"):
        incoming_held.apply(session, row.id, actor="cli:aino", now=LATER)
    incoming_held.discard(session, row.id, actor="cli:aino", reason="unclear", now=LATER)
    assert incoming_held.listed(session) == []


@pytest.mark.parametrize("form", [peppol, finvoice])
def test_invoices_come_in_the_same_way_and_are_decided_elsewhere(session, form):
    billing = Billing(session)
    content = form(seller=billing.provider.business_id, order=billing.order.number)
    assert came(session, content).state == "applied"
    strange = came(session, form(seller=billing.provider.business_id, order="T-2026-999999", number="L-77"))
    assert (strange.kind, strange.state) == ("invoice", "held")
    for act in (incoming_held.apply, incoming_held.discard):
        with pytest.raises(InputError, match="invoice"):
            act(session, strange.id, actor="cli:aino", reason="x", now=LATER)
    others = came(session, form(seller=billing.provider.business_id, number="L-78"), provider="1234567-1")
    assert (others.state, others.number) == ("refused", "L-78")


def test_there_is_no_such_document(session):
    for act in (incoming_held.apply, incoming_held.discard):
        with pytest.raises(NotFound):
            act(session, 999999, actor="cli:aino", reason="x", now=NOW)
    with pytest.raises(NotFound):
        incoming_held.shown(session, 999999)


def avain(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.stdout


def test_the_commands(here: InProcess) -> None:
    here.monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")
    with here.transaction() as session:
        move_business_clock(session, LATER)
        found = two_lines(session)
        number = found.number
        held = delivered(session, found, "1;1.12.2026;31.12.2026;20", "7;1.12.2026;31.12.2026;20").id
        other = delivered(session, found, "2;1.12.2026;31.12.2026;20").id
    rows = json.loads(avain("incoming", "list", "--json"))
    assert [(one["id"], one["kind"], one["state"]) for one in rows] == [
        (other, "delivered", "held"),
        (held, "delivered", "held"),
    ]
    assert number in avain("incoming", "list", "--all", "--kind", "delivered")
    assert "20" in avain("incoming", "show", str(held))
    assert json.loads(avain("incoming", "show", str(held), "--json"))["content"]["held"][0]["quantity"] == "20"
    assert json.loads(avain("incoming", "apply", str(held), "--dry-run", "--json"))["state"] == "applied"
    assert json.loads(avain("incoming", "apply", str(held), "--as", "aino", "--json"))["state"] == "applied"
    avain("incoming", "discard", str(other), "--reason", "by mistake", "--as", "aino")
    assert avain("incoming", "list", "--json").strip() == "[]"
    with pytest.raises(InputError):
        avain("incoming", "list", "--state", "nonsense")
    seen = here.rows("SELECT action FROM audit_event WHERE subject LIKE 'incoming:%' ORDER BY id")
    assert [one.action for one in seen] == ["incoming.viewed"] * 2 + ["incoming.applied", "incoming.discarded"]
    answered_by_telephone(number)


def answered_by_telephone(number: str) -> None:
    done = json.loads(avain("order", "respond", number, "--received", "--as", "aino", "--json"))
    assert done == {"order": number, "state": "received", "starts_on": None}
    avain("order", "respond", number, "--change", "--quantity", "1=7,5", "--starts-on", "10.12.2026")
    assert json.loads(avain("order", "respond", number, "--apply", "--json")) == {
        "order": number,
        "state": "accepted",
        "starts_on": "2026-12-10",
    }
    avain("order", "respond", number, "--change", "--quantity", "2=1")
    avain("order", "respond", number, "--discard", "--reason", "all are needed")
    assert "10" in avain("order", "respond", number, "--accept", "--starts-on", "2026-12-10")
    assert json.loads(avain("order", "handover", number, "--json"))["handed_over"] is True
    avain("order", "respond", number, "--reject", "--reason", "fell ill")
    for wrong in (
        [],
        ["--accept", "--reject"],
        ["--reject", "--starts-on", "2026-12-10"],
        ["--accept", "--quantity", "1=2"],
        ["--change", "--quantity", "one"],
        ["--change", "--quantity", "1=99"],
        ["--apply"],
    ):
        with pytest.raises(InputError):
            avain("order", "respond", number, *wrong)
