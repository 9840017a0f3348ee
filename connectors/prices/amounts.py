"""Prices as people write them: `60,00 €`, `1 234,50 €/h`, `60,-`, `EUR 60.00`, and what cannot be a price.

The comma and the point are both taken as the decimal mark; only where one of them stands before exactly three digits can it not be
told from a thousands separator, and then the price is refused rather than guessed: the two readings differ a thousandfold.
"""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from core.errors import Message
from core.i18n import N_
from core.logging import redact

#: NUMERIC(12,4) holds this much.
LARGEST: Final = Decimal("99999999.9999")
DECIMALS: Final = 4
#: What a price looks like as a rule: digits, perhaps a mark and one, two or four decimals, perhaps the euro and a unit.
_PLAIN: Final = re.compile(r"([1-9][0-9]{0,7}(?:[.,](?:[0-9]{1,2}|[0-9]{4}))?)(?:[ \u00a0]?€(?: ?/ ?([^\W\d]+))?)?")
#: No price takes more characters than this, with its currency and unit.
_LONGEST: Final = 100

#: Space, no-break space, narrow no-break space, thin space, figure space, apostrophe.
_GROUPING: Final = "\u0020\u00a0\u202f\u2009\u2007'’"
_EURO: Final = r"(?:€|eur(?:oa|o|os)?\b|e(?=$|[\s/]))"
_FOREIGN: Final = re.compile(
    r"[$£¥₽]|(?<![a-zåäö])(?:sek|nok|dkk|isk|kr|usd|gbp|chf|pln|rub|jpy|fim|mk)(?![a-zåäö])", re.IGNORECASE
)
_PRICE: Final = re.compile(
    rf"""^(?:{_EURO})?\s*
        (?P<sign>[-−–+]?)\s*
        (?P<number>\d[\d.,{_GROUPING}]*?)
        (?P<even>[,.:]\s?[-–—]{{1,2}})?
        \s*(?:{_EURO})?
        \s*(?:(?:/|\bper\b|\bà\b|\bá\b)\s*(?P<unit>\S.*))?$""",
    re.VERBOSE | re.IGNORECASE,
)
_GROUPED: Final = re.compile(rf"\d{{1,3}}(?:[{_GROUPING}]\d{{3}})+")

_NOT_A_PRICE: Final = N_("{value} is not a price. Write it as a number, for example 60,00.")
_NOT_A_NUMBER: Final = N_("{value} is not a number.")
_AMBIGUOUS: Final = N_(
    "It cannot be told whether {value} has a thousands separator or three decimals. Write two or four decimals."
)


@dataclass(frozen=True)
class WrittenPrice:
    """An amount in euros and the unit written beside it (`€/h` → `h`), if any."""

    amount: Decimal
    unit: str | None = None


def read_price(value: object) -> WrittenPrice | Message:
    """A cell as a price greater than zero with at most four decimals, or the sentence that says why it is none."""
    if not isinstance(value, str):
        number = read_number(value)
        return (
            Message(_NOT_A_PRICE, value=shown(value)) if isinstance(number, Message) else _accept(number, None, value)
        )
    if usual := _PLAIN.fullmatch(value):
        return WrittenPrice(plain(Decimal(usual[1].replace(",", "."))), usual[2])
    written = value.strip(_GROUPING + "\t")
    if len(written) > _LONGEST:
        return Message(_NOT_A_PRICE, value=shown(written))
    return _read_written(written)


def _read_written(written: str) -> WrittenPrice | Message:
    if foreign := foreign_currency(written):
        return Message(
            "{value} is not in euros ({currency}); only euros are accepted.", value=shown(written), currency=foreign
        )
    match = _PRICE.match(written)
    if match is None:
        return Message(_NOT_A_PRICE, value=shown(written))
    number = _number(match["number"])
    if isinstance(number, Message):
        return number
    if match["even"] and number != number.to_integral_value():
        return Message(_NOT_A_PRICE, value=shown(written))
    return _accept(-number if match["sign"] in ("-", "−", "–") else number, match["unit"], written)


