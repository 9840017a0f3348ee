"""Files that come in about orders: each recognised, taken once, and refused or held without harm to the others."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli.main import app
from connectors.transports.base import SourceFile
from core.errors import Permanent
from core.settings import Settings, settings
from documents.order_response import PromisedPeriod, ResponseLine
from models.answer import IncomingDocument
from models.order import PurchaseOrder
from services.orders.replies import incoming
from services.orders.replies.incoming import MOST_BYTES, open_file, take_each, take_file
from services.sources import call_fetch, find_source
from tests.support import attacks
from tests.support.answers import an_order, news_of, stands, two_lines
from tests.support.in_process import InProcess
from tests.support.ordering import NOW
from tests.support.response_writing import write_response
from tests.support.responses import SELLER, a_response
from workers.tasks.incoming import ask_incoming, fetch_incoming, read_incoming

LATER = NOW + timedelta(days=60)


def response(session, found: PurchaseOrder, code: str = "AP", **changes: Any) -> bytes:
    """An answer by the order's own provider."""
    business_id = session.execute(
        text("SELECT business_id FROM provider WHERE id = :id"), {"id": found.provider_id}
    ).scalar_one()
    seller = replace(SELLER, business_id=business_id, endpoint="0037" + business_id.replace("-", ""))
    return write_response(a_response(order_number=found.number, code=code, seller=seller, **changes))


@pytest.fixture
def taken(session, tmp_path: Path) -> Callable[..., IncomingDocument | None]:
    """`taken(content)`: a file is read and taken."""
    numbers = iter(range(100))

    def take(content: bytes, name: str = "", **over: Any) -> IncomingDocument | None:
        path = tmp_path / (name or f"{next(numbers)}.dat")
        path.write_bytes(content)
        file = SourceFile(path, path.name, sha256(content).hexdigest(), len(content))
        return take_file(session, "posti", open_file(file), **{"now": LATER, "settings": Settings(), **over})

    return take


def test_an_answer_moves_its_order_once(session, taken):
    found = an_order(session)
    content = response(session, found, promised=PromisedPeriod(date(2026, 12, 1), None))
    row = taken(content)
    assert (row.kind, row.state, row.number, row.order_id, row.provider_id) == (
        "response",
        "applied",
        "V-1",
        found.id,
        found.provider_id,
    )
    assert stands(session, found) == ("accepted", date(2026, 12, 1))
    assert taken(content, "another-name.xml") is None
    again = taken(content + b"\n")
    assert again.state == "repeated", "other bytes, the same answer"
    assert session.execute(text("SELECT count(*) FROM order_response")).scalar_one() == 1


def test_received_then_accepted_then_something_else(session, taken):
    found = an_order(session)
    states = [taken(response(session, found, code, id=f"V-{code}")).state for code in ("AB", "AP", "RE")]
    assert states == ["applied", "applied", "held"]
    assert stands(session, found)[0] == "accepted"
    assert news_of(session, found)[-1] == "order_answer_held"


def test_proposed_changes_are_kept_without_what_people_wrote(session, taken):
    found = two_lines(session)
    fewer = ResponseLine(
        "1", "1", "3", "ADHD-valmennus Matille", quantity=Decimal(8), unit_code="C62", note="Matti on sairas"
    )
    content = response(
        session, found, "CA", lines=(fewer, ResponseLine("2", "2", "7", "Toinen")), note="Terveisin Matti"
    )
    row = taken(content)
    assert (row.state, stands(session, found)[0]) == ("held", "changed")
    kept = session.execute(
        text(
            "SELECT to_jsonb(i) || to_jsonb(r) || jsonb_build_object('l', (SELECT jsonb_agg(to_jsonb(l)) FROM order_response_line l)) FROM incoming_document i, order_response r"
        )
    ).scalar_one()
    assert "Matti" not in str(kept)


def test_strangers_and_unknown_orders_are_refused(session, taken):
    found = an_order(session)
    unknown = write_response(a_response(order_number="T-2026-999999"))
    stranger = write_response(a_response(order_number=found.number))
    for content, why in ((unknown, "no purchase order"), (stranger, "another seller")):
        row = taken(content)
        assert (row.state, why in str(row.reason)) == ("refused", True)
    assert stands(session, found)[0] == "sent"


def test_a_source_of_one_provider_brings_nobody_elses(session, taken):
    found = an_order(session)
    row = taken(response(session, found), provider="1234567-1")
    assert (row.state, "another's" in str(row.reason)) == ("refused", True)
    own = session.execute(text("SELECT business_id FROM provider")).scalar_one()
    assert taken(response(session, found) + b" ", provider=own).state == "applied"


