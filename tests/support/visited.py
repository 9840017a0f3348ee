"""Sources as nights change them: each night one case is new, one is changed, one goes, and one record names a worker Avain lacks.

For tests that compare two installations: the same night makes the same change, with the same times of change.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_httpserver import HTTPServer

from connectors.cases.contract import a_record
from core.embedded import Embedded
from tests.support.case_xml import case, decision, export, item
from tests.support.client_system import PROFILE, QUERIES, client_system
from tests.support.fhir_fake import FakeFhir
from tests.support.fhir_resources import resources
from tests.support.sftp_server import HOST_KEY, USER, WORD, sftp_server

_BEGAN = 1_795_000_000  # seconds since 1970, in November 2026
#: A word of a source may be small here, so guards are set aside; and nobody waits for politeness.
_OPEN = 'mode = "delta"\nmax_gone = 1\nmax_rejected = 1\n'
_QUICK = "gentle = { requests_per_second = 10000, rows_per_second = 1000000 }\n"


@dataclass(frozen=True)
class Visited:
    """A source `a`: lines of its table in avain.toml, variables of its environment, what a night changes, where its files lie."""

    lines: str
    change: Callable[[int], None]
    environment: dict[str, str]
    folder: Path | None = None

    @property
    def toml(self) -> str:
        """The file of an installation with this source."""
        return f"[sources.cases.a]\n{_QUICK}{self.lines}"


@contextmanager
def moved_files(_database: Embedded, home: Path) -> Iterator[Visited]:
    """Deltas in XML in a folder; what was applied is moved away."""
    folder = home / "exports"
    lines = f'{_OPEN}transport = {{ kind = "local", path = "{folder}/*.xml", after = "move", move_to = "done" }}\n'
    yield Visited(lines, lambda night: _put(folder, night, _delta(night)), {}, folder)


@contextmanager
def sftp_moved(_database: Embedded, home: Path) -> Iterator[Visited]:
    """Deltas in XML at an SFTP server; what was applied is moved away there."""
    with _sftp(home, "after = 'move', move_to = 'done'") as made:
        yield made


@contextmanager
def sftp_left(_database: Embedded, home: Path) -> Iterator[Visited]:
    """Deltas in XML at an SFTP server, which takes old ones away itself."""
    with _sftp(home, "after = 'leave'") as made:

        def change(night: int) -> None:
            made.change(night)
            for old in sorted((home / "root/out").glob("*.xml"))[:-2]:
                old.unlink()

        yield Visited(made.lines, change, {}, made.folder)


@contextmanager
def view(database: Embedded, home: Path) -> Iterator[Visited]:
    """A view of a database, with a column that tells what changed."""
    (home / "profile.toml").write_text(PROFILE, "utf-8")
    queries = "".join(f'{name} = "{query}"\n' for name, query in QUERIES.items())
    lines = (
        f'{_OPEN}kind = "sql"\nprofile = "profile.toml"\n[sources.cases.a.sql]\n{queries}'
        'delta_column = "muuttunut"\noverlap_minutes = 0\n'
    )
    with client_system(database) as system:
        environment = {"AVAIN_SOURCES__CASES__A__SQL__URL": system.url}
        yield Visited(lines, lambda night: system.change(_statements(night)), environment)


@contextmanager
def fhir(_database: Embedded, _home: Path) -> Iterator[Visited]:
    """A FHIR server that tells what changed and what was deleted."""
    with HTTPServer("127.0.0.1", 0) as httpserver:
        server = FakeFhir(httpserver, histories={"EpisodeOfCare/_history": []})
        address = httpserver.url_for("/fhir")
        lines = (
            f'{_OPEN}kind = "fhir"\n[sources.cases.a.fhir]\nbase_url = "{address}"\nallow_private = true\nallow_http = true\n'
            "overlap_minutes = 0\n"
        )
        yield Visited(lines, lambda night: _happen(server, night), {})


@contextmanager
def snapshot(_database: Embedded, home: Path) -> Iterator[Visited]:
    """One XML file that is written anew; so much goes that every run but the first is held. Once applied it is moved."""
    folder = home / "exports"

    def change(night: int) -> None:
        there = [case(f"C-{number}", decision(), item(quantity=10 + night)) for number in range(night, night + 3)]
        _put(folder, 0, export(*there, case(f"X-{night}", worker="W-404")))

    transport = f'transport = {{ kind = "local", path = "{folder}/*.xml", after = "move", move_to = "done" }}\n'
    yield Visited(f"max_rejected = 1\n{transport}", change, {}, folder)


@contextmanager
def _sftp(home: Path, after: str) -> Iterator[Visited]:
    folder = home / "root/out"
    with sftp_server(home / "root", host_keys=[HOST_KEY]) as port:
        lines = (
            f"{_OPEN}[sources.cases.a.transport]\nkind = 'sftp'\nhost = '127.0.0.1'\nport = {port}\nusername = '{USER}'\n"
            f"password = '{WORD}'\nhost_key = '{HOST_KEY.export_public_key().decode().strip()}'\npath = '/out/*.xml'\n"
            + after.replace(", ", "\n")
            + "\n"
        )
        yield Visited(lines, lambda night: _put(folder, night, _delta(night)), {}, folder)


def _put(folder: Path, night: int, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{night:03}.xml"
    path.write_bytes(content)
    os.utime(path, (_BEGAN + night, _BEGAN + night))


def _delta(night: int) -> bytes:
    words = [case(f"C-{night}"), case(f"X-{night}", worker=f"W-{night}")]
    if night >= 1:
        words.append(case(f"C-{night - 1}", decision(), item(quantity=20), item("I-2"), status="closed"))
    if night >= 2:
        words.append(f'<gone id="C-{night - 2}"/>')
    return export(*words)


def _statements(night: int) -> str:
    changed = f"timestamptz '2026-11-16 08:00+02' + {night} * interval '1 hour'"
    statements = [
        f"INSERT INTO inside.person (id, name) VALUES ({number}, 'Aino Keksitty');"
        f"INSERT INTO inside.client_case VALUES ({number}, {number}, '{worker}', 'A', 'Arki sujuu', NULL, false, {changed});"
        f"INSERT INTO inside.decision VALUES ({number}, {number}, 'P{number}', '2026-11-09', 900);"
        f"INSERT INTO inside.service VALUES ({number}, {number}, {number}, 'NEPSY', 10, 'C62', '2026-11-23', '2027-02-22', NULL);"
        for number, worker in ((night, "W-101"), (1000 + night, f"W-{night}"))
    ]
    statements.append(f"UPDATE inside.client_case SET state = 'P', changed = {changed} WHERE id = {night - 1};")
    statements.append(f"UPDATE inside.service SET quantity = 20 WHERE client_case = {night - 1};")
    statements.append(f"UPDATE inside.client_case SET ended = true, changed = {changed} WHERE id = {night - 2};")
    return "".join(statements)


def _happen(server: FakeFhir, night: int) -> None:
    now = datetime.fromtimestamp(_BEGAN + 3600 * night, UTC)
    # until the next night; before that the real one in the header of its answers would not say the same in two installations
    server.clock = (now + timedelta(minutes=1)).isoformat()
    fresh: list[dict[str, Any]] = [
        *resources(a_record(f"C-{night}"), prefix=f"{night}."),
        *resources(a_record(f"X-{night}", responsible_worker=f"W-{night}"), prefix=f"x{night}."),
    ]
    if night >= 1:
        fresh += resources(a_record(f"C-{night - 1}", status="closed", goals=["Uusi"]), prefix=f"{night - 1}.")
    gone = f"C-{night - 2}"
    if night >= 2:
        said = {
            "request": {"method": "DELETE", "url": f"EpisodeOfCare/{gone}"},
            "response": {"lastModified": now.isoformat()},
        }
        server.histories["EpisodeOfCare/_history"].insert(0, said)
    there = {(one["resourceType"], one["id"]): one for one in server.resources}
    for one in fresh:
        one.setdefault("meta", {})["lastUpdated"] = now.isoformat()
        there[one["resourceType"], one["id"]] = one
    there.pop(("EpisodeOfCare", gone), None)
    server.resources = list(there.values())
