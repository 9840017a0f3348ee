"""`avain order preview`: what would be ordered, and what was, as figures and as files; nothing is ordered by looking."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.order import app
from core.errors import InputError, NotFound
from models.order import OrderPaper
from tests.factories.case import make_choice, make_plan_item
from tests.factories.price import make_price
from tests.support.in_process import InProcess
from tests.support.ordering import CHOOSER, World, make_orderable_provider, make_world
from tests.support.pdf import title, words

CASE = "HB-2026-000001"
TABLES = ("purchase_order", "order_coverage", "counter", "order_paper")


@pytest.fixture
def world(here: InProcess) -> World:
    with here.transaction() as session:
        world = make_world(session, channel="file")
        world.case.number = CASE
        return world


def avain(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


def previewed(*arguments: str, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(avain("preview", *arguments, "--json", code=code).stdout)
    return found


def recorded(here: InProcess) -> list[tuple[str, ...]]:
    return [tuple(row) for row in here.rows("SELECT actor, action, subject FROM audit_event ORDER BY id")]


def test_what_would_be_ordered_is_shown_and_nothing_is_ordered(here: InProcess, world: World) -> None:
    found = previewed(CASE, "--as", "enni")
    (one,) = found["orders"]
    assert found["refused"] == []
    assert (one["order"], one["state"], one["items"]) == (None, None, [f"{CASE}/{world.item.external_id}"])
    assert (one["provider"], one["total_gross"]) == (world.provider.name, "1056.00")
    assert (one["lines"][0]["quantity"], one["lines"][0]["gross"]) == ("12.0000", "1056.00")
    assert "<cbc:ID>" in one["document"]
    for table in TABLES:
        assert here.rows(f"SELECT count(*) AS n FROM {table}")[0].n == 0
    assert not here.rows("SELECT 1 FROM work WHERE kind = 'deliver_order'")
    assert recorded(here) == [("cli:enni", "order.previewed", f"case:{CASE}")]
    said = avain("preview", CASE).stdout
    for part in ("Would be ordered", "not ordered yet", "12 visits", "1,056.00", world.provider.name):
        assert part in said
    assert "<cbc:ID>" not in said


def test_what_would_be_ordered_as_files(here: InProcess, world: World, tmp_path: Path) -> None:
    pdf, xml = tmp_path / "tilaus.pdf", tmp_path / "tilaus.xml"
    (one,) = previewed(CASE, "--pdf", str(pdf), "--xml", str(xml))["orders"]
    assert (one["pdf"], one["xml"]) == (str(pdf), str(xml))
    assert xml.read_text() == one["document"]
    assert "Mitään ei ole vielä tilattu" in words(pdf.read_bytes()) or "Nothing has been ordered" in words(
        pdf.read_bytes()
    )
    assert {oct(file.stat().st_mode & 0o777) for file in (pdf, xml)} == {"0o600"}
    first = pdf.read_bytes()
    previewed(CASE, "--pdf", str(pdf))
    assert pdf.read_bytes() == first, "the same proposal is the same file"
    pdf.write_bytes(b"other")
    with pytest.raises(InputError, match="--force"):
        avain("preview", CASE, "--pdf", str(pdf))
    previewed(CASE, "--pdf", str(pdf), "--force")
    assert pdf.read_bytes() == first


def test_an_order_as_it_was_stored(here: InProcess, world: World, tmp_path: Path) -> None:
    avain("approve", CASE)
    (row,) = here.rows("SELECT id, document FROM purchase_order")
    pdf, xml = tmp_path / "T.pdf", tmp_path / "T.xml"
    (one,) = previewed("T-2026-000001", "--pdf", str(pdf), "--xml", str(xml), "--as", "enni")["orders"]
    assert (one["order"], one["state"]) == ("T-2026-000001", "approved")
    assert xml.read_bytes() == bytes(row.document)
    assert title(pdf.read_bytes()) == "T-2026-000001"
    assert recorded(here)[-1] == ("cli:enni", "order.viewed", "order:T-2026-000001")
    with here.transaction() as session:
        session.add(OrderPaper(order_id=row.id, kind="pdf", content=b"%PDF as it went out", sha256="-"))
    previewed("T-2026-000001", "--pdf", str(pdf), "--force")
    assert pdf.read_bytes() == b"%PDF as it went out", "the very bytes the provider has"
    said = avain("preview", "T-2026-000001").stdout
    assert "T-2026-000001" in said
    assert "approved" in said


def test_several_orders_go_into_a_folder(here: InProcess, world: World, tmp_path: Path) -> None:
    with here.transaction() as session:
        other = make_orderable_provider(session, world.service, channel="file")
        make_price(session, world.service, other, "70.00")
        item = make_plan_item(session, world.decision, world.service, "2")
        make_choice(session, item, other, actor=CHOOSER)
    with pytest.raises(InputError, match="These are 2 orders"):
        avain("preview", CASE, "--xml", str(tmp_path / "one.xml"))
    found = previewed(CASE, "--pdf", str(tmp_path), "--xml", str(tmp_path))["orders"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix in {".pdf", ".xml"}) == sorted(
        Path(one[kind]).name for one in found for kind in ("pdf", "xml")
    )
    assert all(one["business_id"] in one["pdf"] for one in found)


def test_months_to_come_are_shown_with_the_day_they_are_ordered_on(
    here: InProcess, world: World, tmp_path: Path
) -> None:
    with here.transaction() as session:
        session.merge(world.provider).order_period = "monthly"
    months = previewed(CASE, "--xml", str(tmp_path), "--pdf", str(tmp_path))["orders"]
    due = [one for one in months if one["orders_on"] is None]
    later = [one for one in months if one["orders_on"]]
    assert due
    assert later
    assert all(one["document"] and one["xml"] for one in due)
    assert all(one["document"] is None and one["xml"] is None and one["pdf"] for one in later)
    assert [one["first_day"][8:] for one in later] == ["01"] * len(later)
    assert sum(Decimal(one["total_gross"]) for one in months) == Decimal("1056.00")
    assert len(list(tmp_path.glob("*.pdf"))) == len(months)
    assert "once approved" in avain("preview", CASE).stdout


def test_what_cannot_be_ordered_says_why(here: InProcess, world: World) -> None:
    partly = previewed(CASE, "kukkuu", code=3)
    assert (len(partly["orders"]), partly["refused"][0]["item"]) == (1, "kukkuu")
    avain("approve", CASE)
    refused = previewed(f"{CASE}/{world.item.external_id}", code=1)
    assert refused["orders"] == []
    assert "T-2026-000001" in refused["refused"][0]["reason"]
    assert "Not ordered" in avain("preview", f"{CASE}/{world.item.external_id}", code=1).stdout
    with pytest.raises(NotFound, match="T-1999-000001"):
        avain("preview", "T-1999-000001")
