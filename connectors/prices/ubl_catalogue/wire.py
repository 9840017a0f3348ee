"""How a Peppol catalogue (T19) is written: names of elements, and how its single values are read.

The tree is walked child by child, not asked by XPath: a catalogue has tens of thousands of lines.
"""

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from lxml import etree
from stdnum.fi import ytunnus

from connectors.prices.amounts import read_price, shown
from connectors.prices.units import read_unit
from core.errors import Message
from documents.peppol_rules import codes
from documents.peppol_rules.identifiers import is_date
from documents.peppol_rules.model import CAC, CBC

ACTION: Final = CBC + "ActionCode"
CONTRACT: Final = CAC + "ReferencedContract"
CUSTOMIZATION: Final = CBC + "CustomizationID"
ID: Final = CBC + "ID"
LINE: Final = CAC + "CatalogueLine"
SELLER: Final = CAC + "SellerSupplierParty"
PROVIDER: Final = CAC + "ProviderParty"
VALIDITY: Final = CAC + "ValidityPeriod"

ITEM: Final = CAC + "Item"
LINE_VALIDITY: Final = CAC + "LineValidityPeriod"
PRICED: Final = CAC + "RequiredItemLocationQuantity"
UNIT: Final = CBC + "OrderableUnit"

NAME: Final = CBC + "Name"
SELLERS_ID: Final = CAC + "SellersItemIdentification"
STANDARD_ID: Final = CAC + "StandardItemIdentification"
TAX: Final = CAC + "ClassifiedTaxCategory"
RATE: Final = CBC + "Percent"

MINIMUM: Final = CBC + "MinimumQuantity"
TERRITORY: Final = CAC + "ApplicableTerritoryAddress"
PRICE: Final = CAC + "Price"
AMOUNT: Final = CBC + "PriceAmount"
BASE: Final = CBC + "BaseQuantity"
FACTOR: Final = CBC + "OrderableUnitFactorRate"
PRICE_TYPE: Final = CBC + "PriceType"
#: What T19 has where prices stand; anything else (an allowance, a tax) would change the price.
IN_PRICED: Final = frozenset({CBC + "LeadTimeMeasure", MINIMUM, CBC + "MaximumQuantity", TERRITORY, PRICE})
IN_PRICE: Final = frozenset({AMOUNT, BASE, PRICE_TYPE, FACTOR, VALIDITY})

_START: Final = CBC + "StartDate"
_END: Final = CBC + "EndDate"
_IN_PERIOD: Final = frozenset({_START, _END})
_COUNTRY: Final = f"{CAC}Country/{CBC}IdentificationCode"
_PLACE: Final = CBC + "CityName"
_POSTAL_CODE: Final = CBC + "PostalZone"
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)", re.ASCII)
_LONGEST: Final = 40
_BUSINESS_ID: Final = re.compile(r"(?:0037|FI)?([0-9]{7})-?([0-9])")
#: Schemes that hold a business id: OVT codes (with what follows the eight digits), the id itself, and the VAT number made of it.
_OVT: Final = re.compile(r"0037([0-9]{7})([0-9])[0-9A-Za-z]{0,5}")
_SCHEMES: Final = {"0216": _OVT, "0037": _OVT, "0212": _BUSINESS_ID, "0213": _BUSINESS_ID, None: _BUSINESS_ID}
_IDENTIFIERS: Final = (
    f"{CAC}PartyLegalEntity/{CBC}CompanyID",
    f"{CAC}PartyIdentification/{CBC}ID",
    f"{CBC}EndpointID",
)
#: Units by their codes; beside Avain's own EA ("each"), which price lists use for one of a thing as well.
_UNITS: Final = codes.UNITS | {"EA"}
_MOST: Final = Decimal(1_000_000)

Value = TypeVar("Value")


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


def fit(field: str, answer: Value | Message) -> Value:
    """The value itself; raises Unfit where the answer is a sentence instead."""
    if isinstance(answer, Message):
        raise Unfit(field, answer)
    return answer


def text_of(element: "etree._Element | None") -> str:
    """What an element says, on one line; '' if it is not there."""
    if element is None:
        return ""
    return " ".join((element.text or "").split())


def parts_of(
    element: "etree._Element", known: frozenset[str], field: str, *, many: str | None = None
) -> "dict[str, etree._Element]":
    """The children of an element in which only `known` ones may stand, once each but for `many`. Raises Unfit for any other."""
    parts = {str(part.tag): part for part in element}
    if not known.issuperset(parts):
        raise Unfit(
            field,
            Message(
                "{element} must not be used in this Peppol document.",
                element=etree.QName(next(iter(parts.keys() - known))).localname,
            ),
        )
    if len(parts) != len(element):
        for part in element:
            if parts[str(part.tag)] is not part and part.tag != many:
                raise twice(field, part)
    return parts


def twice(field: str, element: "etree._Element") -> Unfit:
    """The objection to a second element of a kind where only one may stand: it is not known which one counts."""
    return Unfit(field, Message("{element} stands there twice.", element=etree.QName(element).localname))


@lru_cache(maxsize=16384)
def amount(text: str) -> Decimal | Message:
    """More than zero, with at most four decimals."""
    number = _number(text)
    price = number if isinstance(number, Message) else read_price(number)
    return price if isinstance(price, Message) else price.amount


