"""Sealing anew: what another key than the present one sealed is opened and sealed with the present one, a batch a transaction.

Nobody waits for it and it waits for nobody: rows that somebody holds are left for the next round, and a row that was written meanwhile is left as it
was written. A process killed between two batches has done what it committed; the next one finds what is left by the key it is sealed with.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from core.errors import ConfigurationError
from core.identity import Sealer, SealError
from services.sealing.places import Place, key_in_sql

#: Rows of a batch.
BATCH: Final = 1_000


@dataclass(frozen=True)
class Resealed:
    """What was done: sealed anew, left as somebody held or wrote it meanwhile, and not to be opened."""

    resealed: int = 0
    passed_over: int = 0
    unopened: int = 0

    def __add__(self, other: "Resealed") -> "Resealed":
        return Resealed(
            self.resealed + other.resealed, self.passed_over + other.passed_over, self.unopened + other.unopened
        )


@dataclass(frozen=True)
class Batch:
    """One batch, and after which row the next one begins; None: there is none."""

    done: Resealed
    after: tuple[int, ...] | None


def reseal(
    session: Session, place: Place, sealer: Sealer, after: tuple[int, ...] | None, *, limit: int = BATCH
) -> Batch:
    """Seal up to `limit` blobs of a place anew, in two statements. What cannot be opened stays as it is and is counted."""
    rows = session.execute(_read(place), _from(place, after) | {"current": sealer.current, "limit": limit}).all()
    fresh = [(row, blob) for row in rows if (blob := _anew(place, sealer, row)) is not None]
    written = session.execute(_write(place), _columns(place, fresh)).rowcount if fresh else 0  # type: ignore[attr-defined]
    done = Resealed(written, len(fresh) - written, len(rows) - len(fresh))
    last = None if len(rows) < limit else tuple(getattr(rows[-1], f"key_{one}") for one in place.keys)
    return Batch(done, last)


def _anew(place: Place, sealer: Sealer, row: Row[Any]) -> bytes | None:
    try:
        return place.seal(sealer, row, place.open(sealer, row))
    except (SealError, ConfigurationError):
        return None


def _read(place: Place) -> Any:
    """Rows in: a place, the present key, the row after which to begin. Rows out: the next ones that another key has sealed."""
    keys = ", ".join(f"{place.table}.{one}" for one in place.keys)
    named = ", ".join(f"{place.table}.{one} AS key_{one}" for one in place.keys)
    after = ", ".join(f":after_{one}" for one in place.keys)
    blob = f"{place.table}.{place.column}"
    return text(
        f"SELECT {named}, {place.parts}, {blob} AS blob FROM {place.table} {place.joined}"  # noqa: S608 - our own words
        f" WHERE ({keys}) > ({after}) AND {blob} IS NOT NULL AND {key_in_sql(blob)} <> :current ORDER BY {keys} LIMIT :limit"
    )


def _write(place: Place) -> Any:
    """Rows in: keys of rows, what was sealed there and what shall be. Rows changed: those that nobody holds and that are still as they were."""
    arrays = ", ".join(f"CAST(:{one} AS bigint[])" for one in place.keys)
    keys, table = ", ".join(place.keys), place.table
    return text(
        f"""
        WITH fresh AS (
            SELECT * FROM unnest({arrays}, CAST(:former AS bytea[]), CAST(:anew AS bytea[])) AS fresh({keys}, former, anew)
        ), free AS (
            SELECT {keys} FROM {table} WHERE ({keys}) IN (SELECT {keys} FROM fresh) FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE {table} SET {place.column} = fresh.anew FROM fresh JOIN free USING ({keys})
        WHERE {" AND ".join(f"{table}.{one} = fresh.{one}" for one in place.keys)} AND {table}.{place.column} = fresh.former
        """  # noqa: S608 - our own words
    )


def _from(place: Place, after: tuple[int, ...] | None) -> dict[str, int]:
    return {f"after_{name}": value for name, value in zip(place.keys, after or (-1,) * len(place.keys), strict=True)}


def _columns(place: Place, fresh: list[tuple[Row[Any], bytes]]) -> dict[str, Any]:
    return {
        **{one: [getattr(row, f"key_{one}") for row, _ in fresh] for one in place.keys},
        "former": [bytes(row.blob) for row, _ in fresh],
        "anew": [blob for _, blob in fresh],
    }
