"""Invoices for tests, written from a few values in both forms. Everything is invented; names stand there so that their absence can be tested."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from core.money import round_half_up

BUYER = "9999999-2"
_SPACES = (
    'xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"'
    ' xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"'
)


@dataclass
class Row:
    """One line: net euros, VAT in percent, what it says of the order."""

    net: str = "88.00"
    quantity: str = "1"
    unit: str = "C62"
    percent: str = "0"
    order_line: str | None = None
    order: str | None = None
    days: tuple[str, str] | None = None

    @property
    def category(self) -> str:
        return "S" if Decimal(self.percent) else "E"


@dataclass
class Told:
    """What a document says. `credit`: it gives back from invoice `credits`."""

    number: str = "L-1001"
    seller: str = "9999996-8"
    buyer: str = BUYER
    issued: date = date(2026, 12, 31)
    order: str | None = None
    reference: str | None = None
    contract: str | None = None
    days: tuple[str, str] | None = None
    credit: bool = False
    credits: str | None = None
    currency: str = "EUR"
    rows: list[Row] = field(default_factory=lambda: [Row()])
    allowance: str | None = None
    rounding: str | None = None
    prepaid: str | None = None
    over: dict[str, str] = field(default_factory=dict)

    def rates(self) -> dict[tuple[str, str], Decimal]:
        """Net by category and rate; the allowance is of the first."""
        found: dict[tuple[str, str], Decimal] = {}
        for row in self.rows:
            found[row.category, row.percent] = found.get((row.category, row.percent), Decimal(0)) + Decimal(row.net)
        if self.allowance:
            found[next(iter(found))] -= Decimal(self.allowance)
        return found

    def sums(self) -> dict[str, Decimal]:
        """What it comes to; `over` may say something else."""
        rates = self.rates()
        lines = sum((Decimal(row.net) for row in self.rows), Decimal(0))
        net = sum(rates.values(), Decimal(0))
        vat = sum((tax(net, percent) for (_, percent), net in rates.items()), Decimal("0.00"))
        rounding, prepaid = Decimal(self.rounding or 0), Decimal(self.prepaid or 0)
        sums = {"lines": lines, "net": net, "vat": vat, "gross": net + vat, "payable": net + vat + rounding - prepaid}
        return sums | {name: Decimal(value) for name, value in self.over.items()}


def tax(net: Decimal, percent: str) -> Decimal:
    return round_half_up(net * Decimal(percent) / 100)


def peppol(**over: Any) -> bytes:
    """A Peppol BIS Billing 3 document."""
    one, name = Told(**over), "CreditNote" if over.get("credit") else "Invoice"
    money = f'currencyID="{one.currency}"'
    sums = {key: f"<cbc:{{0}} {money}>{value:.2f}</cbc:{{0}}>" for key, value in one.sums().items()}

    def amount(element: str, key: str) -> str:
        return sums[key].format(element)

    parts = [
        f'<?xml version="1.0" encoding="UTF-8"?><{name} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{name}-2" {_SPACES}>',
        "<cbc:CustomizationID>urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0</cbc:CustomizationID>",
        "<cbc:ProfileID>urn:fdc:peppol.eu:2017:poacc:billing:01:1.0</cbc:ProfileID>",
        f"<cbc:ID>{one.number}</cbc:ID><cbc:IssueDate>{one.issued}</cbc:IssueDate>",
        "" if one.credit else "<cbc:DueDate>2027-01-30</cbc:DueDate>",
        f"<cbc:{name}TypeCode>{381 if one.credit else 380}</cbc:{name}TypeCode>",
        "<cbc:Note>Asiakas Maija Esimerkki, 100190-999P</cbc:Note>",
        f"<cbc:DocumentCurrencyCode>{one.currency}</cbc:DocumentCurrencyCode>",
        f"<cbc:BuyerReference>{one.reference or 'Maija Esimerkki'}</cbc:BuyerReference>",
        _ubl_days(one.days),
        f"<cac:OrderReference><cbc:ID>{one.order}</cbc:ID></cac:OrderReference>" if one.order else "",
        f"<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>{one.credits}</cbc:ID></cac:InvoiceDocumentReference></cac:BillingReference>"
        if one.credits
        else "",
        f"<cac:ContractDocumentReference><cbc:ID>{one.contract}</cbc:ID></cac:ContractDocumentReference>"
        if one.contract
        else "",
        _ubl_party("Supplier", one.seller, "Valmennus &amp; Tuki Oy"),
        _ubl_party("Customer", one.buyer, "Esimerkin hyvinvointialue"),
        (
            "<cac:PaymentMeans><cbc:PaymentMeansCode>58</cbc:PaymentMeansCode><cac:PayeeFinancialAccount><cbc:ID>FI2112345600000785</cbc:ID>"
            "</cac:PayeeFinancialAccount></cac:PaymentMeans>"
        ),
    ]
    (first_category, first_percent), *_ = one.rates()
    if one.allowance:
        parts.append(
            "<cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator><cbc:AllowanceChargeReason>Alennus</cbc:AllowanceChargeReason>"
            f"<cbc:Amount {money}>{one.allowance}</cbc:Amount><cac:TaxCategory><cbc:ID>{first_category}</cbc:ID>"
            f"<cbc:Percent>{first_percent}</cbc:Percent><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:TaxCategory></cac:AllowanceCharge>"
        )
    parts.append(f"<cac:TaxTotal>{amount('TaxAmount', 'vat')}")
    for (category, percent), net in one.rates().items():
        exempt = "<cbc:TaxExemptionReason>AVL 37 §</cbc:TaxExemptionReason>" if category == "E" else ""
        parts.append(
            f"<cac:TaxSubtotal><cbc:TaxableAmount {money}>{net:.2f}</cbc:TaxableAmount><cbc:TaxAmount {money}>{tax(net, percent):.2f}</cbc:TaxAmount>"
            f"<cac:TaxCategory><cbc:ID>{category}</cbc:ID><cbc:Percent>{percent}</cbc:Percent>{exempt}"
            "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:TaxCategory></cac:TaxSubtotal>"
        )
    parts.append(
        f"</cac:TaxTotal><cac:LegalMonetaryTotal>{amount('LineExtensionAmount', 'lines')}{amount('TaxExclusiveAmount', 'net')}"
        f"{amount('TaxInclusiveAmount', 'gross')}"
    )
    for element, value in (
        ("AllowanceTotalAmount", one.allowance),
        ("PrepaidAmount", one.prepaid),
        ("PayableRoundingAmount", one.rounding),
    ):
        parts.append(f"<cbc:{element} {money}>{value}</cbc:{element}>" if value else "")
    parts.append(f"{amount('PayableAmount', 'payable')}</cac:LegalMonetaryTotal>")
    quantity_name = "CreditedQuantity" if one.credit else "InvoicedQuantity"
    for number, row in enumerate(one.rows, 1):
        quantity = Decimal(row.quantity)
        price = round_half_up(abs(Decimal(row.net) / quantity), Decimal("0.000001")) if quantity else Decimal(0)
        parts.append(
            f'<cac:{name}Line><cbc:ID>{number}</cbc:ID><cbc:{quantity_name} unitCode="{row.unit}">{row.quantity}</cbc:{quantity_name}>'
            f"<cbc:LineExtensionAmount {money}>{row.net}</cbc:LineExtensionAmount>{_ubl_days(row.days)}"
            + (
                f"<cac:OrderLineReference><cbc:LineID>{row.order_line}</cbc:LineID></cac:OrderLineReference>"
                if row.order_line
                else ""
            )
            + "<cac:Item><cbc:Description>Maijan valmennus</cbc:Description><cbc:Name>ADHD-valmennus, Maija Esimerkki</cbc:Name>"
            f"<cac:ClassifiedTaxCategory><cbc:ID>{row.category}</cbc:ID><cbc:Percent>{row.percent}</cbc:Percent>"
            "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:ClassifiedTaxCategory></cac:Item>"
            f"<cac:Price><cbc:PriceAmount {money}>{price:f}</cbc:PriceAmount></cac:Price></cac:{name}Line>"
        )
    return ("".join(parts) + f"</{name}>").encode()


def finvoice(*, encoding: str = "ISO-8859-15", envelope: bool = False, minus: bool = True, **over: Any) -> bytes:
    """A Finvoice 3.0 message; a credit note with minus signs, as the guidelines want it, or not."""
    one = Told(**over)
    sign = -1 if one.credit and minus else 1

    def euros(element: str, value: Decimal | str) -> str:
        written = f"{sign * Decimal(value):.2f}".replace(".", ",")
        return f'<{element} AmountCurrencyIdentifier="{one.currency}">{written}</{element}>'

    def optional(element: str, value: str | None) -> str:
        return f"<{element}>{escape(value)}</{element}>" if value else ""

    sums = one.sums()
    parts = [
        f'<?xml version="1.0" encoding="{encoding}"?><?xml-stylesheet type="text/xsl" href="Finvoice.xsl"?>',
        (
            '<Finvoice Version="3.0"><MessageTransmissionDetails><MessageDetails><MessageIdentifier>M-1</MessageIdentifier></MessageDetails>'
            "</MessageTransmissionDetails>"
        ),
        (
            f"<SellerPartyDetails><SellerPartyIdentifier>{one.seller}</SellerPartyIdentifier><SellerOrganisationName>Ääkkös Oy</SellerOrganisationName>"
            f"<SellerOrganisationTaxCode>FI{one.seller.replace('-', '')}</SellerOrganisationTaxCode></SellerPartyDetails>"
        ),
        f"<BuyerPartyDetails><BuyerPartyIdentifier>{one.buyer}</BuyerPartyIdentifier><BuyerOrganisationName>Alue</BuyerOrganisationName></BuyerPartyDetails>",
        "<BuyerContactPersonName>Maija Esimerkki</BuyerContactPersonName><InvoiceDetails>",
        f"<InvoiceTypeCode>{'INV02' if one.credit else 'INV01'}</InvoiceTypeCode><InvoiceTypeText>LASKU</InvoiceTypeText><OriginCode>Original</OriginCode>",
        f'<InvoiceNumber>{one.number}</InvoiceNumber><InvoiceDate Format="CCYYMMDD">{one.issued:%Y%m%d}</InvoiceDate>',
        optional("OriginalInvoiceNumber", one.credits),
        _days(one.days, "InvoicingPeriodStartDate", "InvoicingPeriodEndDate"),
        optional("OrderIdentifier", one.order),
        optional("AgreementIdentifier", one.contract),
        optional("BuyerReferenceIdentifier", one.reference or "Maija Esimerkki"),
        euros("InvoiceTotalVatExcludedAmount", sums["net"]),
        euros("InvoiceTotalVatAmount", sums["vat"]),
        euros("InvoiceTotalVatIncludedAmount", sums["gross"]),
        euros("InvoiceTotalRoundoffAmount", one.rounding) if one.rounding else "",
        euros("InvoicePaidAmount", one.prepaid) if one.prepaid else "",
    ]
    for (_, percent), net in one.rates().items():
        parts.append(
            f"<VatSpecificationDetails>{euros('VatBaseAmount', net)}<VatRatePercent>{percent.replace('.', ',')}</VatRatePercent>"
            f"{euros('VatRateAmount', tax(net, percent))}</VatSpecificationDetails>"
        )
    if one.allowance:
        parts.append(
            f"<DiscountDetails><FreeText>Alennus</FreeText>{euros('Amount', one.allowance)}"
            f"<VatRatePercent>{next(iter(one.rates()))[1].replace('.', ',')}</VatRatePercent></DiscountDetails>"
        )
    parts.append("<InvoiceFreeText>Asiakas Maija, 100190-999P</InvoiceFreeText></InvoiceDetails>")
    for row in one.rows:
        vat = tax(Decimal(row.net), row.percent)
        quantity = f"{sign * Decimal(row.quantity)}".replace(".", ",")
        parts.append(
            f'<InvoiceRow><ArticleName>Valmennus, Maija</ArticleName><DeliveredQuantity QuantityUnitCode="{row.unit}">{quantity}</DeliveredQuantity>'
            f"{_days(row.days, 'StartDate', 'EndDate')}{optional('RowIdentifier', row.order)}{optional('RowOrderPositionIdentifier', row.order_line)}"
            f"<RowPositionIdentifier>77</RowPositionIdentifier><RowFreeText>äidin kanssa</RowFreeText>"
            f"<RowVatRatePercent>{row.percent.replace('.', ',')}</RowVatRatePercent>{euros('RowVatAmount', vat)}"
            f"{euros('RowVatExcludedAmount', row.net)}{euros('RowAmount', Decimal(row.net) + vat)}</InvoiceRow>"
        )
    parts.append("<InvoiceRow><RowFreeText>Kiitos!</RowFreeText></InvoiceRow></Finvoice>")
    written = "".join(parts).encode(encoding)
    return ENVELOPE + written if envelope else written


ENVELOPE = (
    b'<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Header/>'
    b"<SOAP-ENV:Body/></SOAP-ENV:Envelope>\n"
)


def _days(days: tuple[str, str] | None, first: str, last: str) -> str:
    if days is None:
        return ""
    start, end = (one.replace("-", "") for one in days)
    return f'<{first} Format="CCYYMMDD">{start}</{first}><{last} Format="CCYYMMDD">{end}</{last}>'


def _ubl_days(days: tuple[str, str] | None) -> str:
    if days is None:
        return ""
    return f"<cac:InvoicePeriod><cbc:StartDate>{days[0]}</cbc:StartDate><cbc:EndDate>{days[1]}</cbc:EndDate></cac:InvoicePeriod>"


def _ubl_party(role: str, business_id: str, name: str) -> str:
    digits = business_id.replace("-", "")
    return (
        f'<cac:Accounting{role}Party><cac:Party><cbc:EndpointID schemeID="0216">0037{digits}</cbc:EndpointID>'
        "<cac:PostalAddress><cbc:CityName>Espoo</cbc:CityName><cac:Country><cbc:IdentificationCode>FI</cbc:IdentificationCode></cac:Country></cac:PostalAddress>"
        f"<cac:PartyTaxScheme><cbc:CompanyID>FI{digits}</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>"
        f'<cac:PartyLegalEntity><cbc:RegistrationName>{name}</cbc:RegistrationName><cbc:CompanyID schemeID="0212">{business_id}</cbc:CompanyID></cac:PartyLegalEntity>'
        + (
            "<cac:Contact><cbc:Name>Maija Esimerkki</cbc:Name><cbc:Telephone>+358401234567</cbc:Telephone></cac:Contact>"
            if role == "Customer"
            else ""
        )
        + f"</cac:Party></cac:Accounting{role}Party>"
    )
