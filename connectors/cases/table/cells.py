"""Values of typed cells, of workbooks and databases alike, as the text that a profile's rules work on."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from core.i18n import HELSINKI

#: A spreadsheet keeps no more: 0.1 + 0.2 is 0.3 to it.
_SIGNIFICANT_DIGITS: Final = 15


def cell_text(value: Any) -> str:
    """`value` as text: a day as 2026-11-16 (a moment as its day, in Helsinki where it knows its offset), a number with a point."""
    if isinstance(value, str):  # nearly all are
        return value.strip()
    return next((text(value) for kinds, text in _TEXTS if isinstance(value, kinds)), str(value))


def _day(moment: datetime) -> str:
    return (moment if moment.tzinfo is None else moment.astimezone(HELSINKI)).date().isoformat()


def _number(value: float | Decimal) -> str:
    """Without an exponent, and never with three decimals: where a profile says `decimal_comma`, 1.234 could be read in two ways."""
    number = value if isinstance(value, Decimal) else Decimal(f"{value:.{_SIGNIFICANT_DIGITS}g}")
    if not number.is_finite():
        return str(number)
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text}0" if len(text.partition(".")[2]) == 3 else text


#: The first that fits: a bool is an int, and a moment a day.
_TEXTS: Final[tuple[tuple[Any, Callable[[Any], str]], ...]] = (
    (type(None), lambda _: ""),
    (bool, lambda value: str(value).lower()),
    (datetime, _day),
    (date, date.isoformat),
    ((float, Decimal), _number),
    ((bytes, bytearray, memoryview), lambda value: bytes(value).hex()),
)
