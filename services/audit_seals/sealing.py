"""Sealing: events that were committed since the last time are chained, in batches, each in a transaction of its own.

Events are written without any lock, so that their ids say nothing of the order in which they are committed. What was committed is asked of
PostgreSQL: a snapshot says of every transaction whether it was over, all of them below its horizon and the rest one by one. An event
is looked for when its transaction was not over in the snapshot of the last time, whatever its id: one that is committed late is
sealed late, at the end of the chain. Chaining is serialised by the row of `audit_sealing`; whoever writes events never waits for it.
"""

import secrets
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, cast

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import Permanent
from core.faults import fault_point
from services.audit_seals.form import BEGINNING, FRAME, PAYLOAD, SALT_BYTES, link, payload_digest

#: So many events are sealed in one transaction.
BATCH: Final = 10_000

#: The server's own name, for transactions are numbered anew on another; it cannot be asked everywhere.
_SERVER: Final = "SELECT CAST(system_identifier AS text) FROM pg_control_system()"
#: Rows out: one, what the sealer is about to look through: the present snapshot, and the ids between which there is something to look for.
#: `id + 0`: by the index of transactions, which finds the few new ones, and not by that of ids, which would pass all old ones.
_NEWS: Final = """
    SELECT CAST(pg_current_snapshot() AS text) AS snapshot, clock_timestamp() AS moment, min(event.id + 0) AS first, max(event.id + 0) AS last
    FROM audit_event AS event WHERE {since}
"""
_SINCE: Final = """
    event.xid >= CAST(CAST(pg_snapshot_xmin(CAST(:seen AS pg_snapshot)) AS text) AS bigint)
    AND NOT pg_visible_in_snapshot(CAST(CAST(event.xid AS text) AS xid8), CAST(:seen AS pg_snapshot))
"""
_HEAD = text("SELECT month, position, hash FROM audit_seal ORDER BY month DESC, position DESC LIMIT 1")
#: When an event was recorded, in a span that every program knows: nobody but an intruder writes another.
_FINITE: Final = "least(greatest(event.recorded_at, '1970-01-01Z'), '9000-01-01Z')"
#: Rows in: between which ids to look, said of both tables: whatever PostgreSQL thinks of their sizes, it reads that span. Rows out: the
#: committed events without a seal, by id, in canonical form, with the month of Helsinki they were recorded in.
_UNSEALED: Final = f"""
    SELECT event.id, CAST(date_trunc('month', {_FINITE} AT TIME ZONE 'Europe/Helsinki') AS date), {PAYLOAD}, {FRAME}
    FROM audit_event AS event
    WHERE event.id > :after AND event.id <= :last AND {{since}} AND NOT EXISTS (
        SELECT FROM audit_seal WHERE audit_seal.event_id = event.id AND audit_seal.event_id > :after AND audit_seal.event_id <= :last
    )
    ORDER BY event.id
"""  # noqa: S608 - our own words
#: Rows in: an id, the last one, and how many. Rows out: one, the id at which so many events are passed, or the last one.
_SPAN: Final = text(
    """
    SELECT coalesce((SELECT id FROM audit_event WHERE id > :after AND id <= :last ORDER BY id LIMIT 1 OFFSET :batch - 1), :last)
    """
)
_WAITING: Final = f"""
    SELECT count(*), min({_FINITE}) FROM audit_event AS event
    WHERE {{since}} AND NOT EXISTS (SELECT FROM audit_seal WHERE audit_seal.event_id = event.id)
"""  # noqa: S608 - our own words
_COPY: Final = "COPY audit_seal (month, position, event_id, salt, payload_sha256, hash) FROM STDIN (FORMAT binary)"
_NOT_AHEAD = text("SELECT pg_snapshot_xmax(CAST(:seen AS pg_snapshot)) <= pg_snapshot_xmax(pg_current_snapshot())")
_SEEN = text(
    """
    UPDATE audit_sealing SET snapshot = :snapshot, cluster = :cluster, sealed_at = :moment
    WHERE snapshot IS NULL OR cluster IS DISTINCT FROM :cluster
       OR (pg_snapshot_xmin(CAST(snapshot AS pg_snapshot)) <= pg_snapshot_xmin(CAST(:snapshot AS pg_snapshot))
           AND pg_snapshot_xmax(CAST(snapshot AS pg_snapshot)) <= pg_snapshot_xmax(CAST(:snapshot AS pg_snapshot)))
    """
)


