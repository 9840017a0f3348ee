"""What the official rules accept in an order response although an order cannot be moved by it (`AVAIN-T76-…`).

Fatal ones are refused and never stored: what the provider meant cannot be told, or the file says who the client is. Warnings are said.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from lxml import etree

from core.i18n import N_
from documents.peppol_rules.identifiers import malformed_addresses
from documents.peppol_rules.model import CAC, CBC
from documents.peppol_rules.personal import telling_elements
from documents.peppol_rules.reading import Document, Objection, decimal_of, text_at
from documents.peppol_rules.rulebook import RuleBook

RESPONSE_GAPS: Final = RuleBook(
    "AVAIN-T76-",
    fatal={
        "DOCUMENT": N_("The document is not a UBL order response."),
        "ADDRESS": N_("An address of scheme 0216 must be 0037 and the eight digits of a business id."),
        "SEVERAL": N_("It is said more than once what a response can only say once: its order, a line's, or a period."),
        "DUPLICATE-LINE": N_("More than one line answers the same line of the order."),
        "NUMBER": N_("A quantity or price of a response must be a number from 0 to 999,999,999,999."),
        "BASE-QUANTITY": N_("The base quantity of a price must be above zero."),
        "PRICE-UNIT": N_("The price is for another unit than the quantity."),
        "CURRENCY": N_("A price is not in euros."),
        "PRIVACY": N_("A personal identity code or a case number stands in the response."),
    },
    warnings={
        "NO-CHANGE": N_("The response accepts with changes, but every line is accepted as it was ordered."),
        "WHAT-CHANGED": N_("The line is changed, but no quantity, price, period, substitute or note says what."),
    },
)
#: What may stand once under its parent; the schema allows more of all of them.
_ONCE: Final = (
    (".", CAC + "OrderReference"),
    (".", CAC + "Delivery"),
    (f"{CAC}OrderLine/{CAC}LineItem", CAC + "Delivery"),
    (f"{CAC}OrderLine", CAC + "OrderLineReference"),
)
#: Numbers Avain can hold: NUMERIC(12) before the point.
_TOO_MUCH: Final = Decimal(10) ** 12
#: UNCL 1229.
_ADDED, _CHANGED, _ACCEPTED = "1", "3", "5"
_CHANGES: Final = (
    f"{CAC}LineItem/{CBC}Quantity",
    f"{CAC}LineItem/{CAC}Price",
    f"{CAC}LineItem/{CAC}Delivery",
    f"{CAC}LineItem/{CBC}Note",
    f"{CAC}SellerSubstitutedLineItem",
)


def check_response_gaps(document: Document) -> Iterator[Objection]:
    """Avain's own objections to the response."""
    for element in malformed_addresses(document):
        yield RESPONSE_GAPS.broken("ADDRESS", element)
    for parents, name in _ONCE:
        for parent in document.root.iterfind(parents):
            for second in parent.findall(name)[1:2]:
                yield RESPONSE_GAPS.broken("SEVERAL", second)
    for element in telling_elements(document):
        yield RESPONSE_GAPS.broken("PRIVACY", element)
    yield from RESPONSE_GAPS.judge(document, _NUMBERS, None)
    yield from _lines(document)


def _lines(document: Document) -> Iterator[Objection]:
    lines = document.root.findall(CAC + "OrderLine")
    states = [text_at(line, f"{CAC}LineItem/{CBC}LineStatusCode") for line in lines]
    answered: Counter[str] = Counter()
    for line, state in zip(lines, states, strict=True):
        reference = text_at(line, f"{CAC}OrderLineReference/{CBC}LineID")
        if reference and state != _ADDED:
            answered[reference] += 1
            if answered[reference] > 1:
                yield RESPONSE_GAPS.broken("DUPLICATE-LINE", line)
        if state == _CHANGED and all(line.find(path) is None for path in _CHANGES):
            yield RESPONSE_GAPS.broken("WHAT-CHANGED", line)
    if states and set(states) == {_ACCEPTED}:
        yield RESPONSE_GAPS.broken("NO-CHANGE", document.root)


def _number(element: "etree._Element", _: None) -> Iterator[str]:
    value = decimal_of(element.text)
    if value is None or not 0 <= value < _TOO_MUCH:
        yield "NUMBER"


def _price_amount(element: "etree._Element", _: None) -> Iterator[str]:
    yield from _number(element, None)
    if element.get("currencyID") != "EUR":
        yield "CURRENCY"


def _base_quantity(element: "etree._Element", _: None) -> Iterator[str]:
    value = decimal_of(element.text)
    if value is None or not 0 < value < _TOO_MUCH:
        yield "BASE-QUANTITY"
    price = element.getparent()
    item = None if price is None else price.getparent()
    quantity = None if item is None else item.find(CBC + "Quantity")
    if quantity is not None and quantity.get("unitCode") != element.get("unitCode"):
        yield "PRICE-UNIT"


_NUMBERS: Final[dict[str, Callable[["etree._Element", None], Iterator[str]]]] = {
    CBC + "Quantity": _number,
    CBC + "PriceAmount": _price_amount,
    CBC + "BaseQuantity": _base_quantity,
}
