"""What people do with answers: accept or decline what a provider proposes, settle what was held, write down what was said on the telephone."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import InputError, Message, NotFound
from core.i18n import N_
from services import audit
from services.budgets import dirty
from services.orders.replies.answer_judging import objections
from services.orders.replies.answer_values import Answer, Code, Held, LineAnswer, Standing, Taken
from services.orders.replies.answers import hold_order, move, take
from services.orders.show import STATE_NAMES
from services.orders.weighing import standing

#: Rows in: an answer that a person has settled. Rows changed: it, and the document it came in.
_SETTLE: Final = text(
    """
    WITH document AS (
        UPDATE incoming_document SET state = :state, settled_at = :now, settled_by = :actor, note = :note
        FROM order_response WHERE order_response.id = :id AND incoming_document.id = incoming_id AND incoming_document.state = 'held')
    UPDATE order_response SET state = :state, settled_at = :now, settled_by = :actor WHERE id = :id
    """
)

#: Rows in: an order and planned services of which it brings nothing. Rows changed: its coverage of them, which can then be ordered elsewhere.
_FREE_ITEMS: Final = text(
    "UPDATE order_coverage SET live = false WHERE order_id = :id AND plan_item_id = ANY(:items) AND live"
)

#: Rows in: an order that was rejected, and is accepted after all. Rows changed: what it covers, which nothing else may cover meanwhile.
_COVER_AGAIN: Final = text("UPDATE order_coverage SET live = true WHERE order_id = :id AND NOT live")

#: Rows in: an order whose provider's changes were declined. Rows changed: it, waiting for an answer as before.
_ASK_AGAIN: Final = text(
    "UPDATE purchase_order SET state = 'received', answered_at = NULL WHERE id = :id AND state = 'changed'"
)

_NOTHING_HELD: Final = N_("No answer to {order} waits for anybody.")


def apply_held(session: Session, number: str, *, actor: str, reason: str = "", now: datetime) -> Taken:
    """Do what the latest answer that waits says, whatever was answered before; with changes that it proposes the order stands as accepted.

    The order and its document stay as they are: what it binds of the budget is the most it may cost. A line the provider declines frees its
    service. Raises NotFound, InputError where nothing waits, or what is proposed goes beyond the order: that needs a new one.
    """
    order = _found(session, number)
    return _apply(session, order, _waiting(order), actor=actor, reason=reason, now=now)


def discard_held(session: Session, number: str, *, actor: str, reason: str, now: datetime) -> Taken:
    """Let the latest answer that waits be. An order with declined changes stands as it was sent, and waits for another answer.

    The provider is told by a person. Raises NotFound, InputError (no reason, nothing waits).
    """
    order = _found(session, number)
    return _discard(session, order, _waiting(order), actor=actor, reason=reason, now=now)


def respond(
    session: Session,
    number: str,
    code: Code,
    *,
    actor: str,
    reason: str = "",
    starts_on: date | None = None,
    quantities: Mapping[int, Decimal] | None = None,
    now: datetime,
) -> Taken:
    """Write down an answer that came by telephone or letter: a person's word also replaces an earlier answer.

    `quantities`: of a proposal (`CA`), by line number. Raises NotFound, InputError where the answer does not fit the order.
    """
    order = _found(session, number)
    lines = _changed_lines(order, quantities or {}) if code == "CA" else ()
    _must_fit(order, starts_on, lines)
    if order.state == "rejected" and code in {"AP", "CA"}:  # that it arrived (AB) is no change of mind
        _cover_again(session, order)
    taken = take(
        session, Answer(number, code, starts_on=starts_on, lines=lines, issued_on=local_date(now), by=actor), now=now
    )
    if taken.state in {"refused", "repeated"}:
        raise InputError(taken.reason or Message(_NOTHING_HELD, order=number))
    audit.record(
        session,
        actor,
        "order.answer_noted",
        f"order:{number}",
        now=now,
        reason=reason,
        answer=code,
        state_before=order.state,
    )
    return taken


def starts_on(session: Session, number: str) -> date | None:
    """The first day that the provider of an order has promised; None: none yet."""
    day: date | None = session.execute(
        text("SELECT starts_on FROM purchase_order WHERE number = :number"), {"number": number}
    ).scalar()
    return day


def _apply(session: Session, order: Held, held: Standing, *, actor: str, reason: str, now: datetime) -> Taken:
    if order.state in {"cancelled", "closed"}:
        raise InputError(
            "{order} is {state}; the answer can only be discarded.", order=order.number, state=_state(order)
        )
    _must_fit(order, held.starts_on, held.lines)
    if order.state == "rejected" and held.code != "RE":
        _cover_again(session, order)
    # settled before the order moves: what it overtakes is what still waits
    _settle(session, held, "applied", actor=actor, reason=reason, now=now)
    declined, all_items = _declined(order, held), {line.plan_item_id for line in order.lines}
    # of which nothing is left is rejected, whatever its code: nobody hands a family's contact details over for it
    state = "rejected" if held.code == "RE" or (all_items and declined == all_items) else "accepted"
    move(session, order, state, starts_on=held.starts_on, response_id=held.id, now=now)
    if state == "accepted" and declined:
        session.execute(_FREE_ITEMS, {"id": order.id, "items": sorted(declined)})
        standing.end(
            session, declined, actor=actor, now=now
        )  # no further months of it from this provider by themselves
        dirty.mark_orders(session, [order.id])
    audit.record(
        session,
        actor,
        "order.answer_applied",
        f"order:{order.number}",
        now=now,
        reason=reason,
        answer=held.code,
        state_before=order.state,
    )
    return Taken("applied", order.number, None, order.id, held.id)


def _discard(session: Session, order: Held, held: Standing, *, actor: str, reason: str, now: datetime) -> Taken:
    if not reason.strip():
        raise InputError("A note is needed: say why.")
    _settle(session, held, "discarded", actor=actor, reason=reason, now=now)
    if held.code == "CA":
        session.execute(_ASK_AGAIN, {"id": order.id})
    audit.record(
        session, actor, "order.answer_discarded", f"order:{order.number}", now=now, reason=reason, answer=held.code
    )
    return Taken("applied", order.number, None, order.id, held.id)


def _settle(session: Session, held: Standing, state: str, *, actor: str, reason: str, now: datetime) -> None:
    session.execute(_SETTLE, {"id": held.id, "state": state, "actor": actor, "note": reason, "now": now})


def _must_fit(order: Held, starts_on: date | None, lines: tuple[LineAnswer, ...]) -> None:
    """Raises InputError for what goes beyond the order."""
    wrong = next(objections(order, starts_on, None, lines), None)
    if wrong is not None:
        raise InputError(
            "{reason} That cannot be accepted as it is: cancel {order} and order anew.",
            reason=wrong,
            order=order.number,
        )


def _declined(order: Held, held: Standing) -> set[int]:
    """The planned services no line of which the provider will bring."""
    declined = {one.line_number for one in held.lines if one.code == "7"}
    kept = {line.plan_item_id for line in order.lines if line.line_number not in declined}
    return {line.plan_item_id for line in order.lines} - kept


def _cover_again(session: Session, order: Held) -> None:
    try:
        with session.begin_nested():
            session.execute(_COVER_AGAIN, {"id": order.id})
    except IntegrityError as taken:
        raise InputError("What {order} was to bring has been ordered anew meanwhile.", order=order.number) from taken
    dirty.mark_orders(session, [order.id])


def _changed_lines(order: Held, quantities: Mapping[int, Decimal]) -> tuple[LineAnswer, ...]:
    """An answer to every line of the order: changed where a quantity is given, else as ordered."""
    strange = sorted(quantities.keys() - {line.line_number for line in order.lines})
    if strange:
        raise InputError("{order} has no line {line}.", order=order.number, line=strange[0])
    return changed_lines(order, quantities)


def changed_lines(order: Held, quantities: Mapping[int, Decimal]) -> tuple[LineAnswer, ...]:
    """An answer to every line of an order: 3 (changed) where another quantity is given, else 5 (as ordered)."""
    changed = {one.line_number: quantities.get(one.line_number, one.quantity) for one in order.lines}
    return tuple(
        LineAnswer(one.line_number, "5")
        if changed[one.line_number] == one.quantity
        else LineAnswer(one.line_number, "3", quantity=changed[one.line_number], unit=one.unit)
        for one in order.lines
    )


def _waiting(order: Held) -> Standing:
    found = next((one for one in reversed(order.standing) if one.state == "held"), None)
    if found is None:
        raise InputError(_NOTHING_HELD, order=order.number)
    return found


def _found(session: Session, number: str) -> Held:
    order = hold_order(session, number)
    if order is None:
        raise NotFound("There is no purchase order {order}.", order=number)
    return order


def _state(order: Held) -> Message:
    return Message(STATE_NAMES[order.state])
