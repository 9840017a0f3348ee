"""Providers' e-mails, from the drop directory to prices in force; what cannot be placed waits for a person, and stops nobody else."""

import io
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from openpyxl import Workbook
from typer.testing import CliRunner

from cli.main import app
from connectors.prices import read_price_list
from connectors.prices.row import PriceDocument
from core.errors import InputError, NotFound
from core.settings import settings
from services import prices
from services.sources import call_fetch, find_source
from tests.support.price_mail import BODIES, KAVERIPAJA, TUKIPOLKU, County, county, csv, mail

__all__ = ["county"]
HOUR = "TUKIHENKILO;h;{};1.1.2026"


def test_two_providers_lists_and_a_broken_mail_in_one_folder(county: County):
    county.put("1.eml", mail(TUKIPOLKU, ("hinnasto.csv", csv(HOUR.format("49,00")))))
    county.put("2.eml", mail(KAVERIPAJA, ("priser.csv", csv(HOUR.format("52,00")))))
    county.put("3.eml", b"\x00\x01")
    county.put("note.txt", b"no mail")
    assert county.read() == [
        ("fetch_prices", "succeeded"),
        ("read_price_mail", "partly"),
        ("import_prices", "succeeded"),
        ("import_prices", "succeeded"),
    ]
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "49.0000", "9999998-4 TUKIHENKILO": "52.0000"}
    assert county.mails("--all") == {"1.eml": "taken", "2.eml": "taken", "3.eml": "waiting"}
    assert county.spooled() == []
    assert {one["source"] for one in county.avain("price", "list")} == {"posti/9999998-4", "posti/9999997-6"}
    assert county.read() == [("fetch_prices", "succeeded"), ("read_price_mail", "partly")], "only what waits"


def test_the_provider_is_known_by_what_the_file_says(county: County):
    county.put(
        "1.eml",
        mail("assistentti@muualla.invalid", ("a.csv", csv(HOUR.format("49,00"), above="Tukipolku Oy;9999997-6\n"))),
    )
    own = csv(HOUR.format("52,00"), above="Asiakas;9999999-2;FI99999984\n")
    county.put("2.eml", mail(None, ("b.csv", own)))
    county.read()
    assert county.mails("--all") == {"1.eml": "taken", "2.eml": "taken"}
    assert {one["source"] for one in county.avain("price", "held")} == {"posti/9999997-6", "posti/9999998-4"}


def theirs(price: str, *, sender: str, sent: str = "Mon, 16 Nov 2026 09:00:00 +0200") -> bytes:
    """A list that names Tukipolku, with a price that may count by itself."""
    return mail(sender, (f"{price}.csv", csv(HOUR.format(price), above="Y-tunnus 9999997-6\n")), sent=sent)


def test_a_list_that_anybody_may_have_sent_waits_for_the_price_manager(county: County):
    county.configure(rest='[prices]\nmanager_email = "hinnat@avain-esimerkki.invalid"')
    county.put("1.eml", theirs("49,00", sender="huijari@muualla.invalid"))
    assert county.read()[-1] == ("import_prices", "held")
    assert county.amounts() == {}
    (held,) = county.avain("price", "held")
    (letter,) = county.process.rows("SELECT document FROM price_letter")
    assert "huijari" not in letter.document
    county.avain("price", "approve", str(held["id"]), "--note", "soitettu heille")
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "49.0000"}
    county.put("2.eml", theirs("49,00", sender="muu@muualla.invalid", sent="Tue, 17 Nov 2026 09:00:00 +0200"))
    assert county.read()[-1] == ("import_prices", "nothing_to_do"), "what changes nothing needs nobody"


def test_a_sender_within_a_forwarded_mail_proves_nothing(county: County):
    outer = EmailMessage(policy=SMTP)
    outer["From"], outer["Date"] = "huijari@muualla.invalid", "Mon, 16 Nov 2026 09:00:00 +0200"
    outer.set_content("Välitetty")
    outer.add_attachment(message_from_bytes(mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("49,00")))), policy=SMTP))
    county.put("1.eml", outer.as_bytes())
    assert county.read()[-1] == ("import_prices", "held")


def test_a_person_who_says_whose_it_is_is_believed(county: County):
    both = [(f"{name}.csv", csv(HOUR.format(price), above="9999997-6\n")) for name, price in (("a", 49), ("b", 50))]
    county.put("1.eml", mail("joku@muualla.invalid", *both))
    county.read()
    county.avain("price", "mail", "assign", "1.eml", "9999997-6", "--attachment", "b.csv", "--note", "soitettu")
    assert county.work()[-1] == ("import_prices", "succeeded")


