"""Reads who is away and when: a table (CSV, XLSX, XLS or ODS) with a row for each absence, from bytes to values.

Columns, by their titles (Finnish, Swedish or English, or as the source says they are called, in any order; others are passed over and
forgotten: why somebody is away is nobody's business here): the worker's id or e-mail address, first and last day, the deputy (may be
missing). Whether those workers exist is not known here. A row that cannot be understood is told with its number and stops no other.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final

from core.errors import Message
from core.i18n import N_
from documents.delimited import WORKBOOKS, find_separator, open_text, read_rows
from documents.titled_rows import count_known, plain_title, read_day, titled_rows
from documents.workbook import Cell, read_workbook

#: More rows than any county has absences.
MOST_ROWS: Final = 100_000

_TITLES: Final[dict[str, tuple[str, ...]]] = {
    "worker": (
        "työntekijä", "työntekijätunnus", "henkilönumero", "henkilönro", "poissaoleva", "worker", "workerid", "employee", "employeeid",
        "anställd", "anställningsnummer", "personalnummer",
    ),
    "first": ("alku", "alkaa", "alkupäivä", "alkaen", "ensimmäinenpäivä", "from", "start", "startdate", "firstday", "från", "startdatum", "förstadag"),
    "last": ("loppu", "päättyy", "loppupäivä", "asti", "viimeinenpäivä", "to", "end", "enddate", "lastday", "till", "slutdatum", "sistadag"),
    "deputy": ("sijainen", "sijaistunnus", "sijaisentunnus", "sijaisenhenkilönumero", "deputy", "deputyid", "substitute", "vikarie", "ersättare"),
}  # fmt: skip
_NEEDED: Final = ("worker", "first", "last")
_NO_TITLES: Final = N_("The table does not have the columns that tell who is away: worker, first day, last day.")
_NO_WORKER: Final = N_("It is not said who is away.")
_NO_DAY: Final = N_("The day is missing, or is not like 30.11.2026.")
_BACKWARDS: Final = N_("The last day is before the first.")
_OWN_DEPUTY: Final = N_("Nobody stands in for themselves.")


@dataclass(frozen=True)
class AbsenceRow:
    """That a worker is away on these days, both included, and who stands in; as the table calls them. `row` as a spreadsheet numbers it."""

    row: int
    worker: str
    first: date
    last: date
    deputy: str | None


@dataclass(frozen=True)
class AbsenceFault:
    """A row that says nothing, which column is wrong with it and why; `worker` as far as that much could be read."""

    row: int
    field: str
    worker: str | None
    reason: Message


@dataclass(frozen=True)
class AbsenceTable:
    """What a file says."""

    rows: tuple[AbsenceRow, ...]
    faults: tuple[AbsenceFault, ...]


def read_absences(content: bytes, *, encoding: str, titles: Mapping[Any, str]) -> AbsenceTable:
    """The rows of a file. `titles`: what the source calls a column, where it is none of the usual words.

    Raises InputError, RefusedInput for what is no such table, was cut short, or is too long.
    """
    known = _known_titles(titles)
    with _table(content, encoding, known) as table:
        return _read(table, known, titles)


def _known_titles(titles: Mapping[Any, str]) -> dict[str, str]:
    """Columns by their titles; a column that the source names has no other title."""
    usual = {title: column for column, words in _TITLES.items() if column not in titles for title in words}
    return usual | {plain_title(title): column for column, title in titles.items()}


@contextmanager
def _table(content: bytes, encoding: str, known: Mapping[str, str]) -> Iterator[Iterable[Sequence[Cell]]]:
    if content.startswith(WORKBOOKS):
        yield max((one.rows for one in read_workbook(content)), key=partial(count_known, columns=known), default=[])
        return
    with open_text(io.BytesIO(content), encoding) as text:
        yield read_rows(text, find_separator(text, partial(count_known, columns=known)), whole=True)


def _read(table: Iterable[Sequence[Cell]], known: Mapping[str, str], titles: Mapping[Any, str]) -> AbsenceTable:
    rows: list[AbsenceRow] = []
    faults: list[AbsenceFault] = []
    for number, cells in titled_rows(table, known, needed={*_NEEDED, *titles}, most=MOST_ROWS, lacking=_NO_TITLES):
        one = _row(number, cells)
        if isinstance(one, AbsenceRow):
            rows.append(one)
        else:
            faults.append(one)
    return AbsenceTable(tuple(rows), tuple(faults))


def _row(number: int, cells: Mapping[str, str]) -> AbsenceRow | AbsenceFault:
    worker, deputy = cells["worker"], cells.get("deputy", "")
    first, last = read_day(cells["first"]), read_day(cells["last"])
    if not worker:
        return AbsenceFault(number, "worker", None, Message(_NO_WORKER))
    if first is None or last is None:
        return AbsenceFault(number, "first" if first is None else "last", worker, Message(_NO_DAY))
    if last < first:
        return AbsenceFault(number, "last", worker, Message(_BACKWARDS))
    if deputy.casefold() == worker.casefold():
        return AbsenceFault(number, "deputy", worker, Message(_OWN_DEPUTY))
    return AbsenceRow(number, worker, first, last, deputy or None)
