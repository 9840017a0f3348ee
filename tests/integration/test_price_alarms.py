"""What the price manager hears, once; what a provider is written; and the one recomputation that ends a night."""

import email
import os
from datetime import UTC, datetime
from decimal import Decimal
from email.message import Message as Mail
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import select, text
from typer.testing import CliRunner

from cli.main import app
from connectors.drafts import draft
from core.clock import move_business_clock
from core.errors import InputError, NotFound, Permanent
from demo.smtp_sink import SmtpSink
from models.provider import Provider
from models.service import Service
from services.prices.night import end_one
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.support.price_mail import BODIES, KAVERIPAJA, TUKIPOLKU, County, county, csv, mail
from workers.task import perform
from workers.tasks.letters import send_letter
from workers.tasks.prices import watch_prices

__all__ = ["county"]
HOUR = "TUKIHENKILO;h;{};{}"
MANAGER = '[prices]\nmanager_email = "hinnat@alue.invalid"\n[mail]\nsender = "avain@alue.invalid"\n'


def letters(county: County, *script: str) -> list[Mail]:
    """What reaches the manager when all letters are sent."""
    with SmtpSink(script=list(script)) as sink:
        county.process.configure(mail__port=sink.port)
        while county.process.do_due("send_letter", send_letter):
            pass
        return [email.message_from_bytes(one.content, policy=default) for one in sink.messages]


def body(letter: Mail) -> str:
    return str(letter.get_content())  # type: ignore[attr-defined]


def test_a_held_list_is_told_of_once(county: County):
    county.configure(rest=MANAGER)
    county.put("1.eml", mail(TUKIPOLKU, ("hinnasto.csv", csv(HOUR.format("49,00", "1.1.2026")))))
    county.read()
    assert letters(county) == []
    county.put(
        "2.eml",
        mail(
            TUKIPOLKU, ("hinnasto.csv", csv(HOUR.format("60,00", "1.12.2026"))), sent="Tue, 17 Nov 2026 09:00:00 +0200"
        ),
    )
    assert county.read()[-1] == ("import_prices", "held")
    (letter,) = letters(county)
    assert (letter["To"], letter["Auto-Submitted"]) == ("hinnat@alue.invalid", "auto-generated")
    assert "Tukipolku" in body(letter)
    assert "hinnasto.csv" in body(letter)
    assert TUKIPOLKU not in letter.as_string()
    county.put(
        "3.eml",
        mail(TUKIPOLKU, ("again.csv", csv(HOUR.format("60,00", "1.12.2026"))), sent="Wed, 18 Nov 2026 09:00:00 +0200"),
    )
    county.read()
    assert letters(county) == [], "the same list keeps its place"
    assert len(county.avain("price", "held")) == 1


def test_refused_lists_and_mails_that_wait_are_told_of_once(county: County):
    county.configure(rest=MANAGER)
    county.put("1.eml", mail(TUKIPOLKU, ("hinnasto.xlsx", b"PK\x03\x04 broken")))
    county.put("2.eml", mail("etunimi.sukunimi@muualla.invalid", ("a.csv", csv(HOUR.format("1,00", "")))))
    county.put("3.eml", mail(KAVERIPAJA, ("a.csv", csv("MUU;h;1,00;"))))
    county.read()
    told = "\n".join(body(one) for one in letters(county))
    assert "hinnasto.xlsx" in told
    assert "posti/9999998-4" in told
    assert "etunimi" not in told
    county.read()
    assert letters(county) == []


def test_without_a_manager_nothing_is_kept_and_all_is_told_later(county: County):
    county.put("1.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("49,00", "1.1.2026")))))
    county.read()
    county.put(
        "2.eml",
        mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("60,00", "1.12.2026"))), sent="Tue, 17 Nov 2026 09:00:00 +0200"),
    )
    county.read()
    assert county.process.rows("SELECT 1 FROM alarm") == []
    county.configure(rest=MANAGER)
    watch(county)
    (letter,) = letters(county)
    assert "Tukipolku" in body(letter)


def watch(county: County) -> None:
    county.process.rows(
        "INSERT INTO work (kind, key, arguments, queue) VALUES ('watch_prices', gen_random_uuid()::text, '{}', 'default') RETURNING id"
    )
    county.process.do_due("watch_prices", watch_prices)


