"""Declining: saying that a choice shall not be ordered, why, and taking that back. A new choice is a new question: nothing stands against it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from core.errors import InputError, Message
from core.i18n import N_
from models.base import table_of
from models.order import OrderDecline
from services import audit
from services.follow_ups import closing
from services.orders.weighing import standing
from services.orders.weighing.bundles import Refused
from services.orders.weighing.items import hold


@dataclass(frozen=True)
class Declined:
    """The plan items that were declined, or whose decline was withdrawn, and those for which that could not be."""

    plan_item_ids: tuple[int, ...]
    refused: tuple[Refused, ...]


#: Rows in: plan item ids. Rows out: each that exists, its choice, whether that is declined, approved by the month, or ordered.
_ITEMS = text(
    """
    SELECT plan_item.id, client_case.number AS case_number, client_case.number || '/' || plan_item.external_id AS reference,
           choice.id AS choice_id, order_decline.id AS decline_id,
           EXISTS (SELECT FROM order_approval WHERE order_approval.plan_item_id = plan_item.id AND ended_at IS NULL) AS standing,
           (SELECT number FROM purchase_order JOIN order_coverage ON order_coverage.order_id = purchase_order.id
            WHERE order_coverage.plan_item_id = plan_item.id AND order_coverage.live LIMIT 1) AS order_number
    FROM plan_item
    JOIN client_case ON client_case.id = plan_item.case_id
    LEFT JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
    LEFT JOIN order_decline ON order_decline.choice_id = choice.id AND order_decline.withdrawn_at IS NULL
    WHERE plan_item.id = ANY(:ids) ORDER BY plan_item.id
    """
)

#: Rows in: declines. Rows changed: they, withdrawn.
_WITHDRAW = text("UPDATE order_decline SET withdrawn_at = :now WHERE id = ANY(:ids) AND withdrawn_at IS NULL")


def decline(session: Session, plan_item_ids: Collection[int], *, actor: str, reason: str, now: datetime) -> Declined:
    """Say that what was chosen for the items shall not be ordered. Where months are ordered as they come, no more are.

    Raises InputError without a reason. An item without a choice, or ordered as a whole, is refused.
    """
    if not reason.strip():
        raise InputError("Declining needs a reason.")
    rows, refused = _held(session, plan_item_ids)
    good = [row for row in rows if not _note(refused, row, _against_declining(row))]
    if good:
        values = [
            {
                "choice_id": row.choice_id,
                "plan_item_id": row.id,
                "declined_by": actor,
                "declined_at": now,
                "reason": reason,
            }
            for row in good
        ]
        session.execute(table_of(OrderDecline).insert(), values)
    standing.end(session, [row.id for row in good], actor=actor, now=now)
    closing.decided(session, [row.id for row in good])
    _record(session, "order.declined", good, actor=actor, reason=reason, now=now)
    return Declined(tuple(row.id for row in good), tuple(refused))


def withdraw(
    session: Session, plan_item_ids: Collection[int], *, actor: str, reason: str = "", now: datetime
) -> Declined:
    """Take back that items were declined: they wait for approval again."""
    rows, refused = _held(session, plan_item_ids)
    good = [
        row for row in rows if not _note(refused, row, None if row.decline_id else Message(N_("It was not declined.")))
    ]
    session.execute(_WITHDRAW, {"ids": [row.decline_id for row in good], "now": now})
    _record(session, "order.decline_withdrawn", good, actor=actor, reason=reason, now=now)
    return Declined(tuple(row.id for row in good), tuple(refused))


def _held(session: Session, plan_item_ids: Collection[int]) -> tuple[Sequence[Row[Any]], list[Refused]]:
    """The items, held until the transaction ends, and those that do not exist."""
    asked = list(dict.fromkeys(plan_item_ids))
    hold(session, asked)
    rows = session.execute(_ITEMS, {"ids": asked}).all()
    missing = set(asked) - {row.id for row in rows}
    return rows, [Refused(id, str(id), Message(N_("There is no such planned service."))) for id in sorted(missing)]


def _against_declining(row: Row[Any]) -> Message | None:
    if row.choice_id is None:
        return Message(N_("No provider has been chosen yet."))
    if row.decline_id is not None:
        return Message(N_("It was declined before."))
    if row.order_number is not None and not row.standing:
        return Message(N_("It is already ordered: {order}."), order=row.order_number)
    return None


def _note(refused: list[Refused], row: Row[Any], reason: Message | None) -> bool:
    if reason is not None:
        refused.append(Refused(row.id, row.reference, reason))
    return reason is not None


def _record(session: Session, action: str, rows: Sequence[Row[Any]], *, actor: str, reason: str, now: datetime) -> None:
    events = [
        audit.Event(actor, action, f"case:{row.case_number}", reason, {"plan_item": row.id, "choice": row.choice_id})
        for row in rows
    ]
    audit.record_many(session, events, now=now)
