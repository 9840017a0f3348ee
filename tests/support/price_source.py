"""A county with one price source, whose nights and commands run in the test's own process."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from cli.common import DONE
from cli.main import app
from core.embedded import Embedded
from core.logging import configure_logging
from core.settings import ROOT
from tests.support.in_process import InProcess, in_process
from workers.tasks.prices import fetch_prices, import_prices, nightly_prices

DATA = ROOT / "demo" / "data"
HEAD = "Palvelukoodi;Yksikkö;Hinta;Voimassa alkaen\n"


@dataclass
class County:
    """An installation with the demo's reference data and one price source, `tukipolku`."""

    process: InProcess
    file: Path

    def write(self, content: str | bytes) -> None:
        """A list that lay there for a while, so that nobody waits for it to settle."""
        self.file.write_bytes(content if isinstance(content, bytes) else (HEAD + content).encode())
        os.utime(self.file, (1_700_000_000, 1_700_000_000))

    def avain(self, *words: str, code: int = DONE) -> Any:
        """A command's JSON."""
        result = CliRunner().invoke(app, [*words, "--json"])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def night(self) -> None:
        """One night's work."""
        with self.process.transaction() as session:
            session.connection().exec_driver_sql(
                "INSERT INTO work (kind, key, arguments, queue) VALUES ('nightly_prices', gen_random_uuid()::text, '{}', 'default')"
            )
        self.process.do_due("nightly_prices", nightly_prices)
        self.process.do_due("fetch_prices", fetch_prices)
        self.process.do_due("import_prices", import_prices)

    def runs(self, kind: str = "import_prices") -> list[str]:
        return [
            row.outcome
            for row in self.process.rows("SELECT outcome FROM run WHERE kind = :kind ORDER BY id", kind=kind)
        ]

    def amounts(self) -> list[str]:
        return [row["amount"] for row in self.avain("price", "list")]


@pytest.fixture
def county(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    configuration, file = tmp_path / "avain.toml", tmp_path / "tukipolku.csv"
    configuration.write_text(f'[sources.prices.tukipolku]\nprovider = "9999997-6"\npath = "{file}"\n', "utf-8")
    monkeypatch.setenv("AVAIN_CONFIG", str(configuration))
    configure_logging("console", "WARNING", stream=sys.__stderr__)  # the streams of a command under test come and go
    with in_process(database, tmp_path / "home", monkeypatch) as process:
        made = County(process, file)
        made.avain("service", "import", str(DATA / "services.toml"))
        made.avain("provider", "import", str(DATA / "providers.toml"))
        yield made
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
