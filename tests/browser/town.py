"""The demo's county in a database of the test's own, filled by the same services and tasks as in real life, in this process.

Five nights and days are lived through in a few seconds: cases and price lists are read, choices made, orders approved, budgets
calculated, follow-ups planned; one list waits, one record of each kind was rejected, one e-mail nobody can place.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import select, text
from typer.testing import CliRunner

from cli.main import app as command
from core.clock import business_now, move_business_clock
from core.embedded import Embedded
from core.i18n import HELSINKI
from core.keys import family_code_key
from core.settings import ROOT, settings
from demo.make_price_files import dearer_mail
from demo.smtp_sink import SmtpSink
from models.worker import Worker
from services import price_uploads
from services.access import entry, sessions
from services.family.links import make_link
from services.family.sessions import Holder, open_session
from tests.browser.things import KAVERIPAJA, Things
from tests.browser.workbooks import workbook
from tests.support.in_process import InProcess, in_process
from workers import inline
from workers.tick import tick

DATA: Final = ROOT / "demo" / "data"
#: Tuesday morning: what came in the second night waits.
NOW: Final = datetime(2026, 11, 17, 9, 0, tzinfo=HELSINKI)
#: Who has a role and is no worker of the county.
ROLE_NAMES: Final = {
    "price_manager": "Heli Hintavastaava", "operator": "Olli Operaattori", "auditor": "Tuulia Tarkastaja",
}  # fmt: skip
CHOICES: Final = (
    ("LC-1001", "9999996-8", "child", "lapsi tapasi valmentajan"),
    ("LC-1002", "9999996-8", "parent", "lähin"),
    ("LC-1004", KAVERIPAJA, "adult", "oma toive"),
)
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


class Town(Things):
    """The county, and its ways to act."""

    #: Where the console answers.
    origin: str

    def __init__(self, process: InProcess, database: Embedded, home: Path) -> None:
        super().__init__(process)
        self.database, self.home = database, home

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


def _day(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, 1, tzinfo=HELSINKI)


def _let_lie(home: Path) -> None:
    """Files that have lain there for a while, so that nobody waits for them to settle."""
    for file in (home / "in").rglob("*.*"):
        os.utime(file, (1_700_000_000, 1_700_000_000))
