"""Which of several mails and files counts, what is judged anew, what becomes of a mail that was taken, and the commands about mails."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from time import sleep

import pytest
from typer.testing import CliRunner

from cli.main import app
from core.errors import InputError, NotFound
from services import prices
from tests.support.price_mail import HOUR, TUKIPOLKU, County, csv, from_december, mail


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


def test_the_commands_tell_people(county: County):
    county.put("1.eml", mail("joku@muualla.invalid", ("a.csv", csv(HOUR.format("49,00")))))
    county.read()
    shown = CliRunner().invoke(app, ["price", "mail", "list"]).output
    assert "joku@muualla.invalid" in shown
    assert "a.csv" in shown
    assert CliRunner().invoke(app, ["price", "mail", "assign", "1.eml", "9999997-6", "--dry-run"]).exit_code == 0
    assert county.mails() == {"1.eml": "waiting"}


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


def test_equal_content_is_passed_over_only_where_it_was_applied(county: County):
    """Of a list that was held, discarded, or followed by another, the same bytes are judged anew each time they come."""
    county.put("1.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("49,00")))))
    county.read()
    county.put("2.eml", from_december("60,00"))
    assert county.read()[-1] == ("import_prices", "held")
    county.put("3.eml", from_december("60,00", "Tue, 17 Nov 2026 10:00:00 +0200", "c.csv"))
    assert county.read()[-1] == ("import_prices", "held"), "held, not nothing to do"
    (held,) = county.avain("price", "held")
    county.avain("price", "discard", str(held["id"]), "--note", "ei sovittu")
    county.put("4.eml", from_december("60,00", "Tue, 17 Nov 2026 11:00:00 +0200", "d.csv"))
    assert county.read()[-1] == ("import_prices", "nothing_to_do"), "a person has discarded just this"
    county.put("5.eml", from_december("48,00", "Tue, 17 Nov 2026 12:00:00 +0200", "e.csv"))
    assert county.read()[-1] == ("import_prices", "succeeded")
    county.put("6.eml", from_december("60,00", "Tue, 17 Nov 2026 13:00:00 +0200", "f.csv"))
    assert county.read()[-1] == ("import_prices", "held"), "after another list it is news again"
    (held,) = county.avain("price", "held")
    county.avain("price", "approve", str(held["id"]), "--note", "sovittu")
    county.put("7.eml", from_december("60,00", "Tue, 17 Nov 2026 14:00:00 +0200", "g.csv"))
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


def test_a_list_is_compared_with_what_an_approval_leaves(county: County):
    """An import that begins while a person's approval is being committed waits for it, and then sees its prices."""
    county.put("1.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("49,00")))))
    county.read()
    county.put("2.eml", from_december("60,00"))
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
