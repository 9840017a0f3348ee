"""Cells of a price table as values: what each may hold, and the sentence for what it may not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from connectors.prices.amounts import DECIMALS, LARGEST, plain, read_number, read_price, shown
from connectors.prices.row import EXTRAS, TIME_CLASSES
from connectors.prices.table.words import column_of, times_of
from connectors.prices.units import read_unit
from core.errors import Message
from core.i18n import N_
from core.steering import unsteered
from documents.safe_cells import restored
from documents.workbook import Cell

#: UN/ECE 5305, as far as EN 16931 takes it.
VAT_CATEGORIES: Final = ("S", "Z", "E", "AE", "K", "G", "O")
_VAT_WORDS: Final = {"veroton": "E", "verovapaa": "E", "momsfri": "E", "exempt": "E", "ei": "E"}
#: AVL (1501/1993) 37–38 §: social services are exempt.
_EXEMPT: Final = re.compile(r"\b3[78]\b")
_YES: Final = frozenset(
    "kyllä k x sis sisältää sisältyy ja j inkl ingår yes y true incl included 1 verollinen".split()  # noqa: SIM905
)
_NO: Final = frozenset("ei e nej n exkl ingår_ej no false excl 0 veroton".split())  # noqa: SIM905
_FINNISH_DATE: Final = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?:\s+0{1,2}[.:]00(?:[.:]00)?)?")
_ISO_DATE: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00)?(?:\.0+)?Z?)?")
#: Day 0 of spreadsheets; the file's own 1904 mode is the reader's to apply, to cells that are dates.
_DAY_ZERO: Final = date(1899, 12, 30)
_PLAUSIBLE_DAYS: Final = (36526, 73050)  # 2000 to 2099

#: `×1,15`, `x 1.15`, `1,15-kertainen`
_TIMES: Final = re.compile(
    r"[×x*]\s*(?P<before>\d[\d.,]*)|(?P<after>\d[\d.,]*)\s*(?:[×x*]|-?kertai\w+|-?ggr|-?faldig\w*)"
)
_PER_CENT: Final = re.compile(r"(?P<sign>\+?)\s*(?P<number>\d[\d.,]*)\s*(?:%|prosenttia|procent|per ?cent)(?:\s+\D*)?")
_SMALLEST, _GREATEST = Decimal("0.1"), Decimal(10)

_UNKNOWN_UNIT: Final = N_("The unit {value} is not known. Use for example käynti, h, vrk, kk or a Rec 20 code.")
_AMBIGUOUS: Final = N_("It cannot be told what {value} adds to a price. Write for example ×1,15 or 5,00 € or +15 %.")


@dataclass(frozen=True)
class Supplement:
    """What becomes of a price at another time: `factor` times it, and then `euros` more (per `unit`, where it is said)."""

    factor: Decimal = Decimal(1)
    euros: Decimal = Decimal(0)
    unit: str | None = None

    def of(self, amount: Decimal) -> Decimal | Message:
        """The price with it: at most four decimals, half up."""
        result = (amount * self.factor + self.euros).quantize(Decimal(1).scaleb(-DECIMALS), ROUND_HALF_UP)
        if not 0 < result <= LARGEST:
            return Message("The price {value} is larger than a price can be.", value=shown(result))
        return plain(result)


def read_text(value: Cell) -> str:
    """A cell's text on one line. A code that a spreadsheet took for a number is written without `.0`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return restored(unsteered(" ".join(str(value).split())))


def read_supplement(value: Cell, *, kind: str, sign: str = "") -> Supplement | Message:
    """A supplement or multiplier. `kind`: what its column or row calls itself (price, supplement, multiplier); `sign` what its title shows.

    `15 %` is a supplement, `115 %` a multiplier; what may be either is refused: a Sunday at 100 per cent costs the same, or twice as much.
    """
    written = _written_supplement(value, kind, sign) if isinstance(value, str) else None
    if written is not None:
        return written
    number = read_number(value)
    if isinstance(number, Message):
        return Message(_AMBIGUOUS, value=shown(value))
    if kind == "multiplier":
        return _factor(number, value)
    if sign == "€":
        return _more(value, value)
    if 0 < number < 1 and not isinstance(value, str):  # a cell that shows 15 % holds 0.15
        return _factor(1 + number, value)
    return _per_cent(number, value, kind=kind, plus=False) if sign == "%" else Message(_AMBIGUOUS, value=shown(value))


def _written_supplement(value: str, kind: str, sign: str) -> Supplement | Message | None:
    """What a text says with a sign of its own; None for a bare number."""
    text = " ".join(value.split()).casefold()
    if times := _TIMES.fullmatch(text):
        return _factor(read_number(times["before"] or times["after"]), value)
    if per_cent := _PER_CENT.fullmatch(text):
        return _per_cent(read_number(per_cent["number"]), value, kind=kind, plus=bool(per_cent["sign"]))
    if text.startswith("+") or "€" in text or "eur" in text or sign == "€":
        return _more(text.removeprefix("+"), value)
    return None


def is_supplement(value: Cell) -> bool:
    """Whether a cell where a price may stand holds a multiplier or per cent instead."""
    if not isinstance(value, str):
        return False
    text = " ".join(value.split()).casefold()
    return bool(_TIMES.fullmatch(text) or _PER_CENT.fullmatch(text))


