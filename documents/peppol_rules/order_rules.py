"""Rules of the order's contents (`PEPPOL-T01-R…`, `PEPPOL-T01-CL…`): sums that balance, signs, decimals, VAT, unique line ids.

One function per group of rules on the same element; each yields the rules that are broken. Numbers are read by `decimal_of`, which
answers None for what is missing or no number: the schema has refused such a document already, and here it just breaks the rule.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal
from itertools import chain
from typing import Final

from lxml import etree

from core.i18n import N_
from documents.peppol_rules import codes
from documents.peppol_rules.model import CAC, CBC
from documents.peppol_rules.reading import Document, Objection, decimal_of, first, normalized, text_at, text_of
from documents.peppol_rules.rulebook import RuleBook

_SLACK: Final = Decimal("0.02")
_HALF: Final = Decimal("0.5")
_NOTHING: Final = Decimal(0)
_WIDE: Final = Context(prec=60)
_AMOUNTS: Final = {CBC + name for name in ("Amount", "TaxAmount", "LineExtensionAmount", "PriceAmount", "BaseAmount")}
_PROFILES: Final = {f"urn:fdc:peppol.eu:poacc:bis:{name}:3" for name in ("order_only", "ordering", "advanced_ordering")}
_CUSTOMIZATION: Final = "urn:fdc:peppol.eu:poacc:trns:order:3"
_TOTAL: Final = CAC + "AnticipatedMonetaryTotal"
_CHARGE: Final = CAC + "AllowanceCharge"
_LINE: Final = CAC + "LineItem"

#: What each rule asks, in our words.
ORDER_CONTENTS: Final = RuleBook(
    "PEPPOL-T01-",
    fatal={
        "R001": N_("Every order line needs an id that no other line has."),
        "R003": N_("All amounts of an order must be in one currency."),
        "R004": N_("The quantity of an order line must not be negative."),
        "R005": N_("The net price of an item must not be negative."),
        "R006": N_("The amount to pay must not be negative."),
        "R007": N_("The sum of the lines must not be negative."),
        "R008": N_("The sum of the lines does not equal the lines added up."),
        "R009": N_("The sum of allowances does not equal the allowances added up."),
        "R010": N_("The sum of charges does not equal the charges added up."),
        "R011": N_("The total without VAT is not lines less allowances plus charges."),
        "R014": N_("The originator needs a name or an identifier."),
        "R016": N_("The amount to pay is not the total with VAT less prepayments plus rounding."),
        "R017": N_("The total with VAT is not the total without VAT plus VAT."),
        "R019": N_("The net price is not the gross price less the allowance."),
        "R020": N_("An allowance or charge given as a percentage needs its base amount."),
        "R021": N_("An allowance or charge with a base amount needs its percentage."),
        "R022": N_("The allowance or charge is not its percentage of the base amount."),
        "R023": N_("An allowance or charge needs a reason."),
        "R024": N_("The line amount is not quantity × price plus charges less allowances."),
        "R025": N_("The base quantity of a price must be above zero."),
        "R026": N_("A VAT number must begin with a country code."),
        "R027": N_("The gross price of an item must not be negative."),
        "R028": N_("An amount has at most two decimals."),
        "R029": N_("A VAT category needs its rate, unless the item is not subject to VAT."),
        "R030": N_("The rate of VAT category S must be above zero."),
        "R031": N_("The profile must be order only, ordering or advanced ordering."),
        "R032": N_("An allowance or charge must not be negative."),
        "R033": N_("The allowance on a price must not be negative."),
        "R034": N_("The document does not say that it is a Peppol order."),
        "R035": N_("A line of a quotation is named, but not the quotation."),
        "CL001": N_("The reason of an allowance is not a code of UNCL 5189."),
        "CL002": N_("The reason of a charge is not a code of UNCL 7161."),
    },
    warnings={
        "R002": N_("An order should say until when it is valid."),
        "R013": N_("An order line should have a quantity."),
    },
)

_Rules = Iterator[str]


@dataclass(frozen=True)
class _Context:
    """What several rules look up in the whole order."""

    root: "etree._Element"
    currency: str | None
    lines: Decimal
    allowances: Decimal
    charges: Decimal
    vat: Decimal | None
    line_ids: Counter[str]


def check_order_contents(document: Document) -> Iterator[Objection]:
    """What the content rules object to in the order."""
    root = document.root
    vat_text = root.findtext(f"{CAC}TaxTotal/{CBC}TaxAmount")
    context = _Context(
        root=root,
        currency=root.findtext(f"{CBC}DocumentCurrencyCode"),
        lines=_cents(
            _sum(amount for line in _lines(root) for amount in line.iterchildren(CBC + "LineExtensionAmount"))
        ),
        allowances=_charges(root, "false"),
        charges=_charges(root, "true"),
        vat=decimal_of(vat_text) if vat_text is not None else _NOTHING,
        line_ids=Counter(_id(line) or "" for line in document.named(_LINE)),
    )
    if root.find(f"{CAC}ValidityPeriod/{CBC}EndDate") is None:
        yield ORDER_CONTENTS.broken("R002", root)
    yield from ORDER_CONTENTS.judge(document, _CHECKS, context)
    for amount in _other_amounts(document):
        for rule in _amount(amount, context):
            yield ORDER_CONTENTS.broken(rule, amount)


def _other_amounts(document: Document) -> "Iterator[etree._Element]":
    """Whatever stands in the totals is an amount, under any name."""
    for total in document.named(_TOTAL):
        for element in total.iterchildren("*"):
            if element.tag.startswith(CBC) and element.tag not in _CHECKS:
                yield element


def _profile(element: "etree._Element", _: _Context) -> _Rules:
    if text_of(element) not in _PROFILES:
        yield "R031"


def _customization(element: "etree._Element", _: _Context) -> _Rules:
    if not text_of(element).startswith(_CUSTOMIZATION):
        yield "R034"


def _amount(element: "etree._Element", context: _Context) -> _Rules:
    if element.get("currencyID", context.currency) != context.currency:
        yield "R003"
    has_more_decimals = len((element.text or "").partition(".")[2]) > 2
    if has_more_decimals and next(element.iterancestors(CAC + "Price"), None) is None:
        yield "R028"


def _originator(element: "etree._Element", _: _Context) -> _Rules:
    party = f"{CAC}Party/{CAC}"
    if (
        element.find(f"{party}PartyName/{CBC}Name") is None
        and element.find(f"{party}PartyIdentification/{CBC}ID") is None
    ):
        yield "R014"


def _party_tax(element: "etree._Element", _: _Context) -> _Rules:
    number = element.findtext(f"{CBC}CompanyID") or ""
    if element.findtext(f"{CAC}TaxScheme/{CBC}ID") == "VAT" and number[:2] not in codes.VAT_PREFIXES:
        yield "R026"


def _totals(element: "etree._Element", context: _Context) -> _Rules:
    payable, lines = _number(element, "PayableAmount"), _number(element, "LineExtensionAmount")
    gross = _number(element, "TaxInclusiveAmount")
    allowances = _number(element, "AllowanceTotalAmount", _NOTHING)
    charges = _number(element, "ChargeTotalAmount", _NOTHING)
    prepaid, rounding = (
        _number(element, "PrepaidAmount", _NOTHING),
        _number(element, "PayableRoundingAmount", _NOTHING),
    )
    expected = None if lines is None or allowances is None or charges is None else lines - allowances + charges
    net = _number(element, "TaxExclusiveAmount", expected)
    if payable is None or payable < 0:
        yield "R006"
    if lines is None or lines < 0:
        yield "R007"
    if lines != context.lines:
        yield "R008"
    if allowances != context.allowances:
        yield "R009"
    if charges != context.charges:
        yield "R010"
    if net is None or net != expected:
        yield "R011"
    # A total of exactly 0 counts as absent in the official rules; kept so, that both always agree.
    if gross:
        if prepaid is None or rounding is None or payable != gross - prepaid + rounding:
            yield "R016"
        has_vat = context.root.find(f"{CAC}TaxTotal") is not None
        if has_vat and (net is None or context.vat is None or gross != net + context.vat):
            yield "R017"


def _charge(element: "etree._Element", context: _Context) -> _Rules:
    percent, base = first(element, f"{CBC}MultiplierFactorNumeric"), first(element, f"{CBC}BaseAmount")
    parent = element.getparent()
    if percent is not None and base is None:
        yield "R020"  # an allowance on a price too; the first rule that fits an element is the only one
    elif parent is not None and parent.tag == CAC + "Price":
        yield from _price_allowance(element)
    elif parent is context.root or (parent is not None and parent.tag == _LINE):
        yield from _document_or_line_charge(element)


def _document_or_line_charge(element: "etree._Element") -> _Rules:
    percent, base = element.find(f"{CBC}MultiplierFactorNumeric"), element.find(f"{CBC}BaseAmount")
    if percent is None and base is not None:
        yield "R021"
        return
    amount = _number(element, "Amount", _NOTHING)
    if percent is not None and base is not None:
        factor, of = decimal_of(percent.text), decimal_of(base.text)
        if amount is None or factor is None or of is None or abs(amount - of * factor / 100) > _SLACK:
            yield "R022"
    if element.find(f"{CBC}AllowanceChargeReason") is None and element.find(f"{CBC}AllowanceChargeReasonCode") is None:
        yield "R023"
    if (stated := _number(element, "Amount")) is None or stated < 0:
        yield "R032"


def _price_allowance(element: "etree._Element") -> _Rules:
    if element.find(f"{CBC}BaseAmount") is None:
        return
    price = element.getparent()
    net = None if price is None else _number(price, "PriceAmount")
    gross, allowance = _number(element, "BaseAmount"), _number(element, "Amount")
    if net is None or gross is None or allowance is None or net != gross - allowance:
        yield "R019"


def _price(element: "etree._Element", _: _Context) -> _Rules:
    if (net := _number(element, "PriceAmount")) is None or net < 0:
        yield "R005"
    for name, rule in (("BaseAmount", "R027"), ("Amount", "R033")):
        stated = [number for charge in element.iterchildren(_CHARGE) for number in charge.iterchildren(CBC + name)]
        values = [decimal_of(number.text) for number in stated]
        if values and not any(value is not None and value >= 0 for value in values):
            yield rule


def _tax_category(element: "etree._Element", _: _Context) -> _Rules:
    category, percent = normalized(_id(element)), first(element, f"{CBC}Percent")
    if percent is None and category != "O":
        yield "R029"
    rate = None if percent is None else decimal_of(percent.text)
    if category == "S" and (rate is None or rate <= 0):
        yield "R030"


def _line(element: "etree._Element", context: _Context) -> _Rules:
    parent = element.getparent()
    if parent is None or parent.tag != CAC + "OrderLine":
        return
    stated = _number(element, "Quantity", Decimal(1))
    price = first(element, CAC + "Price")
    net_price = _NOTHING if price is None else _number(price, "PriceAmount", _NOTHING)
    base = None if price is None else first(price, CBC + "BaseQuantity")
    per = Decimal(1) if base is None else decimal_of(base.text)
    amount = _number(element, "LineExtensionAmount", _NOTHING)
    if amount is None or stated is None or net_price is None or per is None:
        yield "R024"
    else:
        # As the official rule: a base of 0 counts as 1, and the price is divided first.
        gross = _WIDE.multiply(stated, _WIDE.divide(net_price, per or Decimal(1)))
        if abs(amount - (gross + _charges(element, "true") - _charges(element, "false"))) > _SLACK:
            yield "R024"
    if base is not None and (per is None or per <= 0):
        yield "R025"
    identity = _id(element)
    if identity is None or context.line_ids[identity] != 1:
        yield "R001"
    is_missing = first(element, CBC + "Quantity") is None
    if is_missing or stated is None or stated < 0:
        yield "R004"
    if is_missing:
        yield "R013"


def _quotation_line(element: "etree._Element", context: _Context) -> _Rules:
    parent = element.getparent()
    is_reference = parent is not None and parent.tag == CAC + "QuotationLineReference"
    if is_reference and context.root.find(f"{CAC}QuotationDocumentReference/{CBC}ID") is None:
        yield "R035"


def _reason_code(element: "etree._Element", _: _Context) -> _Rules:
    parent = element.getparent()
    if parent is None or parent.tag != _CHARGE:
        return
    indicator, code = parent.findtext(f"{CBC}ChargeIndicator"), text_of(element)
    if indicator == "false" and code not in codes.ALLOWANCE_REASONS:
        yield "CL001"
    if indicator == "true" and code not in codes.CHARGE_REASONS:
        yield "CL002"


_CHECKS: Final[dict[str, Callable[["etree._Element", _Context], _Rules]]] = {
    **dict.fromkeys(_AMOUNTS, _amount),
    CBC + "ProfileID": _profile,
    CBC + "CustomizationID": _customization,
    CAC + "OriginatorCustomerParty": _originator,
    CAC + "PartyTaxScheme": _party_tax,
    _TOTAL: _totals,
    _CHARGE: _charge,
    CAC + "TaxCategory": _tax_category,
    CAC + "ClassifiedTaxCategory": _tax_category,
    _LINE: _line,
    CAC + "Price": _price,
    CBC + "LineID": _quotation_line,
    CBC + "AllowanceChargeReasonCode": _reason_code,
}


def _number(element: "etree._Element", name: str, absent: Decimal | None = None) -> Decimal | None:
    """The number in the child `name`; `absent` if there is no such child, None if it holds no number."""
    child = first(element, CBC + name)
    return absent if child is None else decimal_of(child.text)


def _id(element: "etree._Element") -> str | None:
    """Its id as it stands there; None if it has none."""
    child = first(element, CBC + "ID")
    return None if child is None else child.text or ""


def _lines(root: "etree._Element") -> "Iterator[etree._Element]":
    return (line for order_line in root.iterchildren(CAC + "OrderLine") for line in order_line.iterchildren(_LINE))


def _sum(numbers: "Iterable[etree._Element]") -> Decimal:
    return sum((decimal_of(number.text) or _NOTHING for number in numbers), _NOTHING)


def _charges(element: "etree._Element", indicator: str) -> Decimal:
    """The charges (`true`) or allowances (`false`) that stand directly under `element`."""
    charges = element.iterchildren(_CHARGE)
    counted = [charge for charge in charges if text_at(charge, f"{CBC}ChargeIndicator") == indicator]
    if not counted:
        return _NOTHING
    return _cents(_sum(chain.from_iterable(charge.iterchildren(CBC + "Amount") for charge in counted)))


def _cents(value: Decimal) -> Decimal:
    """To cents, halves towards positive infinity, as XPath's `round` does."""
    return (value * 100 + _HALF).to_integral_value(rounding=ROUND_FLOOR) / 100
