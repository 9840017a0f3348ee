"""Finvoice 3.0 (Finance Finland), and 2.0 as far as it says the same. Elements: docs/orders/invoices.md.

Read by the names of elements, whatever their order: there is no schema in the installation. Amounts are written with a comma, days as
CCYYMMDD; a credit note (INV02) has minus signs, but not everybody's.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Final

from lxml import etree

from core.errors import Message, RefusedInput
from core.money import ZERO, round_half_up
from documents.business_ids import business_id
from documents.invoice.reading import MOST_LINES, invoice_number, name_of, period_of, plain, text_of, unreadable
from documents.invoice.sums import Group, Rate, Totals, grouped, settled, turned
from documents.invoice.values import Invoice, Kind, Line, order_reference, reference

ROOT: Final = "Finvoice"
_KINDS: Final[dict[str, Kind]] = {"INV01": "invoice", "INV02": "credit"}
#: With a comma, as Finvoice writes them; a point only where it cannot stand between thousands.
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,15}(?:,[0-9]{1,10}|\.[0-9]{1,2})?")
_UNIT: Final = re.compile(r"[A-Za-z0-9]{2,3}")
_DAY: Final = re.compile(r"[0-9]{8}")
#: Units people write, where no code of UN/ECE stands beside: of those there are.
_UNITS: Final = {
    **dict.fromkeys(("kpl", "krt", "kerta", "kertaa", "käynti", "käyntiä", "st"), "C62"),
    **dict.fromkeys(("h", "t", "tunti", "tuntia", "tim"), "HUR"),
    "min": "MIN", "km": "KMT", **dict.fromkeys(("pv", "päivä", "päivää", "dag"), "DAY"),
    **dict.fromkeys(("vko", "viikko"), "WEE"), **dict.fromkeys(("kk", "kuukausi"), "MON"),
}  # fmt: skip


def read_finvoice(tree: "etree._ElementTree") -> Invoice:
    """The document's values. Raises RefusedInput where it lacks what is needed."""
    root = tree.getroot()
    details = _child(root, "InvoiceDetails")
    if details is None:
        raise RefusedInput("The Finvoice message has no InvoiceDetails.")
    code = _said(details, "InvoiceTypeCode")
    if code not in _KINDS:
        raise RefusedInput("The Finvoice message is no invoice (INV01) and no credit note (INV02).")
    rows = list(_rows(root))
    totals = _totals(details, rows)
    kind, found = turned(_KINDS[code], settled(rows, _groups(details, rows, totals, code), totals))
    return Invoice(
        form="finvoice",
        kind=kind,
        number=invoice_number(_said(details, "InvoiceNumber")),
        issue_date=_day(_child(details, "InvoiceDate")) or _no_day(),
        currency=_currency(details),
        lines=found.lines,
        net=found.totals.net + found.totals.rounding,
        vat=found.totals.vat,
        gross=found.totals.gross + found.totals.rounding,
        seller=_business_id(root, "Seller"),
        buyer=_business_id(root, "Buyer") or _business_id(root, "InvoiceRecipient"),
        order=order_reference(_said(details, "OrderIdentifier")),
        client_reference=reference(_said(details, "BuyerReferenceIdentifier")),
        contract=reference(_said(details, "AgreementIdentifier")),
        period=period_of(
            _day(_child(details, "InvoicingPeriodStartDate")), _day(_child(details, "InvoicingPeriodEndDate"))
        ),
        credits=_credited(details),
        prepaid=abs(_number(_child(details, "InvoicePaidAmount")) or ZERO),
        objection=found.objection or _unusual(details, code),
    )


def _rows(root: "etree._Element") -> "Iterator[tuple[Rate, Line]]":
    """Rows with an amount; the others are text."""
    number = 0
    for row in _children(root, "InvoiceRow"):
        rate = _number(_child(row, "RowVatRatePercent"), number + 1)
        net = _net(row, rate or ZERO, number + 1)
        if net is None:
            continue
        number += 1
        if number > MOST_LINES:
            raise RefusedInput("The invoice has more than {limit} lines.", limit=MOST_LINES)
        quantity, unit = _quantity(row, number)
        yield (
            ("", plain(rate or ZERO)),
            Line(
                number=number,
                net=net,
                vat=ZERO,
                gross=ZERO,
                vat_rate=plain((rate or ZERO) / 100),
                quantity=quantity,
                unit=unit,
                order=order_reference(_said(row, "RowIdentifier")),
                order_line=reference(_said(row, "RowOrderPositionIdentifier")),
                period=period_of(_day(_child(row, "StartDate")), _day(_child(row, "EndDate"))),
            ),
        )
    if not number:
        raise RefusedInput("The invoice has no lines.")


def _net(row: "etree._Element", percent: Decimal, line: int) -> Decimal | None:
    """What a row costs without VAT, as it says or as it follows from what it says."""
    net = _number(_child(row, "RowVatExcludedAmount"), line)
    if net is not None:
        return net
    gross = _number(_child(row, "RowAmount"), line)
    if gross is None:
        return None
    vat = _number(_child(row, "RowVatAmount"), line)
    return gross - vat if vat is not None else round_half_up(gross / (1 + percent / 100))


def _quantity(row: "etree._Element", line: int) -> tuple[Decimal | None, str | None]:
    """How much is billed, and the unit's code; nothing where several quantities stand there."""
    for name in ("InvoicedQuantity", "DeliveredQuantity"):
        found = [one for one in _children(row, name) if text_of(one)]
        if len(found) == 1:
            written = (found[0].get("QuantityUnitCodeUN") or found[0].get("QuantityUnitCode") or "").strip()
            unit = _UNITS.get(written.rstrip(".").lower(), written.upper() if _UNIT.fullmatch(written) else None)
            return _number(found[0], line), unit
    return None, None


