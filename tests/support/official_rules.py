"""The official Peppol unit tests, and documents spoilt in one place, for holding our rules against the official ones."""

import os
from collections import Counter
from copy import deepcopy
from itertools import islice

from lxml import etree

from documents import xml
from documents.peppol_rules.model import CBC
from tests.support.orders import PEPPOL

#: One spoilt document in 23 is compared, another start for each document: AVAIN_TEST_EXHAUSTIVE=1 takes them all.
STEP = 1 if os.environ.get("AVAIN_TEST_EXHAUSTIVE") == "1" else 23
_VEFA = "{http://difi.no/xsd/vefa/validator/1.0}"
_VALUES = ("", "  ", "0", "-1", "1.005", "XX", "true", "false", "S", "O", "E", "XYZ", "NL1")
#: Units are checked by shape only, so no mutant gets a unit that merely looks right (documents/peppol_rules/codes.py).
_ATTRIBUTES = {
    "currencyID": ("USD", "x"),
    "unitCode": ("KGM", "HOUR"),
    "schemeID": (
        "",
        *[
            "0007",
            "0037",
            "0088",
            "0096",
            "0106",
            "0151",
            "0184",
            "0190",
            "0192",
            "0198",
            "0201",
            "0208",
            "0210",
            "0211",
            "0216",
            "0217",
            "9907",
            "9944",
            "9999",
        ],
    ),
}


def unit_tests(transaction):
    """`(name, document, what it expects)` of each official unit test of `transaction` and its common rules; (kind, rule, number) per expectation."""
    for path in sorted(PEPPOL.glob("unit-tests/unit-*/PEPPOL-*.xml")):
        tests = xml.parse(path.read_bytes()).getroot()
        if not tests.get("configuration", "").startswith(f"peppolbis-{transaction}"):
            continue
        for number, test in enumerate(tests.findall(f"{_VEFA}test"), start=1):
            expected = [
                (etree.QName(wanted).localname, (wanted.text or "").strip(), wanted.get("number"))
                for wanted in test.iterfind(f"{_VEFA}assert/*")
                if etree.QName(wanted).localname in {"success", "error", "warning"}
            ]
            documents = [child for child in test if not child.tag.startswith(_VEFA)]
            if documents:
                yield f"{path.stem}/{number}", xml.parse(etree.tostring(documents[0], with_tail=False)), expected


def mutants(root):
    """Copies of a document, each spoilt in one place: an element missing, doubled, renamed, with another value or attribute."""
    for place, original in enumerate(root.iter()):
        for spoil in _spoilers(original, is_root=original is root):
            copy = deepcopy(root)
            spoil(next(islice(copy.iter(), place, None)))
            yield copy


def _spoilers(element, *, is_root: bool):
    if not is_root:
        yield lambda e: e.getparent().remove(e)
        yield lambda e: e.getparent().insert(0, deepcopy(e))
        yield lambda e: setattr(e, "tag", e.tag + "X")
    else:
        yield lambda e: e.set("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation", "urn:x x.xsd")
    if len(element):
        yield _add_unknown
    if not len(element):
        for value in (*_VALUES, f" {element.text} "):
            yield lambda e, value=value: setattr(e, "text", value)
    if "schemeID" in element.attrib:
        yield _make_italian
    for name in element.attrib:
        yield lambda e, name=name: e.attrib.pop(name)
        for value in _ATTRIBUTES.get(name, ("XX",)):
            yield lambda e, name=name, value=value: e.set(name, value)


def _add_unknown(element):
    etree.SubElement(element, f"{CBC}Unheard").text = "of"


def _make_italian(element):
    element.set("schemeID", "0211")
    element.text = "IT1"


def counted(findings) -> Counter[tuple[str, str, str]]:
    """(rule, severity, place) of each official rule that is broken, and how often."""
    return Counter((f.rule, f.severity, f.location) for f in findings if not f.rule.startswith("AVAIN-"))
