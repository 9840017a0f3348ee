"""Reads what a provider answers to an order: a Peppol order response (transaction T76) as UBL XML, from bytes to values.

The file comes from outside, so it passes the XML door, the schema and the rules before anything is taken from it, and a file that
breaks one of them is refused as a whole. What an answer means for its order, and whether it may be believed, is decided in
services/orders; here stands only what the provider has written.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal, cast

from lxml import etree

from core.errors import Message, RefusedInput
from core.i18n import N_
from core.money import round_half_up
from documents import xml
from documents.business_ids import business_id
from documents.checking import refuse_faulty
from documents.peppol_rules import RESPONSE_ELEMENT, check_response
from documents.peppol_rules.model import CAC, CBC
from documents.peppol_rules.reading import text_at

#: Largest response read, bytes. A line is about 1 KB, an order has at most 999.
RESPONSE_LIMIT: Final = 4 * xml.MEBIBYTE

#: UNCL 4343: received, accepted, rejected, accepted with changes.
ResponseCode = Literal["AB", "AP", "RE", "CA"]
#: UNCL 1229: added, changed, accepted, rejected, already delivered.
LineCode = Literal["1", "3", "5", "7", "42"]
_PROFILE_START: Final = "urn:fdc:peppol.eu:poacc:bis:"


@dataclass(frozen=True)
class PartyId:
    """Buyer or seller as the response names it. `business_id` is the Y-tunnus (`1234567-1`), if an identifier or the address tells it."""

    endpoint_scheme: str
    endpoint: str
    business_id: str | None
    name: str | None


@dataclass(frozen=True)
class PromisedPeriod:
    """Days of delivery the seller promises, both included; it may state one of them only."""

    start: date | None
    end: date | None


@dataclass(frozen=True)
class ResponseLine:
    """What the seller says to one line. `line_id` is the response's own, `order_line_id` the order's (of an added line, any).

    What is None was not stated; for code 3 that means: as ordered. `price` is without VAT, in euros, for `base_quantity` units.
    """

    line_id: str
    order_line_id: str
    code: LineCode
    item_name: str
    quantity: Decimal | None = None
    unit_code: str | None = None
    price: Decimal | None = None
    base_quantity: Decimal = Decimal(1)
    period: PromisedPeriod | None = None
    note: str | None = None

    @property
    def amount(self) -> Decimal | None:
        """Euros without VAT, if the line states quantity and price: T76 has no element for it."""
        if self.quantity is None or self.price is None:
            return None
        return round_half_up(self.quantity * self.price / self.base_quantity)


@dataclass(frozen=True)
class OrderResponse:
    """One response. `order_number` is the order it answers; `profile` is `ordering`, the only one T76 has.

    Lines stand in a response of code CA only, and then one for each line of the order.
    """

    id: str
    issue_date: date
    code: ResponseCode
    order_number: str
    buyer: PartyId
    seller: PartyId
    profile: str = "ordering"
    note: str | None = None
    promised: PromisedPeriod | None = None
    lines: tuple[ResponseLine, ...] = ()


def read_response(data: bytes) -> OrderResponse:
    """The response in the bytes of a file.

    Raises RefusedInput, a sentence with line and rule, for what is no XML, an attack, too large, another document, or breaks the schema,
    a rule of T76 or one of our own.
    """
    root = xml.parse(data, limit=RESPONSE_LIMIT).getroot()
    if root.tag != RESPONSE_ELEMENT:
        found = etree.QName(root)
        raise RefusedInput(
            Message(
                N_("The file is not an order response, but {found} ({namespace})."),
                found=found.localname[:100],
                namespace=(found.namespace or "–")[:200],
            )
        )
    refuse_faulty(root, "OrderResponse", check_response)
    return OrderResponse(
        id=text_at(root, CBC + "ID"),
        issue_date=date.fromisoformat(text_at(root, CBC + "IssueDate")),
        code=cast("ResponseCode", text_at(root, CBC + "OrderResponseCode")),
        order_number=text_at(root, f"{CAC}OrderReference/{CBC}ID"),
        profile=text_at(root, CBC + "ProfileID").removeprefix(_PROFILE_START).partition(":")[0],
        buyer=_party(root, "BuyerCustomerParty"),
        seller=_party(root, "SellerSupplierParty"),
        note=_notes(root),
        promised=_promised(root),
        lines=tuple(map(_line, root.iterfind(f"{CAC}OrderLine"))),
    )


def _party(root: "etree._Element", role: str) -> PartyId:
    endpoint = next(root.iterfind(f"{CAC}{role}/{CAC}Party/{CBC}EndpointID"))
    scheme, value = endpoint.get("schemeID", ""), " ".join((endpoint.text or "").split())
    said = [
        (one.get("schemeID", ""), (one.text or "").strip())
        for one in root.iterfind(f"{CAC}{role}/{CAC}Party/{CAC}PartyIdentification/{CBC}ID")
    ]
    ids = filter(None, (business_id(written, under) for under, written in [*said, (scheme, value)]))
    name = text_at(root, f"{CAC}{role}/{CAC}Party/{CAC}PartyLegalEntity/{CBC}RegistrationName")
    return PartyId(endpoint_scheme=scheme, endpoint=value, business_id=next(ids, None), name=name or None)


def _line(line: "etree._Element") -> ResponseLine:
    item = next(line.iterfind(f"{CAC}LineItem"))
    quantity = item.find(CBC + "Quantity")
    return ResponseLine(
        line_id=text_at(item, CBC + "ID"),
        order_line_id=text_at(line, f"{CAC}OrderLineReference/{CBC}LineID"),
        code=cast("LineCode", text_at(item, CBC + "LineStatusCode")),
        item_name=text_at(item, f"{CAC}Item/{CBC}Name"),
        quantity=_decimal(item, CBC + "Quantity"),
        unit_code=None if quantity is None else quantity.get("unitCode"),
        price=_decimal(item, f"{CAC}Price/{CBC}PriceAmount"),
        base_quantity=_decimal(item, f"{CAC}Price/{CBC}BaseQuantity") or Decimal(1),
        period=_promised(item),
        note=_notes(item),
    )


def _decimal(element: "etree._Element", path: str) -> Decimal | None:
    text = text_at(element, path)
    return Decimal(text) if text else None


def _promised(element: "etree._Element") -> PromisedPeriod | None:
    path = f"{CAC}Delivery/{CAC}PromisedDeliveryPeriod/{CBC}"
    start, end = (text_at(element, path + name) for name in ("StartDate", "EndDate"))
    if not start and not end:
        return None
    return PromisedPeriod(
        start=date.fromisoformat(start) if start else None, end=date.fromisoformat(end) if end else None
    )


def _notes(element: "etree._Element") -> str | None:
    """All notes, a line each."""
    notes = (" ".join((note.text or "").split()) for note in element.iterfind(CBC + "Note"))
    return "\n".join(notes) or None
