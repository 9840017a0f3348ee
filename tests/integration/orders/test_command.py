"""`avain order …` as people and scripts use it: JSON, exit codes, dry runs."""

import json
import os
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import cli.main  # noqa: F401 - adds respond and handover to `avain order`
from cli import case, price, rejected, reminder, run
from cli.compare import _quantity
from cli.order import app
from core.errors import InputError, NotFound
from documents.ubl_order import write_order
from services.budgets.show import budgets_of_case
from tests.factories.case import make_case
from tests.support.in_process import InProcess
from tests.support.lives import lives
from tests.support.ordering import World, make_world
from tests.support.orders import an_order


@pytest.fixture
def world(here: InProcess) -> World:
    with here.transaction() as session:
        world = make_world(session, channel="file")
        world.case.number = "HB-2026-000001"
        return world


def avain(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


def send(*options: str) -> dict[str, str]:
    """`avain order send --json` in a process of its own, whose log must not get between the result."""
    done = lives().run(["order", "send", "--json", *options], os.environ)
    assert done.returncode == 0, done.stderr
    states: dict[str, str] = json.loads(done.stdout)
    return states


def test_from_approval_to_the_providers_folder(here: InProcess, world: World, tmp_path: Path) -> None:
    done = json.loads(avain("approve", "HB-2026-000001", "--as", "enni", "--json").stdout)
    (made,) = done["orders"]
    assert (made["order"], made["total_gross"], done["refused"]) == ("T-2026-000001", "1056.00", [])
    assert here.rows("SELECT approved_by FROM purchase_order")[0].approved_by == "cli:enni"
    assert send() == {"T-2026-000001": "sent"}
    sent = (tmp_path / "outbox" / world.provider.business_id / "T-2026-000001.xml").read_bytes()
    assert avain("show", "T-2026-000001", "--xml").stdout_bytes == sent
    shown = json.loads(avain("show", "T-2026-000001", "--json").stdout)
    assert (shown["state"], shown["lines"][0]["gross"], shown["attempts"][0]["outcome"]) == (
        "sent",
        "1056.00",
        "succeeded",
    )
    assert shown["client_reference"].encode() in sent
    assert (shown["chosen_by"], shown["handed_over_at"]) == ("parent", None)
    (listed,) = json.loads(avain("list", "--state", "sent", "--json").stdout)
    assert listed["number"] == "T-2026-000001"
    with pytest.raises(NotFound):
        avain("list", "--case", "HB-2026-000002", "--json")
    checked = tmp_path / "order.xml"
    checked.write_bytes(sent)
    assert json.loads(avain("check", str(checked), "--json").stdout) == []


def test_show_tells_what_was_answered_billed_and_taken_back(here: InProcess, world: World) -> None:
    avain("approve", "HB-2026-000001")
    send()
    avain("respond", "T-2026-000001", "--change", "--quantity", "1=8", "--starts-on", "1.12.2026", "--as", "enni")
    (answer,) = json.loads(avain("show", "T-2026-000001", "--json").stdout)["answers"]
    assert (answer["code"], answer["state"], answer["lines"][0]["quantity"]) == ("CA", "held", "8.0000")
    shown = avain("show", "T-2026-000001").stdout
    assert "8 visits" in shown
    assert "waits for a person" in shown
    avain("respond", "T-2026-000001", "--apply", "--as", "enni")
    avain("handover", "T-2026-000001", "--as", "enni")
    assert "Contact details given" in avain("show", "T-2026-000001").stdout
    avain("cancel", "T-2026-000001", "--reason", "moved away", "--as", "enni")
    assert "Cancelled by: cli:enni" in avain("show", "T-2026-000001").stdout
    told = json.loads(avain("show", "T-2026-000001", "--json").stdout)
    assert (told["starts_on"], told["cancelled_by"], told["invoices"]) == ("2026-12-01", "cli:enni", [])


def test_people_read_tables(here: InProcess, world: World) -> None:
    assert "1,056.00" in avain("approve", "HB-2026-000001").stdout
    assert "T-2026-000001" in avain("list").stdout
    shown = avain("show", "T-2026-000001").stdout
    assert world.provider.name in shown
    assert world.service.name_fi in shown
    assert send() == {"T-2026-000001": "sent"}
    assert "sent again" in avain("resend", "T-2026-000001").stdout
    assert send() == {"T-2026-000001": "sent"}
    assert "told by e-mail" in avain("cancel", "T-2026-000001", "--reason", "moved away").stdout


def test_a_dry_run_changes_nothing(here: InProcess, world: World) -> None:
    said = avain("approve", "--dry-run", "HB-2026-000001")
    assert "Would be ordered" in said.stdout
    assert said.stderr == "Dry run: nothing was changed.\n"
    assert json.loads(avain("approve", "HB-2026-000001", "--dry-run", "--json").stdout)["dry_run"]
    for table in ("purchase_order", "order_coverage", "counter", "budget_dirty", "audit_event"):
        assert here.rows(f"SELECT count(*) AS n FROM {table}")[0].n == 0
    assert not here.rows("SELECT 1 FROM work WHERE kind = 'deliver_order'")
    avain("approve", "HB-2026-000001")
    assert json.loads(avain("cancel", "T-2026-000001", "--reason", "x", "--dry-run", "--json").stdout)["dry_run"]
    assert here.rows("SELECT state FROM purchase_order")[0].state == "approved"


def test_who_sends_and_who_looks_is_recorded_unless_it_is_a_dry_run(here: InProcess, world: World) -> None:
    avain("approve", "HB-2026-000001", "--as", "enni")
    assert json.loads(avain("send", "--dry-run", "--json").stdout) == {"T-2026-000001": "approved", "dry_run": True}
    assert "Would be delivered" in avain("send", "--dry-run").stdout
    avain("show", "T-2026-000001", "--as", "aino")
    avain("show", "T-2026-000001", "--xml", "--as", "aino")
    assert send("--as", "enni") == {"T-2026-000001": "sent"}
    recorded = here.rows("SELECT actor, action FROM audit_event WHERE subject = 'order:T-2026-000001' ORDER BY id")
    assert [tuple(row) for row in recorded] == [
        ("cli:enni", "order.approved"),
        ("cli:aino", "order.viewed"),
        ("cli:aino", "order.viewed"),
        ("cli:enni", "order.send_asked"),
    ]


def test_exit_codes_tell_partly_from_not_at_all(here: InProcess, world: World) -> None:
    missing = json.loads(avain("approve", str(world.item.id), "999999999", "--json", code=3).stdout)
    assert (len(missing["orders"]), missing["refused"][0]["item"]) == (1, "999999999")
    assert "already ordered" in avain("approve", str(world.item.id), code=1).stdout
    avain("approve", "HB-1999-000001", code=1)
    with pytest.raises(NotFound):
        avain("show", "T-1999-000001")
    with pytest.raises(InputError):
        avain("cancel", "T-2026-000001")


def test_a_misspelt_name_is_not_an_empty_list(here: InProcess, world: World) -> None:
    for command in (("send", "T-NOPE"), ("list", "--case", "HB-NOPE")):
        with pytest.raises(NotFound, match="NOPE"):
            avain(*command)
    with pytest.raises(NotFound, match=r"--state: there is no aproved\. There are: approved, .*sent"):
        avain("list", "--state", "aproved")
    lists = (
        (case.app, "list", "--worker"), (case.app, "list", "--unit"), (reminder.app, "due", "--worker"),
        (run.app, "list", "--kind"), (rejected.app, "list", "--source"), (price.app, "list", "--service"),
        (price.app, "list", "--provider"),
    )  # fmt: skip
    for commands, name, option in lists:
        with pytest.raises(NotFound, match=f"{option}: there is no NOPE"):
            CliRunner().invoke(commands, [name, option, "NOPE"], catch_exceptions=False)
    assert CliRunner().invoke(case.app, ["list", "--worker", world.worker.external_id]).exit_code == 0


def test_approving_says_why_a_name_stands_for_nothing_to_order(here: InProcess, world: World) -> None:
    avain("approve", "HB-2026-000001")
    with here.transaction() as session:
        make_case(session, number="HB-2026-000002")
    for name, why in (
        ("HB-2026-000001", "ordered already: T-2026-000001"),
        ("HB-2026-000002", "no planned service in force"),
        ("HB-2026-000001/NOPE", "names no planned service"),
        ("HB-1999-000001", "There is no case HB-1999-000001"),
        ("kukkuu", "is no name of a planned service"),
    ):
        (refused,) = json.loads(avain("approve", name, "--json", code=1).stdout)["refused"]
        assert refused["item"] == name
        assert why in refused["reason"]
    here.rows("UPDATE order_coverage SET live = false RETURNING order_id")
    here.rows("UPDATE choice SET ended_at = now() RETURNING id")
    assert "No provider is chosen" in avain("approve", "HB-2026-000001", code=1).stdout


def test_one_bad_name_does_not_hold_up_the_others(here: InProcess, world: World) -> None:
    done = json.loads(avain("approve", "kukkuu", "HB-2026-000001", "--json", code=3).stdout)
    assert [order["order"] for order in done["orders"]] == ["T-2026-000001"]
    assert [one["item"] for one in done["refused"]] == ["kukkuu"]


def test_numbers_out_of_range_are_refused_in_words(here: InProcess, world: World) -> None:
    for limit in ("-1", "0", "99999999999999999999"):
        assert "--limit" in avain("list", "--limit", limit, code=2).stderr
    avain("approve", "9" * 24, code=1)
    with here.transaction() as session:
        assert budgets_of_case(session, "HB-2026-000001", at=date(9999, 12, 31)) is not None
    with pytest.raises(InputError):
        _quantity("1e400")


def test_checking_a_file_names_line_and_rule(tmp_path: Path) -> None:
    file = tmp_path / "order.xml"
    file.write_bytes(
        write_order(an_order()).replace(b"<cbc:DocumentCurrencyCode>EUR", b"<cbc:DocumentCurrencyCode>EUX")
    )
    found = json.loads(avain("check", str(file), "--json", code=1).stdout)
    assert any(one["rule"].startswith("PEPPOL") and one["severity"] == "fatal" and one["line"] > 1 for one in found)
    assert "PEPPOL" in avain("check", str(file), code=1).stdout
    file.write_bytes(b"<!DOCTYPE a><a/>")
    with pytest.raises(InputError):
        avain("check", str(file))