def _totals(details: "etree._Element", rows: list[tuple[Rate, Line]]) -> Totals:
    """The document's sums; those that it does not state follow from the others."""
    gross = _number(_child(details, "InvoiceTotalVatIncludedAmount"))
    net = _number(_child(details, "InvoiceTotalVatExcludedAmount"))
    vat = _number(_child(details, "InvoiceTotalVatAmount"))
    rounding = _number(_child(details, "InvoiceTotalRoundoffAmount")) or ZERO
    if gross is None:
        raise RefusedInput("The invoice has no sums.")
    if net is None:
        net = gross - vat if vat is not None else round_half_up(sum((line.net for _, line in rows), Decimal(0)))
    if vat is None:
        vat = gross - net
    if rounding and net + vat + rounding == gross:  # 2.0: the sum is told after rounding
        gross -= rounding
    return Totals(net, vat, gross, rounding)


def _groups(details: "etree._Element", rows: list[tuple[Rate, Line]], totals: Totals, code: str) -> dict[Rate, Group]:
    """What is said of each rate; where it is not said, what the rows of that rate come to."""
    beside = _beside(details, by_sums=_KINDS[code] == "credit", turned_round=totals.gross < 0)
    groups: dict[Rate, Group] = {}
    for element in _children(details, "VatSpecificationDetails"):
        base, vat = _number(_child(element, "VatBaseAmount")), _number(_child(element, "VatRateAmount"))
        rate: Rate = ("", plain(_number(_child(element, "VatRatePercent")) or ZERO))
        if base is not None:
            before = groups.get(rate, Group(ZERO, ZERO))
            groups[rate] = Group(before.base + base, before.vat + (vat or ZERO), beside.get(rate, ZERO))
    if groups:
        return groups
    rates = grouped(rows)
    if len(rates) == 1:
        return dict.fromkeys(rates, Group(totals.net, totals.vat, sum(beside.values(), ZERO)))
    sums = {rate: sum((line.net for line in lines), beside.get(rate, ZERO)) for rate, lines in rates.items()}
    return {
        rate: Group(round_half_up(net), round_half_up(net * rate[1] / 100), beside.get(rate, ZERO))
        for rate, net in sums.items()
    }


def _beside(details: "etree._Element", *, by_sums: bool, turned_round: bool) -> dict[Rate, Decimal]:
    """Charges less discounts of the whole document, by rate. On a credit note some write them with minus signs, and some do not: its sums tell."""
    found: dict[Rate, Decimal] = {}
    for name, way in (("ChargeDetails", 1), ("DiscountDetails", -1)):
        for element in _children(details, name):
            amount = _number(_child(element, "Amount"))
            rate: Rate = ("", plain(_number(_child(element, "VatRatePercent")) or ZERO))
            if amount is None:
                continue
            if by_sums:
                amount = -abs(amount) if turned_round else abs(amount)
            found[rate] = found.get(rate, ZERO) + way * amount
    return found


def _unusual(details: "etree._Element", code: str) -> Message | None:
    if code == "INV01" and _said(details, "OriginCode") == "Cancel":
        return Message(
            "The message takes an invoice back without being a credit note (OriginCode Cancel). Ask for a credit note."
        )
    return None


def _credited(details: "etree._Element") -> str | None:
    """The number of the one invoice that is referred to."""
    found = {_said(details, "OriginalInvoiceNumber")}
    found |= {_said(one, "InvoiceNumber") for one in _children(details, "OriginalInvoiceReference")}
    found.discard("")
    return invoice_number(found.pop()) if len(found) == 1 else None


def _business_id(root: "etree._Element", who: str) -> str | None:
    """The business id of a party; None where it is a foreign one, or none is stated."""
    party = _child(root, f"{who}PartyDetails")
    if party is None:
        return None
    for name in (f"{who}PartyIdentifier", f"{who}OrganisationTaxCode"):
        identifier = _child(party, name)
        if identifier is not None and (found := business_id(text_of(identifier), identifier.get("SchemeID", "0212"))):
            return found
    return None


def _currency(details: "etree._Element") -> str:
    total = _child(details, "InvoiceTotalVatIncludedAmount")
    return "" if total is None else total.get("AmountCurrencyIdentifier", "")


def _children(element: "etree._Element", name: str) -> "Iterator[etree._Element]":
    return (one for one in element if name_of(one) == name)


def _child(element: "etree._Element", name: str) -> "etree._Element | None":
    return next(_children(element, name), None)


def _said(element: "etree._Element", name: str) -> str:
    return text_of(_child(element, name))


def _number(element: "etree._Element | None", line: int | None = None) -> Decimal | None:
    """A number with a comma; None where there is none."""
    if element is None or not text_of(element):
        return None
    if not _NUMBER.fullmatch(text_of(element)):
        raise unreadable(element, line)
    return plain(Decimal(text_of(element).replace(",", ".")))


def _day(element: "etree._Element | None") -> date | None:
    """A day as CCYYMMDD; None where there is none."""
    if element is None or not text_of(element):
        return None
    if element.get("Format", "CCYYMMDD") != "CCYYMMDD" or not _DAY.fullmatch(text_of(element)):
        raise unreadable(element)
    try:
        return date.fromisoformat(text_of(element))
    except ValueError:
        raise unreadable(element) from None


def _no_day() -> date:
    raise RefusedInput("The invoice does not say when it was issued.")
