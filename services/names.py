"""What people call things: from a name to what it means here, and a sentence for one that means nothing.

A list, too, is narrowed to what exists only: a misspelt worker must not look like a worker without work.
"""

import difflib
from collections.abc import Collection, Iterable
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from core.i18n import language
from services.cases import case_view

Named = Literal["worker", "unit", "service", "provider", "rejected"]

#: Rows in: none. Rows out: every name that a filter of that kind may have.
_NAMES: dict[Named, str] = {
    "worker": "SELECT external_id FROM worker",
    "unit": "SELECT code FROM unit",
    "service": "SELECT code FROM service",
    "provider": "SELECT business_id FROM provider UNION SELECT name FROM price_source",
    "rejected": "SELECT DISTINCT source FROM rejected_record",
}
#: Rows in: a number. Rows out: one if the case exists.
_CASE = text("SELECT 1 FROM client_case WHERE number = :number")

#: Rows out: workers and units of the organisation, some hundreds.
_PEOPLE = text(
    "SELECT 'worker:' || external_id AS key, name FROM worker UNION ALL SELECT 'unit:' || code, name FROM unit"
)

#: So many names are told, near ones first.
_TOLD = 12


def must_be_one_of(option: str, wanted: str | None, known: Collection[str]) -> None:
    """Raise NotFound, with what is near or else what there is, unless `wanted` is one of `known` or nothing."""
    if wanted is None or wanted in known:
        return
    near = difflib.get_close_matches(wanted, known, n=3)
    near += sorted(set(known).difference(near))[: _TOLD - len(near)]
    raise NotFound(
        "{option}: there is no {name}. There are: {known}", option=option, name=wanted, known=", ".join(near) or "–"
    )


def must_exist(session: Session, option: str, wanted: str | None, named: Named, *, besides: Iterable[str] = ()) -> None:
    """The same for names that the database knows, and those `besides`."""
    if wanted is not None:
        must_be_one_of(option, wanted, {*session.execute(text(_NAMES[named])).scalars(), *besides})


def service_names(session: Session) -> dict[str, str]:
    """What the reader calls each service, by code: in the reader's language where the list has it, else in Finnish."""
    rows = session.execute(text("SELECT code, name_fi, name_sv, name_en FROM service"))
    return {row.code: {"sv": row.name_sv, "en": row.name_en}.get(language()) or row.name_fi for row in rows}


def people(session: Session) -> dict[str, str]:
    """What workers and units are called: by `worker:W-101`, as the audit trail names them, and `unit:U-1`. One query."""
    return {row.key: row.name for row in session.execute(_PEOPLE)}


def check_case(session: Session, number: str) -> None:
    """Raise NotFound unless there is such a case. Others are not told: they are many, and nobody else's business."""
    if not session.execute(_CASE, {"number": number}).scalar():
        raise NotFound("There is no case {case}.", case=number)


def item_of(session: Session, name: str) -> int:
    """The planned service people mean by `HB-2026-000001/I-1`, or by the case's number if it has only one.

    Raises NotFound when there is none, InputError when there are several.
    """
    number, _, item = name.partition("/")
    items = [
        one for one in case_view(session, number).items if not one.ended and item in ("", one.name.partition("/")[2])
    ]
    if not items:
        raise NotFound("{name} names no planned service.", name=name)
    if len(items) > 1:
        raise InputError(
            "{name} has several planned services; say which: {items}",
            name=name,
            items=", ".join(one.name for one in items),
        )
    return items[0].id


def provider_of(session: Session, name: str) -> int:
    """The provider people mean by its business id, its name, or the beginning of its name. Raises NotFound, InputError."""
    rows = session.execute(text("SELECT id, business_id, name FROM provider ORDER BY name")).all()
    exact = [row for row in rows if name in (row.business_id, row.name)]
    found = exact or [row for row in rows if name and row.name.casefold().startswith(name.casefold())]
    if not found:
        raise NotFound("There is no provider {name}.", name=name)
    if len(found) > 1:
        raise InputError("{name} is several providers: {found}", name=name, found=", ".join(row.name for row in found))
    return int(found[0].id)
