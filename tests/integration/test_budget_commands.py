"""The task and the commands of budgets, over a database of their own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from core.budget_settings import Budgets
from core.embedded import Embedded
from core.errors import InputError, NotFound
from models.case import Decision, PlanItem
from models.price import Price, PriceKey
from models.provider import Provider
from models.service import Service
from services.budgets import dirty
from services.work import call
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.order import make_delivered, make_invoice, make_order, make_order_line
from tests.factories.price import make_price, make_price_key, make_price_list, make_price_source
from tests.factories.provider import make_provider
from tests.factories.service import make_alternative, make_service
from tests.support.budgets import recompute_dirty
from tests.support.in_process import InProcess, in_process
from workers.tasks.budgets import recompute_budgets


@dataclass
class Avain:
    """One family in an installation of its own."""

    process: InProcess
    case: str
    decision: int
    coaching_key: int

    def run(self, *words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, list(words))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json"))

    def mark(self) -> None:
        with self.process.transaction() as session:
            dirty.mark_decisions(session, [self.decision], "cases")


@pytest.fixture
def avain(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Avain]:
    with in_process(database, tmp_path, monkeypatch) as process:
        with process.transaction() as session:
            family_work = make_service(session, code="PERHETYO", name_fi="perhetyö")
            coaching = make_service(session, code="ADHD", name_fi="ADHD-valmennus")
            make_alternative(session, family_work, coaching)
            provider = make_provider(session, name="Esimerkkivalmennus Oy (keksitty)")
            make_price(session, family_work, amount="89.50")
            key = make_price_key(session, coaching, provider)
            listed = make_price_list(session, make_price_source(session, provider), file_name="valmennus.csv")
            make_price(session, coaching, provider, "88.00", key=key, price_list=listed, position="7")
            case = make_case(session, number="HB-2026-000001")
            decision = make_decision(
                session,
                case,
                number="P-2026-101",
                baseline_service_id=family_work.id,
                baseline_quantity=Decimal(12),
                baseline_unit="C62",
            )
            make_choice(session, make_plan_item(session, decision, coaching, "12", external_id="I-1"), provider)
        yield Avain(process, case.number, decision.id, key.id)


def test_the_task_calculates_what_was_noted(avain):
    avain.mark()
    assert avain.process.do_due("recompute_budgets", recompute_budgets) == 1
    (run,) = avain.process.rows("SELECT outcome, counts FROM run WHERE kind = 'recompute_budgets'")
    assert run.outcome == "succeeded"
    assert run.counts == {"recomputed": 1, "changed": 1, "unpriced": 0, "over": 0}
    (version,) = avain.process.rows("SELECT state, run_id IS NOT NULL AS with_run FROM budget_version")
    assert (version.state, version.with_run) == ("near", True)


def test_the_nightly_slot_finds_what_time_and_settings_touched(avain):
    avain.mark()
    avain.process.do_due("recompute_budgets", recompute_budgets)
    avain.process.configure(budgets__near_limit="0.99")
    slot(avain, "2026-11-17T02:30Z")
    assert states(avain) == ["ok"]
    avain.process.rows("UPDATE decision SET valid = '[2026-01-01,2026-02-01)' RETURNING id")
    avain.process.do_due("recompute_budgets", recompute_budgets)
    assert states(avain) == ["ok"], "the days went by unnoticed"
    slot(avain, "2026-11-18T02:30Z")
    assert states(avain) == ["ended"]


def slot(avain: Avain, moment: str) -> None:
    with avain.process.transaction() as session:
        call(session, "recompute_budgets", f"recompute_budgets@{moment}", slot=moment)
    avain.process.do_due("recompute_budgets", recompute_budgets)


def states(avain: Avain) -> list[str]:
    return [row.state for row in avain.process.rows("SELECT state FROM budget_version WHERE superseded_at IS NULL")]


@pytest.mark.parametrize(("fault_point", "versions"), [("budgets.taken", 0), ("budgets.written", 1)])
def test_a_killed_task_loses_nothing_and_repeats_nothing(avain, fault_point, versions):
    avain.mark()
    (work,) = avain.process.rows("SELECT id FROM work WHERE kind = 'recompute_budgets'")
    avain.process.die_doing(work.id, "workers.tasks.budgets.recompute_budgets", fault_point)
    assert len(avain.process.rows("SELECT id FROM budget_version")) == versions
    avain.process.do_due("recompute_budgets", recompute_budgets)
    assert len(avain.process.rows("SELECT id FROM budget_version")) == 1
    assert not avain.process.rows("SELECT id FROM budget_dirty")


def test_a_budget_somebody_holds_is_passed_over_and_tried_again(avain):
    avain.mark()
    with avain.process.transaction() as holder:
        holder.connection().exec_driver_sql("SELECT id FROM budget FOR NO KEY UPDATE")
        avain.process.do_due("recompute_budgets", recompute_budgets)
    (work,) = avain.process.rows(
        "SELECT done_at, next_at > clock_timestamp() AS later FROM work WHERE kind = 'recompute_budgets'"
    )
    assert (work.done_at, work.later) == (None, True)
    avain.process.do_due("recompute_budgets", recompute_budgets)
    assert avain.process.rows("SELECT id FROM budget_version")


def test_recompute_show_and_explain(avain):
    with pytest.raises(NotFound, match=avain.case):
        avain.run("budget", "show", avain.case)
    with pytest.raises(NotFound):
        avain.run("budget", "show", "HB-0")
    avain.mark()
    report = avain.json("budget", "recompute")
    assert set(report) == {"recomputed", "changed", "unpriced", "over", "seconds"}
    assert (report["recomputed"], report["changed"]) == (1, 1)
    assert avain.json("budget", "recompute", "--all")["changed"] == 0

    (shown,) = avain.json("budget", "show", avain.case)
    assert (shown["ceiling"], shown["planned"], shown["free"]) == ("1074.00", "1056.00", "18.00")
    assert shown["lines"][0]["price"]["file_name"] == "valmennus.csv"
    text = avain.run("budget", "show", avain.case)
    assert "€1,074.00" in text

    explained = " ".join(avain.run("budget", "explain", avain.case).split())
    for part in ("P-2026-101", "valmennus.csv", "7", "sha256", "€89.50"):
        assert part in explained


def test_who_looks_and_who_recomputes_is_recorded_unless_it_is_a_dry_run(avain):
    avain.mark()
    assert avain.json("budget", "recompute", "--all", "--dry-run")["changed"] == 1
    assert not avain.process.rows("SELECT FROM audit_event UNION ALL SELECT FROM budget_version")
    assert avain.json("budget", "recompute", "--as", "enni")["changed"] == 1
    avain.run("budget", "show", avain.case, "--as", "enni")
    avain.run("budget", "explain", avain.case, "--as", "aino")
    avain.run("compare", "--case", avain.case, "--as", "enni")
    recorded = avain.process.rows("SELECT actor, action, subject FROM audit_event ORDER BY id")
    assert [tuple(row) for row in recorded] == [
        ("cli:enni", "budget.recompute_asked", "budgets"),
        ("cli:enni", "budget.viewed", f"case:{avain.case}"),
        ("cli:aino", "budget.viewed", f"case:{avain.case}"),
        ("cli:enni", "case.compared", f"case:{avain.case}"),
    ]


def test_a_budget_as_it_was_known(avain):
    avain.mark()
    with avain.process.transaction() as session:
        recompute_dirty(session, now=datetime(2026, 11, 16, 5, tzinfo=UTC), settings=Budgets())
        session.connection().exec_driver_sql("UPDATE decision SET baseline_quantity = 10")
    avain.mark()
    avain.json("budget", "recompute")
    assert avain.json("budget", "show", avain.case)[0]["ceiling"] == "895.00"
    (then,) = avain.json("budget", "explain", avain.case, "--at", "2026-11-16")
    assert (then["ceiling"], then["ceiling_from"]["quantity"]) == ("1074.00", "12.0")
    with pytest.raises(NotFound, match="Nothing was known yet of a budget of case HB-2026-000001 on 2026-11-15"):
        avain.run("budget", "show", avain.case, "--at", "2026-11-15")


def test_what_others_wrote_is_shown_as_it_is(avain):
    with avain.process.transaction() as session:
        run = session.connection().exec_driver_sql
        run("UPDATE price_list SET file_name = 'hinnasto[uusi].csv' WHERE file_name = 'valmennus.csv'")
        run("UPDATE decision SET number = 'P[/]101'")
    avain.mark()
    avain.json("budget", "recompute")
    explained = avain.run("budget", "explain", avain.case)
    assert "hinnasto[uusi].csv:7" in explained
    assert "decision P[/]101" in explained
    assert "decision P[/]101" in avain.run("budget", "show", avain.case)
    assert "decision P[/]101" in avain.run("compare", "--case", avain.case)


def test_a_change_that_waits_and_a_case_that_is_closed_are_said(avain):
    avain.mark()
    avain.json("budget", "recompute")
    assert "!" not in avain.run("budget", "show", avain.case)
    avain.mark()
    assert "! Something has changed since" in avain.run("budget", "show", avain.case)
    assert "! Something has changed since" in avain.run("budget", "explain", avain.case)
    assert avain.json("budget", "show", avain.case)[0]["touched"] is True
    with avain.process.transaction() as session:
        session.connection().exec_driver_sql("UPDATE client_case SET status = 'closed'")
    avain.json("budget", "recompute")
    assert "! The case is closed" in avain.run("budget", "show", avain.case)
    (then,) = avain.json("budget", "show", avain.case, "--at", "2036-01-01")
    assert (then["touched"], then["case_status"]) == (False, None)


def test_services_are_named_in_reasons_too_and_coded_in_json(avain):
    with avain.process.transaction() as session:
        session.connection().exec_driver_sql("UPDATE choice SET ended_at = now()")
        session.connection().exec_driver_sql("UPDATE decision SET granted_amount = 900")
    avain.mark()
    avain.json("budget", "recompute")
    assert "! ADHD-valmennus: no provider has been chosen" in avain.run("budget", "show", avain.case)
    assert "! ADHD-valmennus: no provider has been chosen" in avain.run("budget", "explain", avain.case)
    (shown,) = avain.json("budget", "show", avain.case)
    assert shown["reasons"][0].startswith("ADHD: no provider has been chosen")
    assert shown["ceiling_from"]["granted_amount"] == "900.00"


def test_compare_with_and_without_a_case(avain):
    (found,) = avain.json("compare", "--case", avain.case, "--item", "I-1")
    assert (found["ceiling"], found["offers"][0]["total"], found["offers"][0]["cheapest"]) == (
        "1074.00",
        "1056.00",
        True,
    )
    assert found["offers"][0]["prices"][0]["position"] == "7"
    (asked,) = avain.json("compare", "--baseline", "PERHETYO", "--quantity", "12", "--unit", "C62", "--months", "3")
    assert date.fromisoformat(asked["first"]) < date.fromisoformat(asked["last"])
    assert "ADHD-valmennus, Esimerkkivalmennus Oy" in avain.run("compare", "--case", avain.case)
    assert avain.run("compare", code=2) == ""
    assert avain.run("compare", "--case", avain.case, "--baseline", "PERHETYO", code=2) == ""


def _replace_price(session, key_id, amount, **over):
    """Supersede a price and put another in its place: nothing is overwritten, the role could not."""
    session.connection().exec_driver_sql(
        "UPDATE price SET superseded_at = clock_timestamp() WHERE price_key_id = %(key)s", {"key": key_id}
    )
    key = session.get(PriceKey, key_id)
    provider = session.get(Provider, key.provider_id) if key.provider_id else None
    make_price(session, session.get(Service, key.service_id), provider, amount, key=key, **over)


def test_an_explanation_leads_to_orders_invoices_and_deliveries(avain):
    with avain.process.transaction() as session:
        decision = session.get(Decision, avain.decision)
        item = session.query(PlanItem).filter_by(decision_id=avain.decision).one()
        price = (
            session.query(Price)
            .join(PriceKey, PriceKey.id == Price.price_key_id)
            .filter(PriceKey.id == avain.coaching_key)
            .one()
        )
        provider = session.get(Provider, session.get(PriceKey, avain.coaching_key).provider_id)
        order = make_order(session, decision, provider, period=item.period, number="T-2026-000042")
        line = make_order_line(session, order, item, price, "1056.00")
        make_invoice(session, line, "352.00", number="L-77", quantity=Decimal(4))
        make_invoice(session, line, "88.00", number="H-5", kind="credit")
        make_delivered(session, line, "5")
    avain.mark()
    avain.json("budget", "recompute")
    (shown,) = avain.json("budget", "show", avain.case)
    assert (shown["invoiced"], shown["ordered"], shown["delivered"], shown["planned"]) == (
        "264.00",
        "792.00",
        "176.00",
        "0.00",
    )
    billed = next(one for one in shown["lines"] if one["kind"] == "invoiced")
    assert (billed["invoices"], billed["order"], billed["gross"]) == (["H-5", "L-77"], "T-2026-000042", "264.00")
    explained = " ".join(avain.run("budget", "explain", avain.case).split())
    for part in ("T-2026-000042", "H-5, L-77", "of which delivered €176.00", "Ordered €792.00", "valmennus.csv"):
        assert part in explained


def test_the_days_that_have_no_price_stand_in_the_explanation(avain):
    with avain.process.transaction() as session:
        _replace_price(session, avain.coaching_key, "88.00", last=date(2026, 12, 31))
    avain.mark()
    assert avain.json("budget", "recompute")["unpriced"] == 1
    explained = " ".join(avain.run("budget", "explain", avain.case).split())
    assert "Unpriced" in explained
    assert "no price of Esimerkkivalmennus Oy (keksitty) is in force from" in explained


def test_a_ceiling_is_looked_up_anew(avain):
    avain.mark()
    avain.json("budget", "recompute")
    with avain.process.transaction() as session:
        own = session.query(PriceKey).filter_by(provider_id=None).one()
        _replace_price(session, own.id, "90.00")
    tried = avain.json("budget", "rebase", avain.case, "--reason", "korjattu", "--dry-run")
    assert (tried[0]["ceiling_before"], tried[0]["ceiling"]) == ("1074.00", "1080.00")
    assert avain.json("budget", "show", avain.case)[0]["ceiling"] == "1074.00"
    assert "€1,074.00 → €1,080.00" in avain.run("budget", "rebase", avain.case, "--reason", "korjattu", "--as", "enni")
    assert avain.json("budget", "show", avain.case)[0]["ceiling"] == "1080.00"
    with pytest.raises(InputError):
        avain.run("budget", "rebase", avain.case, "--reason", " ")
    with pytest.raises(NotFound, match="no decision P-0"):
        avain.run("budget", "rebase", avain.case, "--reason", "korjattu", "--decision", "P-0")
