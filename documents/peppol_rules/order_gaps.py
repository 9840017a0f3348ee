"""What the official rules accept and a receiver would still stumble over, or a client be hurt by (`AVAIN-T01-…`).

Fatal ones are never sent. Warnings are said, since they may be meant.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Final

from lxml import etree

from core.i18n import N_
from documents.peppol_rules import codes
from documents.peppol_rules.identifiers import is_date, malformed_addresses
from documents.peppol_rules.model import CAC, CBC
from documents.peppol_rules.personal import telling_elements
from documents.peppol_rules.reading import Document, Objection, first
from documents.peppol_rules.rulebook import RuleBook

_PERIOD: Final = f"{CAC}Delivery/{CAC}RequestedDeliveryPeriod"
_ITEM_ID: Final = f"{CAC}Item/{CAC}SellersItemIdentification/{CBC}ID"

ORDER_GAPS: Final = RuleBook(
    "AVAIN-T01-",
    fatal={
        "DOCUMENT": N_("The document is not a UBL order."),
        "ADDRESS": N_("An address of scheme 0216 must be 0037 and the eight digits of a business id."),
        "PERIOD": N_("The delivery period ends before it starts."),
        "VALIDITY": N_("The order is no longer valid on the day it is issued."),
        "PRIVACY": N_("A personal identity code or a case number stands in the order."),
        "PERSON": N_("An originator, delivery party, place of delivery or attachment may tell who the client is."),
        "PRICE-UNIT": N_("The price is for another unit than the quantity."),
    },
    warnings={
        "LINE-PERIOD": N_("The delivery period of the line lies outside that of the order."),
        "DUPLICATE-ITEM": N_("The same item is ordered for the same period on more than one line."),
        "DECISION": N_("The order does not cite the decision it rests on."),
        "UNIT": N_("The unit code is not one that Avain knows; the full list was not checked."),
    },
)
_TELLING: Final = [
    CAC + name
    for name in (
        "OriginatorCustomerParty",
        "OriginatorParty",
        "DeliveryParty",
        "DeliveryLocation",
        "ProjectReference",
        "AdditionalDocumentReference",
    )
]


def check_order_gaps(document: Document) -> Iterator[Objection]:
    """Avain's own objections to the order."""
    root = document.root
    yield from _dates(document)
    yield from _lines(document)
    for endpoint in malformed_addresses(document):
        yield ORDER_GAPS.broken("ADDRESS", endpoint)
    for element in chain.from_iterable(map(document.named, _TELLING)):
        yield ORDER_GAPS.broken("PERSON", element)
    if root.find(f"{CAC}OriginatorDocumentReference/{CBC}ID") is None:
        yield ORDER_GAPS.broken("DECISION", root)
    for element in telling_elements(document):
        yield ORDER_GAPS.broken("PRIVACY", element)


def _dates(document: Document) -> Iterator[Objection]:
    root = document.root
    for period in document.named(CAC + "RequestedDeliveryPeriod"):
        start, end = _days(period)
        if start and end and end < start:
            yield ORDER_GAPS.broken("PERIOD", period)
    issued, until = root.findtext(f"{CBC}IssueDate") or "", root.findtext(f"{CAC}ValidityPeriod/{CBC}EndDate") or ""
    if is_date(issued) and is_date(until) and until < issued:
        yield ORDER_GAPS.broken("VALIDITY", root)


def _lines(document: Document) -> Iterator[Objection]:
    whole = document.root.find(_PERIOD)
    first_day, last_day = _days(whole) if whole is not None else ("", "")
    periods = {period.getparent(): period for period in document.named(CAC + "RequestedDeliveryPeriod")}
    seen: Counter[tuple[str, str, str]] = Counter()
    for item in document.named(CAC + "LineItem"):
        period = periods.get(first(item, CAC + "Delivery"))
        start, end = _days(period) if period is not None else (first_day, last_day)
        if (start and first_day and start < first_day) or (end and last_day and end > last_day):
            yield ORDER_GAPS.broken("LINE-PERIOD", item)
        yield from _units(item)
        if item_id := item.findtext(_ITEM_ID):
            seen[item_id, start, end] += 1
            if seen[item_id, start, end] == 2:
                yield ORDER_GAPS.broken("DUPLICATE-ITEM", item)


def _units(item: "etree._Element") -> Iterator[Objection]:
    quantity, price = first(item, CBC + "Quantity"), first(item, CAC + "Price")
    base = None if price is None else first(price, CBC + "BaseQuantity")
    unit = None if quantity is None else quantity.get("unitCode")
    if unit is not None and codes.is_unit(unit) and unit not in codes.UNITS:
        yield ORDER_GAPS.broken("UNIT", item)
    if unit is not None and base is not None and base.get("unitCode", unit) != unit:
        yield ORDER_GAPS.broken("PRICE-UNIT", item)


def _days(period: "etree._Element") -> tuple[str, str]:
    """First and last day as YYYY-MM-DD (they compare as texts); empty if missing or no date."""
    start, end = (period.findtext(CBC + name) or "" for name in ("StartDate", "EndDate"))
    return (start if is_date(start) else ""), (end if is_date(end) else "")
