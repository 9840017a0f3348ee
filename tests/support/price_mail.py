"""A county whose providers send their price lists by e-mail, and e-mails as they would write them."""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from cli.main import app
from core.embedded import Embedded
from core.logging import configure_logging
from core.settings import ROOT, settings
from services.sources import call_fetch, find_source
from tests.support.in_process import MOST_ROUNDS, InProcess, in_process
from workers.task import Lease
from workers.tasks.budgets import recompute_budgets
from workers.tasks.price_mail import read_price_mail
from workers.tasks.price_uploads import read_price_upload
from workers.tasks.prices import fetch_prices, import_prices, nightly_prices, watch_prices
from workers.tasks.sources import put_away_files

DATA = ROOT / "demo" / "data"
HEAD = "Palvelukoodi;Yksikkö;Hinta;Voimassa alkaen\n"
TUKIPOLKU, KAVERIPAJA = "toimisto@tukipolku.invalid", "tilaukset@kaveripaja.invalid"
HOUR = "TUKIHENKILO;h;{};1.1.2026"
BODIES: dict[str, Callable[[Lease], None]] = {
    "nightly_prices": nightly_prices,
    "fetch_prices": fetch_prices,
    "read_price_mail": read_price_mail,
    "read_price_upload": read_price_upload,
    "import_prices": import_prices,
    "put_away_files": put_away_files,
    "watch_prices": watch_prices,
}


def mail(
    sender: str | None = TUKIPOLKU,
    *files: tuple[str, bytes],
    sent: str = "Mon, 16 Nov 2026 09:00:00 +0200",
    text: str = "Hei!",
) -> bytes:
    """An e-mail with a body that also tells a price, which nobody may believe."""
    made = EmailMessage(policy=SMTP)
    if sender:
        made["From"] = f"Hinnoittelija (keksitty) <{sender}>"
    made["To"] = "hinnastot@avain-esimerkki.invalid"
    made["Subject"] = "Hinnasto"
    made["Date"] = sent
    made.set_content(text)
    made.add_alternative("<table><tr><th>Palvelukoodi<th>Hinta<tr><td>TUKIHENKILO<td>1,00</table>", subtype="html")
    for name, content in files:
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes()


def csv(*rows: str, above: str = "") -> bytes:
    """A list of a provider, with perhaps a letterhead."""
    return (above + HEAD + "".join(f"{row}\n" for row in rows)).encode()


def from_december(price: str, sent: str = "Tue, 17 Nov 2026 09:00:00 +0200", name: str = "b.csv") -> bytes:
    """A later mail of Tukipolku, with another price of the personal support's hour from December."""
    return mail(TUKIPOLKU, (name, csv(f"TUKIHENKILO;h;{price};1.12.2026")), sent=sent)


@dataclass
class County:
    """An installation with the demo's reference data and the mail source `posti`, whose folder is `folder`."""

    process: InProcess
    folder: Path
    config: Path
    done: list[tuple[str, str]] = field(default_factory=list)

    def configure(self, more: str = "", rest: str = "", **values: object) -> None:
        """Set up the source, with further lines for it, and with whole tables after it."""
        place = "" if "transport" in more else f'path = "{self.folder}"\n'
        self.config.write_text(f'[sources.prices.posti]\nkind = "mail"\n{place}{more}\n{rest}\n', "utf-8")
        self.process.configure(**values)

    def put(self, name: str, content: bytes) -> Path:
        """A mail that has lain there for a while."""
        path = self.folder / name
        path.write_bytes(content)
        os.utime(path, (1_700_000_000, 1_700_000_000))
        return path

    def avain(self, *words: str, code: int = 0) -> Any:
        """A command's JSON."""
        result = CliRunner().invoke(app, [*words, "--json"])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def read(self, source: str = "posti") -> list[tuple[str, str]]:
        """Have a source read and do what comes of it: kind and outcome of each run."""
        with self.process.transaction() as session:
            call_fetch(session, find_source(settings().sources, source), f"r{len(self.done)}", now=True)
        return self.work()

    def night(self) -> list[tuple[str, str]]:
        """A night's work, without the budgets'."""
        self.process.rows(
            "INSERT INTO work (kind, key, arguments, queue) VALUES ('nightly_prices', gen_random_uuid()::text, '{}', 'default') RETURNING id"
        )
        return self.work()

    def work(self) -> list[tuple[str, str]]:
        """Do all that is due of price sources, and what fails as often as it may be tried soon: kind and outcome of each run."""
        before = self.process.rows("SELECT coalesce(max(id), 0) AS id FROM run")[0].id
        for _ in range(MOST_ROUNDS):
            if not sum(self.process.do_due(kind, body) for kind, body in BODIES.items()):
                break
        rows = self.process.rows("SELECT kind, outcome FROM run WHERE id > :id ORDER BY id", id=before)
        self.done += (made := [(row.kind, row.outcome) for row in rows])
        return made

    def recompute(self) -> int:
        """How often the budgets are to be calculated now."""
        return self.process.do_due("recompute_budgets", recompute_budgets)

    def amounts(self) -> dict[str, str]:
        """Prices in force: amount by provider and service."""
        return {f"{row['business_id']} {row['service']}": row["amount"] for row in self.avain("price", "list")}

    def mails(self, *words: str) -> dict[str, str]:
        """State of each mail by its file."""
        return {row["file_name"]: row["state"] for row in self.avain("price", "mail", "list", *words)}

    def spooled(self) -> list[str]:
        """What lies in the spool."""
        return sorted(one.name for one in (Path(os.environ["AVAIN_HOME"]) / "spool").rglob("*") if one.is_file())


@contextmanager
def made_county(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    configuration, folder = tmp_path / "avain.toml", tmp_path / "mail"
    folder.mkdir()
    configuration.write_text("", "utf-8")
    monkeypatch.setenv("AVAIN_CONFIG", str(configuration))
    configure_logging("console", "ERROR", stream=sys.__stderr__)
    with in_process(database, tmp_path / "home", monkeypatch) as process:
        made = County(process, folder, configuration)
        made.configure()
        made.avain("service", "import", str(DATA / "services.toml"))
        made.avain("provider", "import", str(DATA / "providers.toml"))
        yield made
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)


@pytest.fixture
def county(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    """See County."""
    with made_county(database, tmp_path, monkeypatch) as made:
        yield made


__all__ = [
    "BODIES",
    "HOUR",
    "KAVERIPAJA",
    "TUKIPOLKU",
    "County",
    "county",
    "csv",
    "from_december",
    "made_county",
    "mail",
]
