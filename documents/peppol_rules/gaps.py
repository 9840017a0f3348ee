"""What the official rules accept and a receiver would still stumble over, or a client be hurt by (`AVAIN-T01-…`).

Fatal ones are never sent. Warnings are said, since they may be meant.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from lxml import etree

from core.errors import Message
from core.i18n import N_
from documents.findings import Finding, Severity, found
from documents.peppol_rules import codes, personal
from documents.peppol_rules.identifiers import is_date
from documents.peppol_rules.model import CAC, CBC

_PERIOD: Final = f"{CAC}Delivery/{CAC}RequestedDeliveryPeriod"
_ITEM_ID: Final = f"{CAC}Item/{CAC}SellersItemIdentification/{CBC}ID"

_RULES: Final[dict[str, tuple[Severity, str]]] = {
    "DOCUMENT": ("fatal", N_("The document is not a UBL order.")),
    "ADDRESS": ("fatal", N_("An address of scheme 0216 must be 0037 and the eight digits of a business id.")),
    "PERIOD": ("fatal", N_("The delivery period ends before it starts.")),
    "LINE-PERIOD": ("warning", N_("The delivery period of the line lies outside that of the order.")),
    "VALIDITY": ("fatal", N_("The order is no longer valid on the day it is issued.")),
    "DUPLICATE-ITEM": ("warning", N_("The same item is ordered for the same period on more than one line.")),
    "PRIVACY": ("fatal", N_("A personal identity code or a case number stands in the order.")),
    "PERSON": (
        "fatal",
        N_("An originator, delivery party, place of delivery or attachment may tell who the client is."),
    ),
    "DECISION": ("warning", N_("The order does not cite the decision it rests on.")),
    "UNIT": ("warning", N_("The unit code is not one that Avain knows; the full list was not checked.")),
    "PRICE-UNIT": ("fatal", N_("The price is for another unit than the quantity.")),
}
GAP_RULES: Final = frozenset(f"AVAIN-T01-{rule}" for rule in _RULES)
_TELLING: Final = (
    f"{CAC}OriginatorCustomerParty",
    f"{CAC}AdditionalDocumentReference",
    f"{CAC}ProjectReference",
    f".//{CAC}Delivery/{CAC}DeliveryParty",
    f".//{CAC}Delivery/{CAC}DeliveryLocation",
    f"{CAC}OrderLine/{CAC}LineItem/{CAC}OriginatorParty",
)


def check_gaps(root: "etree._Element") -> Iterator[Finding]:
    """Avain's own objections to the order whose root element is `root`."""
    yield from _dates(root)
    yield from _lines(root)
    for endpoint in root.iter(CBC + "EndpointID"):
        if endpoint.get("schemeID") == "0216" and not codes.is_ovt((endpoint.text or "").strip()):
            yield _finding("ADDRESS", endpoint)
    for path in _TELLING:
        for element in root.iterfind(path):
            yield _finding("PERSON", element)
    if root.find(f"{CAC}OriginatorDocumentReference/{CBC}ID") is None:
        yield _finding("DECISION", root)
    for element in root.iter(tag=etree.Element):
        if any(personal.tells_who(str(text)) for text in (element.text or "", *element.attrib.values())):
            yield _finding("PRIVACY", element)


def not_an_order(root: "etree._Element") -> Finding:
    """The objection to a document of another kind."""
    return _finding("DOCUMENT", root)


def _dates(root: "etree._Element") -> Iterator[Finding]:
    for period in root.iter(CAC + "RequestedDeliveryPeriod"):
        start, end = _days(period)
        if start and end and end < start:
            yield _finding("PERIOD", period)
    issued, until = root.findtext(f"{CBC}IssueDate") or "", root.findtext(f"{CAC}ValidityPeriod/{CBC}EndDate") or ""
    if is_date(issued) and is_date(until) and until < issued:
        yield _finding("VALIDITY", root)


def _lines(root: "etree._Element") -> Iterator[Finding]:
    whole = root.find(_PERIOD)
    first, last = _days(whole) if whole is not None else ("", "")
    items = root.findall(f"{CAC}OrderLine/{CAC}LineItem")
    seen: Counter[tuple[str, str, str]] = Counter()
    for item in items:
        period = item.find(_PERIOD)
        start, end = _days(period) if period is not None else (first, last)
        if (start and first and start < first) or (end and last and end > last):
            yield _finding("LINE-PERIOD", item)
        yield from _units(item)
        if item_id := item.findtext(_ITEM_ID):
            seen[item_id, start, end] += 1
            if seen[item_id, start, end] == 2:
                yield _finding("DUPLICATE-ITEM", item)


def _units(item: "etree._Element") -> Iterator[Finding]:
    quantity, base = item.find(f"{CBC}Quantity"), item.find(f"{CAC}Price/{CBC}BaseQuantity")
    unit = None if quantity is None else quantity.get("unitCode")
    if unit is not None and codes.is_unit(unit) and unit not in codes.UNITS:
        yield _finding("UNIT", item)
    if unit is not None and base is not None and base.get("unitCode", unit) != unit:
        yield _finding("PRICE-UNIT", item)


def _days(period: "etree._Element") -> tuple[str, str]:
    """First and last day as YYYY-MM-DD (they compare as texts); empty if missing or no date."""
    start, end = (period.findtext(CBC + name) or "" for name in ("StartDate", "EndDate"))
    return (start if is_date(start) else ""), (end if is_date(end) else "")


def _finding(rule: str, element: "etree._Element") -> Finding:
    severity, text = _RULES[rule]
    return found(element, f"AVAIN-T01-{rule}", severity, Message(text))
