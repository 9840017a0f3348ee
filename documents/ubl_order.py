"""Writes a purchase order as UBL 2.1 Order XML by the Peppol BIS (transaction T01, profiles order_only and ordering).

A pure function: equal orders give equal bytes, so the sha256 of what was sent can be computed again. What goes where and what is
left out for the client's sake: documents/order.py. Elements stand in the order the UBL schema asks for.
"""

from itertools import chain

from lxml import etree

from core.errors import InputError, Message
from core.i18n import N_
from documents import xml
from documents.findings import fatal
from documents.order import Order, OrderLine, Party, Period, Totals, totals
from documents.order_checks import check_values
from documents.peppol_rules import check_order
from documents.schemas import check_schema
from documents.ubl_writing import amount, document, group, leaf, plain

ORDER_NAMESPACE = "urn:oasis:names:specification:ubl:schema:xsd:Order-2"
CUSTOMIZATION = "urn:fdc:peppol.eu:poacc:trns:order:3"
PROFILE = "urn:fdc:peppol.eu:poacc:bis:{}:3"
#: UNCL 1001: an ordinary purchase order.
_PURCHASE_ORDER = "220"
#: ISO 6523: the Finnish business id, in identifications (as an address it is no longer allowed).
_BUSINESS_ID = "0212"
#: Finnish and Swedish in one, so that the bytes do not depend on a reader's language.
_DECISION_NOTE = "Päätös / Beslut {number}, {date}"


def write_order(order: Order) -> bytes:
    """The order as UTF-8 XML, indented. Raises InputError, naming the field, for values that cannot be ordered with."""
    return xml.serialize(_order_tree(order), indent=True)


def write_checked(order: Order) -> bytes:
    """The same bytes, of an order that has passed the schema and our rules as well: what may be sent.

    Raises InputError, naming the field or the rule. What is checked is the tree that is written, so nothing is parsed again.
    """
    root = _order_tree(order)
    for finding in chain(check_schema(root, "Order"), fatal(check_order(root))):
        raise InputError(
            Message(N_("The order breaks the rule {rule}: {what}"), rule=finding.rule, what=finding.text.text())
        )
    return xml.serialize(root, indent=True)


def _order_tree(order: Order) -> "etree._Element":
    check_values(order)
    root = document(ORDER_NAMESPACE, "Order")
    _write_header(root, order)
    _write_party(group(root, "BuyerCustomerParty", "Party"), order.buyer, contact=True)
    _write_party(group(root, "SellerSupplierParty", "Party"), order.seller, contact=False)
    _write_period(root, order.period)
    _write_totals(root, totals(order))
    for line in order.lines:
        _write_line(group(root, "OrderLine", "LineItem"), line)
    return root


def _write_header(root: "etree._Element", order: Order) -> None:
    leaf(root, "CustomizationID", CUSTOMIZATION)
    leaf(root, "ProfileID", PROFILE.format(order.profile))
    leaf(root, "ID", order.number)
    leaf(root, "IssueDate", order.issue_date)
    leaf(root, "OrderTypeCode", _PURCHASE_ORDER)
    if order.decision_date:
        leaf(root, "Note", _DECISION_NOTE.format(number=order.decision_number, date=order.decision_date.isoformat()))
    leaf(root, "DocumentCurrencyCode", order.currency)
    leaf(root, "CustomerReference", order.client_reference)
    leaf(root, "AccountingCost", order.accounting_cost)
    if order.valid_until:
        leaf(group(root, "ValidityPeriod"), "EndDate", order.valid_until)
    leaf(group(root, "OriginatorDocumentReference"), "ID", order.decision_number)
    if order.catalogue:
        leaf(group(root, "CatalogueReference"), "ID", order.catalogue)
    if order.contract:
        leaf(group(root, "Contract"), "ID", order.contract)


def _write_party(parent: "etree._Element", party: Party, *, contact: bool) -> None:
    leaf(parent, "EndpointID", party.endpoint, schemeID=party.endpoint_scheme)
    if party.business_id:
        leaf(group(parent, "PartyIdentification"), "ID", party.business_id, schemeID=_BUSINESS_ID)
    leaf(group(parent, "PartyName"), "Name", party.name)
    address = group(parent, "PostalAddress")
    leaf(address, "StreetName", party.street)
    leaf(address, "CityName", party.city)
    leaf(address, "PostalZone", party.postal_code)
    leaf(group(address, "Country"), "IdentificationCode", party.country)
    legal = group(parent, "PartyLegalEntity")
    leaf(legal, "RegistrationName", party.name)
    leaf(legal, "CompanyID", party.business_id, schemeID=_BUSINESS_ID)
    if contact and (party.unit or party.mail):
        office = group(parent, "Contact")
        leaf(office, "Name", party.unit)
        leaf(office, "ElectronicMail", party.mail)


def _write_period(parent: "etree._Element", period: Period | None) -> None:
    if period:
        requested = group(parent, "Delivery", "RequestedDeliveryPeriod")
        leaf(requested, "StartDate", period.start)
        leaf(requested, "EndDate", period.end)


def _write_totals(root: "etree._Element", sums: Totals) -> None:
    amount(group(root, "TaxTotal"), "TaxAmount", sums.vat)  # a breakdown (TaxSubtotal) is refused by T01
    total = group(root, "AnticipatedMonetaryTotal")
    amount(total, "LineExtensionAmount", sums.net)
    amount(total, "TaxExclusiveAmount", sums.net)
    amount(total, "TaxInclusiveAmount", sums.gross)
    amount(total, "PayableAmount", sums.gross)


def _write_line(item: "etree._Element", line: OrderLine) -> None:
    leaf(item, "ID", line.id)
    leaf(item, "Quantity", plain(line.quantity), unitCode=line.unit_code)
    amount(item, "LineExtensionAmount", line.net_amount)
    leaf(item, "AccountingCost", line.accounting_cost)
    _write_period(item, line.period)
    price = group(item, "Price")
    amount(price, "PriceAmount", line.net_price)
    leaf(price, "BaseQuantity", plain(line.base_quantity), unitCode=line.unit_code)
    service = group(item, "Item")
    leaf(service, "Name", line.item_name)
    if line.item_id:
        leaf(group(service, "SellersItemIdentification"), "ID", line.item_id)
    if line.cpv_code:
        leaf(group(service, "CommodityClassification"), "ItemClassificationCode", line.cpv_code, listID="STI")
    tax = group(service, "ClassifiedTaxCategory")
    leaf(tax, "ID", line.vat_category)
    if line.vat_category != "O":  # not subject to VAT: no rate either (T01-R029)
        leaf(tax, "Percent", plain(line.vat_percent))
    leaf(group(tax, "TaxScheme"), "ID", "VAT")
