"""Rules of the catalogue's contents (`PEPPOL-T19-R…`): periods within periods, quantities and prices without a minus, items with an id, VAT.

Days are compared as the official rules do it, as numbers (2026-09-01 is 20260901). What is no number fulfils no comparison, so a date
in another form breaks the rules of its period too, beside the one of dates (identifiers.py).
"""

import math
import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from lxml import etree

from core.i18n import N_
from documents.peppol_rules.model import CAC, CBC
from documents.peppol_rules.reading import Document, Objection, text_at, text_of
from documents.peppol_rules.rulebook import RuleBook

_NUMBER: Final = re.compile(r"[ \t\r\n]*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\r\n]*", re.ASCII)
_PROFILES: Final = {f"urn:fdc:peppol.eu:poacc:bis:{name}:3" for name in ("catalogue_only", "catalogue_wo_response")}
#: What a T19 catalogue says it is; a later edition may add to it.
CUSTOMIZATION: Final = "urn:fdc:peppol.eu:poacc:trns:catalogue:3"

#: What each rule asks, in our words.
CATALOGUE_CONTENTS: Final = RuleBook(
    "PEPPOL-T19-",
    fatal={
        "R001": N_("The validity of the catalogue ends before it begins."),
        "R004": N_("The supplier of a catalogue needs a name or an identifier."),
        "R005": N_("The customer of a catalogue needs a name or an identifier."),
        "R006": N_("A price is missing or negative."),
        "R007": N_("The validity of a line must lie within that of the catalogue."),
        "R008": N_("The maximum quantity must not be negative."),
        "R009": N_("The minimum quantity must not be negative."),
        "R010": N_("The maximum quantity is smaller than the minimum quantity."),
        "R011": N_("The validity of a price must lie within that of its line."),
        "R012": N_("An item needs the seller's identifier or a standard one."),
        "R013": N_("The validity of a line ends before it begins."),
        "R014": N_("A VAT category needs its rate, unless the item is not subject to VAT."),
        "R015": N_("The rate of VAT category S must be above zero."),
        "R016": N_("The validity of a price ends before it begins."),
        "R017": N_("The profile must be catalogue only or catalogue without response."),
        "R018": N_("The document does not say that it is a Peppol catalogue."),
    },
)

_Rules = Iterator[str]


class _Span(NamedTuple):
    """Days as numbers, both included; NaN for what is no date."""

    first: float
    last: float

    def within(self, other: "_Span") -> bool:
        return (
            other.first <= self.first <= other.last
            and self.last <= other.last
            # Not implied: nothing is, where a number is NaN or a period reversed.
            and self.last >= other.first
        )


_ALWAYS: Final = _Span(0, 99999999)


def check_catalogue_contents(document: Document) -> Iterator[Objection]:
    """What the content rules object to in the catalogue."""
    whole = _span(document.root, f"{CAC}ValidityPeriod", _ALWAYS)
    return CATALOGUE_CONTENTS.judge(document, _CHECKS, whole)


def _profile(element: "etree._Element", _: _Span) -> _Rules:
    if text_of(element) not in _PROFILES:
        yield "R017"


def _customization(element: "etree._Element", _: _Span) -> _Rules:
    if not text_of(element).startswith(CUSTOMIZATION):
        yield "R018"


def _validity(element: "etree._Element", whole: _Span) -> _Rules:
    parent = element.getparent()
    if parent is not None and parent.getparent() is None and not whole.last >= whole.first:
        yield "R001"


def _supplier(element: "etree._Element", _: _Span) -> _Rules:
    if not _is_named(element):
        yield "R004"


def _customer(element: "etree._Element", _: _Span) -> _Rules:
    if not _is_named(element):
        yield "R005"


def _line(element: "etree._Element", whole: _Span) -> _Rules:
    most, least = _value(element, f"{CBC}MaximumOrderQuantity"), _value(element, f"{CBC}MinimumOrderQuantity")
    if most is not None and not most >= 0:
        yield "R008"
    if least is not None and not least >= 0:
        yield "R009"
    if most is not None and least is not None and not most >= least:
        yield "R010"
    span = _span(element, f"{CAC}LineValidityPeriod", whole)
    if not span.within(whole):
        yield "R007"
    if not span.first <= span.last:
        yield "R013"


def _price(element: "etree._Element", whole: _Span) -> _Rules:
    amount = _value(element, f"{CAC}Price/{CBC}PriceAmount")
    if amount is None or not amount >= 0:
        yield "R006"
    parent = element.getparent()
    line = whole if parent is None else _span(parent, f"{CAC}LineValidityPeriod", whole)
    span = _span(element, f"{CAC}Price/{CAC}ValidityPeriod", line)
    if not span.within(line):
        yield "R011"
    if not span.first <= span.last:
        yield "R016"


def _tax_category(element: "etree._Element", _: _Span) -> _Rules:
    category, rate = text_at(element, f"{CBC}ID"), _value(element, f"{CBC}Percent")
    if rate is None and category != "O":
        yield "R014"
    if category == "S" and not (rate is not None and rate > 0):
        yield "R015"


def _item(element: "etree._Element", _: _Span) -> _Rules:
    if all(element.find(f"{CAC}{name}ItemIdentification/{CBC}ID") is None for name in ("Standard", "Sellers")):
        yield "R012"


_CHECKS: Final[dict[str, Callable[["etree._Element", _Span], _Rules]]] = {
    CBC + "ProfileID": _profile,
    CBC + "CustomizationID": _customization,
    CAC + "ValidityPeriod": _validity,
    CAC + "SellerSupplierParty": _supplier,
    CAC + "ContractorCustomerParty": _customer,
    CAC + "CatalogueLine": _line,
    CAC + "RequiredItemLocationQuantity": _price,
    CAC + "ClassifiedTaxCategory": _tax_category,
    CAC + "Item": _item,
}


def _is_named(element: "etree._Element") -> bool:
    party = f"{CAC}Party/{CAC}"
    return any(
        element.find(path) is not None
        for path in (f"{party}PartyName/{CBC}Name", f"{party}PartyIdentification/{CBC}ID")
    )


def _span(element: "etree._Element", path: str, outer: _Span) -> _Span:
    """The period at `path`; a day that is not stated is that of the period around it."""
    start, end = (element.findtext(f"{path}/{CBC}{name}") for name in ("StartDate", "EndDate"))
    return _Span(
        outer.first if start is None else _number(start.replace("-", "")),
        outer.last if end is None else _number(end.replace("-", "")),
    )


def _value(element: "etree._Element", path: str) -> float | None:
    """The number at `path`, NaN if it is none; None if there is no such element."""
    text = element.findtext(path)
    return None if text is None else _number(text)


def _number(text: str) -> float:
    return float(text) if _NUMBER.fullmatch(text) else math.nan
