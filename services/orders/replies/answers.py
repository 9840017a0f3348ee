"""Providers' answers to orders: by document, on the reply page, or written down by a person. One way for all of them.

An answer moves its order only while that waits for one. What says the same again does nothing; what says something else after the order
was settled, or goes beyond what was ordered, waits for a person (services/orders/replies/answers_held.py). The order's row is held meanwhile, so
of two answers at once the second finds what the first made of it.
"""

from collections import defaultdict
from datetime import date, datetime
from typing import Final

from sqlalchemy import RowMapping, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import N_
from models.answer import OrderResponse, OrderResponseLine
from services.budgets import dirty
from services.follow_ups import closing
from services.orders.news import tell_worker
from services.orders.replies.answer_judging import judge
from services.orders.replies.answer_values import Answer, Held, Line, LineAnswer, Standing, Taken
from services.orders.weighing import standing

#: Rows in: a number. Rows out: the order, with who its provider is; or `_HELD` until the transaction ends.
_ORDER: Final = text(
    """
    SELECT purchase_order.id, number, state, lower(period) AS first, upper(period) - 1 AS last, link_epoch, approval_id,
           provider.business_id, provider.endpoint_id AS endpoint
    FROM purchase_order JOIN provider ON provider.id = purchase_order.provider_id
    WHERE number = :number
    """
)
_HELD: Final = text(f"{_ORDER.text} FOR NO KEY UPDATE OF purchase_order")

#: Rows in: an order. Rows out: its lines.
_LINES: Final = text(
    """
    SELECT line_number, plan_item_id, lower(period) AS first, upper(period) - 1 AS last, quantity, unit, net
    FROM order_line WHERE order_id = :id ORDER BY line_number
    """
)

#: Rows in: an order. Rows out: what was answered before, the latest last.
_STANDING: Final = text(
    """
    SELECT id, code, state, external_id, starts_on, note, answered_at FROM order_response WHERE order_id = :id ORDER BY id
    """
)

#: Rows in: an order. Rows out: the lines of all its answers.
_SAID: Final = text(
    """
    SELECT response_id, line_number, order_response_line.code, quantity, unit, amount, base_quantity,
           lower(period) AS first, upper(period) - 1 AS last
    FROM order_response_line JOIN order_response ON order_response.id = response_id WHERE order_id = :id
    """
)

#: Rows in: an answered order. Rows changed: it. Only what accepts or rejects is an answer to the question that was asked.
_MOVE: Final = text(
    """
    UPDATE purchase_order
    SET state = :state, sent_at = coalesce(sent_at, :now), starts_on = CASE WHEN :state = 'accepted' THEN :starts_on ELSE starts_on END,
        answered_at = CASE WHEN :state = 'received' THEN NULL ELSE CAST(:now AS timestamptz) END
    WHERE id = :id
    """
)

#: Rows in: a rejected order. Rows changed: what it covers, which can then be ordered elsewhere, the approval to order further months, and
#: what was proposed about the order, which nobody need decide any more.
_FREE: Final = text(
    """
    WITH ended AS (
        UPDATE order_approval SET ended_at = :now, ended_by = 'avain' WHERE id = :approval_id AND ended_at IS NULL
    ), gone AS (
        UPDATE order_proposal SET settled_at = :now, settled_by = 'avain', outcome = 'gone' WHERE order_id = :id AND settled_at IS NULL
    )
    UPDATE order_coverage SET live = false WHERE order_id = :id AND live
    """
)

#: Rows in: an order. Rows changed: its open proposals, which another answer has overtaken.
_OVERTAKEN: Final = text(
    """
    UPDATE order_response SET state = 'discarded', settled_at = :now, settled_by = 'avain'
    WHERE order_id = :id AND state = 'held' AND code = 'CA' AND id <> :response_id
    """
)

_NEWS: Final = {
    "accepted": (
        "order_accepted",
        N_(
            "{order} was accepted. Give the family's contact details to the provider outside Avain, and tick that you have."
        ),
    ),
    "rejected": (
        "order_rejected",
        N_("The provider has no room for {order}. What it was to bring can be compared and chosen anew."),
    ),
    "changed": ("order_changed", N_("The provider proposes changes to {order}: accept or decline them.")),
    "held": ("order_answer_held", N_("An answer to {order} waits for you: {reason}")),
}


