"""Refuses an order that would be wrong, unreadable or indiscreet as a document, naming the field.

The official rules look at the finished document; most of what they find is a slip of the caller, who is better told at the
value. What they do not look for stands here too: impossible periods, a malformed address, a personal identity code.
"""

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache

from stdnum import ean
from stdnum.fi import ytunnus

from core.errors import InputError
from core.money import CENT, ZERO
from documents.order import ADDRESS_SCHEMES, PROFILES, VAT_CATEGORIES, Order, OrderLine, Party, Period
from documents.peppol_rules import codes, personal

#: Longest text per field; Peppol states no limits, receivers' systems do.
_LONGEST = {"name": 200, "item_name": 200, "street": 200, "city": 100, "unit": 100, "mail": 100}
_LONGEST_ID = 64
#: Unicode's controls of writing direction that stay in force until they are ended (UAX 9).
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_OPAQUE = re.compile(r"[0-9A-Za-z_-]{6,64}")
_BUSINESS_ID = re.compile(r"\d{7}-\d", re.ASCII)
_CPV = re.compile(r"\d{8}(-\d)?")
#: T01-R024 allows a line to differ from quantity × price by this much; staying strictly inside avoids quarrels over the last digit.
_SLACK = 2 * CENT


def check_values(order: Order) -> None:
    """Raises InputError for the first value that cannot be ordered with."""
    _check_texts("", order)
    _check_party("buyer", order.buyer)
    _check_party("seller", order.seller)
    _require(order.profile in PROFILES, "profile", order.profile, ", ".join(PROFILES))
    _require(order.currency == "EUR", "currency", order.currency, "EUR")
    if not _OPAQUE.fullmatch(order.client_reference):
        raise InputError(
            "{field} must be an opaque reference of 6 to 64 letters, digits, hyphens and underscores.",
            field="client_reference",
        )
    _check_period("period", order.period)
    if order.valid_until and order.valid_until < order.issue_date:
        raise InputError("{field} ends before it starts.", field="valid_until")
    if not order.lines:
        raise InputError("{field} is missing.", field="lines")
    for number, line in enumerate(order.lines, start=1):
        _check_line(f"lines[{number}]", line, order.period)
    ids = [line.id for line in order.lines]
    if len(set(ids)) < len(ids):
        raise InputError("{field} must be different on every line.", field="lines[].id")


def _check_party(field: str, party: Party) -> None:
    _check_texts(f"{field}.", party)
    scheme, value = party.endpoint_scheme, party.endpoint
    _require(scheme in ADDRESS_SCHEMES, f"{field}.endpoint_scheme", scheme, ", ".join(ADDRESS_SCHEMES))
    if scheme == "0216" and not (codes.is_ovt(value) and _is_business_id(f"{value[4:11]}-{value[11]}")):
        raise InputError(
            "{field}: {value} is not a Peppol address of scheme 0216, which is 0037 and the eight digits of a business id.",
            field=f"{field}.endpoint",
            value=value,
        )
    if scheme == "0088" and not (len(value) == 13 and ean.is_valid(value)):
        raise InputError(
            "{field}: {value} is not a GLN (13 digits, the last a check digit).", field=f"{field}.endpoint", value=value
        )
    if party.business_id is not None and not _is_business_id(party.business_id):
        raise InputError(
            "{field}: {value} is not a business id (1234567-1).", field=f"{field}.business_id", value=party.business_id
        )
    if party.country not in codes.COUNTRIES:
        raise InputError(
            "{field}: {value} is not a country code of ISO 3166.", field=f"{field}.country", value=party.country
        )


@lru_cache(maxsize=4096)  # a county has so many providers, and orders from each again and again
def _is_business_id(value: str) -> bool:
    """Whether it is a Y-tunnus as it is written (`1234567-1`), its check digit right."""
    return _BUSINESS_ID.fullmatch(value) is not None and bool(ytunnus.is_valid(value))