BAD = {
    "empty": b"",
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3",
    "page": b"<!DOCTYPE html><html><body>Kirjaudu</body></html>",
    "bomb": attacks.entity_bomb(),
    "cut": write_response(a_response())[:-40],
    "other": b"<?xml version='1.0'?><Catalogue xmlns='urn:oasis:names:specification:ubl:schema:xsd:Catalogue-2'/>",
    "zip": b"PK\x03\x04" + bytes(100),
    "table": b"nimi;osoite\nx;y\n",
    "noise": bytes(range(256)),
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_what_is_no_document_of_ours_is_refused_with_a_sentence(session, taken, content):
    row = taken(content)
    assert (row.kind, row.state) == ("unknown", "refused")
    assert row.reason["msgid"]
    assert row.content == {}


def test_a_file_too_large_is_not_even_read(session, tmp_path):
    opened = open_file(SourceFile(tmp_path / "gone", "large.xml", "0" * 64, MOST_BYTES + 1))
    assert "larger than" in str(opened.refused)
    with pytest.raises(Permanent, match="gone"):
        open_file(SourceFile(tmp_path / "gone", "gone.xml", "0" * 64, 1))


def test_a_fault_of_ours_refuses_one_file_and_may_be_tried_again(session, taken, monkeypatch):
    found = an_order(session)
    content = response(session, found)
    with monkeypatch.context() as broken:
        broken.setattr("services.orders.replies.incoming.read_response", lambda _content: 1 / 0)
        row = taken(content)
    assert (row.state, "ZeroDivisionError" in str(row.reason)) == ("refused", True)
    again = taken(content)
    assert (again.id, again.state, again.reason) == (row.id, "applied", None)


def delivered(*rows: str) -> bytes:
    return ("Tilaus;Rivi;Alku;Loppu;Määrä\n" + "".join(f"{row}\n" for row in rows)).encode("cp1252")


def test_delivered_quantities_are_taken_row_by_row(session, taken):
    found = two_lines(session)
    number = found.number
    row = taken(
        delivered(
            f"{number};1;1.12.2026;31.12.2026;4",
            f"{number};2;1.12.2026;31.12.2026;20",
            f"{number};9;1.12.2026;31.12.2026;4",
            "T-2026-999999;1;1.12.2026;31.12.2026;4",
            "rikki;1;1.12.2026;31.12.2026;4",
        )
    )
    assert (row.kind, row.state, row.content["applied"], row.content["waiting"]) == ("delivered", "applied", 1, 1)
    assert len(row.content["refused"]) == 3
    waiting = session.execute(
        text("SELECT order_id, file_name, content FROM incoming_document WHERE state = 'held'")
    ).one()
    assert (waiting.order_id, waiting.file_name) == (found.id, row.file_name)
    assert [(one["line"], one["quantity"], one["row"]) for one in waiting.content["held"]] == [(2, "20", 3)]
    assert row.reason["params"]["count"] == 4
    assert news_of(session, found) == ["delivered_held"]
    assert session.execute(text("SELECT told_by, incoming_id FROM delivered")).one() == ("csv", row.id)


def test_what_waits_has_a_document_for_each_order_once(session, taken):
    one, other = an_order(session), an_order(session)
    rows = [f"{found.number};1;1.12.2026;31.12.2026;99" for found in (one, other)]
    row = taken(delivered(*rows))
    assert (row.state, row.content["applied"], row.content["waiting"]) == ("applied", 0, 2)
    taken(delivered("", *reversed(rows)))
    waiting = session.execute(
        text("SELECT order_id FROM incoming_document WHERE state = 'held' ORDER BY order_id")
    ).scalars()
    assert list(waiting) == [one.id, other.id]
    assert news_of(session, one) == news_of(session, other) == ["delivered_held"]


def test_a_table_of_which_nothing_can_be_taken_is_refused(session, taken):
    assert taken(delivered("rikki;1;1.12.2026;31.12.2026;4")).state == "refused"
    found = an_order(session)
    content = delivered(f"{found.number};1;1.12.2026;31.12.2026;4")
    assert taken(content).state == "applied"
    assert taken(content + b";;;;\n").state == "repeated"


@pytest.fixture
def post(here: InProcess, tmp_path: Path) -> Path:
    """An installation with the incoming source `posti`, whose folder this is."""
    folder, configuration = tmp_path / "in", tmp_path / "avain.toml"
    folder.mkdir()
    configuration.write_text(f'[sources.incoming.posti]\npath = "{folder}/*"\n', "utf-8")
    here.monkeypatch.setenv("AVAIN_CONFIG", str(configuration))
    here.configure()
    return folder


def put(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    os.utime(folder / name, (1_700_000_000, 1_700_000_000))


def read(here: InProcess, request: str) -> list[tuple[str, str, dict[str, int]]]:
    """Have the source read: kind, outcome and counts of each run."""
    before = here.rows("SELECT coalesce(max(id), 0) AS id FROM run")[0].id
    with here.transaction() as session:
        call_fetch(session, find_source(settings().sources, "posti"), request, now=True)
    here.do_due("fetch_incoming", fetch_incoming)
    here.do_due("read_incoming", read_incoming)
    rows = here.rows("SELECT kind, outcome, counts FROM run WHERE id > :id ORDER BY id", id=before)
    return [(row.kind, row.outcome, row.counts) for row in rows]


def test_a_source_is_visited_as_all_others_are(here, post):
    with here.transaction() as session:
        found = an_order(session)
        number = found.number
        put(post, "1.xml", response(session, found, "AB", id="V-1"))
        put(post, "2.xml", response(session, found, "AP", id="V-2"))
    put(post, "3.xml", BAD["bomb"])
    put(post, "4.xml", b"<a>" + b" " * (50 * 1024 * 1024))
    assert read(here, "one") == [
        ("fetch_incoming", "succeeded", {"files": 4, "bytes": sum(one.stat().st_size for one in post.iterdir())}),
        ("read_incoming", "partly", {"files": 4, "applied": 2, "held": 0, "refused": 2, "repeated": 0}),
    ]
    assert here.rows("SELECT state FROM purchase_order WHERE number = :number", number=number)[0].state == "accepted"
    assert [kind for kind, _, _ in read(here, "two")] == ["fetch_incoming"], "nothing new"
    put(post, "5.xml", (post / "2.xml").read_bytes())
    assert read(here, "three")[-1][1:] == (
        "nothing_to_do",
        {"files": 1, "applied": 0, "held": 0, "refused": 0, "repeated": 1},
    )
    put(post, "6.xml", b"")
    assert read(here, "four")[-1][1] == "refused"
    looked(here)
    asked_by_the_job(here)


def looked(here: InProcess) -> None:
    """What people see of the source on the command line."""
    tested = CliRunner().invoke(app, ["source", "test", "posti", "--json", "--now"])
    assert '"valid": 3' in tested.stdout.replace("\n", " "), tested.output
    history = CliRunner().invoke(app, ["source", "history", "posti"])
    assert "read" in history.stdout
    assert "posti" in CliRunner().invoke(app, ["source", "list"]).stdout
    for words in (["plan", "posti"], ["sample", "posti", "--yes"], ["apply", "posti", "--yes"]):
        assert CliRunner().invoke(app, ["source", *words]).exit_code == 1


def asked_by_the_job(here: InProcess) -> None:
    here.rows(
        "INSERT INTO work (kind, key, arguments, queue) VALUES ('ask_incoming', 'read_incoming@x', '{}', 'default') RETURNING id"
    )
    here.do_due("ask_incoming", ask_incoming)
    (row,) = here.rows("SELECT key FROM work WHERE kind = 'fetch_incoming' AND done_at IS NULL")
    assert row.key == "fetch_incoming:posti:read_incoming@x"


def test_a_fault_in_taking_one_file_stops_no_other(session, tmp_path, monkeypatch):
    found, files = an_order(session), []
    for number, code in enumerate(["AB", "AP"]):
        path = tmp_path / f"{number}.xml"
        path.write_bytes(response(session, found, code, id=f"V-{number}"))
        files.append(SourceFile(path, path.name, sha256(path.read_bytes()).hexdigest(), path.stat().st_size))
    answer_of = incoming.answer_of

    def faulty(said, **over):
        return answer_of(said, **over) if said.code == "AP" else 1 // 0

    monkeypatch.setattr(incoming, "answer_of", faulty)
    rows = take_each(session, "posti", [open_file(one) for one in files], now=LATER, settings=Settings())
    assert [(row.state, "ZeroDivisionError" in str(row.reason)) for row in rows if row] == [
        ("refused", True),
        ("applied", False),
    ]
    assert stands(session, found)[0] == "accepted"


def test_a_price_for_next_to_nothing_is_refused(session, taken):
    found = an_order(session)
    line = ResponseLine("1", "1", "3", "Palvelu", Decimal(5), "C62", price=Decimal(1), base_quantity=Decimal("0.00004"))
    row = taken(response(session, found, "CA", lines=(line,)))
    assert (row.state, stands(session, found)[0]) == ("refused", "sent")
