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
from sqlalchemy import select
from typer.testing import CliRunner

import workers.queue
from cli.main import app as command
from core.clock import business_now, move_business_clock
from core.embedded import Embedded
from core.i18n import HELSINKI
from core.settings import ROOT
from demo.make_price_files import dearer_mail
from demo.smtp_sink import SmtpSink
from models.worker import Worker
from services.access import entry, sessions
from tests.support.in_process import InProcess, in_process
from workers import inline

DATA: Final = ROOT / "demo" / "data"
#: Monday evening of the demo: everything of the first night has been read.
NOW: Final = datetime(2026, 11, 16, 18, 0, tzinfo=HELSINKI)
CHOICES: Final = (
    ("LC-1001", "9999996-8", "child", "lapsi tapasi valmentajan"),
    ("LC-1002", "9999996-8", "parent", "lähin"),
    ("LC-1004", "9999998-4", "adult", "oma toive"),
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
"""


class Town:
    """The county, and its ways to act."""

    #: Where the console answers.
    origin: str

    def __init__(self, process: InProcess, home: Path) -> None:
        self.process, self.home = process, home

    def sign_in(self, *roles: str, worker: str | None = None, everything: bool = False) -> str:
        """What the browser holds of somebody who has just signed in with these roles; `worker` is an external id."""
        with self.process.transaction() as session:
            found = session.scalars(select(Worker).filter_by(external_id=worker)).one() if worker else None
            return sessions.open_session(
                session,
                subject=worker or "-".join(roles) or "paikallinen",
                name=found.name if found else "Heli Hintavastaava",
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

    def call(self, kind: str, **arguments: Any) -> None:
        """Call for a piece of work, and do it and what comes of it."""
        self.process.rows(
            "INSERT INTO work (kind, key, arguments, queue) VALUES (:kind, gen_random_uuid()::text, '{}', 'default') RETURNING id",
            kind=kind,
        )
        self.settle()

    def held_list(self) -> int:
        """The price list that waits for a person."""
        (row,) = self.process.rows("SELECT id FROM price_list WHERE state = 'held'")
        return int(row.id)

    @property
    def own_price(self) -> int:
        """A unit cost of the county's own that is in force."""
        (row, *_) = self.process.rows(
            "SELECT price.id FROM price JOIN price_key ON price_key.id = price_key_id"
            " WHERE provider_id IS NULL AND superseded_at IS NULL ORDER BY price.id"
        )
        return int(row.id)

    @property
    def cases(self) -> dict[str, str]:
        """Case numbers by the source's ids."""
        return {row.external_id: row.number for row in self.process.rows("SELECT external_id, number FROM client_case")}


@contextmanager
def town(database: Embedded, home: Path, *, console: str = "") -> Iterator[Town]:
    """The county, this process being its installation until the block ends. `console`: lines of `[console]`."""
    shutil.copytree(DATA, home / "in")
    settings = home / "avain.toml"
    settings.write_text(f"{_SETTINGS}\n[console]\n{console}\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVAIN_CONFIG", str(settings))
        patch.setenv("AVAIN_TEST_CLOCK", "1")
        patch.setenv("AVAIN_HASH_KEY", "only-for-tests-0123456789abcdef-only-for-tests")
        patch.chdir(home)
        with SmtpSink(directory=home / "mail") as mail, in_process(database, home, patch) as process:
            process.configure(mail__port=mail.port)
            made = Town(process, home)
            with patch.context() as quiet:
                # nobody listens yet: what is hinted is done by `settle`
                quiet.setattr(workers.queue, "publish", lambda _rows: 0)
                _live(made)
            yield made


def _live(made: Town) -> None:
    with made.process.transaction() as session:
        move_business_clock(session, NOW)
    for kind, file in (("service", "services"), ("provider", "providers"), ("worker", "workers")):
        made.avain(kind, "import", str(DATA / f"{file}.toml"), "--as", "pääkäyttäjä")
    _let_lie(made.home)
    made.call("nightly_prices")
    made.call("nightly_cases")
    cases = made.cases
    for case, provider, chooser, reason in CHOICES:
        made.avain(
            "case",
            "choose",
            cases[case],
            "--provider",
            provider,
            "--by",
            chooser,
            "--reason",
            reason,
            "--as",
            "W-101",
        )
    made.settle()
    made.avain("order", "approve", cases["LC-1002"], "--as", "W-900")
    made.settle()
    (made.home / "in" / "mail" / "2026-11-16-tukipolku.eml").write_bytes(dearer_mail())
    _let_lie(made.home)
    made.call("nightly_prices")
    made.call("plan_follow_ups")


def _let_lie(home: Path) -> None:
    """Files that have lain there for a while, so that nobody waits for them to settle."""
    for file in (home / "in").rglob("*.*"):
        os.utime(file, (1_700_000_000, 1_700_000_000))
