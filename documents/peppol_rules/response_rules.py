"""Rules of the order response's contents (`PEPPOL-T76-R…`): parties with a name, one currency, periods, unique line ids, lines or none."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from core.i18n import N_
from documents.peppol_rules.model import CAC, CBC
from documents.peppol_rules.reading import Document, Objection, text_of
from documents.peppol_rules.rulebook import RuleBook

#: What a T76 order response says it is; a later edition may add to it.
CUSTOMIZATION: Final = "urn:fdc:peppol.eu:poacc:trns:order_response:3"

#: What each rule asks, in our words.
RESPONSE_CONTENTS: Final = RuleBook(
    "PEPPOL-T76-",
    fatal={
        "R001": N_("The buyer in an order response needs a name or an identifier."),
        "R002": N_("The seller in an order response needs a name or an identifier."),
        "R003": N_("Every line of an order response needs an id that no other line has."),
        "R004": N_("The promised delivery period ends before it starts."),
        "R005": N_("All prices of an order response must be in its currency."),
        "R006": N_("The document does not say that it is a Peppol order response."),
        "R007": N_("A response that accepts with changes (CA) must have lines."),
        "R008": N_("A response that accepts (AP) must not have lines."),
        "R009": N_("A response that rejects (RE) must not have lines."),
        "R010": N_("A response that confirms receipt (AB) must not have lines."),
    },
)
#: Codes of responses that speak of the order as a whole, and the rule that forbids them lines.
_WITHOUT_LINES: Final = {"AP": "R008", "RE": "R009", "AB": "R010"}

_Rules = Iterator[str]


@dataclass(frozen=True)
class _Context:
    """What several rules look up in the whole response: its currencies (one, unless it is no valid UBL), and its lines by id."""

    currencies: frozenset[str]
    lines_by_id: "Mapping[str, set[etree._Element]]"


def check_response_contents(document: Document) -> Iterator[Objection]:
    """What the content rules object to in the response."""
    lines_by_id: defaultdict[str, set[etree._Element]] = defaultdict(set)
    for line in document.named(CAC + "LineItem"):
        for identity in line.iterfind(CBC + "ID"):
            lines_by_id[identity.text or ""].add(line)
    currencies = frozenset(found.text or "" for found in document.root.iterfind(CBC + "DocumentCurrencyCode"))
    return RESPONSE_CONTENTS.judge(document, _CHECKS, _Context(currencies, lines_by_id))


def _customization(element: "etree._Element", _: _Context) -> _Rules:
    if not text_of(element).startswith(CUSTOMIZATION):
        yield "R006"


def _price_amount(element: "etree._Element", context: _Context) -> _Rules:
    if element.get("currencyID") not in context.currencies:
        yield "R005"


def _party(element: "etree._Element", _: _Context) -> _Rules:
    parent = element.getparent()
    rule = None if parent is None else _PARTIES.get(str(parent.tag))
    named = (f"{CAC}PartyLegalEntity/{CBC}RegistrationName", f"{CAC}PartyIdentification/{CBC}ID")
    if rule and all(element.find(path) is None for path in named):
        yield rule


def _period(element: "etree._Element", _: _Context) -> _Rules:
    starts, ends = ([day.text or "" for day in element.iterfind(CBC + name)] for name in ("StartDate", "EndDate"))
    # As texts, which is how the official rule compares them.
    if starts and ends and not any(end >= start for start in starts for end in ends):
        yield "R004"


def _line(element: "etree._Element", context: _Context) -> _Rules:
    parent = element.getparent()
    if parent is None or parent.tag != CAC + "OrderLine":
        return
    alike = {line for identity in element.iterfind(CBC + "ID") for line in context.lines_by_id[identity.text or ""]}
    if len(alike) != 1:
        yield "R003"


def _response_code(element: "etree._Element", _: _Context) -> _Rules:
    parent, code = element.getparent(), text_of(element)
    has_lines = parent is not None and parent.find(CAC + "OrderLine") is not None
    if code == "CA" and not has_lines:
        yield "R007"
    if has_lines and code in _WITHOUT_LINES:
        yield _WITHOUT_LINES[code]


_PARTIES: Final = {CAC + "BuyerCustomerParty": "R001", CAC + "SellerSupplierParty": "R002"}
_CHECKS: Final[dict[str, Callable[["etree._Element", _Context], _Rules]]] = {
    CBC + "CustomizationID": _customization,
    CBC + "PriceAmount": _price_amount,
    CAC + "Party": _party,
    CAC + "PromisedDeliveryPeriod": _period,
    CAC + "LineItem": _line,
    CBC + "OrderResponseCode": _response_code,
}