def test_missing_years_and_prices_that_end_are_told_of_once(county: County, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")
    county.configure(rest=MANAGER)
    with county.process.transaction() as session:
        move_business_clock(session, datetime(2026, 11, 16, 6, tzinfo=UTC))
    rows = ["Palvelukoodi;Yksikkö;Hinta;Voimassa alkaen;Voimassa asti", "TUKIHENKILO;h;49,00;1.1.2026;31.12.2026"]
    rows.append("NEPSY-VALMENNUS;krt;95,00;1.1.2026;")
    county.put("1.eml", mail(TUKIPOLKU, ("a.csv", ("\n".join(rows) + "\n").encode())))
    county.read()
    watch(county)
    (letter,) = letters(county)
    lines = [line for line in body(letter).splitlines() if line.startswith("- ") and "Tukipolku" in line]
    assert len(lines) == 2, lines
    assert any("2027" in line and "TUKIHENKILO" in line for line in lines)
    assert any("2026" in line for line in lines)
    watch(county)
    assert letters(county) == []


def test_a_letter_put_off_comes_once_and_one_in_doubt_is_the_same_message(county: County):
    county.configure(rest=MANAGER)
    county.put("1.eml", mail("joku@muualla.invalid", ("a.csv", csv(HOUR.format("1,00", "")))))
    county.read()
    sent = letters(county, "451", "keep-and-drop")
    assert len({one["Message-ID"] for one in sent}) == 1
    assert [row.state for row in county.process.rows("SELECT state FROM letter")] == ["sent"]
    assert len(sent) == 2


def test_a_letter_in_doubt_twice_waits_for_a_person(county: County):
    county.configure(rest=MANAGER)
    county.put("1.eml", mail("joku@muualla.invalid", ("a.csv", csv(HOUR.format("1,00", "")))))
    county.read()
    letters(county, "keep-and-drop", "keep-and-drop")
    assert [row.state for row in county.process.rows("SELECT state FROM letter")] == ["failed"]
    (last,) = county.process.rows("SELECT max(id) AS id FROM run WHERE kind = 'send_letter'")
    assert CliRunner().invoke(app, ["run", "retry", str(last.id)]).exit_code == 0
    assert len(letters(county)) == 1, "the person wants it sent"
    assert [row.state for row in county.process.rows("SELECT state FROM letter")] == ["sent"]


@pytest.mark.parametrize("fault", ["letter.sending", "letter.sent"])
def test_a_worker_that_dies_while_sending(county: County, fault: str):
    county.configure(rest=MANAGER)
    county.put("1.eml", mail("joku@muualla.invalid", ("a.csv", csv(HOUR.format("1,00", "")))))
    county.read()
    (work,) = county.process.rows("SELECT id FROM work WHERE kind = 'send_letter'")
    with SmtpSink() as sink:
        county.process.configure(mail__port=sink.port)
        county.process.die_doing(work.id, "workers.tasks.letters.send_letter", fault)
        county.process.do_due("send_letter", send_letter)
        received = {one.content for one in sink.messages}
    assert len(received) == 1


def test_a_draft_to_the_provider_lists_the_bad_rows_in_its_language(county: County, tmp_path: Path):
    bad = csv(
        HOUR.format("49,00", "1.1.2026"),
        HOUR.format("sop.mukaan", "1.1.2026"),
        "=cmd|'/c calc'!A1;h;5,00;",
        "NEPSY-VALMENNUS;krt;-5;",
    )
    county.put("1.eml", mail(TUKIPOLKU, ("=hinta.csv", bad)))
    county.put("2.eml", mail(KAVERIPAJA, ("a.csv", csv(HOUR.format("52,00", "1.1.2026"), HOUR.format("0", "")))))
    county.read()
    lists = {
        row.name: row.id
        for row in county.process.rows(
            "SELECT name, price_list.id FROM price_list JOIN price_source ON price_source.id = source_id"
        )
    }
    draft = tmp_path / "vastaus.eml"
    told = county.avain("price", "reply", str(lists["posti/9999997-6"]), "-o", str(draft))
    assert (told["to"], told["language"], told["rows"]) == (TUKIPOLKU, "fi", 3)
    raw = draft.read_bytes()
    letter = email.message_from_bytes(raw, policy=default)
    assert (letter["X-Unsent"], letter["To"]) == ("1", TUKIPOLKU)
    said = body(letter)
    assert "hinta.csv" in said
    assert not any(line.startswith(("=", "+", "@")) for line in said.splitlines())
    assert all(f"{n}" in said for n in (3, 4, 5))
    assert "sop.mukaan" in said
    assert raw.isascii()
    assert county.avain("price", "reply", str(lists["posti/9999998-4"]), "-o", str(draft))["language"] == "sv"
    with pytest.raises(NotFound):
        county.avain("price", "reply", "999", "-o", str(draft))
    with pytest.raises(FileNotFoundError):
        county.avain("price", "reply", str(lists["posti/9999997-6"]), "-o", str(tmp_path / "no" / "x.eml"))


def test_there_is_nothing_to_write_about_a_good_list(county: County, tmp_path: Path):
    own = tmp_path / "own.csv"
    own.write_bytes(csv("PERHETYO;krt;89,50;1.1.2026", "MUU;krt;1;"))
    os.utime(own, (0, 0))
    county.configure(rest=f'[sources.prices.own]\nkind = "own"\npath = "{own}"\n')
    county.put("1.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("49,00", "1.1.2026")))))
    county.read()
    county.read("own")
    ids = {
        row.name: row.id
        for row in county.process.rows(
            "SELECT name, price_list.id FROM price_list JOIN price_source ON price_source.id = source_id"
        )
    }
    with pytest.raises(InputError, match="was rejected"):
        county.avain("price", "reply", str(ids["posti/9999997-6"]), "-o", str(tmp_path / "x.eml"))
    with pytest.raises(InputError, match="own unit costs"):
        county.avain("price", "reply", str(ids["own"]), "-o", str(tmp_path / "x.eml"))


@pytest.mark.parametrize(
    ("sender", "recipient", "subject"),
    [("a b", None, "s"), ("a@x.invalid", "a@x.invalid\r\nBcc: b@y.invalid", "s"), ("a@x.invalid", None, "a\r\nBcc: b")],
)
def test_a_draft_takes_no_header_from_anybody(sender: str, recipient: str | None, subject: str):
    with pytest.raises(Permanent):
        draft(sender=sender, recipient=recipient, subject=subject, text="t")


def test_a_draft_without_an_address_leaves_it_to_the_person():
    assert b"To:" not in draft(sender="a@x.invalid", recipient=None, subject="s", text="t")


def test_a_night_ends_with_one_recomputation_whatever_becomes_of_its_lists(county: County, tmp_path: Path):
    good, broken = tmp_path / "tukipolku.csv", tmp_path / "kaveripaja.csv"
    good.write_bytes(csv(HOUR.format("49,00", "1.1.2026")))
    broken.write_bytes(b"<html>")
    for one in (good, broken):
        os.utime(one, (0, 0))
    county.configure(
        rest=f'[sources.prices.a]\nprovider = "9999997-6"\npath = "{good}"\nallow_backdating = true\n[sources.prices.b]\nprovider = "9999998-4"\npath = "{broken}"\n'
        f'[sources.prices.c]\nprovider = "9999996-8"\npath = "{tmp_path}/gone.csv"\n'
    )
    county.put("1.eml", mail(KAVERIPAJA, ("p.csv", csv(HOUR.format("52,00", "1.1.2026")))))
    county.read("a")
    good.write_bytes(csv(HOUR.format("48,50", "1.1.2026")))
    os.utime(good, (0, 0))
    with county.process.transaction() as session:  # a family that has chosen what the list prices
        provider = session.execute(select(Provider).filter_by(business_id="9999997-6")).scalar_one()
        service = session.execute(select(Service).filter_by(code="TUKIHENKILO")).scalar_one()
        decision = make_decision(session, make_case(session), granted_amount=Decimal(1500))
        item = make_plan_item(session, decision, service, unit="HUR")
        make_choice(session, item, provider)
    county.process.rows(
        "INSERT INTO work (kind, key, arguments, queue) VALUES ('nightly_prices', 'nightly_prices@test', '{}', 'default') RETURNING id"
    )
    seen = []
    for kind, task in BODIES.items():
        for row in county.process.rows(
            "SELECT id FROM work WHERE kind = :kind AND done_at IS NULL AND dead_at IS NULL ORDER BY id", kind=kind
        ):
            perform(row.id, task)
            calls = county.process.rows("SELECT generation FROM work WHERE kind = 'recompute_budgets'")
            seen.append(calls[0].generation if calls else 0)
    left = county.process.rows("SELECT kind FROM work WHERE done_at IS NULL AND dead_at IS NULL")
    assert [row.kind for row in left] == ["recompute_budgets"], left
    assert seen[-1] == 1
    assert set(seen[:-1]) == {0}
    assert county.recompute() == 1


def test_a_source_that_does_not_end_keeps_no_budgets_waiting_for_long(county: County):
    """One that is put off until the evening, and one that was called for long ago."""

    def end(key: str) -> bool:
        with county.process.transaction() as session:
            work = session.execute(text("SELECT id FROM work WHERE key = :key"), {"key": key}).scalar_one()
            return end_one(session, "nightly_prices@test", work)

    county.read()
    county.process.rows("INSERT INTO budget_dirty (cause, run_id) SELECT 'prices', max(id) FROM run RETURNING cause")
    for key in ("one", "other"):
        county.process.rows(
            "INSERT INTO work (kind, key, arguments, queue) VALUES"
            " ('import_prices', :key, '{\"night\": true, \"request\": \"nightly_prices@test\"}', 'prices') RETURNING id",
            key=key,
        )
    assert not end("one"), "the other will end soon"
    county.process.rows(
        "UPDATE work SET next_at = clock_timestamp() + interval '8 hours' WHERE key = 'other' RETURNING id"
    )
    assert end("one")
    county.process.rows(
        "UPDATE work SET next_at = clock_timestamp(), created_at = clock_timestamp() - interval '2 hours' WHERE key = 'other' RETURNING id"
    )
    assert end("one")
    county.process.rows("UPDATE work SET done_at = clock_timestamp() WHERE key = 'one' RETURNING id")
    assert end("other"), "it calls for what it changed itself"
