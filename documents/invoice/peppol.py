"""Peppol BIS Billing 3: UBL Invoice and CreditNote (EN 16931), checked against the UBL schema first.

Elements: docs/orders/invoices.md. VAT is told per category and rate (TaxSubtotal), allowances and charges of the document beside the lines;
documents/invoice/sums.py gives each line its share.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Final

from lxml import etree

from core.errors import Message, RefusedInput
from core.money import ZERO
from documents.business_ids import business_id
from documents.invoice.reading import MOST_LINES, invoice_number, name_of, period_of, plain, text_of, unreadable
from documents.invoice.sums import Group, Rate, Totals, settled, turned
from documents.invoice.values import Days, Invoice, Kind, Line, order_reference, reference
from documents.peppol_rules.identifiers import is_date
from documents.peppol_rules.model import CAC, CBC
from documents.schemas import check_schema

#: Root elements, by what they are.
ROOTS: Final[dict[str, Kind]] = {
    "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice": "invoice",
    "{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote": "credit",
}
#: The European norm that Peppol BIS Billing 3 is a usage of.
_NORM: Final = "urn:cen.eu:en16931:2017"
#: UNCL 1001: what asks for money in advance, and what replaces an invoice sent before. Neither is simply what an order cost.
_PREPAYMENT, _CORRECTED = "386", "384"
_IDENTIFIERS: Final = (
    f"{CAC}PartyLegalEntity/{CBC}CompanyID",
    f"{CAC}PartyTaxScheme/{CBC}CompanyID",
    f"{CAC}PartyIdentification/{CBC}ID",
    f"{CBC}EndpointID",
)
#: What libxml2 quotes of a document where it says what is not valid: it may be anything.
_VALUE: Final = re.compile(r"(: |The value )'.*' is not", re.DOTALL)
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,10})?|\.[0-9]{1,10})")


def read_peppol(tree: "etree._ElementTree") -> Invoice:
    """The document's values. Raises RefusedInput where it breaks the schema or lacks what is needed."""
    root = tree.getroot()
    kind = ROOTS[str(root.tag)]
    objections = check_schema(tree, name_of(root))
    if objections:
        raise RefusedInput(
            "The file is no {document} as the UBL 2.1 schema has it, line {line}: {detail}",
            document=name_of(root),
            line=objections[0].line,
            detail=_VALUE.sub(r"\1… is not", objections[0].text.text())[:300],
        )
    if not _text(root, f"{CBC}CustomizationID").startswith(_NORM):
        raise RefusedInput("The document does not say that it is an invoice after the European norm (EN 16931).")
    currency = _text(root, f"{CBC}DocumentCurrencyCode")
    lines = _lines(root, kind)
    found = settled(lines, _groups(root, currency), _totals(root))
    if kind == "credit" and found.totals.gross < 0:
        raise RefusedInput("The credit note gives back less than nothing.")
    kind, found = turned(kind, found)
    parties = {who: root.find(f"{CAC}Accounting{who}Party/{CAC}Party") for who in ("Supplier", "Customer")}
    return Invoice(
        form="peppol",
        kind=kind,
        number=invoice_number(_text(root, f"{CBC}ID")),
        issue_date=_day(root.find(f"{CBC}IssueDate")) or _no_day(),
        currency=currency,
        lines=found.lines,
        net=found.totals.net + found.totals.rounding,
        vat=found.totals.vat,
        gross=found.totals.gross + found.totals.rounding,
        seller=_business_id(parties["Supplier"]),
        buyer=_business_id(parties["Customer"]),
        order=order_reference(_text(root, f"{CAC}OrderReference/{CBC}ID")),
        client_reference=reference(_text(root, f"{CBC}BuyerReference")),
        contract=reference(_text(root, f"{CAC}ContractDocumentReference/{CBC}ID")),
        period=_period(root.find(f"{CAC}InvoicePeriod")),
        credits=_credited(root),
        prepaid=_number(root.find(f"{CAC}LegalMonetaryTotal/{CBC}PrepaidAmount")) or ZERO,
        objection=found.objection or _unusual(root),
    )


def _lines(root: "etree._Element", kind: Kind) -> list[tuple[Rate, Line]]:
    elements = list(root.iterchildren(f"{CAC}InvoiceLine" if kind == "invoice" else f"{CAC}CreditNoteLine"))
    if not elements:
        raise RefusedInput("The invoice has no lines.")
    if len(elements) > MOST_LINES:
        raise RefusedInput("The invoice has more than {limit} lines.", limit=MOST_LINES)
    quantity_of = f"{CBC}InvoicedQuantity" if kind == "invoice" else f"{CBC}CreditedQuantity"
    lines = []
    for number, element in enumerate(elements, 1):
        quantity = element.find(quantity_of)
        rate = _rate(element.find(f"{CAC}Item/{CAC}ClassifiedTaxCategory"))
        line = Line(
            number=number,
            net=_must(element.find(f"{CBC}LineExtensionAmount"), number),
            vat=ZERO,
            gross=ZERO,
            vat_rate=plain(rate[1] / 100),
            quantity=_number(quantity, number),
            unit=None if quantity is None else quantity.get("unitCode"),
            order=order_reference(_text(element, f"{CAC}OrderLineReference/{CAC}OrderReference/{CBC}ID")),
            order_line=reference(_text(element, f"{CAC}OrderLineReference/{CBC}LineID")),
            period=_period(element.find(f"{CAC}InvoicePeriod")),
        )
        lines.append((rate, line))
    return lines


