"""An invoice as a file of a source: recognised, booked once, and the family's budget tells so."""

from decimal import Decimal
from hashlib import sha256

import pytest

from connectors.transports.base import SourceFile
from core.budget_settings import Budgets
from services.budgets import dirty
from services.orders.replies.incoming import open_file, take_file
from tests.support.billing import NOW, finvoice, peppol, settings
from tests.support.budgets import current_version, recompute_dirty
from tests.support.invoices import Row


@pytest.fixture
def bring(session, billing, tmp_path):
    """`bring(content)`: a file of a source is read and taken."""

    def bring_file(content: bytes, name: str = "lasku.xml"):
        path = tmp_path / name
        path.write_bytes(content)
        file = SourceFile(path, name, sha256(content).hexdigest(), len(content))
        return take_file(session, "laskut", open_file(file), now=NOW, settings=settings())

    return bring_file


@pytest.mark.parametrize("form", [peppol, finvoice])
def test_a_file_moves_the_budget_from_ordered_to_invoiced_once(session, billing, bring, form):
    content = form(seller=billing.provider.business_id, order=billing.order.number, rows=[Row("264.00", "3")])
    dirty.mark_orders(session, [billing.order.id])
    recompute_dirty(session, now=NOW, settings=Budgets())
    assert bring(content).state == "applied"
    recompute_dirty(session, now=NOW, settings=Budgets())
    version = current_version(session, billing.decision.id)
    assert (version.invoiced, version.ordered) == (Decimal("264.00"), Decimal("792.00"))
    assert bring(content, "again.xml") is None
    assert bring(content + b"\n", "again.xml").state == "repeated"
    assert len(billing.booked()) == 1


def test_finvoice_behind_an_envelope_is_recognised(billing, bring):
    content = finvoice(envelope=True, seller=billing.provider.business_id, order=billing.order.number)
    assert bring(content).state == "applied"


@pytest.mark.parametrize(
    "content", [peppol()[:-30], peppol().replace(b"UTF-8", b"UTF-7"), b"<Invoice/>", finvoice() * 2]
)
def test_what_cannot_be_read_is_refused_with_the_reason(bring, content):
    row = bring(content)
    assert (row.state, bool(row.reason)) == ("refused", True)
