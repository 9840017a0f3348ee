"""`avain invoice …` as people and scripts use it."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.invoice import app
from core.errors import InputError, NotFound
from models.order import PurchaseOrder
from tests.support.billing import Billing
from tests.support.in_process import InProcess
from tests.support.invoices import Row

DOCUMENTS: dict[str, dict[str, Any]] = {
    "booked": {"rows": [Row(order_line="1")]},
    "dear": {"rows": [Row("2200.00", "12", order_line="1")]},
    "unknown": {"order": "PO-1", "credit": True},
}


@pytest.fixture
def documents(here: InProcess) -> dict[str, Any]:
    """Ids of invoices: one booked, one dearer than ordered, one that names no order; and the order."""
    with here.transaction() as session:
        billing = Billing(session)
        billing.add_line(billing.order, "1056.00", line_number=2)
        made: dict[str, Any] = {"order": session.get_one(PurchaseOrder, billing.order.id).number}
        for name, over in DOCUMENTS.items():
            billing.take(number=f"L-{name}", **over)
            made[name] = billing.document.id
    return made


def avain(*words: object, code: int = 0) -> Result:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


def said(*words: object) -> Any:
    return json.loads(avain(*words, "--json").stdout)


def test_those_that_wait_are_listed_unless_others_are_asked_for(documents):
    assert [one["number"] for one in said("list")] == ["L-unknown", "L-dear"]
    assert [one["number"] for one in said("list", "--state", "applied")] == ["L-booked"]
    assert len(said("list", "--all")) == 3
    told = avain("list", "--all").stdout
    assert "bills a part" in told
    assert "-€88.00" in told
    assert "It bills order PO-1, which is not known here." in told
    with pytest.raises(NotFound, match="there is no lost"):
        avain("list", "--state", "lost")


def test_one_is_shown_beside_its_order_and_looking_is_recorded(documents, here):
    told = avain("show", documents["dear"], "--as", "aino").stdout
    assert f"{documents['order']}/1" in told
    assert "With it, €2,288.00 are billed" in told
    shown = said("show", documents["dear"])
    assert [one["code"] for one in shown["holds"]] == ["over_price"]
    assert shown["order_lines"][0]["billed"] == "88.00"
    assert said("show", documents["booked"])["lines"][0]["order"] == documents["order"]
    (event,) = here.rows("SELECT actor FROM audit_event WHERE action = 'invoice.viewed' ORDER BY id LIMIT 1")
    assert event.actor == "cli:aino"
    with pytest.raises(NotFound, match="no invoice"):
        avain("show", 999999)


def test_a_dry_run_accepts_nothing(documents, here):
    words = ("accept", documents["dear"], "--reason", "sovittu")
    assert said(*words, "--dry-run") == {
        "invoice": documents["dear"], "state": "applied", "reason": None, "dry_run": True
    }  # fmt: skip
    assert len(said("list", "--state", "held")) == 2
    assert "Booked on its orders." in avain(*words).stdout
    assert here.rows("SELECT match FROM invoice WHERE number = 'L-dear'")[0].match == "over_price"


def test_it_is_said_what_one_bills(documents):
    assert "It goes on waiting" in avain("assign", documents["unknown"]).stdout
    order = documents["order"]
    assert "€0.00 were billed" in avain("assign", documents["unknown"], "--line", f"1={order}/2").stdout
    assert said("assign", documents["unknown"], order, "--line", "1=1")["state"] == "applied"


@pytest.mark.parametrize("line", ["1=1", "one=T-2026-000001/1", "1=T-2026-000001"])
def test_a_line_must_be_named_in_full(documents, line):
    with pytest.raises(InputError, match="write it so"):
        avain("assign", documents["unknown"], "--line", line)


def test_one_is_discarded_with_a_reason(documents):
    assert said("discard", documents["unknown"], "--reason", "virhe") == {
        "invoice": documents["unknown"],
        "state": "discarded",
    }
    assert said("show", documents["unknown"])["note"] == "virhe"
    avain("discard", documents["dear"], code=2)