def _check_line(field: str, line: OrderLine, period: Period | None) -> None:
    _check_texts(f"{field}.", line)
    if not codes.is_unit(line.unit_code):
        raise InputError(
            "{field}: {value} is not a unit code of UN/ECE Rec 20.", field=f"{field}.unit_code", value=line.unit_code
        )
    _check_number(f"{field}.quantity", line.quantity, decimals=4, above_zero=True)
    _check_number(f"{field}.base_quantity", line.base_quantity, decimals=4, above_zero=True)
    _check_number(f"{field}.net_price", line.net_price, decimals=4)
    _check_number(f"{field}.net_amount", line.net_amount, decimals=2)
    _check_number(f"{field}.vat_amount", line.vat_amount, decimals=2)
    expected = line.quantity * line.net_price / line.base_quantity
    if abs(line.net_amount - expected) >= _SLACK:
        raise InputError(
            "{field} is {amount}, but quantity × price is {expected}.",
            field=f"{field}.net_amount",
            amount=str(line.net_amount),
            expected=str(round(expected, 4)),
        )
    _check_vat(field, line)
    _check_period(f"{field}.period", line.period)
    if period and line.period and not (period.start <= line.period.start and line.period.end <= period.end):
        raise InputError("{field} must lie within the period of the order.", field=f"{field}.period")
    if line.cpv_code is not None and not _CPV.fullmatch(line.cpv_code):
        raise InputError(
            "{field}: {value} is not a CPV code (12345678-9).", field=f"{field}.cpv_code", value=line.cpv_code
        )


def _check_vat(field: str, line: OrderLine) -> None:
    _require(line.vat_category in VAT_CATEGORIES, f"{field}.vat_category", line.vat_category, ", ".join(VAT_CATEGORIES))
    _check_number(f"{field}.vat_percent", line.vat_percent, decimals=2)
    if (line.vat_category == "S") != (line.vat_percent > 0):
        raise InputError(
            "{field} must be above zero in VAT category S and zero in all others.", field=f"{field}.vat_percent"
        )
    expected = line.net_amount * line.vat_percent / 100
    if abs(line.vat_amount - expected) >= _SLACK:
        raise InputError(
            "{field} is {amount}, but net amount × rate is {expected}.",
            field=f"{field}.vat_amount",
            amount=str(line.vat_amount),
            expected=str(round(expected, 4)),
        )


def _check_period(field: str, period: Period | None) -> None:
    if period and period.end < period.start:
        raise InputError("{field} ends before it starts.", field=field)


def _check_number(field: str, value: Decimal, *, decimals: int, above_zero: bool = False) -> None:
    """A finite Decimal >= 0 (or > 0) of at most 12 digits before and `decimals` digits after the point, zeros at the end not counted."""
    if not isinstance(value, Decimal) or not value.is_finite() or value < ZERO or (above_zero and not value):
        raise InputError("{field}: {value} is not an amount that can be ordered.", field=field, value=str(value))
    if value.adjusted() >= 12 or value != round(value, decimals):
        raise InputError(
            "{field}: {value} has too many digits; at most {decimals} decimals are allowed.",
            field=field,
            value=str(value),
            decimals=decimals,
        )


def _check_texts(prefix: str, values: Order | Party | OrderLine) -> None:
    stated = [(prefix + name, name, text) for name, text in vars(values).items() if isinstance(text, str)]
    for field, name, text in stated:
        if not text.strip():
            raise InputError("{field} is missing.", field=field)
        limit = _LONGEST.get(name, _LONGEST_ID)
        if len(text) > limit:
            raise InputError(
                "{field} is {length} characters long; at most {limit} are allowed.",
                field=field,
                length=len(text),
                limit=limit,
            )
        if not text.isprintable() and any(map(_is_unfit, text)):
            raise InputError(
                "{field} has a control character or line break, which the document cannot carry.", field=field
            )
    if not personal.tells_who("\n".join(text for _, _, text in stated)):
        return
    for field, _, text in stated:
        if personal.tells_who(text):
            # The value itself is not repeated: error sentences are stored and mailed.
            raise InputError(
                "{field} holds a personal identity code or a case number; an order must not carry either.", field=field
            )


def _is_unfit(character: str) -> bool:
    """Controls, line breaks, surrogates, noncharacters, and what turns the direction of reading, so that a name shows as another."""
    return unicodedata.category(character) in {"Cc", "Cs", "Cn", "Zl", "Zp"} or character in _TURNS


def _require(allowed: bool, field: str, value: str, wanted: str) -> None:  # noqa: FBT001 - a condition, read as one
    if not allowed:
        raise InputError(
            "{field}: {value} is not allowed here; allowed: {wanted}.", field=field, value=value, wanted=wanted
        )
