"""Work done in the test's own process, on the test's own database: what a worker's child does, without the queue."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from core import database, settings
from core.embedded import Embedded
from tests.support.lives import lives
from workers import keeper
from workers.task import Lease, perform
from workers.tick import expire

#: Of what is done until nothing is due: Work that waits for a source in trouble is due for ever.
MOST_ROUNDS = 8


@dataclass
class InProcess:
    """This process as one installation; settings come from the environment, as everywhere."""

    monkeypatch: pytest.MonkeyPatch

    def configure(self, **values: object) -> None:
        """Set AVAIN_<NAME>=value and read the settings anew."""
        for name, value in values.items():
            self.monkeypatch.setenv(f"AVAIN_{name.upper()}", str(value))
        settings.settings.cache_clear()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits."""
        with database.transaction() as session:
            yield session

    def rows(self, sql: str, **values: object) -> list[Any]:
        """Rows of a query."""
        with database.transaction() as session:
            return list(session.execute(text(sql), values).all())

    def empty(self, *tables: str) -> None:
        """Empty tables and all that refers to them, as only their owner may."""
        owner = create_engine(database.database_owner_url())
        with owner.begin() as connection:
            connection.execute(text(f"TRUNCATE {', '.join(tables)} CASCADE"))
        owner.dispose()

    def do_due(self, kind: str, body: Callable[[Lease], None]) -> int:
        """Do every Work of a kind, also what waits for a later attempt; how many were tried."""
        due = self.rows(
            """
            UPDATE work SET next_at = clock_timestamp() - interval '1 second'
            WHERE kind = :kind AND done_at IS NULL AND dead_at IS NULL AND token IS NULL RETURNING id
            """,
            kind=kind,
        )
        for row in due:
            perform(row.id, body)
        return len(due)

    def die_doing(self, work_id: int, task: str, fault_point: str) -> None:
        """Do a Work in another process, which is killed at a fault point; then let its lease run out."""
        self.rows(
            "UPDATE work SET next_at = clock_timestamp() - interval '1 second' WHERE id = :id RETURNING id", id=work_id
        )
        with tempfile.NamedTemporaryFile("r", errors="replace") as log:
            environment = {**os.environ, "FAULT_POINT": fault_point}
            code = lives().live("perform", environment, Path(log.name), night=f"{task} {work_id}")
            assert code == -9, f"not killed at {fault_point}\n{log.read()}"
        self.rows(
            "UPDATE work SET lease_until = clock_timestamp() - interval '1 second' WHERE token IS NOT NULL RETURNING id"
        )
        expire()


@contextmanager
def in_process(embedded: Embedded, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcess]:
    """This process over a database of the test's own, until the block ends."""
    made = InProcess(monkeypatch)
    _forget()
    made.configure(
        database_url=embedded.database_url,
        database_owner_url=embedded.database_owner_url,
        redis_url=embedded.redis_url,
        home=home,
        orders__outbox=home / "outbox",
    )
    try:
        yield made
    finally:
        _forget()


def _forget() -> None:
    if database.engine.cache_info().currsize:
        database.engine().dispose()
    for cached in (
        database.engine,
        database.database_url,
        database.database_owner_url,
        database.redis_url,
        settings.settings,
        keeper.keeper,
    ):
        cached.cache_clear()
