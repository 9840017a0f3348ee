"""The rules of Peppol documents in Python, under their official ids, and Avain's own where the official ones leave gaps.

The official rules are Schematron that may not be redistributed and needs a Java-born processor to run. So what they ask is written
here anew; tests/integration/test_official_rules.py holds both against each other wherever a copy of the official ones is at hand.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from lxml import etree

from documents.findings import Finding, fatal, found
from documents.peppol_rules.catalogue_gaps import CATALOGUE_GAPS, check_catalogue_gaps
from documents.peppol_rules.catalogue_model import CATALOGUE_MODEL
from documents.peppol_rules.catalogue_rules import CATALOGUE_CONTENTS, check_catalogue_contents
from documents.peppol_rules.identifiers import COMMON_RULES, check_common
from documents.peppol_rules.model import DocumentModel
from documents.peppol_rules.order_gaps import ORDER_GAPS, check_order_gaps
from documents.peppol_rules.order_model import ORDER_MODEL
from documents.peppol_rules.order_rules import ORDER_CONTENTS, check_order_contents
from documents.peppol_rules.reading import Document, Objection
from documents.peppol_rules.response_gaps import RESPONSE_GAPS, check_response_gaps
from documents.peppol_rules.response_model import RESPONSE_MODEL
from documents.peppol_rules.response_rules import RESPONSE_CONTENTS, check_response_contents

#: Ids of the official rules (2026.5) of T01, T76 and T19 that `check_order`, `check_response` and `check_catalogue` know: all of them.
OFFICIAL_ORDER_RULES = COMMON_RULES | ORDER_CONTENTS.ids() | ORDER_MODEL.rule_ids()
OFFICIAL_RESPONSE_RULES = COMMON_RULES | RESPONSE_CONTENTS.ids() | RESPONSE_MODEL.rule_ids()
OFFICIAL_CATALOGUE_RULES = COMMON_RULES | CATALOGUE_CONTENTS.ids() | CATALOGUE_MODEL.rule_ids()
ORDER_ELEMENT = "{urn:oasis:names:specification:ubl:schema:xsd:Order-2}Order"
RESPONSE_ELEMENT = "{urn:oasis:names:specification:ubl:schema:xsd:OrderResponse-2}OrderResponse"
CATALOGUE_ELEMENT = "{urn:oasis:names:specification:ubl:schema:xsd:Catalogue-2}Catalogue"

__all__ = [
    "CATALOGUE_ELEMENT",
    "CATALOGUE_GAPS",
    "OFFICIAL_CATALOGUE_RULES",
    "OFFICIAL_ORDER_RULES",
    "OFFICIAL_RESPONSE_RULES",
    "ORDER_ELEMENT",
    "ORDER_GAPS",
    "RESPONSE_ELEMENT",
    "RESPONSE_GAPS",
    "Finding",
    "check_catalogue",
    "check_order",
    "check_response",
    "fatal",
]

_MOST = 1000
_Check = Callable[[Document], Iterator[Objection]]


def check_order(tree: "etree._ElementTree | etree._Element", *, most: int = _MOST) -> list[Finding]:
    """What an order breaks: rules of T01 (Peppol BIS, in force from 2026.5) and Avain's own, in document order.

    Takes any tree, also one that is no valid UBL, and raises nothing; check the schema first (documents/schemas.py), as receivers do.
    Codes of units are checked by their shape only (codes.py). At most `most` fatal findings and as many warnings are told: a mistake of
    the program that wrote 20,000 lines stands in all of them, and to say where takes time.
    """
    root = _root(tree)
    if root.tag != ORDER_ELEMENT:
        return [found(*ORDER_GAPS.broken("DOCUMENT", root))]
    return _told(_objections(root, ORDER_MODEL, check_order_gaps, check_order_contents), most)


def check_response(tree: "etree._ElementTree | etree._Element", *, most: int = _MOST) -> list[Finding]:
    """What an order response breaks: rules of T76 and Avain's own; otherwise as `check_order`."""
    root = _root(tree)
    if root.tag != RESPONSE_ELEMENT:
        return [found(*RESPONSE_GAPS.broken("DOCUMENT", root))]
    return _told(_objections(root, RESPONSE_MODEL, check_response_gaps, check_response_contents), most)


def check_catalogue(tree: "etree._ElementTree | etree._Element", *, most: int = _MOST) -> list[Finding]:
    """What a catalogue breaks: rules of T19 (Peppol BIS, in force from 2026.5) and Avain's own; otherwise as `check_order`.

    Codes of units, kinds of document and labels of goods are checked by their shape only.
    """
    root = _root(tree)
    if root.tag != CATALOGUE_ELEMENT:
        return [found(*CATALOGUE_GAPS.broken("DOCUMENT", root))]
    return _told(_objections(root, CATALOGUE_MODEL, check_catalogue_gaps, check_catalogue_contents), most)


def _objections(root: "etree._Element", model: DocumentModel, *checks: _Check) -> Iterator[Objection]:
    """All objections to one document: the common rules', each check's, the model's."""
    document = Document(root)
    answers = (check(document) for check in (check_common, *checks))
    return chain(chain.from_iterable(answers), model.check(root))


def _root(tree: "etree._ElementTree | etree._Element") -> "etree._Element":
    return tree.getroot() if isinstance(tree, etree._ElementTree) else tree  # noqa: SLF001 - lxml's public name


def _told(objections: Iterable[Objection], most: int) -> list[Finding]:
    """Those up to the `most`-th fatal one, and `most` warnings, in document order."""
    grave: list[Objection] = []
    slight: list[Objection] = []
    for objection in objections:
        if objection.severity == "fatal":
            grave.append(objection)
            if len(grave) == most:
                break
        elif len(slight) < most:
            slight.append(objection)
    findings = (found(*objection) for objection in chain(grave, slight))
    return sorted(findings, key=lambda finding: (finding.line, finding.location, finding.rule))