def _groups(root: "etree._Element", currency: str) -> dict[Rate, Group]:
    """What is said of each rate; a second TaxTotal states the tax in another currency."""
    beside: dict[Rate, Decimal] = {}
    for element in root.iterchildren(f"{CAC}AllowanceCharge"):
        rate = _rate(element.find(f"{CAC}TaxCategory"))
        amount = _must(element.find(f"{CBC}Amount"))
        sign = 1 if _text(element, f"{CBC}ChargeIndicator") in {"true", "1"} else -1
        beside[rate] = beside.get(rate, ZERO) + sign * amount
    groups: dict[Rate, Group] = {}
    for total in root.iterchildren(f"{CAC}TaxTotal"):
        stated = total.find(f"{CBC}TaxAmount")
        if stated is None or stated.get("currencyID") != currency:
            continue
        for element in total.iterchildren(f"{CAC}TaxSubtotal"):
            rate = _rate(element.find(f"{CAC}TaxCategory"))
            before = groups.get(rate, Group(ZERO, ZERO))
            groups[rate] = Group(
                before.base + _must(element.find(f"{CBC}TaxableAmount")),
                before.vat + _must(element.find(f"{CBC}TaxAmount")),
                beside.get(rate, ZERO),
            )
    return groups


def _totals(root: "etree._Element") -> Totals:
    total = root.find(f"{CAC}LegalMonetaryTotal")
    if total is None:
        raise RefusedInput("The invoice has no sums.")
    net = _must(total.find(f"{CBC}TaxExclusiveAmount"))
    gross = _must(total.find(f"{CBC}TaxInclusiveAmount"))
    return Totals(net, gross - net, gross, _number(total.find(f"{CBC}PayableRoundingAmount")) or ZERO)


def _unusual(root: "etree._Element") -> Message | None:
    """Kinds of invoices that do not simply say what an order cost."""
    kind = _text(root, f"{CBC}InvoiceTypeCode")
    if kind == _PREPAYMENT:
        return Message(
            "The document asks for money in advance (UNCL 1001: 386); it is no invoice of what was delivered."
        )
    if kind == _CORRECTED:
        return Message(
            "The document replaces an invoice that was sent before (UNCL 1001: 384). Ask for a credit note and a new invoice."
        )
    return None


def _credited(root: "etree._Element") -> str | None:
    """The number of the one invoice that is referred to."""
    found = {
        _text(one, f"{CAC}InvoiceDocumentReference/{CBC}ID") for one in root.iterchildren(f"{CAC}BillingReference")
    }
    found.discard("")
    return invoice_number(found.pop()) if len(found) == 1 else None


def _business_id(party: "etree._Element | None") -> str | None:
    """The business id of a party; None where it is a foreign one, or none is stated."""
    if party is None:
        return None
    for path in _IDENTIFIERS:
        for identifier in party.iterfind(path):
            if found := business_id(text_of(identifier), identifier.get("schemeID")):
                return found
    return None


def _rate(element: "etree._Element | None") -> Rate:
    if element is None:
        return ("", ZERO)
    return _text(element, f"{CBC}ID"), plain(_number(element.find(f"{CBC}Percent")) or ZERO)


def _text(element: "etree._Element", path: str) -> str:
    return text_of(element.find(path))


def _number(element: "etree._Element | None", line: int | None = None) -> Decimal | None:
    """A number as XML writes it (xs:decimal); None where it is not there."""
    if element is None:
        return None
    written = text_of(element)
    if not _DECIMAL.fullmatch(written):
        raise unreadable(element, line)
    return plain(Decimal(written))


def _must(element: "etree._Element | None", line: int | None = None) -> Decimal:
    found = _number(element, line)
    if found is None:
        raise RefusedInput("An amount of the invoice is missing.")
    return found


def _day(element: "etree._Element | None") -> date | None:
    if element is None:
        return None
    if not is_date(text_of(element)):
        raise unreadable(element)
    return date.fromisoformat(text_of(element))


def _no_day() -> date:
    raise RefusedInput("The invoice does not say when it was issued.")


def _period(element: "etree._Element | None") -> Days | None:
    if element is None:
        return None
    return period_of(_day(element.find(f"{CBC}StartDate")), _day(element.find(f"{CBC}EndDate")))
