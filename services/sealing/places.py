"""Every column that holds something sealed, and how its rows are named where they are sealed. A test fails where one is missing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row

from core import keys
from core.identity import Sealer, client_row, wish_row
from core.settings import Settings


@dataclass(frozen=True)
class Place:
    """A column of sealed blobs. Rows are walked in the order of `keys` (numbers); `parts` is the SQL of what `row` needs to name one.

    `sealed_as`: the table and column its blobs are bound to; those of a held run are bound to where they will go. `families`: sealed by the
    keys of families' words (core/keys.wish_sealer).
    """

    table: str
    column: str
    keys: tuple[str, ...]
    parts: str
    row: Callable[[Row[Any]], object]
    joined: str = ""
    sealed_as: tuple[str, str] | None = None
    families: bool = False

    @property
    def name(self) -> str:
        """`client.sealed_identity`."""
        return f"{self.table}.{self.column}"

    def open(self, sealer: Sealer, row: Row[Any]) -> dict[str, Any]:
        """What `row` (its `blob`, its parts) holds. Raises SealError or ConfigurationError."""
        return sealer.unseal(bytes(row.blob), **self._place(row))

    def seal(self, sealer: Sealer, row: Row[Any], content: dict[str, Any]) -> bytes:
        """The same sealed by the present key, for the same place."""
        return sealer.seal(content, **self._place(row))

    def _place(self, row: Row[Any]) -> dict[str, Any]:
        table, column = self.sealed_as or (self.table, self.column)
        return {"table": table, "row": self.row(row), "column": column}


def _client(row: Row[Any]) -> str:
    return client_row(row.source, row.external_id)


PLACES: Final = (
    Place("client", "sealed_identity", ("id",), "client.source, client.external_id", _client),
    Place(
        "case_staging",
        "sealed",
        ("run_id", "position"),
        "work.arguments ->> 'source' AS source, case_staging.client AS external_id",
        _client,
        joined="JOIN run ON run.id = case_staging.run_id JOIN work ON work.id = run.work_id",
        sealed_as=("client", "sealed_identity"),
    ),
    Place("follow_up", "sealed_note", ("id",), "follow_up.id AS named", lambda row: row.named),
    Place(
        "family_wish",
        "sealed_words",
        ("id",),
        "family_wish.case_id, family_wish.place",
        lambda row: wish_row(row.case_id, row.place),
        families=True,
    ),
)


@dataclass(frozen=True)
class Kept:
    """The keys of an installation, as far as anything is sealed by them. `identity`: None where there are none."""

    identity: Sealer | None
    families: Sealer

    def of(self, place: Place) -> Sealer | None:
        """What seals and opens there."""
        return self.families if place.families else self.identity

    @property
    def current(self) -> str:
        """The id of the key that seals; of an installation without keys of its own, the derived one's."""
        return (self.identity or self.families).current


def kept(configured: Settings) -> Kept:
    """The keys that are configured, also where identity is not kept any more: what was sealed before can still be opened."""
    return Kept(keys.opener(configured), keys.wish_sealer(configured))


def key_in_sql(column: str) -> str:
    """SQL: the id of the key a blob of the column is sealed with; '' for what has no such form."""
    return (
        f"CASE WHEN length({column}) > 2 AND get_byte({column}, 0) = 1"
        f" THEN encode(substring({column} FROM 3 FOR get_byte({column}, 1)), 'escape') ELSE '' END"
    )
