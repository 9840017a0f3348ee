"""What the writers of UBL documents have in common: elements with their prefixes, and numbers as XML Schema wants them."""

from datetime import date
from decimal import Decimal
from typing import cast

from lxml import etree

from core.money import CENT

CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"


def document(namespace: str, name: str) -> "etree._Element":
    """The root element of a UBL document; its namespace is the default one."""
    prefixes = cast("dict[str, str]", {None: namespace, "cac": CAC, "cbc": CBC})  # lxml's stubs do not know the None
    return etree.Element(f"{{{namespace}}}{name}", nsmap=prefixes)


def group(parent: "etree._Element", *names: str) -> "etree._Element":
    """Aggregates inside each other; the innermost one."""
    for name in names:
        parent = etree.SubElement(parent, f"{{{CAC}}}{name}")
    return parent


def leaf(parent: "etree._Element", name: str, value: str | date | None, **attributes: str) -> None:
    """A text, or nothing at all where there is no value: Peppol refuses empty elements."""
    if value is not None:
        etree.SubElement(parent, f"{{{CBC}}}{name}", attributes).text = str(value)


def amount(parent: "etree._Element", name: str, value: Decimal) -> None:
    """Euros with two decimals; a unit price may have up to four."""
    in_cents = value.quantize(CENT)
    leaf(parent, name, f"{in_cents:f}" if value == in_cents else plain(value), currencyID="EUR")


def plain(value: Decimal) -> str:
    """A number without exponent and without superfluous zeros."""
    return f"{value.normalize():f}"
