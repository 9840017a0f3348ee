"""`avain compare` and `avain case choose` as people run them."""

import json
import stat
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from core.errors import InputError, NotFound
from documents.pdf import page_count
from tests.factories.case import make_case, make_plan_item
from tests.factories.provider import make_provider_service
from tests.support.in_process import InProcess
from tests.support.market import Market
from tests.support.pdf import words

ASKED = ("compare", "--baseline", "PERHETYO-T", "--quantity", "12", "--unit", "C62", "--months", "3")
CASE = "HB-2026-000001"


@dataclass
class Avain:
    """A market and one case in an installation of its own."""

    process: InProcess

    def run(self, *parts: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, list(parts))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.stdout

    def json(self, *parts: str) -> Any:
        return json.loads(self.run(*parts, "--json"))


@pytest.fixture
def avain(here: InProcess) -> Avain:
    with here.transaction() as session:
        market = Market(session)
        for provider in (market.one, market.two):
            make_provider_service(session, provider, market.coaching)
        market.sold_alone("200.00", provider=market.two, unit="H87", minimum_quantity=Decimal(0))
        decision = market.decided(make_case(session, number=CASE), number="P-2026-101", baseline_quantity=Decimal(12))
        make_plan_item(session, decision, market.coaching, external_id="I-1")
    return Avain(here)


def audited(avain: Avain) -> list[tuple[str, str, dict[str, Any]]]:
    rows = avain.process.rows("SELECT actor, action, details FROM audit_event ORDER BY id")
    return [tuple(row) for row in rows]


def test_without_a_case_json_has_it_all(avain):
    (found,) = avain.json(*ASKED)
    assert (found["baseline"], found["ceiling"], found["case"], found["notes"]) == ("PERHETYO-T", "1074.00", None, [])
    assert found["reference"]["sha256"]
    cheap = found["offers"][0]
    assert (cheap["total"], cheap["verdict"], cheap["cheapest"], cheap["pending"]) == ("1056.00", "fits", True, False)
    assert (Decimal(cheap["buys"]), cheap["rating"], cheap["extras"]) == (Decimal(12), None, [])
    assert cheap["facts"] == {"home_visits": True}
    assert {"file_name", "position", "sha256", "run_id", "pending"} <= set(cheap["prices"][0])
    assert not audited(avain), "nobody's case was looked at"


@pytest.mark.parametrize(
    ("language", "marks"),
    [
        ("fi", ("edullisin", "mahtuu", "1 056,00 €", "käyntiä", "perhetyö")),
        ("sv", ("1 056,00 €", "besök", "familjearbete")),
        ("en", ("cheapest", "fits", "€1,056.00", "visits", "perhetyö")),
    ],
)
def test_a_table_in_each_language(avain, language, marks):
    shown = avain.run(*ASKED, "--lang", language).replace("\u00a0", " ")
    assert all(mark in shown for mark in marks), shown
    assert "paras" not in shown


def test_the_annex_is_a_file_of_its_owner_and_recorded_for_a_case(avain, tmp_path: Path):
    target = tmp_path / "liite.pdf"
    target.write_text("an older one")
    target.chmod(0o666)
    shown = avain.run("compare", "--case", CASE, "--pdf", str(target), "--force", "--lang", "fi", "--as", "enni")
    assert str(target) in shown.replace("\n", "")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    document = target.read_bytes()
    assert page_count(document) == 1
    assert CASE in words(document)
    (compared, annexed) = audited(avain)
    assert compared[:2] == ("cli:enni", "case.compared")
    assert annexed[:2] == ("cli:enni", "case.annexed")
    assert annexed[2]["language"] == "fi"
    assert len(annexed[2]["sha256"]) == 64


def test_the_annex_needs_no_case(avain, tmp_path: Path):
    target = tmp_path / "liite.pdf"
    (found,) = avain.json(*ASKED, "--pdf", str(target))
    assert found["offers"]
    assert "HB-" not in words(target.read_bytes())
    assert not audited(avain)
    with pytest.raises(InputError, match=r"There is no folder .*none"):
        avain.run(*ASKED, "--pdf", str(tmp_path / "none" / "a.pdf"))


def test_the_annex_takes_no_other_files_place_unasked(avain, tmp_path: Path):
    target, elsewhere = tmp_path / "liite.pdf", tmp_path / "muu.txt"
    elsewhere.write_text("something else")
    target.symlink_to(elsewhere)
    with pytest.raises(InputError, match=r"holds something else.*--force"):
        avain.run("compare", "--case", CASE, "--item", "I-1", "--pdf", str(target))
    assert not audited(avain), "what was not written was not recorded"
    avain.run("compare", "--case", CASE, "--item", "I-1", "--pdf", str(target), "--force")
    assert target.read_bytes().startswith(b"%PDF")
    assert elsewhere.read_text() == "something else"
    with pytest.raises(InputError, match="no file that could be written"):
        avain.run(*ASKED, "--pdf", str(tmp_path))


def test_the_annex_of_a_client_under_non_disclosure_says_so(avain, tmp_path: Path):
    with avain.process.transaction() as session:
        session.connection().exec_driver_sql("UPDATE client SET non_disclosure = true")
    result = CliRunner().invoke(app, ["compare", "--case", CASE, "--item", "I-1", "--pdf", str(tmp_path / "a.pdf")])
    assert "turvakielto" in result.stderr
    result = CliRunner().invoke(app, ["compare", "--case", CASE, "--item", "I-1"])
    assert "turvakielto" not in result.stderr


