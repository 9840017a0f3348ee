"""An order to look at, electronic and on paper: one that stands, with the very bytes that were stored, or one that approving would make."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.errors import NotFound
from core.order_settings import Orders
from core.settings import Organisation
from services.orders.approval import Refused, approve
from services.orders.paper import paper_of, write_pdf
from services.orders.paper_values import Paper

#: Rows in: an order's number. Rows out: it with its document, and the paper that went out with it, if one did.
_STORED = text(
    """
    SELECT purchase_order.id, state, document, order_paper.content AS pdf
    FROM purchase_order
    LEFT JOIN order_paper ON order_paper.order_id = purchase_order.id AND order_paper.kind = 'pdf' AND order_paper.superseded_at IS NULL
    WHERE purchase_order.number = :number
    """
)

#: Rows in: an order. Rows out: the planned services it covers, as people name them.
_ITEMS = text(
    """
    SELECT client_case.number || '/' || plan_item.external_id
    FROM order_coverage
    JOIN plan_item ON plan_item.id = order_coverage.plan_item_id
    JOIN client_case ON client_case.id = plan_item.case_id
    WHERE order_coverage.order_id = :id ORDER BY order_coverage.id
    """
)


@dataclass(frozen=True)
class Preview:
    """`paper`: its figures. `document`: the UBL order. `printed`: the PDF that went out, else it is made when it is asked for.

    `state` is None, and `paper.number` empty, where nothing is ordered yet. `items`: the planned services it is made of, by the names
    people know them by; empty for a stored order.
    """

    paper: Paper
    document: bytes
    state: str | None = None
    printed: bytes | None = None
    items: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Of the document, in hexadecimal."""
        return hashlib.sha256(self.document).hexdigest()

    def pdf(self, language: str | None = None) -> bytes:
        """The paper as PDF: as it went out, or in `language` as it would; asks no database."""
        return self.printed if self.printed is not None and language is None else write_pdf(self.paper, language)


def stored(session: Session, number: str, *, organisation: Organisation, orders: Orders) -> Preview:
    """An order that exists; three queries. Raises NotFound."""
    row = session.execute(_STORED, {"number": number}).one_or_none()
    if row is None:
        raise NotFound("There is no purchase order {order}.", order=number)
    paper = paper_of(session, row.id, organisation=organisation, orders=orders)
    printed = None if row.pdf is None else bytes(row.pdf)
    return Preview(paper, bytes(row.document), state=row.state, printed=printed)


def proposed(
    session: Session,
    plan_item_ids: Collection[int],
    *,
    approver: str,
    reason: str = "",
    now: datetime,
    settings: Orders,
    organisation: Organisation,
    budgets: Budgets,
) -> tuple[list[Preview], tuple[Refused, ...]]:
    """The orders that approving the planned services now would make, and what stands against the others. Nothing of it stays.

    The number in the documents is the next one that is free: another order may take it before these are approved.
    """
    found = []
    with session.begin_nested() as tried:
        done = approve(
            session, plan_item_ids, approver=approver, reason=reason, now=now, settings=settings, organisation=organisation, budgets=budgets
        )  # fmt: skip
        for order in done.orders:
            paper = paper_of(session, order.id, organisation=organisation, orders=settings)
            items = tuple(session.execute(_ITEMS, {"id": order.id}).scalars())
            found.append(Preview(replace(paper, number="", client_reference=""), order.document, items=items))
        tried.rollback()
    return found, done.refused