@pytest.mark.parametrize("own_first", [True, False])
def test_a_strangers_mail_takes_no_place_of_the_providers_own(county: County, own_first: bool):
    """Neither of one that came with it nor of one that waits; once that is decided, the stranger's is looked at."""
    sent = ["Mon, 16 Nov 2026 09:00:00 +0200", "Mon, 16 Nov 2026 10:00:00 +0200"]
    own, strange = sent if own_first else reversed(sent)
    county.put("own.eml", theirs("49,00", sender=TUKIPOLKU, sent=own))
    county.put("strange.eml", theirs("48,00", sender="huijari@muualla.invalid", sent=strange))
    county.read()
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "49.0000"}
    if not own_first:
        assert county.mails("--all") == {"own.eml": "taken", "strange.eml": "overtaken"}
        return
    assert county.mails("--all") == {"own.eml": "taken", "strange.eml": "waiting"}
    county.put("dear.eml", other("60,00"))
    assert ("import_prices", "held") in county.read()
    county.put("late.eml", theirs("47,00", sender="huijari@muualla.invalid", sent="Wed, 18 Nov 2026 09:00:00 +0200"))
    county.read()
    assert county.mails()["late.eml"] == "waiting"
    (held,) = county.avain("price", "held")
    county.avain("price", "discard", str(held["id"]), "--note", "ei sovittu")
    assert county.read()[-1] == ("import_prices", "held")
    assert "late.eml" not in county.mails()


def test_a_sender_and_a_file_that_disagree_wait_and_a_person_says(county: County):
    county.put("1.eml", mail(KAVERIPAJA, ("a.csv", csv(HOUR.format("49,00"), above="9999997-6\n"))))
    assert county.read()[-1] == ("read_price_mail", "partly")
    (waits,) = county.avain("price", "mail", "list")
    assert "Tukipolku" in waits["reason"]
    assert "Kaveripaja" in waits["reason"]
    with pytest.raises(NotFound):
        county.avain("price", "mail", "assign", "1.eml", "1234567-1")
    county.avain("price", "mail", "assign", "1.eml", "9999997-6", "--note", "soitettu", "--as", "testi")
    assert county.work()[-1] == ("import_prices", "succeeded")
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "49.0000"}
    assert county.mails() == {}
    (event,) = county.process.rows("SELECT actor, details FROM audit_event WHERE action = 'price_mail.assigned'")
    assert (event.actor, event.details["provider"]) == ("cli:testi", "9999997-6")


def test_unknown_ones_wait_and_can_be_discarded(county: County):
    county.put("1.eml", mail("joku@muualla.invalid", ("a.csv", csv(HOUR.format("49,00")))))
    county.put("2.eml", mail("joku@muualla.invalid", ("esite.pdf", b"%PDF-1.7")))
    county.put("3.eml", mail("joku@muualla.invalid"))
    county.put("4.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("49,00"), above="Oma Y-tunnus 1234567-1\n"))))
    county.read()
    assert county.mails() == {f"{n}.eml": "waiting" for n in (1, 2, 3)}
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "49.0000"}, "a number that is no provider's says nothing"
    with pytest.raises(InputError, match="note"):
        county.avain("price", "mail", "discard", "2.eml", "--note", " ")
    with pytest.raises(InputError, match="no file"):
        county.avain("price", "mail", "assign", "2.eml", "9999997-6")
    for number in ("1.eml", "2.eml", "3.eml"):
        county.avain("price", "mail", "discard", number, "--note", "mainos")
    county.read()
    assert county.mails() == {}
    assert county.read() == [("fetch_prices", "nothing_to_do")]
    with pytest.raises(InputError, match="discarded"):
        county.avain("price", "mail", "assign", "1.eml", "9999997-6")


def test_a_file_of_an_unknown_company_is_not_its_senders(county: County):
    rows = "Palvelukoodi;Yksikkö;Hinta;Y-tunnus\nTUKIHENKILO;h;49,00;2345678-0\n".encode()
    county.put("1.eml", mail(TUKIPOLKU, ("a.csv", rows)))
    county.read()
    (waits,) = county.avain("price", "mail", "list")
    assert "2345678-0" in waits["reason"]


