"""Lists that go on: a page of rows is read by key, one row more than is shown, so that a page late in the list costs what the first costs.

    rows = runs.listed(..., before=before, limit=SIZE + 1)
    leaf = paging.leaf(rows, SIZE, "/runs", wanted, before=before)

In the template: `{{ ui.pager(leaf) }}` (console/templates/_macros.html).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Path, Query

Row = TypeVar("Row")

#: As large as the database counts.
_LARGEST = 2**63 - 1
#: The id of a row, in an address.
Id = Annotated[int, Path(ge=1, le=_LARGEST)]
#: Where a page of a list begins: the last id of the page before it.
Key = Annotated[int | None, Query(ge=1, le=_LARGEST)]
#: A page of a table that counts its pages.
PageNumber = Annotated[int, Query(ge=1, le=100_000)]


@dataclass(frozen=True)
class Leaf(Generic[Row]):
    """The rows of one page; the addresses of the list's first page, None on that page itself, and of the next one, None on the last."""

    rows: Sequence[Row]
    first: str | None
    further: str | None


def leaf(
    found: Sequence[Any], size: int, path: str, wanted: Mapping[str, str] | None = None, **key: int | None
) -> Leaf[Any]:
    """A page of the rows `found`, one more than `size` where the list goes on. `wanted`: what it is narrowed down by, kept in the addresses.

    `key` is the parameter that the list is read on by, `before` or `after`, with what it is for this page; rows have an `id`.
    """
    ((name, here),) = key.items()
    rows, more = found[:size], len(found) > size
    return Leaf(
        rows,
        None if here is None else address(path, wanted),
        address(path, {**(wanted or {}), name: str(rows[-1].id)}) if more else None,
    )


def address(path: str, wanted: Mapping[str, str] | None) -> str:
    """A path with those of the parameters that say something."""
    said = {name: value for name, value in (wanted or {}).items() if value}
    return f"{path}?{urlencode(said)}" if said else path
