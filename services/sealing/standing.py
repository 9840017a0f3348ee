"""How it stands with the keys: how much each has sealed, whether it opens that, and which of them nobody needs any more."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import ConfigurationError
from core.identity import Sealer, SealError
from core.keys import DERIVED
from services.sealing.indexing import INDEX_KEY
from services.sealing.places import PLACES, Kept, Place, key_in_sql

#: current: it seals; needed: something is sealed with it still; idle: nothing is; missing: something is, and there is no such key here;
#: wrong: there is one of this id, but it does not open what it should.
KeyState = Literal["current", "needed", "idle", "missing", "wrong"]
#: So many of a place are opened to see whether a key is the right one.
_TRIED: Final = 3


@dataclass(frozen=True)
class KeyStanding:
    """One key by its id. `counts`: how many blobs, by place. `derived`: it follows from AVAIN_HASH_KEY and cannot be left out."""

    key: str
    state: KeyState
    counts: dict[str, int]

    @property
    def derived(self) -> bool:
        return self.key == DERIVED

    @property
    def total(self) -> int:
        """Blobs in all places together."""
        return sum(self.counts.values())


def standing(session: Session, keys: Kept) -> list[KeyStanding]:
    """Every key that is configured or that something is sealed with: first those that seal, then in the order they are configured, then
    those that are missing.
    """
    counts: dict[str, dict[str, int]] = {}
    wrong: set[str] = set()
    for place in PLACES:
        sealer = keys.of(place)
        for key, count in _counts(session, place):
            counts.setdefault(key, {})[place.name] = count
            if sealer is not None and key in sealer.key_ids and not _opens(session, place, sealer, key):
                wrong.add(key)
    known = dict.fromkeys([keys.current, *(keys.identity.key_ids if keys.identity else ()), *_derived(keys, counts)])
    missing = sorted(counts.keys() - known.keys())

    def state(key: str) -> KeyState:
        if key not in known:
            return "missing"
        if key in wrong:
            return "wrong"
        present = key in (keys.current, keys.families.current)
        return "current" if present else "needed" if key in counts else "idle"

    return [KeyStanding(key, state(key), counts.get(key, {})) for key in (*known, *missing)]


def index_in_force(session: Session, keys: Kept) -> bool | None:
    """Whether people are found again by the newest index key; None where there is none. False while a former one is in force."""
    if keys.identity is None:
        return None
    noted = session.execute(text("SELECT value FROM remembered WHERE name = :name"), {"name": INDEX_KEY}).scalar()
    prints = keys.identity.index_prints
    return (noted or prints[-1]) == prints[0]


def index_missing(session: Session, keys: Kept) -> bool:
    """Whether people are found again by a key that is not configured here."""
    noted = session.execute(text("SELECT value FROM remembered WHERE name = :name"), {"name": INDEX_KEY}).scalar()
    return bool(noted) and keys.identity is not None and noted not in keys.identity.index_prints


def _derived(keys: Kept, counts: dict[str, Any]) -> tuple[str, ...]:
    return (DERIVED,) if DERIVED in counts or keys.families.current == DERIVED else ()


def _counts(session: Session, place: Place) -> list[tuple[str, int]]:
    """Rows in: a place. Rows out: each key that sealed something there, and how much."""
    found = session.execute(
        text(
            f"SELECT {key_in_sql(place.column)} AS key, count(*) AS blobs FROM {place.table}"  # noqa: S608 - our own words
            f" WHERE {place.column} IS NOT NULL GROUP BY 1"
        )
    )
    return [(row.key, row.blobs) for row in found]


def _opens(session: Session, place: Place, sealer: Sealer, key: str) -> bool:
    """Whether any of the first few it sealed can be opened: one that was tampered with says nothing of the key."""
    rows = session.execute(
        text(
            f"SELECT {place.parts}, {place.table}.{place.column} AS blob FROM {place.table} {place.joined}"  # noqa: S608 - our own words
            f" WHERE {place.column} IS NOT NULL AND {key_in_sql(f'{place.table}.{place.column}')} = :key LIMIT {_TRIED}"
        ),
        {"key": key},
    ).all()
    return any(_can_open(place, sealer, row) for row in rows)


def _can_open(place: Place, sealer: Sealer, row: Any) -> bool:
    try:
        place.open(sealer, row)
    except (SealError, ConfigurationError):
        return False
    return True
