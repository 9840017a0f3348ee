"""Whether what a list is narrowed to exists at all: a misspelt worker must not look like a worker without work."""

import difflib
from collections.abc import Collection, Iterable
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import NotFound

Named = Literal["case", "worker", "unit", "service", "provider", "rejected"]

#: Rows in: none. Rows out: every name that a filter of that kind may have.
_NAMES: dict[Named, str] = {
    "worker": "SELECT external_id FROM worker",
    "unit": "SELECT code FROM unit",
    "service": "SELECT code FROM service",
    "provider": "SELECT business_id FROM provider UNION SELECT name FROM price_source",
    "rejected": "SELECT DISTINCT source FROM rejected_record",
}
#: Of names that are not near, so many are told.
_TOLD = 12


def must_be_one_of(option: str, wanted: str | None, known: Collection[str]) -> None:
    """Raise NotFound, with what is near or else what there is, unless `wanted` is one of `known` or nothing."""
    if wanted is None or wanted in known:
        return
    near = difflib.get_close_matches(wanted, known, n=3) or sorted(known)[:_TOLD]
    raise NotFound(
        "{option}: there is no {name}. There are: {known}", option=option, name=wanted, known=", ".join(near) or "–"
    )


def must_exist(session: Session, option: str, wanted: str | None, named: Named, *, besides: Iterable[str] = ()) -> None:
    """The same for names that the database knows, and those `besides`. Cases are too many to tell and nobody else's business."""
    if wanted is None:
        return
    if named == "case":
        if not session.execute(text("SELECT 1 FROM client_case WHERE number = :number"), {"number": wanted}).scalar():
            raise NotFound("There is no case {case}.", case=wanted)
        return
    must_be_one_of(option, wanted, {*session.execute(text(_NAMES[named])).scalars(), *besides})