@lru_cache(maxsize=16384)
def base_quantity(text: str) -> Decimal | Message:
    """More than zero, with at most four decimals."""
    return _quantity(text)


@lru_cache(maxsize=16384)
def minimum_quantity(text: str) -> Decimal | Message:
    """Zero or more, with at most four decimals."""
    number = _number(text)
    return number if number == 0 else _quantity(text)


@lru_cache(maxsize=16384)
def factor(text: str) -> Decimal | Message:
    """How many base units an orderable unit holds."""
    return _number(text)


@lru_cache(maxsize=16384)
def vat_rate(text: str) -> Decimal | Message:
    """A percentage as a fraction."""
    number = _number(text)
    if isinstance(number, Message):
        return number
    fraction = number / 100
    if not 0 <= fraction < 1 or fraction != round(fraction, 4):
        return Message("{value} is not a VAT rate.", value=shown(text))
    return fraction


@lru_cache(maxsize=16384)
def unit(code: str, count: Decimal) -> tuple[str, Decimal] | Message:
    """A Rec 20 code and how many of it a price buys, as other price lists have it: 45 MIN are 0.75 HUR."""
    known = read_unit(f"{count:f} min" if code == "MIN" else code) if code in _UNITS else None
    if known is None:
        return Message(
            "The unit {value} is not known. Use for example käynti, h, vrk, kk or a Rec 20 code.", value=shown(code)
        )
    return known if code == "MIN" else (known[0], known[1] * count)


def hours(minutes: Decimal) -> Decimal | Message:
    """Minutes in hours, where four decimals hold them."""
    return minutes and _quantity(f"{minutes / 60:f}")


@lru_cache(maxsize=16384)
def _day(text: str) -> date | Message:
    if is_date(text):
        return date.fromisoformat(text)
    return Message("{value} is not a date. Peppol writes it as 2026-12-31.", value=shown(text))


def span_of(period: "etree._Element | None", outer: Span) -> Span:
    """The days of a period inside `outer`; a day that is not stated is that of the outer one.

    Raises Unfit if it ends before it begins or reaches beyond the outer one (PEPPOL-T19-R007, R011, R013, R016).
    """
    if period is None:
        return outer
    parts = parts_of(period, _IN_PERIOD, "valid_from")
    start, end = parts.get(_START), parts.get(_END)
    first = outer.first if start is None else fit("valid_from", _day(text_of(start)))
    last = outer.last if end is None else fit("valid_to", _day(text_of(end)))
    if (outer.first and first and first < outer.first) or (outer.last and last and last > outer.last) or (
        first and last and last < first and (start is None or end is None)
    ):  # fmt: skip
        stated = Span(None if start is None else first, None if end is None else last)
        raise Unfit("valid_from", _outside(stated, outer))
    if first and last and last < first:
        raise Unfit(
            "valid_to",
            Message(
                "The price would end ({last}) before it begins ({first}).",
                first=first.isoformat(),
                last=last.isoformat(),
            ),
        )
    return Span(first, last)


def _outside(span: Span, outer: Span) -> Message:
    days = {
        name: day.isoformat() if day else "…"
        for name, day in zip(("first", "last", "start", "end"), (*span, *outer), strict=True)
    }
    return Message("The days {first}–{last} reach beyond {start}–{end}, in which they must lie.", **days)


def territory_of(address: "etree._Element") -> str:
    """An address on one line, as much as is stated of it. The whole of Finland is no restriction: ''."""
    country, place, postal_code = text_of(address.find(_COUNTRY)), "", ""
    lines = []
    for part in address:
        if part.tag == _PLACE:
            place = text_of(part)
        elif part.tag == _POSTAL_CODE:
            postal_code = text_of(part)
        elif part.tag != CAC + "Country":
            lines.append(" ".join(" ".join(str(text) for text in part.itertext()).split()))
    lines += [f"{postal_code} {place}".strip(), "" if country == "FI" else country]
    return ", ".join(filter(None, lines))


def party_in(element: "etree._Element") -> "etree._Element":
    """The party of a supplier; a catalogue's provider is one itself."""
    inner = element.find(CAC + "Party")
    return element if inner is None else inner


def business_id_of(party: "etree._Element") -> str | None:
    """The business id (Y-tunnus) a party is known by, `1234567-1`, its check digit right; None if it names none."""
    for path in _IDENTIFIERS:
        for identifier in party.iterfind(path):
            form = _SCHEMES.get(identifier.get("schemeID"))
            match = form.fullmatch(text_of(identifier)) if form else None
            if match and ytunnus.is_valid(match[1] + match[2]):
                return f"{match[1]}-{match[2]}"
    return None


def is_identified(party: "etree._Element") -> bool:
    """Whether the party has an identifier of any kind."""
    return any(party.find(path) is not None for path in _IDENTIFIERS)


def _number(text: str) -> Decimal | Message:
    if len(text) > _LONGEST or not _DECIMAL.fullmatch(text):
        return Message("{value} is not a number as XML writes it, for example 60.50.", value=shown(text))
    return Decimal(text)


def _quantity(text: str) -> Decimal | Message:
    number = _number(text)
    if isinstance(number, Message):
        return number
    if not Decimal("0.0001") <= number <= _MOST or number != round(number, 4):
        return Message("The quantity {value} must be more than zero, with at most four decimals.", value=shown(text))
    return number
