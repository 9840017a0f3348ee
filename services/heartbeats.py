"""Who is alive: workers and beats note it in the database, where doctor, health checks and the console look."""

import os
import socket
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Silent for longer than this: taken for dead.
STALE_SECONDS = 30


@dataclass(frozen=True)
class Sign:
    """One process's last sign of life; `age` in seconds of the database's clock."""

    name: str
    kind: str
    host: str
    pid: int
    detail: str
    age: float

    @property
    def alive(self) -> bool:
        """Whether it was heard of lately."""
        return self.age < STALE_SECONDS


def beat_heart(session: Session, name: str, kind: str, detail: str = "") -> None:
    """Note that the process `name` lives."""
    session.execute(
        text(
            "INSERT INTO heartbeat (name, kind, host, pid, detail) VALUES (:name, :kind, :host, :pid, :detail)"
            " ON CONFLICT (name) DO UPDATE SET seen_at = clock_timestamp(), detail = excluded.detail, since = CASE"
            " WHEN heartbeat.seen_at > clock_timestamp() - make_interval(secs => :stale) THEN heartbeat.since"
            " ELSE clock_timestamp() END"  # another process of the same number
        ),
        {
            "name": name,
            "kind": kind,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "detail": detail,
            "stale": STALE_SECONDS,
        },
    )


def forget(session: Session, name: str) -> None:
    """A process that ends in order takes its sign away."""
    session.execute(text("DELETE FROM heartbeat WHERE name = :name"), {"name": name})


def sweep(session: Session) -> None:
    """Remove signs a day old: processes that died without a word."""
    session.execute(text("DELETE FROM heartbeat WHERE seen_at < clock_timestamp() - interval '1 day'"))


def signs(session: Session) -> list[Sign]:
    """All signs of life, the freshest first."""
    rows = session.execute(
        text(
            "SELECT name, kind, host, pid, detail, extract(epoch FROM clock_timestamp() - seen_at)::float AS age"
            " FROM heartbeat ORDER BY seen_at DESC"
        )
    )
    return [Sign(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's documented name
