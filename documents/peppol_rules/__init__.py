"""The rules of Peppol documents in Python, under their official ids, and Avain's own where the official ones leave gaps.

The official rules are Schematron that may not be redistributed and needs a Java-born processor to run. So what they ask is written
here anew; tests/integration/test_official_rules.py holds both against each other wherever a copy of the official ones is at hand.
"""

from collections.abc import Iterable
from itertools import chain, islice

from lxml import etree

from documents.findings import Finding, fatal
from documents.peppol_rules.catalogue_gaps import CATALOGUE_GAP_RULES, check_catalogue_gaps, not_a_catalogue
from documents.peppol_rules.catalogue_model import CATALOGUE_MODEL
from documents.peppol_rules.catalogue_rules import CATALOGUE_CONTENT_RULES, check_catalogue_contents
from documents.peppol_rules.gaps import GAP_RULES, check_gaps, not_an_order
from documents.peppol_rules.identifiers import COMMON_RULES, check_common
from documents.peppol_rules.order_model import ORDER_MODEL
from documents.peppol_rules.order_rules import CONTENT_RULES, check_contents

#: Ids of the official T01 rules (2026.5) that `check_order` knows: all of them.
OFFICIAL_ORDER_RULES = COMMON_RULES | CONTENT_RULES | ORDER_MODEL.rule_ids()
#: Ids of the official T19 rules (2026.5) that `check_catalogue` knows: all of them.
OFFICIAL_CATALOGUE_RULES = COMMON_RULES | CATALOGUE_CONTENT_RULES | CATALOGUE_MODEL.rule_ids()
ORDER_ELEMENT = "{urn:oasis:names:specification:ubl:schema:xsd:Order-2}Order"
CATALOGUE_ELEMENT = "{urn:oasis:names:specification:ubl:schema:xsd:Catalogue-2}Catalogue"

__all__ = [
    "CATALOGUE_GAP_RULES",
    "GAP_RULES",
    "OFFICIAL_CATALOGUE_RULES",
    "OFFICIAL_ORDER_RULES",
    "Finding",
    "check_catalogue",
    "check_order",
    "fatal",
]


def check_order(tree: "etree._ElementTree | etree._Element") -> list[Finding]:
    """What an order breaks: rules of T01 (Peppol BIS, in force from 2026.5) and Avain's own, in document order.

    Takes any tree, also one that is no valid UBL, and raises nothing; check the schema first (documents/schemas.py), as receivers do.
    Codes of units are checked by their shape only (codes.py).
    """
    root = _root(tree)
    if root.tag != ORDER_ELEMENT:
        return [not_an_order(root)]
    return _sorted([*check_common(root), *ORDER_MODEL.check(root), *check_contents(root), *check_gaps(root)])


def check_catalogue(tree: "etree._ElementTree | etree._Element", *, most: int = 1000) -> list[Finding]:
    """What a catalogue breaks: rules of T19 (Peppol BIS, in force from 2026.5) and Avain's own; otherwise as `check_order`.

    `most` findings are looked for: a mistake of the program that wrote 20,000 lines stands in all of them, and to say where takes time.
    Codes of units, kinds of document and labels of goods are checked by their shape only.
    """
    root = _root(tree)
    if root.tag != CATALOGUE_ELEMENT:
        return [not_a_catalogue(root)]
    found = chain(
        check_common(root), check_catalogue_gaps(root), check_catalogue_contents(root), CATALOGUE_MODEL.check(root)
    )
    return _sorted(islice(found, most))


def _root(tree: "etree._ElementTree | etree._Element") -> "etree._Element":
    return tree.getroot() if isinstance(tree, etree._ElementTree) else tree  # noqa: SLF001 - lxml's public name


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: (finding.line, finding.location, finding.rule))
