"""An order to look at, electronic and on paper: one that stands, with the very bytes that were stored, or one that approving would make."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.clock import local_date
from core.errors import Message, NotFound
from core.order_settings import Orders
from core.settings import Organisation
from services.orders.approving.proposing import Draft, propose
from services.orders.sending.paper import paper_of, paper_of_proposal, write_pdf
from services.orders.sending.paper_values import Paper
from services.orders.weighing.bundles import Refused

#: Rows in: an order's number. Rows out: it with its document, and the paper that went out with it, if one did.
_STORED = text(
    """
    SELECT purchase_order.id, state, document, order_paper.content AS pdf
    FROM purchase_order
    LEFT JOIN order_paper ON order_paper.order_id = purchase_order.id AND order_paper.kind = 'pdf' AND order_paper.superseded_at IS NULL
    WHERE purchase_order.number = :number
    """
)


@dataclass(frozen=True)
class Preview:
    """`paper`: its figures. `document`: the UBL order. `printed`: the PDF that went out, else it is made when it is asked for.

    `state` is None, and `paper.number` empty, where nothing is ordered yet. `items`: the planned services it is made of, by the names
    people know them by; empty for a stored order. `orders_on`: a month that is ordered on that day, once approved; it has no document yet.
    """

    paper: Paper
    document: bytes | None
    state: str | None = None
    printed: bytes | None = None
    items: tuple[str, ...] = ()
    orders_on: date | None = None

    @property
    def sha256(self) -> str | None:
        """Of the document, in hexadecimal; the one that is ordered has its own number, and so another."""
        return None if self.document is None else hashlib.sha256(self.document).hexdigest()

    def pdf(self, language: str | None = None) -> bytes:
        """The paper as PDF: as it went out, or in `language` as it would; asks no database."""
        return self.printed if self.printed is not None and language is None else write_pdf(self.paper, language)

    def copy(self) -> bytes:
        """The paper for those who see the order here: without the links by which whoever holds them answers in the provider's name."""
        return write_pdf(self.paper)


def stored(session: Session, number: str, *, organisation: Organisation, orders: Orders) -> Preview:
    """An order that exists; three queries. Raises NotFound."""
    row = session.execute(_STORED, {"number": number}).one_or_none()
    if row is None:
        raise NotFound("There is no purchase order {order}.", order=number)
    paper = paper_of(session, row.id, organisation=organisation, orders=orders)
    printed = None if row.pdf is None else bytes(row.pdf)
    return Preview(paper, bytes(row.document), state=row.state, printed=printed)


def of_draft(session: Session, draft: Draft, *, organisation: Organisation, orders: Orders, today: date) -> Preview:
    """A draft to look at; one query. Raises InputError where there is nothing in it that could be printed."""
    paper = paper_of_proposal(session, draft, organisation=organisation, orders=orders, today=today)
    items = tuple(item.reference for item in draft.items)
    return Preview(paper, draft.document, items=items, orders_on=draft.orders_on)


def proposed(
    session: Session,
    plan_item_ids: Collection[int],
    *,
    reason: str = "",
    now: datetime,
    settings: Orders,
    organisation: Organisation,
    budgets: Budgets,
) -> tuple[list[Preview], list[Refused]]:
    """The orders that approving the planned services now would make, by whoever may, and what stands against the others. Nothing is changed."""
    asked = list(dict.fromkeys(plan_item_ids))
    drafts = propose(
        session, asked, now=now, settings=settings, organisation=organisation, budgets=budgets, reason=reason
    )
    today = local_date(now)
    refused = [
        Refused(item.id, item.reference, draft.refused) for draft in drafts if draft.refused for item in draft.items
    ]
    known = {item.id for draft in drafts for item in draft.items}
    refused += [
        Refused(one, str(one), Message("There is no such planned service.")) for one in asked if one not in known
    ]
    found = [
        of_draft(session, draft, organisation=organisation, orders=settings, today=today)
        for draft in drafts
        if draft.refused is None
    ]
    return found, refused