def read_number(value: object) -> Decimal | Message:
    """A cell as a number (a quantity, a rate), or the sentence that says why it is none. A cell's float has 15 digits."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return Message(_NOT_A_NUMBER, value=shown(value))
    if isinstance(value, str):
        stripped = value.strip(_GROUPING + "\t")
        negative = stripped[:1] in ("-", "−")
        number = _number(stripped[1:] if negative else stripped)
        return number if isinstance(number, Message) or not negative else -number
    # 56.300000000000004 is what a formula left of 56.3: a spreadsheet itself knows 15 digits.
    exact = Decimal(f"{value:.15g}" if isinstance(value, float) else value)
    return exact if exact.is_finite() else Message(_NOT_A_NUMBER, value=shown(value))


def _number(text: str) -> Decimal | Message:
    """Digits with separators as a number; which mark is which is decided by where they stand."""
    plain = text.strip(_GROUPING)
    whole, mark, fraction = _split(plain)
    if any(separator in whole for separator in _GROUPING):
        if not _GROUPED.fullmatch(whole):
            return Message(_NOT_A_NUMBER, value=shown(text))
        whole = re.sub(rf"[{_GROUPING}]", "", whole)
    elif mark and len(fraction) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0"):
        return Message(_AMBIGUOUS, value=shown(text))
    if other := {",": ".", ".": ","}.get(mark, ""):
        if other in whole and not re.fullmatch(rf"\d{{1,3}}(?:\{other}\d{{3}})+", whole):
            return Message(_NOT_A_NUMBER, value=shown(text))
        whole = whole.replace(other, "")
    if not (whole.isascii() and whole.isdigit()) or (fraction and not (fraction.isascii() and fraction.isdigit())):
        return Message(_NOT_A_NUMBER, value=shown(text))
    try:
        return Decimal(f"{whole}.{fraction or 0}")
    except InvalidOperation:
        return Message(_NOT_A_NUMBER, value=shown(text))


def _split(plain: str) -> tuple[str, str, str]:
    """Whole part, decimal mark, fraction. A mark that occurs twice (`1.234.567`) separates thousands and is no decimal mark."""
    last = max(plain.rfind(","), plain.rfind("."))
    if last < 0:
        return plain, "", ""
    mark = plain[last]
    if plain.count(mark) > 1:
        grouped = re.fullmatch(rf"\d{{1,3}}(?:\{mark}\d{{3}})+", plain)
        return (plain.replace(mark, ""), "", "") if grouped else (plain, "", "")
    return plain[:last], mark, plain[last + 1 :]


def _accept(amount: Decimal, unit: str | None, written: object) -> WrittenPrice | Message:
    if amount <= 0:
        return Message("The price {value} must be more than zero.", value=shown(written))
    if amount > LARGEST:
        return Message("The price {value} is larger than a price can be.", value=shown(written))
    if amount != round(amount, DECIMALS):
        return Message("The price {value} has more than four decimals.", value=shown(written))
    return WrittenPrice(plain(amount), unit.strip() if unit else None)


def plain(amount: Decimal) -> Decimal:
    """Without an exponent and superfluous zeros: 60, not 6E+1 or 60.00."""
    normal = amount.normalize()
    return normal.quantize(Decimal(1)) if normal == normal.to_integral_value() else normal


def foreign_currency(text: str) -> str | None:
    """The currency other than the euro that a text names, as it names it."""
    found = _FOREIGN.search(text)
    return found.group() if found else None


def shown(value: object) -> str:
    """A cell's content in a sentence: short, on one line, never as an empty gap, and nobody's henkilötunnus."""
    text = redact(" ".join(str(value).split()))
    return f"“{text[:40]}{'…' if len(text) > 40 else ''}”"
