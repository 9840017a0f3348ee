"""One row of a plain price table to a `PriceRow`, cell by cell, remembering nothing: slow, and easy to see through.

What the reader does with a row of one price (connectors/prices/table/rows.py) must come to the same.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar

from connectors.prices.amounts import read_number, read_price, shown
from connectors.prices.row import TIME_CLASSES, PriceRow
from connectors.prices.table.wire import Header as Found
from connectors.prices.units import read_unit
from connectors.rejection import Rejection
from core.errors import Message
from documents.workbook import Cell

Value = TypeVar("Value")

_TIME_CLASS_WORDS: Final[dict[str, str]] = {
    "weekday": "arki arkisin arkipäivä päivä normaali ma-pe ma–pe vardag vardagar dag weekday weekdays day normal",
    "evening": "ilta iltaisin kväll kvällar evening evenings",
    "night": "yö öisin yöllä natt nätter night nights",
    "saturday": "lauantai lauantaisin la lördag lördagar saturday saturdays",
    "sunday": "sunnuntai sunnuntaisin su pyhä pyhäpäivä söndag söndagar helgdag sunday sundays holiday",
}
_TIME_CLASS_OF: Final = {word: name for name, words in _TIME_CLASS_WORDS.items() for word in words.split()}
#: UN/ECE 5305, as far as EN 16931 takes it.
_VAT_CATEGORIES: Final = ("S", "Z", "E", "AE", "K", "G", "O")
_VAT_WORDS: Final = {"veroton": "E", "verovapaa": "E", "momsfri": "E", "exempt": "E", "ei": "E"}
_YES: Final = frozenset(["kyllä", "k", "x", "sis", "sisältää", "ja", "j", "inkl", "yes", "y", "true", "incl", "1"])
_NO: Final = frozenset(["ei", "e", "nej", "n", "exkl", "no", "false", "excl", "0"])
_FINNISH_DATE: Final = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?:\s+0{1,2}[.:]00(?:[.:]00)?)?")
_ISO_DATE: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00)?(?:\.0+)?Z?)?")
#: Day 0 of spreadsheets; the file's own 1904 mode is the reader's to apply, to cells that are dates.
_DAY_ZERO: Final = date(1899, 12, 30)
_PLAUSIBLE_DAYS: Final = (36526, 73050)  # 2000 to 2099


@dataclass(frozen=True)
class Header:
    """Where each column of a table with one price stands, and what the price's title says."""

    columns: dict[str, int]
    unit: str | None
    vat_inclusive: bool | None

    @classmethod
    def of(cls, found: Found) -> "Header":
        """The same header, as the reader found it."""
        (price,) = found.amounts
        return cls({**found.columns, "price": price.place}, price.unit, price.vat_inclusive)

    def cell(self, row: Sequence[Cell], column: str) -> Cell:
        """The cell of one of our columns; None where the list has no such column or the cell is blank."""
        place = self.columns.get(column)
        value = row[place] if place is not None and place < len(row) else None
        return None if isinstance(value, str) and not value.strip() else value


class _Unfit(Exception):  # noqa: N818 - an answer on its way to `to_price`
    def __init__(self, field: str, reason: Message) -> None:
        super().__init__(field)
        self.field = field
        self.reason = reason


def to_price(row: Sequence[Cell], header: Header, position: str) -> PriceRow | Rejection:
    """The price a row states, or the first thing that is wrong with it."""
    service = _service(row, header)
    if service is None:
        return Rejection(position, "service", None, Message("The service is missing."))
    try:
        return _price(service, row, header, position)
    except _Unfit as unfit:
        return Rejection(position, unfit.field, service, unfit.reason)


def _price(service: str, row: Sequence[Cell], header: Header, position: str) -> PriceRow:
    def read(column: str, how: Callable[[Any], Value | Message]) -> Value | None:
        value = header.cell(row, column)
        if value is None:
            return None
        result = how(value)
        if isinstance(result, Message):
            raise _Unfit(column, result)
        return result

    read("currency", _euros)
    price = read("price", read_price)
    if price is None:
        raise _Unfit("price", Message("The price is missing."))
    unit, base = _unit(read("unit", _unit_cell), price.unit, header.unit)
    valid_from, valid_to = read("valid_from", _date), read("valid_to", _date)
    if valid_from and valid_to and valid_to < valid_from:
        raise _Unfit(
            "valid_to",
            Message(
                "The price would end ({last}) before it begins ({first}).",
                first=valid_from.isoformat(),
                last=valid_to.isoformat(),
            ),
        )
    category, rate = read("vat_category", _vat_category), read("vat_rate", _vat_rate)
    included = read("vat_inclusive", _yes_or_no)
    return PriceRow(
        service=service,
        service_name=read("service_name", _text) or "",
        unit=unit,
        amount=price.amount,
        position=position,
        base_quantity=base * (read("base_quantity", _positive) or Decimal(1)),
        vat_category=category or ("E" if rate == 0 else None),
        vat_rate=rate,
        vat_inclusive=header.vat_inclusive if included is None else included,
        time_class=read("time_class", _time_class) or "weekday",
        minimum_quantity=read("minimum_quantity", _not_negative) or Decimal(0),
        territory=read("territory", _text) or "",
        valid_from=valid_from,
        valid_to=valid_to,
        provider=read("provider", _text),
    )


