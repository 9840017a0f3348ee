"""What is remembered of a source between its runs: how far it was read, and which of its files were applied.

Written in the transaction that applies what was read, so that refused and held runs are read again. The next visit need not bring what
was applied. What counts as applied differs: a snapshot is the files of the last applied run and no others (an earlier file that is put back
says something again); a delta that was applied once is never read again by itself, since an old one would overwrite what is newer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from connectors.transports.base import SourceFile

_MEMORY = text("SELECT memory FROM source_memory WHERE source = :source")

#: Rows in: a source. Rows out: every file of it that was applied.
_ALL_FILES = text("SELECT sha256, name, true AS settled FROM processed_file WHERE source = :source")

#: Rows in: a source and how it would be read now. Rows out: the files of its last applied run, each with whether it was read the same way
#: and left nothing open: a record that was left out may be whole now, with a worker or a service more. While a later run is held, nothing
#: counts as read: if the source says again what was applied, the held run must hear of it.
_LAST_FILES = text(
    """
    SELECT sha256, name, reading = :reading AND NOT EXISTS (
               SELECT FROM rejected_record
               WHERE rejected_record.source = :source AND settled_at IS NULL AND NOT taken AND file_sha256 = sha256)
           AND NOT EXISTS (
               SELECT FROM run JOIN work ON work.id = run.work_id
               WHERE work.lane = 'source:' || :source AND run.outcome = 'held' AND run.acknowledged IS NULL) AS settled
    FROM processed_file
    WHERE source = :source AND run_id = (SELECT max(run_id) FROM processed_file WHERE source = :source)
    """
)

#: Figures count as numbers, as in core/natural.py: all are written with as many digits.
_COUNTED = """regexp_replace(regexp_replace({name}, '[0-9]+', repeat('0', 40) || '\\&', 'g'), '[0-9]*([0-9]{{40}})', '\\1', 'g') COLLATE "C\""""
#: Rows in: a source and names of files. Rows out: of those that never were applied the first that stands before one that was, with that
#: one. Only names that differ in their figures alone are in an order: `cases-1120.xml` says nothing of `units-1119.xml`.
_LATE = text(
    f"""
    SELECT given.name AS late, (array_agg(applied.name ORDER BY {_COUNTED.format(name="applied.name")} DESC))[1] AS applied
    FROM unnest(CAST(:names AS text[])) AS given(name)
    JOIN processed_file AS applied ON applied.source = :source
     AND {_COUNTED.format(name="applied.name")} > {_COUNTED.format(name="given.name")}
     AND regexp_replace(applied.name, '[0-9]+', '#', 'g') = regexp_replace(given.name, '[0-9]+', '#', 'g')
    WHERE NOT EXISTS (SELECT FROM processed_file AS known WHERE known.source = :source AND known.name = given.name)
    GROUP BY given.name ORDER BY {_COUNTED.format(name="given.name")} LIMIT 1
    """  # noqa: S608 - our own words
)

#: Rows in: applied files, each once. Rows out: their rows, made or brought up to date.
_PROCESSED = text(
    """
    INSERT INTO processed_file (source, sha256, name, reading, run_id)
    SELECT :source, sha256, name, :reading, :run_id FROM jsonb_to_recordset(:files) AS file(sha256 text, name text)
    ON CONFLICT (source, sha256, name) DO UPDATE SET
        reading = excluded.reading, run_id = excluded.run_id, processed_at = clock_timestamp(),
        put_away_at = NULL
    """
).bindparams(bindparam("files", type_=JSONB))

_REMEMBER = text(
    """
    INSERT INTO source_memory (source, memory) VALUES (:source, :memory)
    ON CONFLICT (source) DO UPDATE SET memory = excluded.memory, updated_at = clock_timestamp()
    """
).bindparams(bindparam("memory", type_=JSONB))

#: Rows in: sha256 by name. Rows changed: those files, moved at the source.
_PUT_AWAY = text(
    """
    UPDATE processed_file SET put_away_at = clock_timestamp()
    WHERE source = :source AND put_away_at IS NULL AND CAST(:applied AS jsonb) ->> name = sha256
    """
).bindparams(bindparam("applied", type_=JSONB))


@dataclass(frozen=True)
class Known:
    """What a visit need not bring: `files` are sha256 and name of what was applied, `memory` is how far the transport was."""

    memory: Mapping[str, Any] = field(default_factory=dict)
    files: frozenset[tuple[str, str]] = frozenset()

    @property
    def names(self) -> set[str]:
        """The names of the files."""
        return {name for _, name in self.files}


def recall(session: Session, source: str, *, snapshot: bool, reading: str) -> Known:
    """What is known of a source that would now be read in the way `reading`. A snapshot is known as a whole or not at all."""
    files = session.execute(_LAST_FILES if snapshot else _ALL_FILES, {"source": source, "reading": reading}).all()
    if not all(one.settled for one in files):
        return Known()
    memory = session.execute(_MEMORY, {"source": source}).scalar()
    return Known(memory or {}, frozenset((one.sha256, one.name) for one in files))


def late_file(session: Session, source: str, files: Sequence[SourceFile]) -> tuple[str, str] | None:
    """Names of a new file and of one that was applied before it although it stands behind it: what the new file says may be the older."""
    row = session.execute(_LATE, {"source": source, "names": [one.name for one in files]}).one_or_none()
    return None if row is None else (row.late, row.applied)


def remember(
    session: Session,
    source: str,
    run_id: int,
    *,
    files: Sequence[SourceFile] = (),
    reading: str = "",
    memory: Mapping[str, Any] | None = None,
) -> None:
    """Keep that `files` were applied by a run, and how far the source was read by that (None: that stays as it was)."""
    if files:
        rows = [{"sha256": sha256, "name": name} for sha256, name in {(one.sha256, one.name) for one in files}]
        session.execute(_PROCESSED, {"source": source, "reading": reading, "run_id": run_id, "files": rows})
    if memory is not None:
        session.execute(_REMEMBER, {"source": source, "memory": dict(memory)})


def forget(session: Session, source: str, sha256: str) -> None:
    """Have a file of a delta brought again the next time, as if it had never been applied."""
    session.execute(
        text("DELETE FROM processed_file WHERE source = :source AND sha256 = :sha256"),
        {"source": source, "sha256": sha256},
    )


def note_put_away(session: Session, source: str, applied: Mapping[str, str]) -> None:
    """Keep that applied files (sha256 by name) were moved at the source."""
    session.execute(_PUT_AWAY, {"source": source, "applied": dict(applied)})
