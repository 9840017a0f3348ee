"""Peppol Catalogue (T19): a price list as a business document, with actions, validity within validity, and prices per territory.

The form is read and judged in one walk. The official rules (documents/peppol_rules) are not asked here: what they say about prices, the
walk finds itself and says line by line; why a catalogue that breaks others is read all the same, docs/prices/catalogue.md says.
"""

from collections import Counter
from hashlib import sha256
from typing import Final

from lxml import etree

from connectors.prices.row import PriceDocument, Reading
from connectors.prices.ubl_catalogue import wire
from connectors.prices.ubl_catalogue.mapping import Header, Line, read_line, span_of, unknown_action
from connectors.prices.ubl_catalogue.values import Span, Unfit
from connectors.prices.ubl_catalogue.wire import text_of
from connectors.rejection import Rejection, quote
from core.errors import Message, RefusedInput
from documents import xml
from documents.peppol_rules import CATALOGUE_ELEMENT
from documents.peppol_rules.catalogue_rules import CUSTOMIZATION

_ACTIONS: Final = ("Add", "Replace", "Update", "Delete")


def read_catalogue(content: bytes, *, file_name: str, reading: Reading) -> PriceDocument:  # noqa: ARG001 - as every reader; XML says itself how it is read
    """A catalogue as price rows, in the file's order; items that it deletes are removals.

    Raises RefusedInput where the file is no Peppol catalogue, or cannot be understood as a whole: nothing of it may then be applied.
    """
    root = xml.parse(content).getroot()
    header = _header(root)
    lines = [read_line(element, str(number), header) for number, element in enumerate(root.iterchildren(wire.LINE), 1)]
    if not lines:
        raise RefusedInput("The catalogue has no lines.")
    _reject_repeated(lines)
    return PriceDocument(
        file_name,
        sha256(content).hexdigest(),
        rows=[row for line in lines for row in line.rows],
        rejections=[rejection for line in lines for rejection in line.rejections],
        complete=header.action == "Replace",
        removals=[line.removal for line in lines if line.removal],
        business_id=_business_id(root),
        contract=header.contract,
        catalogue=text_of(root.find(wire.ID)) or None,
    )


def _header(root: "etree._Element") -> Header:
    if root.tag != CATALOGUE_ELEMENT:
        raise RefusedInput(
            "The XML file's root element is {found}; expected is {root}.", found=str(root.tag)[:200], root="Catalogue"
        )
    customization = text_of(root.find(wire.CUSTOMIZATION))
    # A later edition may add to the name, but not another digit.
    if not customization.startswith(CUSTOMIZATION) or customization[len(CUSTOMIZATION) :][:1].isdigit():
        raise RefusedInput("The document does not say that it is a Peppol catalogue.")
    action = text_of(_only(root, wire.ACTION)) or "Replace"
    if action not in _ACTIONS:
        raise RefusedInput(unknown_action(action, _ACTIONS))
    try:
        validity = span_of(_only(root, wire.VALIDITY), Span())
    except Unfit as unfit:
        raise RefusedInput("The validity of the catalogue cannot be read: {reason}", reason=unfit.reason) from unfit
    contract = _only(root, wire.CONTRACT)
    return Header(action, validity, (text_of(contract.find(wire.ID)) or None) if contract is not None else None)


def _only(root: "etree._Element", name: str) -> "etree._Element | None":
    """The one element of that name. Two would each say something else of all lines."""
    found = root.findall(name)
    if len(found) > 1:
        raise RefusedInput("{element} stands there twice.", element=etree.QName(name).localname)
    return found[0] if found else None


def _business_id(root: "etree._Element") -> str | None:
    """Whose prices they are: the seller's, or who sends the catalogue where no seller is identified."""
    for element in (root.find(wire.SELLER), root.find(wire.PROVIDER)):
        if element is not None and wire.is_identified(party := wire.party_in(element)):
            return wire.business_id_of(party)
    return None


def _reject_repeated(lines: list[Line]) -> None:
    """An item's lines are all left out where there is more than one: which one counts, nobody can tell."""
    seen = Counter(line.service.casefold() for line in lines if line.service)
    if len(seen) == len(lines):
        return
    for line in lines:
        if seen[line.service.casefold()] > 1:
            line.rows, line.removal = [], None
            reason = Message("The item {item} stands on more than one line.", item=quote(line.service))
            line.rejections = [Rejection(line.position, "service", line.service, reason)]