def _service(row: Sequence[Cell], header: Header) -> str | None:
    """The code where there is one, else the name. A code that a spreadsheet took for a number is written without `.0`."""
    for column in ("service_code", "service_name"):
        value = header.cell(row, column)
        if value is not None:
            return _text(value)
    return None


def _unit(cell: tuple[str, Decimal] | None, beside_price: str | None, in_title: str | None) -> tuple[str, Decimal]:
    """The unit of its own column, of the price (`60 €/h`) or of the price's title; what is said twice must agree."""
    beside = None
    if beside_price is not None:
        beside = read_unit(beside_price)
        if beside is None:
            raise _Unfit("unit", _unknown_unit(beside_price))
    if cell and beside and cell != beside:
        said = "Beside the price the unit is {stated} × {priced_unit}, in the column of units {quantity} × {unit}. Make them agree."
        values = {"stated": str(beside[1]), "priced_unit": beside[0], "quantity": str(cell[1]), "unit": cell[0]}
        raise _Unfit("unit", Message(said, **values))
    unit = cell or beside or (read_unit(in_title) if in_title else None)
    if unit is None:
        raise _Unfit("unit", Message("The unit is missing."))
    return unit


def _unknown_unit(value: object) -> Message:
    return Message(
        "The unit {value} is not known. Use for example käynti, h, vrk, kk or a Rec 20 code.", value=shown(value)
    )


def _unit_cell(value: Cell) -> tuple[str, Decimal] | Message:
    return read_unit(str(value)) or _unknown_unit(value)


def _text(value: Cell) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).split())


def _euros(value: Cell) -> str | Message:
    if _text(value).casefold() in ("eur", "€", "euro", "euroa"):
        return "EUR"
    return Message("The currency is {value}; only euros are accepted.", value=shown(value))


def _positive(value: Cell) -> Decimal | Message:
    number = read_number(value)
    if isinstance(number, Message):
        return number
    if not Decimal("0.0001") <= number <= Decimal(1_000_000) or number != round(number, 4):
        return Message("The quantity {value} must be more than zero, with at most four decimals.", value=shown(value))
    return number


def _not_negative(value: Cell) -> Decimal | Message:
    number = read_number(value)
    return number if number == 0 else _positive(value)


def _date(value: Cell) -> date | Message:
    """`1.1.2026`, `2026-01-01`, a cell that is a date, or the number a spreadsheet keeps for one."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, int | float) and _PLAUSIBLE_DAYS[0] <= value <= _PLAUSIBLE_DAYS[1]:
        return _DAY_ZERO + timedelta(days=int(value))
    text = str(value).strip()
    try:
        if finnish := _FINNISH_DATE.fullmatch(text):
            return date(int(finnish[3]), int(finnish[2]), int(finnish[1]))
        if iso := _ISO_DATE.fullmatch(text):
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
    except ValueError:
        pass  # 31.2.: said below
    return Message("{value} is not a date. Write it as 31.12.2026.", value=shown(value))


def _vat_rate(value: Cell) -> Decimal | Message:
    """`25,5 %`, `25.5`, or 0.255 from a percent cell, as a fraction."""
    if isinstance(value, str) and _VAT_WORDS.get(value.strip().casefold()):
        return Decimal(0)
    number = read_number(value.replace("%", "") if isinstance(value, str) else value)
    if isinstance(number, Message):
        return number
    fraction = number if 0 < number < 1 else number / 100
    if not 0 <= fraction < 1 or fraction != round(fraction, 4):
        return Message("{value} is not a VAT rate.", value=shown(value))
    return fraction


def _vat_category(value: Cell) -> str | Message:
    text = _text(value)
    category = _VAT_WORDS.get(text.casefold(), text.upper())
    if category in _VAT_CATEGORIES:
        return category
    return Message(
        "{value} is not a VAT category; allowed: {allowed}", value=shown(value), allowed=", ".join(_VAT_CATEGORIES)
    )


def _yes_or_no(value: Cell) -> bool | Message:
    word = _text(value).casefold().rstrip(".")
    if isinstance(value, bool) or word in _YES or word in _NO:
        return value if isinstance(value, bool) else word in _YES
    return Message("{value} is neither yes nor no.", value=shown(value))


def _time_class(value: Cell) -> str | Message:
    found = _TIME_CLASS_OF.get(_text(value).casefold())
    if found:
        return found
    return Message(
        "The time class {value} is not known; allowed: {allowed}", value=shown(value), allowed=", ".join(TIME_CLASSES)
    )
