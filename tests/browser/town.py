"""The demo's county in a database of the test's own, filled by the same services and tasks as in real life, in this process.

Five nights and days are lived through in a few seconds: cases and price lists are read, choices made, orders approved, budgets
calculated, follow-ups planned; one list waits, one record of each kind was rejected, one e-mail nobody can place.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import inspect, select, text
from sqlmodel import SQLModel
from typer.testing import CliRunner

from cli.main import app as command
from core.clock import business_now, move_business_clock
from core.embedded import Embedded
from core.errors import Message
from core.i18n import HELSINKI
from core.keys import family_code_key, link_secret
from core.settings import ROOT, settings
from demo.make_price_files import dearer_mail
from demo.smtp_sink import SmtpSink
from documents.invoice import read_invoice
from models.answer import IncomingDocument
from models.case import PlanItem
from models.follow_up import FollowUp, Notice
from models.order import OrderLine, PurchaseOrder
from models.worker import Worker
from services import price_uploads
from services.access import entry, sessions
from services.dead_work import groups
from services.family.links import make_link
from services.family.sessions import Holder, open_session
from services.follow_ups.acknowledging import acknowledge
from services.invoices.taking import take_invoice
from services.orders.sending.reply_links import Purpose, link
from services.work import call, claim, fail
from tests.browser.workbooks import workbook
from tests.factories.answer import make_answer, make_answer_line, make_incoming, make_paper, make_proposal
from tests.factories.base import added
from tests.factories.follow_up import make_notice
from tests.support.in_process import InProcess, in_process
from tests.support.invoices import Row, peppol
from workers import inline
from workers.tick import tick

DATA: Final = ROOT / "demo" / "data"
#: Tuesday morning: what came in the second night waits.
NOW: Final = datetime(2026, 11, 17, 9, 0, tzinfo=HELSINKI)
KAVERIPAJA: Final = "9999998-4"
#: Who has a role and is no worker of the county.
ROLE_NAMES: Final = {
    "price_manager": "Heli Hintavastaava", "operator": "Olli Operaattori", "auditor": "Tuulia Tarkastaja",
}  # fmt: skip
CHOICES: Final = (
    ("LC-1001", "9999996-8", "child", "lapsi tapasi valmentajan"),
    ("LC-1002", "9999996-8", "parent", "lähin"),
    ("LC-1004", KAVERIPAJA, "adult", "oma toive"),
)
#: Rows in: an order's number. Rows out: its provider's business id.
_SELLER: Final = "SELECT business_id FROM purchase_order JOIN provider ON provider.id = provider_id WHERE purchase_order.number = :order"
#: Rows in: cases. Rows changed: their clients, who are one person from now on.
_ONE_CLIENT: Final = (
    "UPDATE client SET blind_index = :index FROM client_case WHERE client_id = client.id AND number = ANY(:numbers)"
)
_SETTINGS: Final = """
[organisation]
name = "Esimerkin hyvinvointialue (keksitty)"
business_id = "9999999-2"
endpoint_id = "003799999992"

[sources.cases.lifecare-vienti]
kind = "xml"
path = "in/cases/asiakkuudet-*.xml"
mode = "snapshot"
max_rejected = 0.25

[sources.cases.isovienti]
kind = "xml"
path = "in/iso/*.xml"
mode = "delta"

[sources.prices.own]
kind = "own"
path = "in/prices/own.csv"

[sources.prices.esimerkkivalmennus]
provider = "9999996-8"
path = "in/prices/esimerkkivalmennus.csv"
encoding = "cp1252"

[sources.prices.posti]
kind = "mail"
path = "in/mail"

[sources.prices.kaveripaja]
provider = "9999998-4"
path = "in/prices/kaveripaja.csv"

[prices]
manager_email = "hinnat@avain-esimerkki.invalid"

[family]
enabled = true