def test_a_page_holds_one_comparison(avain, tmp_path: Path):
    with avain.process.transaction() as session:
        (plan,) = avain.process.rows("SELECT decision_id, service_id, case_id FROM plan_item")
        session.connection().exec_driver_sql(
            "INSERT INTO plan_item (case_id, decision_id, external_id, service_id, quantity, unit, period) VALUES"
            f" ({plan.case_id}, {plan.decision_id}, 'I-2', {plan.service_id}, 3, 'C62', '[2026-12-01,2027-02-01)')"
        )
    target = tmp_path / "liite.pdf"
    with pytest.raises(InputError, match="--item which: I-1, I-2"):
        avain.run("compare", "--case", CASE, "--pdf", str(target))
    assert not target.exists()
    assert len(avain.json("compare", "--case", CASE)) == 2
    avain.run("compare", "--case", CASE, "--item", "I-2", "--pdf", str(target))
    assert target.exists()


@pytest.mark.parametrize(
    "asked",
    [
        (),
        ("--case", CASE, "--baseline", "PERHETYO-T", "--quantity", "3"),
        ("--baseline", "PERHETYO-T"),
        ("--case", CASE, "--quantity", "3"),
        ("--baseline", "PERHETYO-T", "--quantity", "3", "--item", "I-1"),
        ("--baseline", "PERHETYO-T", "--quantity", "3", "--months", "0"),
        ("--baseline", "PERHETYO-T", "--quantity", "3", "--months", "121"),
        ("--baseline", "PERHETYO-T", "--quantity", "3", "--lang", "de"),
    ],
)
def test_what_makes_no_question_is_refused(avain, asked):
    assert avain.run("compare", *asked, code=2) == ""


@pytest.mark.parametrize(
    "quantity", ["0", "-3", "NaN", "sNaN", "inf", "1e99", "100000000", "kaksi", "1,2,3", "0.00001", ""]
)
def test_what_is_no_quantity_is_refused(avain, quantity):
    if quantity == "":
        avain.run("compare", "--baseline", "PERHETYO-T", "--quantity", quantity, code=2)
        return
    with pytest.raises(InputError, match="is not a quantity"):
        avain.run("compare", "--baseline", "PERHETYO-T", "--quantity", quantity)


def test_unknown_things_are_refused_or_said(avain):
    with pytest.raises(NotFound, match="KAHVI"):
        avain.run("compare", "--baseline", "KAHVI", "--quantity", "3")
    with pytest.raises(NotFound, match="HB-2026-9"):
        avain.run("compare", "--case", "HB-2026-9")
    with pytest.raises(InputError, match=r"KPL is not a unit.*C62"):
        avain.run("compare", "--baseline", "PERHETYO-T", "--quantity", "3", "--unit", "kpl")
    (found,) = avain.json("compare", "--baseline", "PERHETYO-T", "--quantity", "3", "--unit", "mon")
    assert "nothing to compare with" in found["reason"]
    assert {offer["total"] for offer in found["offers"]} == {None}
    assert found["unit"] == "MON"


def test_a_choice_is_recorded_with_who_when_and_why(avain):
    chosen = avain.json(
        "case", "choose", CASE, "--provider", "Yksi", "--by", "child", "--reason", "lähin", "--as", "W-1"
    )
    assert (chosen["chosen_by"], chosen["actor"], chosen["reason"]) == ("child", "cli:W-1", "lähin")
    item = avain.json("case", "show", CASE)["items"][0]
    assert (item["chosen_by"], item["recorded_by"], item["why"], item["chosen_at"]) == (
        "child", "cli:W-1", "lähin", chosen["at"],
    )  # fmt: skip
    assert "(cli:W-1): lähin" in " ".join(avain.run("case", "show", CASE).split())


def test_over_the_tolerance_a_choice_needs_its_reason(avain):
    avain.process.rows("UPDATE decision SET granted_amount = 1010 RETURNING id")
    choosing = ("case", "choose", CASE, "--provider", "Kaksi", "--by", "parent")
    with pytest.raises(InputError, match=r"€1,116\.00, over its ceiling of €1,010\.00"):
        avain.run(*choosing)
    assert not avain.process.rows("SELECT FROM choice")
    with pytest.raises(InputError, match="--reason"):
        avain.run(*choosing, "--reason", "  ")
    avain.run(*choosing, "--reason", "lapsi tuntee ohjaajan")
    assert avain.process.rows("SELECT FROM choice WHERE ended_at IS NULL")
    avain.run("case", "choose", CASE, "--provider", "Yksi", "--by", "parent")


def test_within_the_tolerance_no_reason_is_asked(avain):
    avain.process.rows("UPDATE decision SET granted_amount = 1062.86 RETURNING id")  # with a twentieth more 1,116.003
    avain.run("case", "choose", CASE, "--provider", "Kaksi", "--by", "adult")


def test_in_a_closed_case_nothing_is_chosen(avain):
    avain.process.rows("UPDATE client_case SET status = 'closed' RETURNING id")
    with pytest.raises(InputError, match="has ended"):
        avain.run("case", "choose", CASE, "--provider", "Yksi", "--by", "adult")
