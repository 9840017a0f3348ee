"""Records that were left out of a file: kept with where and why, shown as groups, settled when they arrive whole.

A row holds no content of the record. One that was `taken` in all the same is a report about it. It is settled by the source (read again in a later run, whether it is whole now or recorded
anew) or by a person who discards it with a note.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from connectors.cases.chosen import Place
from connectors.rejection import Rejection
from core.errors import InputError, Message, NotFound
from services import audit

#: Rows in: rejections of one file. Rows out: none.
_REJECT = text(
    """
    INSERT INTO rejected_record (run_id, source, file_name, file_sha256, position, field, external_id, reason)
    SELECT :run_id, :source, :file_name, :sha256, position, field, external_id, reason
    FROM jsonb_to_recordset(:rows) AS bad(position text, field text, external_id text, reason jsonb)
    """
).bindparams(bindparam("rows", type_=JSONB))

#: Rows in: open rejections (recorded after one, by id). Rows out: one per source, sentence and field, the most frequent first, with its first record.
_GROUPED = text(
    """
    SELECT min(id) AS id, source, field, count(*) AS number, (array_agg(reason ORDER BY id))[1] AS reason,
           min(CAST(reason AS text)) <> max(CAST(reason AS text)) AS varied,
           (array_agg(file_name ORDER BY id))[1] AS file_name, (array_agg(position ORDER BY id))[1] AS position,
           (array_agg(external_id ORDER BY id))[1] AS external_id
    FROM rejected_record
    WHERE settled_at IS NULL AND (CAST(:source AS text) IS NULL OR source = :source) AND id > :after
    GROUP BY source, field, reason ->> 'msgid'
    ORDER BY count(*) DESC, min(id)
    """
)

#: Rows in: the id of one rejection and how many are wanted. Rows out: the open ones of its group, oldest first.
_MEMBERS = text(
    """
    SELECT other.* FROM rejected_record AS one
    JOIN rejected_record AS other ON other.source = one.source AND other.field IS NOT DISTINCT FROM one.field
        AND other.reason ->> 'msgid' = one.reason ->> 'msgid'
    WHERE one.id = :id AND (other.settled_at IS NULL OR other.id = one.id) AND other.id > :after
    ORDER BY other.id LIMIT :limit
    """
)

#: Rows in: the id of one rejection. Rows out: what was settled of its group (`whole_group`) or of it alone.
_DISCARD = text(
    """
    UPDATE rejected_record AS other SET settled_at = :now, note = :note
    FROM rejected_record AS one
    WHERE one.id = :id AND other.settled_at IS NULL
      AND (other.id = one.id OR (:whole_group AND other.source = one.source AND other.field IS NOT DISTINCT FROM one.field
                                 AND other.reason ->> 'msgid' = one.reason ->> 'msgid'))
    RETURNING other.id
    """
)


#: Rows in: a source and a choice. Rows out: what of it is to be tried again: open records, and the named one even if it was settled.
_CHOSEN = text(
    """
    SELECT other.id, other.run_id, other.file_name, other.file_sha256 AS sha256, other.position, other.external_id
    FROM rejected_record AS other LEFT JOIN rejected_record AS one ON one.id = CAST(:id AS bigint)
    WHERE other.source = :source AND (
        other.id = one.id OR other.settled_at IS NULL AND (
            one.id IS NULL OR :whole_group AND other.field IS NOT DISTINCT FROM one.field
                                           AND other.reason ->> 'msgid' = one.reason ->> 'msgid'))
    ORDER BY other.id
    """
)

#: Rows in: none. Rows changed: reports of workers without an e-mail address who have one now, settled.
_SETTLE_REACHABLE = text(
    """
    UPDATE rejected_record SET settled_at = :now FROM worker
    WHERE taken AND settled_at IS NULL AND worker.external_id = reason -> 'params' ->> 'worker' AND worker.email IS NOT NULL
    """
)

_SETTLE = text(
    "UPDATE rejected_record SET settled_at = :now, note = coalesce(:note, note) WHERE id = ANY(:ids) AND settled_at IS NULL"
)


@dataclass(frozen=True)
class Choice:
    """Which rejected records of a source are meant: one, its whole group, or (without an id) all open ones."""

    id: int | None = None
    whole_group: bool = False


@dataclass(frozen=True)
class Group:
    """Equal faults of one source as one line; `id` names the group (its oldest record), place and reason are that record's; `varied`: others
    of the group name another value in the same sentence.
    """

    id: int
    source: str
    field: str | None
    count: int
    reason: Message
    file_name: str
    position: str
    external_id: str | None
    varied: bool = False


@dataclass(frozen=True)
class Rejected:
    """One record that was left out."""

    id: int
    run_id: int
    source: str
    file_name: str
    file_sha256: str
    position: str
    field: str | None
    external_id: str | None
    reason: Message
    taken: bool
    recorded_at: datetime
    settled_at: datetime | None
    note: str | None


def reject(  # noqa: PLR0917 - a record's whereabouts, in order
    session: Session, run_id: int, source: str, file_name: str, sha256: str, rejections: Iterable[Rejection]
) -> int:
    """Keep the rejections of one file of a run, in one statement; how many there were."""
    rows = [
        {
            "position": one.position,
            "field": one.field,
            "external_id": one.external_id,
            "reason": one.reason.to_json(),
        }
        for one in rejections
    ]
    if rows:
        values = {"run_id": run_id, "source": source, "file_name": file_name, "sha256": sha256, "rows": rows}
        session.execute(_REJECT, values)
    return len(rows)


def latest_id(session: Session) -> int:
    """The id of the rejection that was recorded last; 0 when none was."""
    return int(session.execute(text("SELECT coalesce(max(id), 0) FROM rejected_record")).scalar_one())


def grouped(session: Session, source: str | None = None, *, after: int = 0) -> list[Group]:
    """Open rejections (of one source; recorded after one, by its id), 7,000 equal ones as one line, the most frequent first."""
    return [
        Group(
            row.id,
            row.source,
            row.field,
            row.number,
            Message.from_json(row.reason),
            row.file_name,
            row.position,
            row.external_id,
            row.varied,
        )
        for row in session.execute(_GROUPED, {"source": source, "after": after})
    ]


def open_by_source(session: Session) -> dict[str, int]:
    """How many rejections of each configured source are open; a mail source has those of all its providers' lists."""
    rows = session.execute(
        text(
            "SELECT split_part(source, '/', 1) AS source, count(*) AS number FROM rejected_record WHERE settled_at IS NULL GROUP BY 1"
        )
    )
    return {row.source: row.number for row in rows}