def read_share(value: Cell, sign: str) -> Decimal | None:
    """What part of the price is meant by `50 %`; None for what is no share. A cell that shows 50 % holds 0.5."""
    if isinstance(value, str):
        found = _PER_CENT.fullmatch(" ".join(value.split()).casefold())
        number = read_number(found["number"] if found else value) if found or sign == "%" else None
        number = number / 100 if isinstance(number, Decimal) else None
    else:
        number = read_number(value) if sign == "%" else None
    return number if isinstance(number, Decimal) and 0 < number <= 1 else None


def _factor(number: Decimal | Message, value: Cell) -> Supplement | Message:
    if isinstance(number, Message) or not _SMALLEST <= number <= _GREATEST:
        return Message("{value} is not a multiplier between 0,1 and 10.", value=shown(value))
    return Supplement(factor=number)


def _per_cent(number: Decimal | Message, value: Cell, *, kind: str, plus: bool) -> Supplement | Message:
    if isinstance(number, Message) or number <= 0:
        return Message(_AMBIGUOUS, value=shown(value))
    if plus or (kind != "multiplier" and number < 100) or (kind == "supplement" and number == 100):
        return _factor(1 + number / 100, value)
    if number > 100 or kind == "multiplier":
        return (
            _factor(number / 100, value)
            if number >= 100 and kind != "supplement"
            else Message(_AMBIGUOUS, value=shown(value))
        )
    return Message(_AMBIGUOUS, value=shown(value))


def _more(written: Cell, value: Cell) -> Supplement | Message:
    price = read_price(written)
    if isinstance(price, Message):
        return Message(_AMBIGUOUS, value=shown(value)) if not isinstance(value, str) else price
    return Supplement(euros=price.amount, unit=price.unit)


def unknown_unit(value: object) -> Message:
    """The sentence for a unit nobody knows."""
    return Message(_UNKNOWN_UNIT, value=shown(value))


def unit_cell(value: Cell) -> tuple[str, Decimal] | Message:
    """`(Rec 20 code, base quantity)`."""
    return read_unit(str(value)) or unknown_unit(value)


def euros(value: Cell) -> str | Message:
    """A currency: the euro, or nothing is accepted."""
    if read_text(value).casefold() in ("eur", "€", "euro", "euroa", "euros"):
        return "EUR"
    return Message("The currency is {value}; only euros are accepted.", value=shown(value))


def positive(value: Cell) -> Decimal | Message:
    """A quantity above zero, with at most four decimals."""
    number = read_number(value)
    if isinstance(number, Message):
        return number
    if not Decimal("0.0001") <= number <= Decimal(1_000_000) or number != round(number, 4):
        return Message("The quantity {value} must be more than zero, with at most four decimals.", value=shown(value))
    return number


def minimum(value: Cell) -> tuple[Decimal, str | None] | Message:
    """The least that is charged, and the unit where it is written beside (`2 h`)."""
    if isinstance(value, str) and (written := read_unit(value)):
        return written[1], written[0]
    number = read_number(value)
    checked = number if number == 0 else positive(value)
    return checked if isinstance(checked, Message) else (checked, None)


def day(value: Cell) -> date | Message:
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


def vat_rate(value: Cell) -> Decimal | Message:
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


def vat_category(value: Cell) -> str | Message:
    """A code of UN/ECE 5305, or a word for exempt."""
    text = read_text(value)
    category = _VAT_WORDS.get(text.casefold(), text.upper())
    if category in VAT_CATEGORIES:
        return category
    return Message(
        "{value} is not a VAT category; allowed: {allowed}", value=shown(value), allowed=", ".join(VAT_CATEGORIES)
    )


def exempt_by(value: Cell) -> str:
    """The VAT category that a basis states: E where it names AVL 37 or 38 §, else nothing."""
    return "E" if _EXEMPT.search(read_text(value)) else ""


def yes_or_no(value: Cell) -> bool | Message:
    """`kyllä`, `ja`, `x`, or `ei`, `nej`."""
    word = read_text(value).casefold().rstrip(".").replace("ingår ej", "ingår_ej")
    if isinstance(value, bool) or word in _YES or word in _NO:
        return value if isinstance(value, bool) else word in _YES
    return Message("{value} is neither yes nor no.", value=shown(value))


def time_class(value: Cell) -> str | Message:
    """The one time class a cell names."""
    text = read_text(value).casefold()
    found = (text,) if text in TIME_CLASSES else times_of(text)
    if len(found) == 1:
        return found[0]
    return Message(
        "The time class {value} is not known; allowed: {allowed}", value=shown(value), allowed=", ".join(TIME_CLASSES)
    )


_NONE_KNOWN: Final[Mapping[str, str]] = {}


def extra(value: Cell) -> str | Message:
    """What is charged beside a service: one of EXTRAS, or what lists call it; `-` and `palvelu` are the service."""
    text = read_text(value).casefold()
    name = text.replace(" ", "_").replace("-", "_")
    found = name if name in EXTRAS else column_of(text[:80], _NONE_KNOWN)
    if found in EXTRAS:
        return found
    if text in ("-", "–") or found in ("service_name", "price"):
        return ""
    return Message(
        "The extra {value} is not known; allowed: {allowed}",
        value=shown(value),
        allowed=", ".join(one for one in EXTRAS if one),
    )
