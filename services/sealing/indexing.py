"""The key by which people are found again: one at a time, noted in the database, and changed for everybody in one transaction.

Two keys side by side would do harm: the same person would have two indexes, and turvakielto that one source knows of would not be seen at the
other. So whoever makes indexes first asks which key is in force and holds it until the transaction ends; whoever changes the key waits for them.
"""

from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.errors import AvainError, Permanent, Transient
from core.identity import Sealer
from services.sealing.places import PLACES, Place

#: What the key in force is remembered by; '' before the first index was made.
INDEX_KEY: Final = "index_key"
#: SQLSTATE of a lock that was not got in time.
_NOT_AVAILABLE: Final = "55P03"
_CHUNK: Final = 5_000

_NOTE_FIRST: Final = text("UPDATE remembered SET value = :print WHERE name = :name AND value = ''")
_IN_FORCE: Final = text("SELECT value FROM remembered WHERE name = :name FOR SHARE")
_TO_CHANGE: Final = text("SELECT value FROM remembered WHERE name = :name FOR UPDATE")
_CHANGE: Final = text("UPDATE remembered SET value = :print WHERE name = :name")
#: Rows changed: sessions of families that came in by logging in. They end: they are known by the former index.
_END_SESSIONS: Final = text(
    "UPDATE family_session SET ended_at = clock_timestamp() WHERE blind_index IS NOT NULL AND ended_at IS NULL"
)
#: The column of indexes beside each column of identities.
_BESIDE: Final = {"client": "blind_index", "case_staging": "blind"}


def indexing_in_force(session: Session, sealer: Sealer) -> Sealer:
    """The sealer as indexes are made now; the key stays in force until this transaction ends. Raises ConfigurationError without that key."""
    session.execute(_NOTE_FIRST, {"name": INDEX_KEY, "print": sealer.index_prints[-1]})
    return sealer.indexing(session.execute(_IN_FORCE, {"name": INDEX_KEY}).scalar_one())


def hold(session: Session) -> None:
    """Have indexes that were made before, such as a held run's, stay what they are until this transaction ends."""
    session.execute(_IN_FORCE, {"name": INDEX_KEY})


def index_anew(session: Session, sealer: Sealer, *, patience: str = "10s") -> int:
    """Make every index anew by the newest key, all or none; how many. 0 where it is in force already.

    Raises Transient while somebody makes indexes, ConfigurationError where the key in force is not here, Permanent where an identity cannot be
    opened: its index could not be made.
    """
    newest = sealer.index_prints[0]
    session.execute(text(f"SET LOCAL lock_timeout = '{patience}'"))
    try:
        noted = session.execute(_TO_CHANGE, {"name": INDEX_KEY}).scalar_one()
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") != _NOT_AVAILABLE:
            raise
        raise Transient("Clients are just being read from a source; the index key is changed after that.") from error
    if (noted or sealer.index_prints[-1]) == newest:
        return 0
    sealer.indexing(noted or sealer.index_prints[-1])  # by whatever key it was made: it must be known
    fresh = sealer.indexing(newest)
    count = sum(_of_place(session, place, fresh) for place in PLACES if place.table in _BESIDE)
    session.execute(_END_SESSIONS)
    session.execute(_CHANGE, {"name": INDEX_KEY, "print": newest})
    return count


def _of_place(session: Session, place: Place, sealer: Sealer) -> int:
    count, after = 0, (-1,) * len(place.keys)
    while True:
        rows = session.execute(
            _read(place), {f"after_{name}": value for name, value in zip(place.keys, after, strict=True)}
        ).all()
        if not rows:
            return count
        indexes = [_index(place, sealer, row) for row in rows]
        values = {one: [getattr(row, f"key_{one}") for row in rows] for one in place.keys}
        session.execute(_write(place), values | {"indexes": indexes})
        count, after = count + len(rows), tuple(getattr(rows[-1], f"key_{one}") for one in place.keys)


def _index(place: Place, sealer: Sealer, row: Any) -> bytes:
    try:
        return sealer.blind_index(place.open(sealer, row)["henkilotunnus"])
    except (AvainError, KeyError, TypeError) as error:
        raise Permanent(
            "The index key was not changed: there are identities that cannot be opened, so that nobody would find these people again."
            " See: avain keys status"
        ) from error


def _read(place: Place) -> Any:
    """Rows in: a place, and the row after which to begin. Rows out: the next rows with an index, and what is sealed of them."""
    keys = ", ".join(f"{place.table}.{one}" for one in place.keys)
    named = ", ".join(f"{place.table}.{one} AS key_{one}" for one in place.keys)
    after = ", ".join(f":after_{one}" for one in place.keys)
    return text(
        f"SELECT {named}, {place.parts}, {place.table}.{place.column} AS blob FROM {place.table} {place.joined}"  # noqa: S608 - our own words
        f" WHERE ({keys}) > ({after}) AND {place.table}.{_BESIDE[place.table]} IS NOT NULL ORDER BY {keys} LIMIT {_CHUNK}"
    )


def _write(place: Place) -> Any:
    """Rows in: keys of rows and their indexes. Rows changed: these."""
    arrays = ", ".join(f"CAST(:{one} AS bigint[])" for one in place.keys)
    return text(
        f"""
        UPDATE {place.table} SET {_BESIDE[place.table]} = fresh.made
        FROM unnest({arrays}, CAST(:indexes AS bytea[])) AS fresh({", ".join(place.keys)}, made)
        WHERE {" AND ".join(f"{place.table}.{one} = fresh.{one}" for one in place.keys)}
        """  # noqa: S608 - our own words
    )
