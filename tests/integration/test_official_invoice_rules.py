"""The invoices that our tests read are valid by the official rules (EN 16931 and Peppol BIS Billing 3), where a copy lies beside the project."""

from typing import Any

import pytest

from documents import xml
from documents.schemas import check_schema
from documents.schematron import Schematron
from tests.support.invoices import Row, peppol
from tests.support.official_rules import where_they_are
from tests.support.orders import PEPPOL

RULES = [PEPPOL / f"rules/2026.5/{name}-EN16931-UBL.sch" for name in ("CEN", "PEPPOL")]
pytestmark = where_they_are(RULES[0])

ROWS = [
    Row("88.00", "1", order_line="1", days=("2026-11-02", "2026-11-02")),
    Row("10.01", "2", unit="KMT", percent="25.5"),
    Row("-5.00", "-1"),
]
DOCUMENTS: dict[str, dict[str, Any]] = {
    "an invoice": {"order": "T-2026-000001"},
    "without an order": {"reference": "K7Q2M9X4", "contract": "S-77", "days": ("2026-11-01", "2026-11-30")},
    "everything": {"order": "T-2026-000001", "rows": ROWS, "allowance": "8.00", "rounding": "0.03", "prepaid": "10.00"},
    "a credit note": {"order": "T-2026-000001", "credit": True, "credits": "L-1"},
    "a credit note of everything": {"credit": True, "credits": "L-1", "rows": ROWS, "allowance": "8.00"},
}


@pytest.mark.parametrize("rules", RULES, ids=lambda path: path.stem)
def test_our_invoices_are_valid(rules):
    official = Schematron.load(rules)
    for name, values in DOCUMENTS.items():
        tree = xml.parse(peppol(**values))
        assert check_schema(tree, "CreditNote" if values.get("credit") else "Invoice") == [], name
        assert official.check(tree) == [], name


def test_the_rules_find_a_wrong_sum():
    wrong = peppol(order="T-2026-000001", over={"gross": "99.00", "payable": "99.00"})
    assert "BR-CO-15" in {finding.rule for finding in Schematron.load(RULES[0]).check(wrong)}