def members(session: Session, rejected_id: int, limit: int = 100, *, after: int = 0) -> list[Rejected]:
    """The records of a group, named by the id of any of them, oldest first, behind the one with the id `after`. Raises NotFound."""
    rows = session.execute(_MEMBERS, {"id": rejected_id, "limit": limit, "after": after}).mappings().all()
    if not rows and not after:
        raise NotFound("There is no rejected record {id}.", id=rejected_id)
    return [Rejected(**{**row, "reason": Message.from_json(row["reason"])}) for row in rows]


def discard(session: Session, rejected_id: int, note: str, now: datetime, *, whole_group: bool = False) -> int:
    """Let a rejected record, or its whole group, rest with a note; how many. The next run that meets it records it anew.

    Raises InputError without a note, NotFound when there is no such open record.
    """
    if not note.strip():
        raise InputError("A rejected record can be discarded only with a note that says why.")
    values = {"id": rejected_id, "note": note.strip(), "now": now, "whole_group": whole_group}
    settled = session.execute(_DISCARD, values).all()
    if not settled:
        raise NotFound("There is no open rejected record {id}.", id=rejected_id)
    return len(settled)


def let_rest(
    session: Session, rejected_id: int, note: str, *, actor: str, now: datetime, whole_group: bool = False
) -> int:
    """`discard` by a person: recorded with who and why."""
    count = discard(session, rejected_id, note, now, whole_group=whole_group)
    audit.record(
        session, actor, "rejected.discarded", f"rejected:{rejected_id}", now=now, reason=note.strip(), count=count
    )
    return count


def is_open(session: Session, rejected_id: int) -> bool:
    """Whether a rejected record is settled by nobody and nothing yet."""
    statement = text("SELECT 1 FROM rejected_record WHERE id = :id AND settled_at IS NULL")
    return session.execute(statement, {"id": rejected_id}).scalar() is not None


def settle_earlier(session: Session, source: str, run_id: int, now: datetime) -> int:
    """Settle what earlier runs rejected of a source that `run_id` has read as a whole; how many.

    What is still wrong with it was recorded anew under `run_id`.
    """
    settled = session.execute(
        text(
            "UPDATE rejected_record SET settled_at = :now WHERE source = :source AND run_id < :run_id AND settled_at IS NULL RETURNING id"
        ),
        {"source": source, "run_id": run_id, "now": now},
    )
    return len(settled.all())


def chosen(session: Session, source: str, choice: Choice) -> list[Place]:
    """Where the chosen records of a source stood when they were left out."""
    values = {"source": source, "id": choice.id, "whole_group": choice.whole_group}
    return [Place(**row) for row in session.execute(_CHOSEN, values).mappings()]


def settle(session: Session, ids: Iterable[int], now: datetime, note: str | None = None) -> None:
    """Settle records that were tried again."""
    session.execute(_SETTLE, {"ids": list(ids), "now": now, "note": note})


def settle_reachable(session: Session, now: datetime) -> None:
    """Settle what was reported of workers without an e-mail address, where they have one now."""
    session.execute(_SETTLE_REACHABLE, {"now": now})