def take(session: Session, answer: Answer, *, now: datetime) -> Taken:
    """Record an answer and do what it says, or hold or refuse it with the reason. Commits nothing."""
    order = hold_order(session, answer.number)
    if order is None:
        return Taken("refused", answer.number, Message("There is no purchase order {order}.", order=answer.number))
    verdict = judge(order, answer)
    if verdict.state in {"refused", "repeated"}:
        return Taken(verdict.state, order.number, verdict.reason, order.id)
    response_id = _store(session, order, answer, verdict.state, verdict.reason, now=now)
    if verdict.moves_to is not None:
        move(session, order, verdict.moves_to, starts_on=answer.starts_on, response_id=response_id, now=now)
    what = verdict.moves_to or ("held" if verdict.state == "held" else None)
    if what in _NEWS and answer.by is None:  # whoever writes it down has heard it
        kind, sentence = _NEWS[what]
        values = {"reason": verdict.reason} if what == "held" else {}
        tell_worker(session, order.id, kind, f"response:{response_id}", Message(sentence, order=order.number, **values))
    return Taken(verdict.state, order.number, verdict.reason, order.id, response_id)


def hold_order(session: Session, number: str, *, only_look: bool = False) -> Held | None:
    """The order of a number with its lines and answers, held until the transaction ends, or to be looked at; None where there is none."""
    row = (
        session.execute(_ORDER if only_look else _HELD, {"number": number if number.isprintable() else ""})
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    lines = tuple(Line(**one) for one in session.execute(_LINES, {"id": row["id"]}).mappings())
    said: dict[int, list[LineAnswer]] = defaultdict(list)
    for one in session.execute(_SAID, {"id": row["id"]}).mappings():
        said[one["response_id"]].append(_line(one))
    found = session.execute(_STANDING, {"id": row["id"]}).mappings()
    standing = tuple(Standing(**one, lines=tuple(said[one["id"]])) for one in found)
    return Held(**row, lines=lines, standing=standing)


def move(
    session: Session, order: Held, state: str, *, starts_on: date | None = None, response_id: int = 0, now: datetime
) -> None:
    """Bring an order into the state its answer calls for, with what follows from that for its coverage, budget and follow-ups."""
    session.execute(_MOVE, {"id": order.id, "state": state, "starts_on": starts_on, "now": now})
    if state != "received":
        closing.order_answered(session, order.id, state)
        session.execute(_OVERTAKEN, {"id": order.id, "response_id": response_id, "now": now})
    if state == "rejected":
        session.execute(_FREE, {"id": order.id, "approval_id": order.approval_id, "now": now})
        standing.end_of_order(session, order.id, actor="avain", now=now)  # of its other services
        dirty.mark_orders(session, [order.id])


def _store(session: Session, order: Held, answer: Answer, state: str, reason: Message | None, *, now: datetime) -> int:
    response = OrderResponse(
        order_id=order.id,
        incoming_id=answer.incoming_id,
        code=answer.code,
        external_id=answer.external_id,
        issued_on=answer.issued_on,
        starts_on=answer.starts_on,
        note=answer.note,
        state=state,
        reason=None if reason is None else reason.to_json(),
        answered_at=now,
    )
    session.add(response)
    session.flush()  # its lines need its id
    session.add_all(_row(response.id, one) for one in answer.lines)
    session.flush()  # what follows reads them in SQL
    return response.id


def _row(response_id: int, line: LineAnswer) -> OrderResponseLine:
    first, last = line.first, line.last
    days = None if first is None and last is None else Range(first, last, bounds="[]")
    return OrderResponseLine(
        response_id=response_id,
        line_number=line.line_number,
        code=line.code,
        quantity=line.quantity,
        unit=line.unit,
        amount=line.amount,
        base_quantity=line.base_quantity if line.amount is not None else None,
        period=days,
    )


def _line(row: RowMapping) -> LineAnswer:
    base = row["base_quantity"]
    values = {name: row[name] for name in ("line_number", "code", "quantity", "unit", "amount", "first", "last")}
    return LineAnswer(**values, **({} if base is None else {"base_quantity": base}))
