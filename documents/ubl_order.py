"""Writes a purchase order as UBL 2.1 Order XML by the Peppol BIS (transaction T01, profiles order_only and ordering).

A pure function: equal orders give equal bytes, so the sha256 of what was sent can be computed again. What goes where and what is
left out for the client's sake: documents/order.py. Elements stand in the order the UBL schema asks for.
"""

from datetime import date
from decimal import Decimal
from typing import cast

from lxml import etree

from core.money import CENT
from documents import xml
from documents.order import Order, OrderLine, Party, Period, Totals, totals
from documents.order_checks import check_values

ORDER_NAMESPACE = "urn:oasis:names:specification:ubl:schema:xsd:Order-2"
CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
CUSTOMIZATION = "urn:fdc:peppol.eu:poacc:trns:order:3"
PROFILE = "urn:fdc:peppol.eu:poacc:bis:{}:3"
_PREFIXES = cast("dict[str, str]", {None: ORDER_NAMESPACE, "cac": CAC, "cbc": CBC})  # lxml's stubs do not know the None
#: UNCL 1001: an ordinary purchase order.
_PURCHASE_ORDER = "220"
#: ISO 6523: the Finnish business id, in identifications (as an address it is no longer allowed).
_BUSINESS_ID = "0212"
#: Finnish and Swedish in one, so that the bytes do not depend on a reader's language.
_DECISION_NOTE = "Päätös / Beslut {number}, {date}"


def write_order(order: Order) -> bytes:
    """The order as UTF-8 XML, indented. Raises InputError, naming the field, for values that cannot be ordered with."""
    check_values(order)
    root = etree.Element(f"{{{ORDER_NAMESPACE}}}Order", nsmap=_PREFIXES)
    _write_header(root, order)
    _write_party(_group(root, "BuyerCustomerParty", "Party"), order.buyer, contact=True)
    _write_party(_group(root, "SellerSupplierParty", "Party"), order.seller, contact=False)
    _write_period(root, order.period)
    _write_totals(root, totals(order))
    for line in order.lines:
        _write_line(_group(root, "OrderLine", "LineItem"), line)
    return xml.serialize(root, indent=True)


def _write_header(root: "etree._Element", order: Order) -> None:
    _leaf(root, "CustomizationID", CUSTOMIZATION)
    _leaf(root, "ProfileID", PROFILE.format(order.profile))
    _leaf(root, "ID", order.number)
    _leaf(root, "IssueDate", order.issue_date)
    _leaf(root, "OrderTypeCode", _PURCHASE_ORDER)
    if order.decision_date:
        _leaf(root, "Note", _DECISION_NOTE.format(number=order.decision_number, date=order.decision_date.isoformat()))
    _leaf(root, "DocumentCurrencyCode", order.currency)
    _leaf(root, "CustomerReference", order.client_reference)
    _leaf(root, "AccountingCost", order.accounting_cost)
    if order.valid_until:
        _leaf(_group(root, "ValidityPeriod"), "EndDate", order.valid_until)
    _leaf(_group(root, "OriginatorDocumentReference"), "ID", order.decision_number)
    if order.catalogue:
        _leaf(_group(root, "CatalogueReference"), "ID", order.catalogue)
    if order.contract:
        _leaf(_group(root, "Contract"), "ID", order.contract)


def _write_party(parent: "etree._Element", party: Party, *, contact: bool) -> None:
    _leaf(parent, "EndpointID", party.endpoint, schemeID=party.endpoint_scheme)
    if party.business_id:
        _leaf(_group(parent, "PartyIdentification"), "ID", party.business_id, schemeID=_BUSINESS_ID)
    _leaf(_group(parent, "PartyName"), "Name", party.name)
    address = _group(parent, "PostalAddress")
    _leaf(address, "StreetName", party.street)
    _leaf(address, "CityName", party.city)
    _leaf(address, "PostalZone", party.postal_code)
    _leaf(_group(address, "Country"), "IdentificationCode", party.country)
    legal = _group(parent, "PartyLegalEntity")
    _leaf(legal, "RegistrationName", party.name)
    _leaf(legal, "CompanyID", party.business_id, schemeID=_BUSINESS_ID)
    if contact and (party.unit or party.mail):
        office = _group(parent, "Contact")
        _leaf(office, "Name", party.unit)
        _leaf(office, "ElectronicMail", party.mail)


def _write_period(parent: "etree._Element", period: Period | None) -> None:
    if period:
        requested = _group(parent, "Delivery", "RequestedDeliveryPeriod")
        _leaf(requested, "StartDate", period.start)
        _leaf(requested, "EndDate", period.end)


def _write_totals(root: "etree._Element", sums: Totals) -> None:
    _amount(_group(root, "TaxTotal"), "TaxAmount", sums.vat)  # a breakdown (TaxSubtotal) is refused by T01
    total = _group(root, "AnticipatedMonetaryTotal")
    _amount(total, "LineExtensionAmount", sums.net)
    _amount(total, "TaxExclusiveAmount", sums.net)
    _amount(total, "TaxInclusiveAmount", sums.gross)
    _amount(total, "PayableAmount", sums.gross)


def _write_line(item: "etree._Element", line: OrderLine) -> None:
    _leaf(item, "ID", line.id)
    _leaf(item, "Quantity", _plain(line.quantity), unitCode=line.unit_code)
    _amount(item, "LineExtensionAmount", line.net_amount)
    _leaf(item, "AccountingCost", line.accounting_cost)
    _write_period(item, line.period)
    price = _group(item, "Price")
    _amount(price, "PriceAmount", line.net_price)
    _leaf(price, "BaseQuantity", _plain(line.base_quantity), unitCode=line.unit_code)
    service = _group(item, "Item")
    _leaf(service, "Name", line.item_name)
    if line.item_id:
        _leaf(_group(service, "SellersItemIdentification"), "ID", line.item_id)
    if line.cpv_code:
        _leaf(_group(service, "CommodityClassification"), "ItemClassificationCode", line.cpv_code, listID="STI")
    tax = _group(service, "ClassifiedTaxCategory")
    _leaf(tax, "ID", line.vat_category)
    if line.vat_category != "O":  # not subject to VAT: no rate either (T01-R029)
        _leaf(tax, "Percent", _plain(line.vat_percent))
    _leaf(_group(tax, "TaxScheme"), "ID", "VAT")


def _group(parent: "etree._Element", *names: str) -> "etree._Element":
    for name in names:
        parent = etree.SubElement(parent, f"{{{CAC}}}{name}")
    return parent


def _leaf(parent: "etree._Element", name: str, value: str | date | None, **attributes: str) -> None:
    """A text, or nothing at all where there is no value: T01 refuses empty elements."""
    if value is not None:
        etree.SubElement(parent, f"{{{CBC}}}{name}", attributes).text = str(value)


def _amount(parent: "etree._Element", name: str, value: Decimal) -> None:
    """Euros with two decimals; a unit price may have up to four."""
    in_cents = value.quantize(CENT)
    _leaf(parent, name, f"{in_cents:f}" if value == in_cents else _plain(value), currencyID="EUR")


def _plain(value: Decimal) -> str:
    """A number without exponent and without superfluous zeros."""
    return f"{value.normalize():f}"
