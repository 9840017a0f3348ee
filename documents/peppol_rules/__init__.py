"""The rules of Peppol documents in Python, under their official ids, and Avain's own where the official ones leave gaps.

The official rules are Schematron that may not be redistributed and needs a Java-born processor to run. So what they ask is written
here anew; tests/integration/test_official_rules.py holds both against each other wherever a copy of the official ones is at hand.
"""

from lxml import etree

from documents.findings import Finding, fatal
from documents.peppol_rules.gaps import GAP_RULES, check_gaps, not_an_order
from documents.peppol_rules.identifiers import COMMON_RULES, check_common
from documents.peppol_rules.order_model import ORDER_MODEL
from documents.peppol_rules.order_rules import CONTENT_RULES, check_contents

#: Ids of the official T01 rules (2026.5) that `check_order` knows: all of them.
OFFICIAL_ORDER_RULES = COMMON_RULES | CONTENT_RULES | ORDER_MODEL.rule_ids()
ORDER_ELEMENT = "{urn:oasis:names:specification:ubl:schema:xsd:Order-2}Order"

__all__ = ["GAP_RULES", "OFFICIAL_ORDER_RULES", "Finding", "check_order", "fatal"]


def check_order(tree: "etree._ElementTree | etree._Element") -> list[Finding]:
    """What an order breaks: rules of T01 (Peppol BIS, in force from 2026.5) and Avain's own, in document order.

    Takes any tree, also one that is no valid UBL, and raises nothing; check the schema first (documents/schemas.py), as receivers do.
    Codes of units are checked by their shape only (codes.py).
    """
    root: etree._Element = tree.getroot() if isinstance(tree, etree._ElementTree) else tree  # noqa: SLF001 - lxml's public name
    if root.tag != ORDER_ELEMENT:
        return [not_an_order(root)]
    findings = [*check_common(root), *ORDER_MODEL.check(root), *check_contents(root), *check_gaps(root)]
    return sorted(findings, key=lambda finding: (finding.line, finding.location, finding.rule))
