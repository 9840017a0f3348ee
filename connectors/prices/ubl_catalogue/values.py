"""Single values of a catalogue, from the texts they are written as. XML has one way to write a number or a date; others are refused.

A catalogue says the same few things tens of thousands of times, so what a text means is remembered.
"""

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from connectors.prices.amounts import read_price, shown
from connectors.prices.units import read_unit
from connectors.rejection import quote, quote_figure
from core.errors import Message
from documents.peppol_rules import codes
from documents.peppol_rules.identifiers import is_date

_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)", re.ASCII)
_LONGEST: Final = 40
_SMALLEST, _MOST = Decimal("0.0001"), Decimal(1_000_000)
_NONE, _ONE = Decimal(0), Decimal(1)
#: UN/ECE 5305, as far as EN 16931 takes it.
_VAT_CATEGORIES: Final = ("S", "Z", "E", "AE", "K", "G", "O")
#: Units by their codes; beside Avain's own EA ("each"), which price lists use for one of a thing as well.
_UNITS: Final = codes.UNITS | {"EA"}
_MINUTE, _HOUR = "MIN", "HUR"


class Unfit(Exception):  # noqa: N818 - an answer on its way to whoever asked for the line
    """Why a line, or one price of it, is left out: `field` as in a Rejection."""

    def __init__(self, field: str, reason: Message) -> None:
        super().__init__(field)
        self.field = field
        self.reason = reason


class Span(NamedTuple):
    """First and last day, both included; None where it is open."""

    first: date | None = None
    last: date | None = None


class Unit(NamedTuple):
    """What a price is per: the code as the catalogue has it, and unit and base quantity as other price lists have them."""

    written: str
    code: str
    base: Decimal


@lru_cache(maxsize=16384)
def amount(text: str) -> Decimal:
    """A price: more than zero, with at most four decimals."""
    price = read_price(number("price", text))
    if isinstance(price, Message):
        raise Unfit("price", price)
    return price.amount


@lru_cache(maxsize=1024)
def quantity(field: str, text: str) -> Decimal:
    """More than zero, with at most four decimals."""
    found = number(field, text)
    if not _SMALLEST <= found <= _MOST or found != round(found, 4):
        raise Unfit(
            field,
            Message("The quantity {value} must be more than zero, with at most four decimals.", value=shown(text)),
        )
    return found


def minimum(text: str, unit: Unit) -> Decimal:
    """From which quantity a price holds, in the unit of other price lists: 90 minutes are 1.5 hours where the price is per hour."""
    found = number("minimum_quantity", text)
    if found == 0:
        return _NONE
    in_hours = (unit.written, unit.code) == (_MINUTE, _HOUR)
    return quantity("minimum_quantity", f"{found / 60:f}" if in_hours else text)


@lru_cache(maxsize=1024)
def unit(written: str, count: str | None) -> Unit:
    """A Rec 20 code and how many of it a price buys; 45 MIN are 0.75 HUR, as in other price lists."""
    base = _ONE if count is None else quantity("base_quantity", count)
    known = read_unit(f"{base:f} min" if written == _MINUTE else written) if written in _UNITS else None
    if known is None:
        raise Unfit(
            "unit",
            Message(
                "The unit {value} is not known. Use for example käynti, h, vrk, kk or a Rec 20 code.",
                value=shown(written),
            ),
        )
    return Unit(written, known[0], known[1] if written == _MINUTE else known[1] * base)


@lru_cache(maxsize=256)
def vat(category: str, percent: str | None) -> Decimal:
    """The rate of a category as a fraction. Only category S has one above zero (PEPPOL-T19-R015); for the others it need not be stated."""
    if category not in _VAT_CATEGORIES:
        raise Unfit(
            "vat_category",
            Message(
                "{value} is not a VAT category; allowed: {allowed}",
                value=shown(quote(category)),
                allowed=", ".join(_VAT_CATEGORIES),
            ),
        )
    rate = _NONE if percent is None else number("vat_rate", percent) / 100
    if not 0 <= rate < 1 or rate != round(rate, 4):
        raise Unfit("vat_rate", Message("{value} is not a VAT rate.", value=shown(percent)))
    if category == "S" and rate == 0:
        raise Unfit("vat_rate", Message("The rate of VAT category S must be above zero."))
    if category != "S" and rate != 0:
        raise Unfit("vat_rate", Message("VAT category {category} has no rate above zero.", category=category))
    return rate


@lru_cache(maxsize=4096)
def span(start: str | None, end: str | None, outer: Span) -> Span:
    """The days of a period inside `outer`; a day that is not stated is that of the outer one.

    Raises Unfit if it ends before it begins or reaches beyond the outer one (PEPPOL-T19-R001, R007, R011, R013, R016).
    """
    first = outer.first if start is None else _day("valid_from", start)
    last = outer.last if end is None else _day("valid_to", end)
    is_reversed = first is not None and last is not None and last < first
    if is_reversed and start is not None and end is not None:
        raise Unfit(
            "valid_to",
            Message("The price would end ({last}) before it begins ({first}).", first=_iso(first), last=_iso(last)),
        )
    if (
        is_reversed
        or (outer.first and first and first < outer.first)
        or (outer.last and last and last > outer.last)
    ):  # fmt: skip
        raise Unfit(
            "valid_from",
            Message(
                "The days {first}–{last} reach beyond {start}–{end}, in which they must lie.",
                first=_iso(None if start is None else first),
                last=_iso(None if end is None else last),
                start=_iso(outer.first),
                end=_iso(outer.last),
            ),
        )
    return Span(first, last)


def number(field: str, text: str) -> Decimal:
    """A decimal number as XML writes it (xs:decimal)."""
    if len(text) > _LONGEST or not _DECIMAL.fullmatch(text):
        raise Unfit(
            field,
            Message("{value} is not a number as XML writes it, for example 60.50.", value=shown(quote_figure(text))),
        )
    return Decimal(text)


def _day(field: str, text: str) -> date:
    if not is_date(text):
        raise Unfit(
            field,
            Message("{value} is not a date as XML writes it, for example 2026-12-31.", value=shown(quote_figure(text))),
        )
    return date.fromisoformat(text)


def _iso(day: date | None) -> str:
    return "…" if day is None else day.isoformat()
