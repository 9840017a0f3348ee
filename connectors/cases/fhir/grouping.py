"""The resources of one file, on disk, found by what belongs together: they come in the server's order, and all of a case is needed
at once. Memory stays constant, whatever the order and the number.
"""

import json
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from connectors.cases.fhir import wire

_TABLES: Final = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -16000;
    CREATE TABLE resource (number INTEGER PRIMARY KEY, kind TEXT, id TEXT, body TEXT, UNIQUE (kind, id));
    CREATE TABLE episode (id TEXT PRIMARY KEY, client TEXT) WITHOUT ROWID;
    CREATE INDEX episode_client ON episode (client);
    CREATE TABLE plan (id TEXT, client TEXT, episode TEXT, PRIMARY KEY (id, client, episode)) WITHOUT ROWID;
    CREATE INDEX plan_client ON plan (client);
    CREATE TABLE request (plan TEXT, id TEXT, PRIMARY KEY (plan, id)) WITHOUT ROWID;
    CREATE TABLE gone (id TEXT PRIMARY KEY);
"""
#: Parts of a case come in the order of their ids: a server's own order changes with every update, and equal cases must be equal.
#: Rows in: an episode and its client. Rows out: plans that name it, and those that name none where the client has no other episode.
_PLANS: Final = """
    SELECT body FROM resource JOIN plan ON resource.kind = 'CarePlan' AND resource.id = plan.id
    WHERE plan.client = :client
      AND (plan.episode = :episode OR (plan.episode = '' AND (SELECT count(*) FROM episode WHERE client = :client) = 1))
    ORDER BY plan.id
"""
#: Rows out: plans that name no episode, of clients with several.
_UNDECIDED: Final = """
    SELECT body FROM resource JOIN plan ON resource.kind = 'CarePlan' AND resource.id = plan.id
    WHERE plan.episode = '' AND (SELECT count(*) FROM episode WHERE episode.client = plan.client) > 1
    ORDER BY number
"""
_REQUESTS: Final = """
    SELECT body FROM resource JOIN request ON resource.kind = 'ServiceRequest' AND resource.id = request.id
    WHERE request.plan = ? ORDER BY request.id
"""


class Grouped:
    """Resources by what they belong to. Of two of the same type and id the later one holds."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def add(self, resource: wire.Resource) -> None:
        """Take in a slim resource, or `{"gone": id}`. Raises RefusedInput for one without type or valid id."""
        if "gone" in resource:
            self._execute("INSERT OR IGNORE INTO gone VALUES (?)", wire.valid_id(resource["gone"]))
            return
        kind, id_ = wire.key_of(resource)
        body = json.dumps(resource)
        self._execute("INSERT OR REPLACE INTO resource (kind, id, body) VALUES (?, ?, ?)", kind, id_, body)
        if kind == "EpisodeOfCare":
            self._execute("INSERT OR REPLACE INTO episode VALUES (?, ?)", id_, _first(resource, "patient", "Patient"))
        elif kind == "CarePlan":
            self._execute("DELETE FROM plan WHERE id = ?", id_)
            client = _first(resource, "subject", "Patient")
            for episode in [one for _, one in wire.named_episodes(resource)] or [""]:
                self._execute("INSERT OR IGNORE INTO plan VALUES (?, ?, ?)", id_, client, episode)
        elif kind == "ServiceRequest":
            self._execute("DELETE FROM request WHERE id = ?", id_)
            for _, plan in wire.targets(resource, "basedOn", kinds=("CarePlan",)):
                self._execute("INSERT OR IGNORE INTO request VALUES (?, ?)", plan, id_)

    def episodes(self) -> Iterator[wire.Resource]:
        """All episodes, in the file's order."""
        # the + keeps SQLite from the index on kind, and so from sorting everything before the first is out
        return self._bodies("SELECT body FROM resource WHERE +kind = 'EpisodeOfCare' ORDER BY number")

    def one(self, key: wire.Key) -> wire.Resource | None:
        """A resource by type and id."""
        return next(self._bodies("SELECT body FROM resource WHERE kind = ? AND id = ?", key), None)

    def plans(self, episode: wire.Resource) -> list[wire.Resource]:
        """The care plans of an episode."""
        client = _first(episode, "patient", "Patient")
        return list(self._bodies(_PLANS, {"client": client, "episode": episode["id"]})) if client else []

    def requests(self, plan: wire.Resource) -> list[wire.Resource]:
        """The service requests based on a care plan."""
        return list(self._bodies(_REQUESTS, (plan["id"],)))

    def undecided_plans(self) -> Iterator[wire.Resource]:
        """Care plans of which nobody can say to which episode they belong."""
        return self._bodies(_UNDECIDED)

    def gone(self) -> Iterator[str]:
        """Ids of episodes that were deleted."""
        for (id_,) in self._database.execute("SELECT id FROM gone ORDER BY rowid"):
            yield id_

    def _execute(self, statement: str, *values: str) -> None:
        self._database.execute(statement, values)

    def _bodies(self, query: str, values: Any = ()) -> Iterator[wire.Resource]:
        for (body,) in self._database.execute(query, values):
            yield json.loads(body)


@contextmanager
def grouped(resources: Iterable[wire.Resource], folder: Path) -> Iterator[Grouped]:
    """`resources` grouped in a file of its own in `folder`, which is gone after the block."""
    with (
        tempfile.TemporaryDirectory(dir=folder) as place,
        closing(sqlite3.connect(Path(place) / "cases.sqlite", isolation_level=None)) as database,
    ):
        database.executescript(_TABLES)
        store = Grouped(database)
        database.execute("BEGIN")
        for one in resources:
            store.add(one)
        database.execute("COMMIT")
        yield store


def _first(resource: wire.Resource, element: str, kind: str) -> str:
    return next((id_ for _, id_ in wire.targets(resource, element, kinds=(kind,))), "")
