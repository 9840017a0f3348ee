"""The columns of a price list as people name them, and where the table begins.

A list rarely starts in row 1: a letterhead, a date, a greeting come first. The header is the row that names a service and a price.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from connectors.prices.units import read_unit
from core.errors import RefusedInput
from documents.workbook import Cell

#: Rows searched for the header.
_SEARCHED: Final = 50

#: Our column → what lists call it, in Finnish, Swedish and English; compared without case, signs and what stands in brackets.
SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "service_code": (
        "palvelukoodi",
        "koodi",
        "tuotekoodi",
        "tuotenumero",
        "tuotenro",
        "palvelun koodi",
        "tunnus",
        "servicekod",
        "tjänstekod",
        "kod",
        "produktkod",
        "artikelnummer",
        "service code",
        "product code",
        "item code",
        "code",
        "sku",
    ),
    "service_name": (
        "palvelu",
        "palvelun nimi",
        "tuote",
        "tuotenimi",
        "nimike",
        "nimi",
        "palvelutuote",
        "tjänst",
        "tjänstens namn",
        "produkt",
        "benämning",
        "namn",
        "service",
        "service name",
        "product",
        "item",
        "name",
    ),
    "price": (
        "hinta",
        "yksikköhinta",
        "a-hinta",
        "à-hinta",
        "á-hinta",
        "a hinta",
        "ahinta",
        "hinta per yksikkö",
        "euroa",
        "pris",
        "enhetspris",
        "á-pris",
        "à-pris",
        "a-pris",
        "price",
        "unit price",
        "amount",
    ),
    "unit": ("yksikkö", "laskutusyksikkö", "hinnoitteluyksikkö", "yks", "enhet", "unit", "unit of measure", "uom"),
    "base_quantity": ("hintamäärä", "perusmäärä", "hintaperuste", "prisbas", "basmängd", "base quantity", "price per"),
    "minimum_quantity": ("vähimmäismäärä", "minimimäärä", "minimi", "minsta mängd", "minimum", "minimum quantity"),
    "time_class": ("aikaluokka", "ajankohta", "aika", "tidsklass", "tidpunkt", "time class", "time"),
    "territory": ("alue", "kunta", "toimialue", "område", "kommun", "territory", "area"),
    "vat_rate": (
        "alv",
        "alv %",
        "alv-%",
        "arvonlisävero",
        "alv-kanta",
        "moms",
        "moms %",
        "momssats",
        "vat",
        "vat rate",
    ),
    "vat_category": ("alv-luokka", "verokoodi", "veroluokka", "momskategori", "vat category", "vat code"),
    "vat_inclusive": ("sisältää alv", "sis alv", "sisältää arvonlisäveron", "inkl moms", "vat included", "incl vat"),
    "currency": ("valuutta", "valuta", "currency"),
    "valid_from": (
        "voimassa alkaen",
        "voimassa",
        "voimaantulo",
        "alkaen",
        "alkupäivä",
        "alkupvm",
        "giltig från",
        "gäller från",
        "från",
        "valid from",
        "start date",
        "from",
    ),
    "valid_to": (
        "voimassa asti",
        "voimassa saakka",
        "päättyen",
        "päättyy",
        "loppupäivä",
        "loppupvm",
        "asti",
        "saakka",
        "giltig till",
        "gäller till",
        "till",
        "valid to",
        "valid until",
        "end date",
        "until",
    ),
    "provider": ("y-tunnus", "ytunnus", "tuottajan y-tunnus", "fo-nummer", "business id"),
}


def _words(text: str) -> str:
    """`Hinta, €:` and `hinta` are the same name."""
    return " ".join(re.sub(r"[^\w%àáåäö\-]+", " ", text.casefold()).split())


_COLUMN_OF: Final = {_words(name): column for column, names in SYNONYMS.items() for name in names}
_INCLUSIVE: Final = re.compile(r"\b(?:sis|sisältää|sisältäen|inkl|incl|including|with)\b")
_EXCLUSIVE: Final = re.compile(r"\b(?:veroton|ilman|alv 0|moms 0|vat 0|exkl|excl|excluding|without|utan)\b")
_UNIT_HINT: Final = re.compile(r"(?:€|eur|euroa?)?\s*(?:/|\bper\b)\s*(?P<unit>[^\s/,;()]+(?:\s*min)?)", re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """Where each of our columns stands (0 = first), the header's row (0 = first), and what the price's name says beside it."""

    row: int
    columns: dict[str, int]
    unit: str | None
    vat_inclusive: bool | None

    def cell(self, row: Sequence[Cell], column: str) -> Cell:
        """The cell of one of our columns; None where the list has no such column or the cell is blank."""
        place = self.columns.get(column)
        value = row[place] if place is not None and place < len(row) else None
        return None if isinstance(value, str) and not value.strip() else value


def known_columns(rows: Sequence[Sequence[Cell]]) -> int:
    """How many of our columns the best row among the first ones names; 0 if none could be a header."""
    return max((len(columns) for columns in map(_columns, rows[:_SEARCHED]) if _is_header(columns)), default=0)


def find_header(rows: Sequence[Sequence[Cell]]) -> Header | None:
    """The first row that names a service and a price. Raises RefusedInput where two columns claim to be the same."""
    for number, row in enumerate(rows[:_SEARCHED]):
        columns = _columns(row)
        if not _is_header(columns):
            continue
        for column, places in columns.items():
            if len(places) > 1:
                raise RefusedInput(
                    "Row {row} has two columns for the same thing ({column}): {names}. Leave one.",
                    row=number + 1,
                    column=column,
                    names=", ".join(str(row[place]).strip() for place in places),
                )
        title = str(row[columns["price"][0]]).casefold()
        hint = _UNIT_HINT.search(title)
        return Header(
            number,
            {column: places[0] for column, places in columns.items()},
            hint["unit"] if hint and read_unit(hint["unit"]) else None,
            True if _INCLUSIVE.search(title) else False if _EXCLUSIVE.search(_words(title)) else None,
        )
    return None


def _is_header(columns: dict[str, list[int]]) -> bool:
    return "price" in columns and ("service_code" in columns or "service_name" in columns)


def _columns(row: Sequence[Cell]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, cell in enumerate(row):
        if isinstance(cell, str) and len(cell) <= 80 and (column := _column(cell)):
            found.setdefault(column, []).append(place)
    return found


def _column(title: str) -> str | None:
    """`Hinta (€/h, sis. alv)` → price: the whole name, else the name before a bracket, comma, slash or currency sign."""
    whole = _COLUMN_OF.get(_words(title))
    if whole is not None:
        return whole
    name = re.split(r"[(\[,/€]|\b(?:eur|euroa|alv|moms|vat|sis|inkl|incl|exkl|excl)\b", title.casefold())[0]
    return _COLUMN_OF.get(_words(name))
