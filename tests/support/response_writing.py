"""What a provider answers to an order, as its own system would write it: Peppol order responses (T76). Avain itself only reads them."""

from typing import Final

from lxml import etree

from documents import xml
from documents.order_response import OrderResponse, PartyId, PromisedPeriod, ResponseLine
from documents.ubl_writing import amount, document, group, leaf, plain

_NAMESPACE: Final = "urn:oasis:names:specification:ubl:schema:xsd:OrderResponse-2"
_CUSTOMIZATION: Final = "urn:fdc:peppol.eu:poacc:trns:order_response:3"
_BUSINESS_ID: Final = "0212"


def write_response(response: OrderResponse) -> bytes:
    """The response as UTF-8 XML, indented: valid by schema and rules if its values are."""
    root = document(_NAMESPACE, "OrderResponse")
    leaf(root, "CustomizationID", _CUSTOMIZATION)
    leaf(root, "ProfileID", f"urn:fdc:peppol.eu:poacc:bis:{response.profile}:3")
    leaf(root, "ID", response.id)
    leaf(root, "IssueDate", response.issue_date)
    leaf(root, "OrderResponseCode", response.code)
    leaf(root, "Note", response.note)
    leaf(root, "DocumentCurrencyCode", "EUR")
    leaf(group(root, "OrderReference"), "ID", response.order_number)
    _write_party(group(root, "SellerSupplierParty", "Party"), response.seller)
    _write_party(group(root, "BuyerCustomerParty", "Party"), response.buyer)
    _write_promise(root, response.promised)
    for line in response.lines:
        _write_line(group(root, "OrderLine"), line)
    return xml.serialize(root, indent=True)


def _write_party(parent: "etree._Element", party: PartyId) -> None:
    leaf(parent, "EndpointID", party.endpoint, schemeID=party.endpoint_scheme)
    if party.business_id:
        leaf(group(parent, "PartyIdentification"), "ID", party.business_id, schemeID=_BUSINESS_ID)
    if party.name:
        leaf(group(parent, "PartyLegalEntity"), "RegistrationName", party.name)


def _write_promise(parent: "etree._Element", period: PromisedPeriod | None) -> None:
    if period:
        promised = group(parent, "Delivery", "PromisedDeliveryPeriod")
        leaf(promised, "StartDate", period.start)
        leaf(promised, "EndDate", period.end)


def _write_line(parent: "etree._Element", line: ResponseLine) -> None:
    item = group(parent, "LineItem")
    leaf(item, "ID", line.line_id)
    leaf(item, "Note", line.note)
    leaf(item, "LineStatusCode", line.code)
    if line.quantity is not None:
        leaf(item, "Quantity", plain(line.quantity), unitCode=line.unit_code or "")
    _write_promise(item, line.period)
    if line.price is not None:
        price = group(item, "Price")
        amount(price, "PriceAmount", line.price)
        if line.unit_code:
            leaf(price, "BaseQuantity", plain(line.base_quantity), unitCode=line.unit_code)
    leaf(group(item, "Item"), "Name", line.item_name)
    leaf(group(parent, "OrderLineReference"), "LineID", line.order_line_id)
