"""Visits to FHIR servers in tests, and what they bring."""

import json
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from socket import create_server
from typing import Any

import pytest

from connectors.cases.base import Found
from connectors.cases.fhir.cases import FhirCases
from connectors.cases.fhir.client import FhirTransport
from connectors.cases.fhir.server import FhirServer
from connectors.cases.record import FoundRecord
from connectors.transports.base import Fetched, Visit
from core.errors import AvainError
from core.source_settings import Fhir
from tests.support.fhir_fake import FakeFhir


def visit(
    settings: Fhir,
    spool: Path,
    *,
    memory: Mapping[str, Any] | None = None,
    keep_identity: bool = False,
    wait: Callable[[float], None] = lambda _: None,
    **server: Any,
) -> Fetched:
    """One visit; a delta with `memory`. What the server asks to wait is given to `wait` and not waited for."""
    transport = FhirTransport(
        settings, keep_identity=keep_identity, server=lambda one, pace: FhirServer(one, pace, wait=wait, **server)
    )
    return transport.fetch(Visit(spool, memory=memory or {}, snapshot=memory is None))


def found_in(fetched: Fetched, settings: Fhir) -> list[Found]:
    """What the connector finds in what a visit brought."""
    return [one for _, one in FhirCases(settings.reading).read(fetched.files, identity="none")]


def cases_in(fetched: Fetched, settings: Fhir) -> list[str]:
    """The ids of the cases, all of which must be right."""
    found = found_in(fetched, settings)
    records = [one for one in found if isinstance(one, FoundRecord)]
    assert records == found
    return sorted(one.record.external_id for one in records)


@dataclass(frozen=True)
class Sekmet:
    """A FHIR R4 server in a process of its own."""

    base: str
    log: Path
    database: Path
    #: Bytes of the log before the test.
    began: int = 0

    def emptied(self) -> "Sekmet":
        """The same server with nothing on it (what `sekmet reset` does), nothing ever written, and nothing asked so far."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            for table in ("resources", "versions", "idx", "notifications", "traffic", "runs"):
                connection.execute(f"DELETE FROM {table}")
        return replace(self, began=self.log.stat().st_size)

    def put(self, *resources: dict[str, Any]) -> None:
        """Write resources under their own ids."""
        for one in resources:
            self._send("PUT", f"{one['resourceType']}/{one['id']}", one)

    def delete(self, *keys: str) -> None:
        """Delete `Type/id`."""
        for key in keys:
            self._send("DELETE", key, None)

    def asked(self) -> Sequence[str]:
        """The requests for resources so far, as its log has them: `GET /fhir/…`."""
        return [line.split('"')[1].removesuffix(" HTTP/1.1") for line in self.noted()]

    def noted(self) -> Sequence[str]:
        """The lines of its log about those."""
        lines = self.log.read_bytes()[self.began :].decode().splitlines()
        return [line for line in lines if '"GET /fhir/' in line]

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> None:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"content-type": "application/fhir+json"}
        with urllib.request.urlopen(urllib.request.Request(f"{self.base}/{path}", data, headers, method=method)):
            pass


@contextmanager
def sekmet(folder: Path, **more: Any) -> Iterator[Sekmet]:
    """Start the server on a free port of 127.0.0.1; end it, by its own process, after the block."""
    with create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    base = f"http://127.0.0.1:{port}/fhir"
    settings = {
        "base_url": base,
        "data_dir": str(folder / "data"),
        "validation": {"inbound": "off"},
        "simulator": {"enabled": False},
        **more,
    }
    (folder / "settings.yaml").write_text(json.dumps(settings))  # JSON is YAML
    log = folder / "sekmet.log"
    command: list[str | Path] = [Path(sys.executable).parent / "sekmet", "serve", "-c", folder / "settings.yaml", "--host", "127.0.0.1", "--port", str(port)]  # fmt: skip
    with log.open("wb") as output, subprocess.Popen(command, cwd=folder, stdout=output, stderr=output) as process:
        try:
            _wait_for(f"{base}/metadata", process)
            yield Sekmet(base, log, folder / "data" / "sekmet.db")
        finally:
            process.terminate()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        assert process.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(url):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


def sentence(kind: type[AvainError], server: FakeFhir, spool: Path, **more: Any) -> str:
    """What is said when a visit fails with such an error."""
    with pytest.raises(kind) as error:
        visit(server.settings(), spool, **more)
    assert not spool.exists() or list(spool.iterdir()) == [], "nothing half is left behind"
    return error.value.message.text("en")
