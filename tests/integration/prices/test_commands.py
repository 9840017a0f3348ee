"""Price lists from the command line: plans, saved plans, what is held, rollback, and lists for people."""

import pytest
from typer.testing import CliRunner

from cli.common import CHANGES_PENDING, ERROR, SOME_REJECTED
from cli.main import app
from core.errors import AvainError, Message
from tests.support.price_source import DATA


def test_plan_shows_and_changes_nothing(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\nTUKIHENKILÖ;h;1;\n")
    plan = county.avain("source", "plan", "tukipolku", code=CHANGES_PENDING)
    assert (plan["added"], plan["rejected"]) == (1, 1)
    assert plan["changes"][0]["new"] == "49"
    assert plan["rejections"][0]["position"] == "3"
    assert county.amounts() == []
    shown = CliRunner().invoke(app, ["source", "plan", "tukipolku"]).output
    assert "TUKIHENKILO" in shown
    assert "✗" in shown


def test_a_plan_and_the_prices_in_force_tell_like_prices_apart(county):
    county.write(
        "Palvelu;Yksikkö;Hinta;Yöhinta;Matkakorvaus €/km;Taksa X\n"
        "TUKIHENKILO;h;49,00;60,00;0,57;\nTUKIHENKILO;45 min;40,00;;;1\n".encode()
    )
    plan = county.avain("source", "plan", "tukipolku", code=CHANGES_PENDING)
    assert [(one["base_quantity"], one["time_class"], one["extra"]) for one in plan["changes"]] == [
        ("1", "weekday", ""), ("1", "night", ""), ("1", "weekday", "travel"), ("0.75", "weekday", ""),
    ]  # fmt: skip
    assert plan["unknown_columns"] == ["Taksa X"]
    wide = {"COLUMNS": "200"}
    shown = CliRunner().invoke(app, ["source", "plan", "tukipolku"], env=wide).output
    county.avain("source", "run", "tukipolku", "--inline")
    for said in (shown, CliRunner().invoke(app, ["price", "list"], env=wide).output):
        assert "0.75 hours" in said
        assert "hour, night" in said
        assert "TUKIHENKILO (travel)" in said
    assert "Columns that were passed over: Taksa X" in shown
    assert 'avain price columns 9999997-6 --set "…=price"' in shown


def test_a_held_list_is_listed_and_approved_from_the_command_line(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    assert county.avain("source", "run", "tukipolku", "--inline")["added"] == 1
    county.write("TUKIHENKILO;h;60,00;1.12.2026\nMUU;h;1;\n")
    county.night()
    (held,) = county.avain("price", "held")
    assert "22" in held["reasons"][0]
    county.avain("price", "approve", str(held["id"]), "--note", "Sovittu", "--dry-run")
    county.avain("price", "approve", str(held["id"]), "--note", "Sovittu", "--as", "testi")
    (price,) = county.avain(
        "price", "list", "--at", "2026-12-01", "--service", "TUKIHENKILO", "--provider", "9999997-6"
    )
    assert (price["amount"], price["source"], price["position"], price["valid_from"]) == (
        "60.0000",
        "tukipolku",
        "2",
        "2026-12-01",
    )
    assert county.avain("price", "held") == []
    with pytest.raises(AvainError):
        county.avain("price", "discard", str(held["id"]), "--note", "Ei")
    assert (
        county.process.rows("SELECT actor FROM audit_event WHERE action = 'price_list.approved'")[0].actor
        == "cli:testi"
    )


def test_a_held_list_is_discarded_from_the_command_line(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    county.write("TUKIHENKILO;h;60,00;1.12.2026\n")
    county.night()
    (held,) = county.avain("price", "held")
    assert county.avain("price", "discard", str(held["id"]), "--note", "Ei sovittu")["state"] == "discarded"
    assert county.amounts() == ["49.0000"]


def test_a_held_list_is_decided_by_its_run_too(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    county.write("TUKIHENKILO;h;60,00;1.12.2026\n")
    county.night()
    county.night()  # the same content again: the list keeps its place, each run names it
    held = [row.id for row in county.process.rows("SELECT id FROM run WHERE outcome = 'held' ORDER BY id")]
    assert len(held) == 2
    county.avain("source", "approve", str(held[1]), "--note", "Sovittu", "--dry-run")
    assert county.avain("source", "approve", str(held[1]), "--note", "Sovittu")["changed"] == 1
    with pytest.raises(AvainError, match="does not wait any more"):
        county.avain("source", "approve", str(held[0]), "--note", "Sovittu")
    county.write("TUKIHENKILO;h;90,00;1.12.2026\n")
    county.night()
    (last,) = county.process.rows("SELECT max(id) AS id FROM run WHERE outcome = 'held'")
    assert county.avain("source", "discard", str(last.id), "--note", "Ei")["state"] == "discarded"
    assert county.avain("price", "held") == []


def test_exit_code_of_a_list_with_rejected_rows(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\nMUU;h;1;\n")
    assert county.avain("source", "run", "tukipolku", "--inline", code=SOME_REJECTED)["state"] == "partly"


def test_the_lists_are_printed_for_people(county):
    county.avain("worker", "import", str(DATA / "workers.toml"))
    county.write(
        "Palvelukoodi;Yksikkö;Hinta;Aikaluokka\nTUKIHENKILO;45 min;49,1250;lauantai\nNEPSY-VALMENNUS;käynti;95;\n".encode()
    )
    county.night()
    for words, expected in (
        (("service", "list"), "ADHD-VALMENNUS"),
        (("provider", "list"), "SOP-2026-12"),
        (("worker", "list"), "W-900"),
        (("price", "list"), "49.125"),
        (("price", "held"), ""),
    ):
        result = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
        assert result.exit_code == 0, result.output
        assert expected in result.output
    result = CliRunner().invoke(app, ["service", "import", str(DATA / "services.toml"), "--dry-run"])
    assert result.exit_code == 0


def test_a_saved_plan_is_applied_exactly(county, tmp_path):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\nMUU;h;1;\n")
    saved = tmp_path / "plan.json"
    shown = county.avain("source", "plan", "tukipolku", "-o", str(saved), code=CHANGES_PENDING)
    assert (shown["state"], shown["effect"]["budgets"]) == ("applied", 0)
    county.write("TUKIHENKILO;h;99,00;1.1.2026\n")  # what lies there by then does not matter
    county.avain("source", "apply", str(saved), "--dry-run", code=SOME_REJECTED)
    assert county.amounts() == []
    assert county.avain("source", "apply", str(saved), code=SOME_REJECTED)["added"] == 1
    assert county.amounts() == ["49.0000"]
    assert county.runs() == ["partly"]
    assert county.process.rows("SELECT count(*) AS n FROM rejected_record WHERE settled_at IS NULL")[0].n == 1
    with pytest.raises(AvainError, match="another list of tukipolku was applied"):
        county.avain("source", "apply", str(saved))
    county.write("TUKIHENKILO;h;49,00;1.1.2026\nMUU;h;1;\n")
    assert county.avain("source", "plan", "tukipolku")["unchanged"] == 1


def test_a_saved_plan_that_must_wait_needs_a_persons_word(county, tmp_path):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    county.write("TUKIHENKILO;h;60,00;1.12.2026\n")
    saved = tmp_path / "plan.json"
    shown = county.avain("source", "plan", "tukipolku", "-o", str(saved), code=CHANGES_PENDING)
    assert shown["state"] == "held"
    assert "contract SOP" in shown["changes"][0]["rule"]
    with pytest.raises(AvainError, match="--note"):
        county.avain("source", "apply", str(saved))
    assert county.avain("source", "apply", str(saved), "--note", "Sovittu", "--as", "testi")["changed"] == 1
    assert county.process.rows("SELECT actor, reason FROM audit_event WHERE action = 'price_list.approved'") == [
        ("cli:testi", "Sovittu")
    ]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: text.replace('"49"', '"9"'), "changed after it was saved"),
        (lambda text: text.replace('"version": 1', '"version": 2'), "another version"),
        (lambda _: "[]", "not a saved plan"),
        (lambda _: "\x00", "not a saved plan"),
    ],
)
def test_a_saved_plan_that_was_touched_is_refused(county, tmp_path, spoil, said):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    saved = tmp_path / "plan.json"
    county.avain("source", "plan", "tukipolku", "-o", str(saved), code=CHANGES_PENDING)
    saved.write_text(spoil(saved.read_text("utf-8")), "utf-8")
    with pytest.raises(AvainError, match=said):
        county.avain("source", "apply", str(saved))


def test_a_plan_that_began_on_a_day_that_has_passed_is_refused(county, tmp_path):
    county.write("TUKIHENKILO;h;49,00;\n")
    saved = tmp_path / "plan.json"
    county.avain("source", "plan", "tukipolku", "-o", str(saved), code=CHANGES_PENDING)
    with county.process.transaction() as session:
        session.connection().exec_driver_sql("UPDATE business_clock SET offset_seconds = 2 * 86400")
    with pytest.raises(AvainError, match="which was the day it was made"):
        county.avain("source", "apply", str(saved))


def test_files_that_cannot_be_plans(county, tmp_path):
    with pytest.raises(AvainError, match="cannot be read"):
        county.avain("source", "apply", str(tmp_path / "nowhere.json"))
    (tmp_path / "plan.json").write_bytes(b"\xff\xfe")
    with pytest.raises(AvainError, match="not a saved plan"):
        county.avain("source", "apply", str(tmp_path / "plan.json"))
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    with pytest.raises(AvainError, match="cannot be written"):
        county.avain("source", "plan", "tukipolku", "-o", str(tmp_path / "no" / "plan.json"))


def test_a_list_is_rolled_back_from_the_command_line(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    county.write("TUKIHENKILO;h;48,00;1.12.2026\n")
    county.night()
    (run,) = county.process.rows("SELECT max(id) AS id FROM run WHERE kind = 'import_prices'")
    assert county.avain("source", "rollback", str(run.id), "--note", "Väärä", "--dry-run")["dry_run"]
    undone = county.avain("source", "rollback", str(run.id), "--note", "Väärä")
    assert (undone["state"], undone["ended"], undone["restored"]) == ("rolled_back", 2, 1)
    (price,) = county.avain("price", "list", "--at", "2027-01-01")
    assert (price["amount"], price["valid_to"]) == ("49.0000", None)
    with pytest.raises(AvainError, match="rolled back already"):
        county.avain("source", "rollback", str(run.id), "--note", "Väärä")
    county.night()  # the file still lies there
    (held,) = county.avain("price", "held")
    assert "rolled back" in held["reasons"][0]
    shown = county.avain("price", "show", str(held["id"]))
    assert (shown["changes"][0]["new"], shown["effect"]["orders"]) == ("48", 0)
    printed = CliRunner().invoke(app, ["price", "show", str(held["id"])])
    assert "! This very list was applied before and rolled back." in printed.output
    history = county.avain("source", "history", "tukipolku")
    assert any(one["run_id"] == undone["by_run"] for one in history)


def test_the_list_of_another_shape_is_refused_by_plan_too(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    county.write("TUKIHENKILO;h;sop.mukaan;\n")
    plan = county.avain("source", "plan", "tukipolku", code=ERROR)
    assert (plan["state"], plan["reason"]) == ("refused", "No row of the price list could be used.")
    assert (plan["changes"], plan["ended"], plan["rejected"]) == ([], 0, 1)
    assert "✗" in CliRunner().invoke(app, ["source", "plan", "tukipolku"]).output


def test_a_list_that_was_decided_says_so_in_the_readers_language(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    (found,) = county.process.rows("SELECT id FROM price_list")
    for words in (("price", "show", str(found.id)), ("price", "approve", str(found.id), "--note", "x")):
        with pytest.raises(AvainError) as error:
            county.avain(*words)
        assert error.value.message.params["state"] == Message("applied")