[statements]
contact.fi = "Puhelin 000 000 0000"
"""


class Town:
    """The county, and its ways to act."""

    #: Where the console answers.
    origin: str

    def __init__(self, process: InProcess, database: Embedded, home: Path) -> None:
        self.process, self.database, self.home = process, database, home

    def sign_in(self, *roles: str, worker: str | None = None, everything: bool = False) -> str:
        """What the browser holds of somebody who has just signed in with these roles; `worker` is an external id."""
        with self.process.transaction() as session:
            found = session.scalars(select(Worker).filter_by(external_id=worker)).one() if worker else None
            return sessions.open_session(
                session,
                subject=worker or "-".join(roles) or "paikallinen",
                name=found.name if found else ROLE_NAMES.get(roles[0] if roles else "", "Paikallinen käyttäjä"),
                roles=frozenset(roles),
                worker_id=found.id if found else None,
                everything=everything,
                hours=8,
                now=business_now(session),
                actor="test",
                how="test",
            )

    def link(self, worker: str | None = None) -> str:
        """The secret part of a one-time link."""
        with self.process.transaction() as session:
            return entry.make_link(session, worker=worker, now=business_now(session), actor="test")

    def family(self, *cases: str, holder: Holder = "client") -> str:
        """What the browser holds of the family of a case (the source's id), or of their support person; of several: who has logged in."""
        with self.process.transaction() as session:
            now, own = business_now(session), settings()
            numbers = [self.cases[case] for case in cases]
            if len(numbers) > 1:
                given = {"numbers": numbers, "index": b"town"}
                session.execute(text(_ONE_CLIENT), given)
                return open_session(session, blind_index=b"town", minutes=60)[1]
            made = make_link(
                session, numbers[0], holder=holder, actor="test", now=now, key=family_code_key(own), settings=own.family
            )
            return open_session(session, link_id=made.id, minutes=60)[1]

    def avain(self, *words: str) -> str:
        """A command, as an operator types it."""
        done = CliRunner().invoke(command, list(words))
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, f"avain {' '.join(words)}\n{done.output}"
        return done.stdout

    def settle(self) -> None:
        """Do all work that waits, in this process, until none is left."""
        for _ in range(60):
            waiting = self.process.rows(
                "UPDATE work SET next_at = clock_timestamp() - interval '1 s' WHERE done_at IS NULL AND dead_at IS NULL AND token IS NULL"
                " RETURNING id, kind"
            )
            if not waiting:
                return
            for row in waiting:
                inline.do_now(row.id, row.kind)
        raise AssertionError("work without end")

    def tick(self, moment: datetime) -> None:
        """What beat does at a moment, and all that comes of it."""
        with self.process.transaction() as session:
            move_business_clock(session, moment)
        tick()
        self.settle()

    def call(self, kind: str, **arguments: Any) -> None:
        """Call for a piece of work, and do it and what comes of it."""
        self.process.rows(
            "INSERT INTO work (kind, key, arguments, queue) VALUES (:kind, gen_random_uuid()::text, '{}', 'default') RETURNING id",
            kind=kind,
        )
        self.settle()

    def replace_list(self, name: str, content: str) -> None:
        """Another version of a price list lies there, is read, and approved: it rises too much to be applied by itself."""
        (self.home / "in" / "prices" / name).write_text(content, "utf-8")
        _let_lie(self.home)
        with alone():
            self.call("nightly_prices")
            self.avain("price", "approve", str(self.list_in("held")), "--note", "sovittu", "--as", "hintavastaava")
            self.settle()

    def bring_case(self, export: bytes) -> None:
        """A file of cases lies there, and is read."""
        (self.home / "in" / "iso" / "1.xml").write_bytes(export)
        _let_lie(self.home)
        self.call("nightly_cases")

    def list_in(self, state: str) -> int:
        """The latest price list in this state, of a provider."""
        return self._one(
            "SELECT max(price_list.id) FROM price_list JOIN price_source ON price_source.id = source_id"
            " WHERE state = :state AND provider_id IS NOT NULL",
            state=state,
        )

    def list_with_rejected(self) -> int:
        """A list with a row that was left out."""
        return self._one("SELECT min(price_list.id) FROM price_list JOIN rejected_record USING (run_id)")

    def decision(self, case: str) -> int:
        """The id of a case's decision."""
        return self._one(
            "SELECT decision.id FROM decision JOIN client_case ON client_case.id = case_id WHERE client_case.external_id = :case",
            case=case,
        )

    def letter_link(self, purpose: Purpose) -> str:
        """The page that a link in the letter of the latest order leads its provider to."""
        (row,) = self.process.rows("SELECT number, link_epoch FROM purchase_order ORDER BY id DESC LIMIT 1")
        return link(link_secret(settings()), "", row.number, purpose, expires=date(2099, 1, 1), epoch=row.link_epoch)

    def follow_up(self, *, acknowledged: bool = False) -> int:
        """A follow-up of W-101's that is open; or one that is acknowledged and not written down yet."""
        kind = "start" if acknowledged else "final"
        found = self._one(
            "SELECT min(follow_up.id) FROM follow_up JOIN client_case ON client_case.id = case_id JOIN worker ON worker.id = responsible_worker_id"
            " WHERE worker.external_id = 'W-101' AND kind = :kind AND state IN ('open', 'acknowledged')",
            kind=kind,
        )
        with self.process.transaction() as session:
            one = session.get_one(FollowUp, found)
            if acknowledged and one.state == "open":
                answers = {"runs_as_agreed": "yes", "kykyviisari_date": "2026-11-02"}
                now = business_now(session)
                acknowledge(session, found, actor="worker:W-101", now=now, rating=5, rated_by="child", findings=answers)
        return found

    def notice(self) -> int:
        """News for W-101."""
        with self.process.transaction() as session:
            worker = session.scalars(select(Worker).filter_by(external_id="W-101")).one()
            subject = f"case:{self.cases['LC-1001']}"
            known = session.scalars(select(Notice).filter_by(worker_id=worker.id, event="shown")).one_or_none()
            message = Message("A budget is over its ceiling").to_json()
            return (known or make_notice(session, worker, subject=subject, event="shown", message=message)).id

    def order(self) -> str:
        """The latest order."""
        (row,) = self.process.rows("SELECT number FROM purchase_order ORDER BY id DESC LIMIT 1")
        return str(row.number)

    def invoice(self, order: str) -> int:
        """An invoice that waits: for an order, dearer than ordered, or, where there is no such order, for somebody to say whose it is."""
        name = sha256(order.encode()).hexdigest()
        with self.process.transaction() as session:
            found = session.scalars(select(IncomingDocument).filter_by(sha256=name)).one_or_none()
            if found is not None:
                return found.id
            seller = session.execute(text(_SELLER), {"order": order}).scalar() or KAVERIPAJA
            content = peppol(
                number=f"L-{name[:4]}", order=order, seller=seller, rows=[Row("90000.00", "1"), Row("10.00", "2")]
            )
            made = IncomingDocument(source="laskut", file_name="lasku.xml", sha256=name, kind="invoice", state="held")
            take_invoice(session, read_invoice(content), made, now=business_now(session), settings=settings())
            return made.id

    def waiting(self) -> int:
        """A planned service that is chosen and waits for approval."""
        return self._one(
            "SELECT min(choice.plan_item_id) FROM choice WHERE ended_at IS NULL"
            " AND NOT EXISTS (SELECT FROM order_coverage WHERE order_coverage.plan_item_id = choice.plan_item_id AND live)"
        )

    def eventful(self) -> str:
        """An order of case LC-1002 in which everything happened that its page tells of: accepted, an answer that waits, no longer as planned."""
        number = "T-2026-900001"
        if self.process.rows("SELECT 1 FROM purchase_order WHERE number = :number", number=number):
            return number
        with self.process.transaction() as session:
            former = session.scalars(select(PurchaseOrder).filter_by(number=self.order())).one()
            lines = session.scalars(select(OrderLine).filter_by(order_id=former.id)).all()
            values = {
                "number": number,
                "client_reference": number,
                "state": "accepted",
                "answered_at": former.approved_at,
            }
            order = added(session, PurchaseOrder(**{**_copied(former), **values}))
            for line in lines:
                added(session, OrderLine(**{**_copied(line), "order_id": order.id}))
            make_paper(session, order, "mail")
            make_answer_line(
                session, make_answer(session, order, "CA", state="held", note="tiistaisin"), quantity=Decimal(4)
            )
            planned = {"quantity": "20", "unit": "C62", "first_day": "2026-12-01", "last_day": "2027-02-28"}
            item = session.get_one(PlanItem, lines[0].plan_item_id)
            make_proposal(session, order, item, details={"then": {**planned, "quantity": "12"}, "now": planned})
            make_incoming(session, order, kind="delivered", content={"held": [
                {"number": number, "line": 1, "first": "2026-11-01", "last": "2026-11-15", "quantity": "99", "row": 1}]})  # fmt: skip
            make_incoming(session, kind="unknown")
        return number

    def upload(self) -> int:
        """The file that was brought to the console, one of whose columns nobody knows."""
        return self._one("SELECT max(id) FROM price_upload")

    def own_price(self) -> int:
        """The own unit cost of family work."""
        return self._one(
            "SELECT price.id FROM price JOIN price_key ON price_key.id = price_key_id WHERE provider_id IS NULL AND superseded_at IS NULL"
        )

    def run(self, kind: str, outcome: str | None = None) -> int:
        """The latest run of a kind."""
        return self._one(
            "SELECT max(id) FROM run WHERE kind = :kind AND (CAST(:outcome AS text) IS NULL OR outcome = :outcome)",
            kind=kind,
            outcome=outcome,
        )

    def called(self) -> int:
        """Work that no worker has begun."""
        return self._one(
            "INSERT INTO work (kind, key, arguments, queue) VALUES"
            " ('fetch_cases', gen_random_uuid()::text, '{\"source\": \"isovienti\"}', 'fetch') RETURNING id"
        )

    def given_up(self) -> str:
        """A group of given-up work: three of a kind that failed for one reason."""
        with self.process.transaction() as session:
            if not groups(session, ["deliver_order"]):
                for number in range(3):
                    work_id = call(session, "deliver_order", f"given-up-{number}")
                    claimed = claim(session, work_id) if work_id is not None else None
                    assert claimed is not None
                    fail(session, claimed, Message("The server {host} is away.", host=f"palvelin-{number}"), final=True)
            return groups(session, ["deliver_order"])[0].code

    def rejected(self) -> int:
        """A record that was left out."""
        return self._one("SELECT min(id) FROM rejected_record")

    def _one(self, sql: str, **values: object) -> int:
        (row,) = self.process.rows(sql, **values)
        assert row[0] is not None, sql
        return int(row[0])

    @property
    def cases(self) -> dict[str, str]:
        """Case numbers by the source's ids."""
        return {row.external_id: row.number for row in self.process.rows("SELECT external_id, number FROM client_case")}


@contextmanager
def town(database: Embedded, home: Path, *, console: str = "") -> Iterator[Town]:
    """The county, this process being its installation until the block ends. `console`: lines of `[console]`."""
    shutil.copytree(DATA, home / "in")
    (home / "in" / "iso").mkdir()
    settings = home / "avain.toml"
    settings.write_text(f"{_SETTINGS}\n[console]\n{console}\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVAIN_CONFIG", str(settings))
        patch.setenv("AVAIN_TEST_CLOCK", "1")
        patch.setenv("AVAIN_HASH_KEY", "only-for-tests-0123456789abcdef-only-for-tests")
        patch.chdir(home)
        with SmtpSink(directory=home / "mail") as mail, in_process(database, home, patch) as process:
            process.configure(mail__port=mail.port)
            made = Town(process, database, home)
            with alone():
                _live(made)
            yield made


@contextmanager
def alone() -> Iterator[None]:
    """No worker process listens: what is hinted is done by `Town.settle`."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("queue", "tick"):
            patch.setattr(f"workers.{module}.publish", lambda _rows: 0)
        yield


def _live(made: Town) -> None:
    made.tick(_day(16, 1))
    for kind, file in (("service", "services"), ("provider", "providers"), ("worker", "workers")):
        made.avain(kind, "import", str(DATA / f"{file}.toml"), "--as", "pääkäyttäjä")
    _let_lie(made.home)
    for moment in (_day(16, 2, 10), _day(16, 3, 10), _day(16, 9)):
        made.tick(moment)
    cases = made.cases
    for case, provider, chooser, reason in CHOICES:
        who = ("--by", chooser, "--reason", reason, "--as", "W-101")
        made.avain("case", "choose", cases[case], "--provider", provider, *who)
    made.settle()
    made.avain("order", "approve", cases["LC-1002"], "--as", "W-900")
    made.settle()
    (made.home / "in" / "mail" / "2026-11-16-tukipolku.eml").write_bytes(dearer_mail())
    _let_lie(made.home)
    for moment in (_day(17, 2, 10), _day(17, 3, 10), _day(17, 8), NOW):
        made.tick(moment)
    with made.process.transaction() as session:
        price_uploads.bring(
            session,
            workbook("Taksa", support="52", music="41.5"),
            file_name="Hinnasto 2027.xlsx",
            chosen=KAVERIPAJA,
            actor="user:hintavastaava",
            limit=1_000_000,
            now=business_now(session),
        )
    made.settle()


def _copied(row: SQLModel) -> dict[str, Any]:
    """What another row of the same begins with."""
    return {column.key: getattr(row, column.key) for column in inspect(type(row)).columns if column.key != "id"}


def _day(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, 1, tzinfo=HELSINKI)


def _let_lie(home: Path) -> None:
    """Files that have lain there for a while, so that nobody waits for them to settle."""
    for file in (home / "in").rglob("*.*"):
        os.utime(file, (1_700_000_000, 1_700_000_000))
