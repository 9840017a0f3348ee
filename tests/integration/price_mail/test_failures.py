"""Mails that cannot be read, deaths, faults and delays: each costs its own mail time, and stops no other."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from connectors.prices import read_price_list
from connectors.prices.row import PriceDocument
from core.settings import settings
from services.sources import call_fetch, find_source
from tests.support.price_mail import BODIES, HOUR, KAVERIPAJA, TUKIPOLKU, County, csv, mail


def test_a_list_that_cannot_be_read_is_its_senders_fault_and_stops_nobody(county: County):
    county.put("1.eml", mail(TUKIPOLKU, ("hinnasto.xlsx", b"PK\x03\x04 broken")))
    county.put("2.eml", mail(KAVERIPAJA, ("priser.csv", csv(HOUR.format("52,00")))))
    runs = county.read()
    assert sorted(runs[2:]) == [("import_prices", "refused"), ("import_prices", "succeeded")]
    assert county.amounts() == {"9999998-4 TUKIHENKILO": "52.0000"}
    assert county.spooled() == []


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
