"""An audit trail of a test's own: events, sealing as the job does it, verification, and an intruder with every right in the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.orm import Session

from core.database import make_engine
from core.embedded import Embedded
from services import audit
from services.audit_seals.anchoring import anchor
from services.audit_seals.findings import Verified
from services.audit_seals.purging import plan, purge
from services.audit_seals.sealing import look, note, seal_some
from services.audit_seals.verifying import verify

_TABLES = ("audit_event", "audit_seal")
NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)
#: One event written by hand: when it was recorded is told.
_OLD = text(
    """
    INSERT INTO audit_event (recorded_at, business_at, actor, action, subject, reason, details)
    SELECT CAST(:at AS timestamptz) + make_interval(secs => number), :at, 'worker:W-1', 'case.viewed', 'case:HB-2012-00000' || number, 'why',
           jsonb_build_object('n', number, 'hours', 1.50) FROM generate_series(1, :count) AS number
    """
)


@dataclass
class Trail:
    """The application's and the owner's ways to one database, and the anchor file."""

    file: Path
    app: Engine
    owner: Engine
    said: int = field(default=0)

    def say(self, count: int = 1, session: Session | None = None) -> None:
        """Record events: in a transaction that is under way, or in one of their own."""
        if session is None:
            with Session(self.app) as own, own.begin():
                self.say(count, own)
            return
        for _ in range(count):
            self.said += 1
            audit.record(
                session, "worker:W-1", "case.viewed", f"case:HB-2026-{self.said:06d}", now=NOW, reason='Syy \u00e4"\\\n\u0001',
                hours=1.25, who=None, nested={"b": [1, True], "aa": "\u20ac", "": 10**20},
            )  # fmt: skip

    def say_old(self, at: datetime, count: int = 1) -> None:
        """Events that were recorded long ago."""
        with self.owner.begin() as connection:
            connection.execute(_OLD, {"at": at, "count": count})

    def seal(self, *, batch: int = 1000, anchored: bool = True) -> int:
        """One run of the sealer; how many were sealed."""
        with Session(self.app) as session, session.begin():
            what = look(session)
        count, after, more = 0, None, True
        while more:
            with Session(self.app) as session, session.begin():
                sealed = seal_some(session, what, after, batch=batch)
            count, after, more = count + sealed.count, sealed.after, sealed.after is not None
        with Session(self.app) as session, session.begin():
            note(session, what)
        if anchored:
            self.anchor()
        return count

    def anchor(self) -> int:
        """Write the head of the chain to the file."""
        with Session(self.app) as session, session.begin():
            return anchor(session, self.file, moment=NOW)

    def check(self, connection: Connection | None = None, **how: Any) -> Verified:
        """Verify, as seen from outside or inside a transaction."""
        with Session(connection if connection is not None else self.app) as session:
            return verify(session, self.file, **how)

    def purge(self, before: date, *, keep_years: int = 12) -> int:
        """Purge as the owner; the record's id."""
        with (
            self.owner.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
            connection.begin(),
            Session(connection) as session,
        ):
            what = plan(session, before, today=NOW.date(), keep_years=keep_years)
            return purge(session, what, actor="cli:anna", reason="", now=NOW)

    def value(self, sql: str, **given: Any) -> Any:
        """One value."""
        with self.app.connect() as connection:
            return connection.execute(text(sql), given).scalar()

    def tamper(self, *statements: str, **given: Any) -> None:
        """Do for good what only a superuser can: past every trigger."""
        with self.intruder() as connection:
            for statement in statements:
                connection.execute(text(statement), given)
            for table in _TABLES:
                connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER ALL"))
            connection.commit()

    @contextmanager
    def intruder(self) -> Iterator[Connection]:
        """A transaction with every right and no trigger, undone at the end."""
        with self.owner.connect() as connection:
            for table in _TABLES:
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
            yield connection
            connection.rollback()


@contextmanager
def audit_trail(database: Embedded, folder: Path) -> Iterator[Trail]:
    """A trail over a database of the test's own."""
    owner = create_engine(database.database_owner_url.replace("postgresql://", "postgresql+psycopg://", 1))
    app = make_engine(database.database_url)
    try:
        yield Trail(folder / "anchors.jsonl", app, owner)
    finally:
        app.dispose()
        owner.dispose()
