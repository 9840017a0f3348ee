"""What docs/orders/ shows can be used as it stands."""

import re
from decimal import Decimal

from core.settings import ROOT
from documents.delivered_csv import read_delivered
from documents.order_response import read_response

DOCS = ROOT / "docs/orders"


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", (DOCS / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_the_response_shown_is_read() -> None:
    (shown,) = blocks("answers.md", "xml")
    response = read_response(shown.encode())
    assert (response.code, response.order_number) == ("AP", "T-2026-000001")
    assert response.promised is not None


def test_the_report_shown_is_read() -> None:
    (shown,) = blocks("answers.md", "csv")
    report = read_delivered(shown.encode())
    assert report.faults == ()
    assert [(row.line, row.quantity) for row in report.rows] == [
        (1, Decimal(4)),
        (2, Decimal("80.5")),
        (None, Decimal(12)),
    ]
