"""Sources of a test: transports that bring what the test says, and an installation with sources of its own making."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import workers.queue
from connectors.transports.base import Fetched, SourceFile, Visit
from core.embedded import Embedded
from core.i18n import speaking
from core.settings import settings
from services.sources import call_fetch, find_source
from tests.factories.service import make_service
from tests.factories.worker import make_worker
from tests.support.in_process import MOST_ROUNDS, InProcess, in_process
from workers.task import Lease
from workers.tasks.cases import fetch_cases, sync_cases
from workers.tasks.sources import put_away_files

BODIES: dict[str, Callable[[Lease], None]] = {
    "fetch_cases": fetch_cases, "sync_cases": sync_cases, "put_away_files": put_away_files,
}  # fmt: skip


@dataclass
class County:
    """An installation with the case source `a`, files in `exports`; more is configured with `configure`."""

    here: InProcess
    exports: Path
    config: Path
    requests: int = 0

    def configure(self, more: str = "", *, mode: str = "snapshot", rest: str = "", **settings_: object) -> None:
        """Set up source `a`, with further lines for it, and with whole tables after it."""
        self.config.write_text(
            f'[sources.cases.a]\npath = "{self.exports}/*.xml"\nmode = "{mode}"\nmax_gone = 1\nmax_rejected = 1\n{more}\n{rest}\n'
        )
        self.here.configure(**settings_)

    def put(self, content: bytes, name: str = "1.xml") -> None:
        (self.exports / name).write_bytes(content)
        os.utime(self.exports / name, (0, 0))

    def night(self, source: str = "a", **asked: Any) -> list[tuple[str, str]]:
        """Ask for the source and do all that comes of it: kind and outcome of each run."""
        self.requests += 1
        before = self.here.rows("SELECT coalesce(max(id), 0) AS id FROM run")[0].id
        with self.here.transaction() as session:
            call_fetch(session, find_source(settings().sources, source), f"night-{self.requests}", **asked)
        for _ in range(MOST_ROUNDS):
            if not sum(self.here.do_due(kind, body) for kind, body in BODIES.items()) or self.postponed():
                break
        rows = self.here.rows("SELECT kind, outcome FROM run WHERE id > :id ORDER BY id", id=before)
        return [(row.kind, row.outcome) for row in rows]

    def postponed(self) -> bool:
        rows = self.here.rows("SELECT outcome FROM run ORDER BY id DESC LIMIT 1")
        return bool(rows) and rows[0].outcome == "postponed"

    def value(self, sql: str, **values: object) -> Any:
        return self.here.rows(sql, **values)[0][0]

    def cases(self) -> dict[str, str]:
        """External id → status, `gone` for those that went."""
        rows = self.here.rows("SELECT external_id, status, gone_at FROM client_case ORDER BY external_id")
        return {row.external_id: "gone" if row.gone_at else row.status for row in rows}

    def counts(self, kind: str = "sync_cases") -> dict[str, Any]:
        """The figures of the latest run of a kind."""
        found: dict[str, Any] = self.value(
            "SELECT counts FROM run WHERE kind = :kind ORDER BY id DESC LIMIT 1", kind=kind
        )
        return found

    def said(self) -> str:
        """The sentence of the latest run."""
        message = self.value("SELECT message FROM run ORDER BY id DESC LIMIT 1")
        from core.errors import Message

        return Message.from_json(message).text("en") if message else ""


@contextmanager
def county(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    """A county with workers W-101 to W-103, and the services that tests/support/case_xml.py speaks of."""
    exports = tmp_path / "exports"
    exports.mkdir()
    monkeypatch.setenv("AVAIN_CONFIG", str(tmp_path / "avain.toml"))
    monkeypatch.setattr(workers.queue, "publish", lambda _rows: 0)
    (tmp_path / "avain.toml").touch()
    with in_process(database, tmp_path / "home", monkeypatch) as here, speaking("en"):
        with here.transaction() as session:
            for number in ("W-101", "W-102", "W-103"):
                make_worker(session, external_id=number)
            for code in ("PERHETYO", "NEPSY"):
                make_service(session, code=code)
        made = County(here, exports, tmp_path / "avain.toml")
        made.configure()
        yield made


@dataclass
class Shelf:
    """A transport over what a test holds: files by name, names of files that grow. Skips what was processed, as the real ones may."""

    files: dict[str, bytes] = field(default_factory=dict)
    growing: tuple[str, ...] = ()
    memory: dict[str, Any] = field(default_factory=dict)
    skips: bool = True
    visits: list[Visit] = field(default_factory=list)
    put_aside: list[Mapping[str, str]] = field(default_factory=list)
    error: Exception | None = None

    def fetch(self, visit: Visit) -> Fetched:
        """See Transport.fetch."""
        self.visits.append(visit)
        if self.error is not None:
            raise self.error
        visit.spool.mkdir(parents=True, exist_ok=True)
        files, processed = [], []
        for name, content in sorted(self.files.items()):
            digest = sha256(content).hexdigest()
            if self.skips and digest in visit.processed:
                processed.append(name)
                continue
            path = visit.spool / f"{digest}-{name}"
            path.write_bytes(content)
            files.append(SourceFile(path, name, digest, len(content)))
        return Fetched(tuple(files), self.growing, tuple(processed), self.memory)

    def look(self) -> list[str]:
        """See Transport.look."""
        if self.error is not None:
            raise self.error
        return sorted(self.files)

    def put_away(self, applied: Mapping[str, str]) -> None:
        """See Transport.put_away."""
        if self.error is not None:
            raise self.error
        self.put_aside.append(dict(applied))
        for name, digest in applied.items():
            if name in self.files and sha256(self.files[name]).hexdigest() == digest:
                del self.files[name]

    def stand_in(self, monkeypatch: pytest.MonkeyPatch) -> "Shelf":
        """Be the transport of every source."""
        for module in ("workers.fetching", "services.sources"):
            monkeypatch.setattr(f"{module}.transport_of", lambda *_, **__: self)
        return self


__all__ = ["BODIES", "County", "Shelf", "county"]