@dataclass(frozen=True)
class Look:
    """What one sealing looks through: events between two ids whose transactions were not over when `seen` was taken (None: all)."""

    seen: str | None
    snapshot: str
    cluster: str | None
    moment: Any
    first: int | None
    last: int | None


@dataclass(frozen=True)
class Sealed:
    """What one batch did: how many were sealed, and after which id it goes on (None: there are no more)."""

    count: int
    after: int | None


def look(session: Session) -> Look:
    """What there is to be sealed. Raises Permanent when the database has lost the row that says how far sealing is."""
    state = session.execute(text("SELECT snapshot, cluster FROM audit_sealing")).one_or_none()
    if state is None:
        raise Permanent("The row that says how far the audit trail was sealed is gone. See: avain audit verify")
    cluster = server(session)
    seen = state.snapshot if still_means(session, state.snapshot, state.cluster) else None
    found = session.execute(text(_NEWS.format(since=_since(seen))), _seen(seen)).one()
    return Look(seen, found.snapshot, cluster, found.moment, found.first, found.last)


def seal_some(session: Session, what: Look, after: int | None, *, batch: int = BATCH) -> Sealed:
    """Chain the next batch. Waits for another sealer; what that one sealed is passed over."""
    if what.first is None or what.last is None:
        return Sealed(0, None)
    session.execute(text("SELECT FROM audit_sealing FOR UPDATE"))
    start = what.first - 1 if after is None else after
    end = session.execute(_SPAN, {"after": start, "last": what.last, "batch": batch}).scalar_one()
    statement = text(_UNSEALED.format(since=_since(what.seen)))
    given = {"after": start, "last": end, **_seen(what.seen)}
    events = session.execute(statement, given).all()
    if events:
        _chain(session, events, _month_of(what.moment))
    fault_point("audit.sealed")
    return Sealed(len(events), end if end < what.last else None)


def _chain(session: Session, events: Any, this_month: date) -> None:
    """Seal events at the end of the chain. The month is that of the recording, but a chain that has gone on to a later month stays there."""
    head = session.execute(_HEAD).one_or_none()
    month, position, previous = (date.min, 0, BEGINNING) if head is None else (head.month, head.position, head.hash)
    salts = secrets.token_bytes(SALT_BYTES * len(events))
    with _connection(session).cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(["date", "int8", "int8", "bytea", "bytea", "bytea"])
        for number, (event, recorded, payload, frame) in enumerate(events):
            its_month = max(month, min(recorded, this_month))
            position = position + 1 if its_month == month else 1
            month = its_month
            salt = salts[SALT_BYTES * number : SALT_BYTES * (number + 1)]
            digest = payload_digest(salt, payload)
            previous = link(previous, digest, month, position, frame)
            copy.write_row((month, position, event, salt, digest, previous))


def note(session: Session, what: Look) -> None:
    """Keep how far it was looked, after the last batch. A sealer that was overtaken by another does not turn that back."""
    session.execute(_SEEN, {"snapshot": what.snapshot, "cluster": what.cluster, "moment": what.moment})


def server(session: Session) -> str | None:
    """The database server's own identifier; None where the role may not ask."""
    may = session.execute(text("SELECT has_function_privilege('pg_control_system()', 'execute')")).scalar_one()
    return session.execute(text(_SERVER)).scalar_one() if may else None


def still_means(session: Session, snapshot: str | None, cluster: str | None) -> bool:
    """Whether a snapshot that was kept says something here: not on another server, nor where transactions are counted anew."""
    if snapshot is None or cluster != server(session):
        return False
    return bool(session.execute(_NOT_AHEAD, {"seen": snapshot}).scalar_one())


def not_over(session: Session, seen: str | None) -> tuple[int, Any]:
    """How many events wait to be sealed, and since when the oldest of them."""
    statement = text(_WAITING.format(since=_since(seen)))
    count, oldest = session.execute(statement, _seen(seen)).one()
    return count, oldest


def _since(seen: str | None) -> str:
    return "true" if seen is None else _SINCE


def _seen(seen: str | None) -> dict[str, str]:
    return {} if seen is None else {"seen": seen}


def _month_of(moment: Any) -> date:
    return local_date(moment).replace(day=1)


def _connection(session: Session) -> "psycopg.Connection[Any]":
    """Psycopg's own connection, in the session's transaction."""
    return cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)
