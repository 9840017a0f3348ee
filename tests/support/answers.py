"""An order at its provider, and answers to it, for tests."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.case import PlanItem
from models.order import PurchaseOrder
from services.orders.replies.answer_values import Answer, LineAnswer
from tests.support.ordering import NOW, World, add_item, make_world, order


def an_order(
    session: Session, *items: PlanItem, world: World | None = None, state: str = "sent", **over: Any
) -> PurchaseOrder:
    """The small world's order: approved as people approve it, and sent on the day of `NOW`."""
    world = world or make_world(session)
    (made,) = order(session, world.item, *items).orders
    found = session.get_one(PurchaseOrder, made.id)
    for name, value in {"state": state, "sent_at": NOW, **over}.items():
        setattr(found, name, value)
    session.flush()
    return found


def two_lines(session: Session) -> PurchaseOrder:
    """An order of two services: twelve visits at 88.00 €, and ten at 50.00 €."""
    world = make_world(session)
    return an_order(session, add_item(session, world), world=world)


def changes(number: str, *lines: LineAnswer, **over: Any) -> Answer:
    """A provider's proposal."""
    return Answer(number, "CA", lines=lines, **over)


def fewer(line: int = 1, quantity: str = "8", **over: Any) -> LineAnswer:
    """A line with another quantity."""
    return LineAnswer(line, "3", quantity=Decimal(quantity), **over)


def coverage(session: Session, found: PurchaseOrder) -> list[bool]:
    """Whether each coverage of an order is live, by planned service."""
    statement = text("SELECT live FROM order_coverage WHERE order_id = :id ORDER BY plan_item_id")
    return list(session.execute(statement, {"id": found.id}).scalars())


def news_of(session: Session, found: PurchaseOrder) -> list[str]:
    """The kinds of news about an order, oldest first."""
    statement = text("SELECT kind FROM notice WHERE subject = :subject ORDER BY id")
    return list(session.execute(statement, {"subject": f"order:{found.number}"}).scalars())


def stands(session: Session, found: PurchaseOrder) -> tuple[str, date | None]:
    """State and first day of an order, as the database has them."""
    session.refresh(found)
    return found.state, found.starts_on
