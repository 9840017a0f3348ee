"""`avain` over a database of its own, with the demo's file in its source's folder."""

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

import workers.inline
import workers.queue
from core.embedded import Embedded
from core.i18n import speaking
from core.settings import ROOT
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker
from tests.support.case_commands import Avain
from tests.support.in_process import in_process

DEMO = ROOT / "demo/data/cases/asiakkuudet-2026-11-16.xml"


@pytest.fixture
def logging_put_back() -> Iterator[None]:
    """`--inline` sets up the process's logging."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def avain(
    database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logging_put_back: None
) -> Iterator[Avain]:
    exports = tmp_path / "exports"
    exports.mkdir()
    config = tmp_path / "avain.toml"
    config.write_text(f'[sources.cases.lifecare]\npath = "{exports}/*.xml"\nmax_rejected = 0.5\nmax_gone = 0.5\n')
    monkeypatch.setenv("AVAIN_CONFIG", str(config))
    monkeypatch.setattr(workers.queue, "publish", lambda _rows: 0)
    with in_process(database, tmp_path / "home", monkeypatch) as here, speaking("en"):
        with here.transaction() as session:
            for number in ("W-101", "W-102", "W-103"):
                make_worker(session, external_id=number)
            make_unit(session, code="U-1")
            services = [
                make_service(session, code=code)
                for code in ("PERHETYO", "ADHD-VALMENNUS", "NEPSY-VALMENNUS", "TUKIHENKILO", "MUSIIKKIPAJA", "NEPSY")
            ]
            make_provider(session, name="Tukipolku Oy (keksitty)", business_id="9999994-1", services=services)
            make_provider(session, name="Tukiranka Oy (keksitty)", business_id="9999993-3")
        shutil.copy(DEMO, exports)
        os.utime(exports / DEMO.name, (0, 0))
        yield Avain(here, exports)