def test_several_lists_of_one_provider_ask_which_counts(county: County):
    files = [
        ("a.csv", csv(HOUR.format("49,00"))),
        ("b.csv", csv(HOUR.format("50,00"))),
        ("copy.csv", csv(HOUR.format("49,00"))),
    ]
    county.put("1.eml", mail(TUKIPOLKU, *files))
    county.read()
    (waits,) = county.avain("price", "mail", "list")
    assert "a.csv, b.csv" in waits["reason"].replace("copy.csv", "a.csv")
    with pytest.raises(NotFound):
        county.avain("price", "mail", "assign", str(waits["id"]), "9999997-6", "--attachment", "c.csv")
    county.avain("price", "mail", "assign", str(waits["id"]), "9999997-6")
    county.work()
    assert county.mails() == {"1.eml": "waiting"}, "still nobody has said which"
    county.avain("price", "mail", "assign", str(waits["id"]), "9999997-6", "--attachment", "b.csv")
    county.work()
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "50.0000"}


def test_of_several_mails_the_latest_counts_also_in_a_later_night(county: County):
    county.put("b.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("48,00"))), sent="Mon, 9 Nov 2026 09:00:00 +0200"))
    county.put("a.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("47,00"))), sent="Tue, 10 Nov 2026 09:00:00 +0200"))
    county.read()
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "47.0000"}
    assert county.mails("--all") == {"b.eml": "overtaken", "a.eml": "taken"}
    county.put("late.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("46,00"))), sent="Mon, 2 Nov 2026 09:00:00 +0200"))
    county.read()
    (waits,) = county.avain("price", "mail", "list")
    assert "newer" in waits["reason"]
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "47.0000"}


def test_a_list_that_cannot_be_read_is_its_senders_fault_and_stops_nobody(county: County):
    county.put("1.eml", mail(TUKIPOLKU, ("hinnasto.xlsx", b"PK\x03\x04 broken")))
    county.put("2.eml", mail(KAVERIPAJA, ("priser.csv", csv(HOUR.format("52,00")))))
    runs = county.read()
    assert sorted(runs[2:]) == [("import_prices", "refused"), ("import_prices", "succeeded")]
    assert county.amounts() == {"9999998-4 TUKIHENKILO": "52.0000"}
    assert county.spooled() == []


def test_read_mails_are_moved_where_that_is_wanted(county: County):
    more = f'transport = {{ kind = "local", path = "{county.folder}", after = "move", move_to = "luettu" }}'
    county.configure(more)
    county.put("1.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("49,00")))))
    county.put("2.eml", mail("joku@muualla.invalid", ("a.csv", csv(HOUR.format("1,00")))))
    assert ("put_away_files", "succeeded") in county.read()
    assert sorted(one.relative_to(county.folder).as_posix() for one in county.folder.rglob("*.eml")) == [
        "2.eml",
        "luettu/1.eml",
    ]


def test_the_same_file_in_a_new_mail_changes_nothing(county: County):
    content = ("a.csv", csv(HOUR.format("49,00")))
    county.put("1.eml", mail(TUKIPOLKU, content))
    county.read()
    county.put("2.eml", mail(TUKIPOLKU, content, sent="Tue, 17 Nov 2026 09:00:00 +0200", text="Uudestaan"))
    assert county.read()[-1] == ("import_prices", "nothing_to_do")
    assert county.process.rows("SELECT count(*) AS n FROM price")[0].n == 1


def test_a_provider_that_becomes_known_is_recognised_the_next_time(county: County):
    county.put("1.eml", mail("uusi@tukipolku.invalid", ("a.csv", csv(HOUR.format("49,00")))))
    county.read()
    assert county.mails() == {"1.eml": "waiting"}
    county.process.rows(
        "UPDATE provider SET email = 'Uusi@Tukipolku.invalid' WHERE business_id = '9999997-6' RETURNING id"
    )
    county.read()
    assert county.mails("--all") == {"1.eml": "taken"}


@pytest.mark.parametrize(
    ("task", "fault"),
    [
        ("workers.tasks.price_mail.read_price_mail", "price_mail.opened"),
        ("workers.tasks.price_mail.read_price_mail", "work.before_close"),
        ("workers.tasks.prices.import_prices", "prices.parsed"),
    ],
)
def test_a_worker_that_dies_imports_a_mail_once(county: County, task: str, fault: str):
    county.put("1.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("49,00")))))
    kind = task.rpartition(".")[2]
    with county.process.transaction() as session:
        call_fetch(session, find_source(settings().sources, "posti"), "die")
    for one, body in BODIES.items():
        if one == kind:
            break
        county.process.do_due(one, body)
    (work,) = county.process.rows("SELECT id FROM work WHERE kind = :kind", kind=kind)
    county.process.die_doing(work.id, task, fault)
    county.work()
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "49.0000"}
    assert county.process.rows("SELECT count(*) AS n FROM price")[0].n == 1
    assert county.process.rows("SELECT count(*) AS n FROM work WHERE kind = 'import_prices'")[0].n == 1


def test_the_commands_tell_people(county: County):
    county.put("1.eml", mail("joku@muualla.invalid", ("a.csv", csv(HOUR.format("49,00")))))
    county.read()
    shown = CliRunner().invoke(app, ["price", "mail", "list"]).output
    assert "joku@muualla.invalid" in shown
    assert "a.csv" in shown
    assert CliRunner().invoke(app, ["price", "mail", "assign", "1.eml", "9999997-6", "--dry-run"]).exit_code == 0
    assert county.mails() == {"1.eml": "waiting"}


def workbook(*rows: tuple[Any, ...]) -> bytes:
    book, content = Workbook(), io.BytesIO()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(content)
    return content.getvalue()


def test_a_workbooks_letterhead_says_whose_it_is(county: County):
    head = (("Tukipolku Oy (keksitty)", "VAT FI99999976"), ("Palvelukoodi", "Yksikkö", "Hinta"))
    county.put("1.eml", mail(None, ("a.xlsx", workbook(*head, ("TUKIHENKILO", "h", 49.0)))))
    county.read()
    assert [one["source"] for one in county.avain("price", "held")] == ["posti/9999997-6"]


def test_a_fault_of_ours_in_one_mail_stops_no_other(county: County, monkeypatch: pytest.MonkeyPatch):
    def break_down(content: bytes, **told: Any) -> PriceDocument:
        if b"BOOM" in content:
            raise ZeroDivisionError
        return read_price_list(content, **told)

    monkeypatch.setattr("connectors.prices.mailed.read_price_list", break_down)
    county.put("1.eml", mail(TUKIPOLKU, ("a.csv", b"BOOM")))
    county.put("2.eml", mail(KAVERIPAJA, ("a.csv", csv(HOUR.format("52,00")))))
    county.read()
    assert county.mails("--all") == {"1.eml": "waiting", "2.eml": "taken"}
    (waits,) = county.avain("price", "mail", "list")
    assert "ZeroDivisionError" in waits["reason"]


def test_one_mail_may_bring_the_lists_of_several_providers(county: County):
    files = [(f"{one}.csv", csv(HOUR.format("50,00"), above=f"Y-tunnus {one}\n")) for one in ("9999997-6", "9999998-4")]
    county.put("1.eml", mail("assistentti@alue.invalid", *files))
    county.read()
    assert {one["source"] for one in county.avain("price", "held")} == {"posti/9999997-6", "posti/9999998-4"}


def test_a_source_of_mails_is_tried_but_not_planned(county: County):
    county.put("1.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("49,00")))))
    county.put("2.eml", mail(TUKIPOLKU))
    assert county.avain("source", "test", "posti", code=3)["valid"] == 1
    for command in ("plan", "apply"):
        with pytest.raises(InputError, match="several providers"):
            county.avain("source", command, "posti", *(["--yes"] if command == "apply" else []))
    assert county.avain("source", "run", "posti", "--inline", code=3)["added"] == 1
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "49.0000"}
    with pytest.raises(InputError, match="source run posti"):
        county.avain("source", "run", "posti/9999997-6", "--inline")
    assert [one["outcome"] for one in county.avain("source", "history", "posti/9999997-6")] == ["succeeded"]
    assert county.spooled() == []


def other(price: str, sent: str = "Tue, 17 Nov 2026 09:00:00 +0200", name: str = "b.csv") -> bytes:
    return mail(TUKIPOLKU, (name, csv(f"TUKIHENKILO;h;{price};1.12.2026")), sent=sent)


def test_equal_content_is_passed_over_only_where_it_was_applied(county: County):
    """Of a list that was held, discarded, or followed by another, the same bytes are judged anew each time they come."""
    county.put("1.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("49,00")))))
    county.read()
    county.put("2.eml", other("60,00"))
    assert county.read()[-1] == ("import_prices", "held")
    county.put("3.eml", other("60,00", "Tue, 17 Nov 2026 10:00:00 +0200", "c.csv"))
    assert county.read()[-1] == ("import_prices", "held"), "held, not nothing to do"
    (held,) = county.avain("price", "held")
    county.avain("price", "discard", str(held["id"]), "--note", "ei sovittu")
    county.put("4.eml", other("60,00", "Tue, 17 Nov 2026 11:00:00 +0200", "d.csv"))
    assert county.read()[-1] == ("import_prices", "nothing_to_do"), "a person has discarded just this"
    county.put("5.eml", other("48,00", "Tue, 17 Nov 2026 12:00:00 +0200", "e.csv"))
    assert county.read()[-1] == ("import_prices", "succeeded")
    county.put("6.eml", other("60,00", "Tue, 17 Nov 2026 13:00:00 +0200", "f.csv"))
    assert county.read()[-1] == ("import_prices", "held"), "after another list it is news again"
    (held,) = county.avain("price", "held")
    county.avain("price", "approve", str(held["id"]), "--note", "sovittu")
    county.put("7.eml", other("60,00", "Tue, 17 Nov 2026 14:00:00 +0200", "g.csv"))
    assert county.read()[-1] == ("import_prices", "nothing_to_do"), "approved is applied"


def test_a_file_source_reads_what_was_not_applied_again(county: County):
    file = county.folder.parent / "list.csv"
    county.configure(rest=f'[sources.prices.tiedosto]\nprovider = "9999997-6"\npath = "{file}"\n')

    def write(content: bytes) -> list[tuple[str, str]]:
        file.write_bytes(content)
        os.utime(file, (1_700_000_000, 1_700_000_000))
        return county.read("tiedosto")

    good, dear = csv(HOUR.format("49,00")), csv("TUKIHENKILO;h;60,00;1.12.2026")
    assert write(good)[-1] == ("import_prices", "succeeded")
    assert write(good) == [("fetch_prices", "nothing_to_do")]
    for _ in range(2):
        assert write(dear)[-1] == ("import_prices", "held")
    for _ in range(2):
        assert write(b"<html>")[-1] == ("import_prices", "refused")
    (held,) = county.avain("price", "held")
    county.avain("price", "discard", str(held["id"]), "--note", "ei")
    assert write(dear)[-1] == ("import_prices", "nothing_to_do")
    assert write(good)[-1][1] in {"nothing_to_do", "succeeded"}
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "49.0000"}


def test_a_mail_whose_import_was_given_up_is_taken_again(county: County):
    county.put("1.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("49,00")))))
    with county.process.transaction() as session:
        call_fetch(session, find_source(settings().sources, "posti"), "lost", now=True)
    for kind in ("fetch_prices", "read_price_mail"):
        county.process.do_due(kind, BODIES[kind])
    assert county.mails("--all") == {"1.eml": "taken"}
    shutil.rmtree(Path(os.environ["AVAIN_HOME"]) / "spool")
    assert county.work() == [("import_prices", "failed")]
    (waits,) = county.avain("price", "mail", "list")
    assert "copy" in waits["reason"]
    assert county.read()[-1] == ("import_prices", "succeeded")
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "49.0000"}


def test_mails_there_is_no_time_for_are_left_for_the_next_visit(county: County, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("workers.tasks.price_mail._SHARE_OF_DEADLINE", -1.0)
    county.put("1.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("49,00")))))
    assert county.read() == [("fetch_prices", "succeeded"), ("read_price_mail", "partly")]
    assert county.mails("--all") == {}
    monkeypatch.undo()


def test_a_mail_that_takes_too_long_waits_and_keeps_no_other_waiting(county: County, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.price_mail.opening.SECONDS", -1.0)
    county.put("1.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("49,00")))))
    county.put("2.eml", mail("joku@muualla.invalid"))
    county.read()
    assert {one["file_name"] for one in county.avain("price", "mail", "list")} == {"1.eml", "2.eml"}
    assert county.spooled() == []
    monkeypatch.setattr("services.price_mail.opening.SECONDS", 120.0)
    county.read()
    assert county.mails("--all")["1.eml"] == "taken"


def test_a_list_is_compared_with_what_an_approval_leaves(county: County):
    """An import that begins while a person's approval is being committed waits for it, and then sees its prices."""
    county.put("1.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("49,00")))))
    county.read()
    county.put("2.eml", other("60,00"))
    county.read()
    (held,) = county.avain("price", "held")
    file = county.folder.parent / "list.csv"
    county.configure(rest=f'[sources.prices.tiedosto]\nprovider = "9999997-6"\npath = "{file}"\n')
    file.write_bytes(csv("TUKIHENKILO;h;48,50;1.11.2026"))
    os.utime(file, (1_700_000_000, 1_700_000_000))
    with ThreadPoolExecutor(1) as pool:
        with county.process.transaction() as session:
            prices.approve(session, held["id"], "test", "sovittu", datetime(2026, 11, 17, 12, tzinfo=UTC))
            reading = pool.submit(county.read, "tiedosto")
            until_somebody_waits(county)
        assert reading.result(timeout=60)[-1][1] in {"succeeded", "held", "partly"}


def until_somebody_waits(county: County) -> None:
    """Until a transaction waits for another's lock."""
    for _ in range(600):
        if county.process.rows("SELECT 1 FROM pg_locks WHERE NOT granted"):
            return
        sleep(0.05)
    raise AssertionError("nobody waits")
