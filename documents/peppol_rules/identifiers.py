"""Rules common to all Peppol documents (`PEPPOL-COMMON-…`): nothing empty, real dates, identifiers of the shape their scheme has.

Most schemes are foreign to a Finnish county, but a provider may be registered abroad, and an order from elsewhere may be checked.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import chain
from typing import Final

from lxml import etree
from stdnum import ean, luhn
from stdnum.au import abn
from stdnum.no import orgnr

from core.errors import Message
from documents.findings import Severity
from documents.peppol_rules import codes
from documents.peppol_rules.model import CAC, CBC, names_schema
from documents.peppol_rules.reading import BLANKS, Document, Objection, text_at, text_of

_DATES: Final = [
    CBC + name for name in ("IssueDate", "DueDate", "TaxPointDate", "StartDate", "EndDate", "ActualDeliveryDate")
]
_IDENTIFIERS: Final = [CBC + name for name in ("EndpointID", "ID", "CompanyID")]
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FISCAL_CODE: Final = re.compile(r"[A-Za-z]{6}\d{2}[A-Za-z]\d{2}.{3}\d[A-Za-z]|\d{11}")


@dataclass(frozen=True)
class Scheme:
    """The rule of one identifier scheme. `raw`: surrounding blanks count, too. `endpoint_only`: party ids are not looked at."""

    rule: str
    severity: Severity
    is_valid: Callable[[str], bool]
    raw: bool = False
    endpoint_only: bool = False


def _shape(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: compiled.fullmatch(value) is not None


def _is_gln(value: str) -> bool:
    """GS1: digits, the last of which checks the others (3-1-3… from the right)."""
    return _digits(value) and bool(ean.calc_check_digit(value[:-1]) == value[-1])


def _is_belgian(value: str) -> bool:
    return _digits(value, 10) and int(value[8:]) == 97 - int(value[:8]) % 97


def _is_italian_vat(value: str) -> bool:
    return value[:2].upper() != "IT" or (_digits(value[2:], 11) and luhn.is_valid(value[2:]))


def _digits(value: str, length: int | None = None) -> bool:
    return value.isascii() and value.isdigit() and length in (None, len(value))


_SCHEMES: Final = {
    "0088": Scheme("R040", "fatal", _is_gln),
    "0192": Scheme("R041", "fatal", lambda value: _digits(value, 9) and int(value) > 0 and orgnr.is_valid(value)),
    "0184": Scheme("R042", "fatal", _shape(r"(DK)?\d{8}"), raw=True),
    "0208": Scheme("R043", "fatal", _is_belgian),
    "0201": Scheme("R044", "warning", _shape("[A-Za-z0-9]{6}")),
    "0210": Scheme("R045", "warning", lambda value: _FISCAL_CODE.fullmatch(value) is not None),
    "9907": Scheme("R046", "warning", lambda value: _FISCAL_CODE.fullmatch(value) is not None, endpoint_only=True),
    "0211": Scheme("R047", "warning", _is_italian_vat),
    "0007": Scheme("R049", "fatal", lambda value: _digits(value, 10) and luhn.is_valid(value)),
    "0151": Scheme("R050", "fatal", lambda value: _digits(value, 11) and abn.is_valid(value)),
    "0096": Scheme("R052", "fatal", _shape(r"\d{10}"), raw=True),
    "0198": Scheme("R053", "fatal", _shape(r"DK\d{8}"), raw=True),
    "0106": Scheme("R054", "warning", _shape(r"\d{8}")),
    "0190": Scheme("R055", "warning", _shape(r"\d{20}")),
    "9944": Scheme("R056-1", "warning", _shape(r"NL\d{9}B\d{2}")),
    "0217": Scheme("R057", "warning", _shape(r"\d{12}")),
}
_DUTCH_VAT: Final = Scheme("R056-2", "warning", _SCHEMES["9944"].is_valid)
COMMON_RULES: Final = frozenset(
    f"PEPPOL-COMMON-{rule}"
    for rule in ("R001", "R003", "R030", "R056-2", *(scheme.rule for scheme in _SCHEMES.values()))
)


def check_common(document: Document) -> Iterator[Objection]:
    """What the common rules object to."""
    if names_schema(document.root):
        text = Message("A Peppol document must not name its schema's location.")
        yield _objection("R003", "warning", document.root, text)
    for element in document.elements:
        if not len(element) and not (element.text or "").strip(BLANKS):
            yield _objection("R001", "fatal", element, Message("{element} is empty.", element=_name(element)))
    for name in _DATES:
        for element in document.named(name):
            if not is_date(element.text or ""):
                text = Message("{element} is not a date (YYYY-MM-DD).", element=_name(element))
                yield _objection("R030", "fatal", element, text)
    for element in chain.from_iterable(document.named(name) for name in _IDENTIFIERS):
        scheme = _scheme_of(element)
        if scheme and not scheme.is_valid((element.text or "") if scheme.raw else text_of(element)):
            text = Message("{element} does not have the form that its scheme asks for.", element=_name(element))
            yield _objection(scheme.rule, scheme.severity, element, text)


def malformed_addresses(document: Document) -> "list[etree._Element]":
    """Endpoints of scheme 0216 that are no OVT code; no official rule looks at them."""
    return [
        endpoint
        for endpoint in document.named(CBC + "EndpointID")
        if endpoint.get("schemeID") == "0216" and not codes.is_ovt((endpoint.text or "").strip())
    ]


def is_date(text: str) -> bool:
    """Whether `text` is a real day, written YYYY-MM-DD."""
    return len(text) == len("YYYY-MM-DD") and _is_real_day(text)


@lru_cache(maxsize=1024)  # documents name the same few days again and again
def _is_real_day(text: str) -> bool:
    try:
        return _DAY.fullmatch(text) is not None and date.fromisoformat(text) >= date.min
    except ValueError:
        return False


def _scheme_of(element: "etree._Element") -> Scheme | None:
    """The scheme whose rule `element` falls under: endpoints, ids of parties, company ids, and Dutch VAT numbers."""
    is_endpoint = element.tag == CBC + "EndpointID"
    parent = element.getparent()
    party_id = element.tag == CBC + "ID" and parent is not None and parent.tag == CAC + "PartyIdentification"
    company_id = element.tag == CBC + "CompanyID"
    if not (is_endpoint or party_id or company_id):
        return None
    scheme = _SCHEMES.get(element.get("schemeID", ""))
    if scheme and (is_endpoint or not scheme.endpoint_only):
        return scheme
    is_vat = company_id and parent is not None and parent.tag == CAC + "PartyTaxScheme"
    if is_vat and parent is not None and text_at(parent, f"{CAC}TaxScheme/{CBC}ID") == "VAT":
        return _DUTCH_VAT if text_of(element).startswith("NL") else None
    return None


def _name(element: "etree._Element") -> str:
    return etree.QName(element).localname


def _objection(rule: str, severity: Severity, element: "etree._Element", text: Message) -> Objection:
    return Objection(element, f"PEPPOL-COMMON-{rule}", severity, text)
