"""Settling a follow-up: acknowledged with what was found, put off, or not needed. Who did it and when is always recorded."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import InputError, NotFound
from core.identity import Sealer
from models.follow_up import FollowUp
from schedules.working_days import WorkingDays
from services.follow_ups.events import open_one, record_event
from services.follow_ups.findings import RATED, checked
from services.follow_ups.notes import seal_note
from services.orders.replies import hand_over
from services.reason import reason_of

#: In days, from today.
_FURTHEST: Final = 366

#: Rows in: a case number, kinds. Rows out: its open follow-up that is due first, if any; one of these kinds if it has one.
_NEXT_OF_CASE: Final = text(
    """
    SELECT follow_up.id FROM follow_up
    JOIN client_case ON client_case.id = follow_up.case_id
    WHERE client_case.number = :number AND follow_up.state IN ('open', 'snoozed')
    ORDER BY follow_up.kind = ANY(:kinds) DESC, follow_up.due, follow_up.id LIMIT 1
    """
)
#: Rows in: an order. Rows out: its number, while its hand-over is not ticked.
_TO_TICK: Final = text("SELECT number FROM purchase_order WHERE id = :order AND handed_over_at IS NULL")

#: Rows in: a follow-up. Its order, if it is of a hand-over, is held before the follow-up is: who ticks at the order's page holds them in that
#: order too, and the two would otherwise wait for each other for ever.
_ORDER_FIRST: Final = text(
    """
    SELECT FROM purchase_order WHERE id = (SELECT order_id FROM follow_up WHERE follow_up.id = :id AND kind = 'hand_over')
    FOR NO KEY UPDATE
    """
)

#: Rows in: a check of a service and today. Rows changed: checks of it that were due before, are open and late: somebody has looked at the
#: service since. One that somebody holds just now, as who composes the day's mails does, is passed over: to wait for it while holding a later
#: one could be waiting for each other.
_EARLIER: Final = text(
    """
    UPDATE follow_up SET state = 'dropped' WHERE id IN (
        SELECT earlier.id FROM follow_up AS earlier JOIN follow_up AS later ON later.plan_item_id = earlier.plan_item_id
        WHERE later.id = :id AND earlier.id <> later.id AND earlier.state = 'open' AND earlier.due < least(later.due, CAST(:today AS date))
          AND earlier.kind = ANY(:kinds) AND later.kind = ANY(:kinds)
        FOR UPDATE OF earlier SKIP LOCKED
    )
    """
)
_CHECKS: Final = ["start", "interval", "before_end", "final"]


def find(session: Session, reference: str, *, rated: bool = False) -> int:
    """The id of the follow-up a person means: its own id, or a case number (`HB-…`) for the case's next open one; where something is noted of
    the service (`rated`), its next one in which there is something to note. Raises NotFound.
    """
    if reference.isascii() and reference.isdecimal() and len(reference) < 19:
        known = session.get(FollowUp, int(reference))
        if known is not None:
            return known.id
    values = {"number": reference if reference.isprintable() else "", "kinds": sorted(RATED) if rated else []}
    found = session.execute(_NEXT_OF_CASE, values).scalar()
    if found is None:
        raise NotFound(
            "There is no open follow-up {reference}. List them with: avain reminder due", reference=reference
        )
    return int(found)


def acknowledge(
    session: Session,
    follow_up_id: int,
    *,
    actor: str,
    now: datetime,
    rating: int | None = None,
    rated_by: str | None = None,
    findings: Mapping[str, str] | None = None,
    note: str = "",
    sealer: Sealer | None = None,
) -> FollowUp:
    """Settle a follow-up as done. `rating` 1–5 goes with who gave it (findings.RATED_BY); `findings` are names and answers of findings.NOTED.

    A check of a service stands for those before it that are still open and late. `note` is kept where there is a `sealer`, and sealed. A hand-over of contact details is ticked with its order. Raises NotFound, or
    InputError for one that is settled already, for values there are not, and for an approval that waits: only approving settles it.
    """
    session.execute(_ORDER_FIRST, {"id": follow_up_id})
    follow_up = open_one(session, follow_up_id)
    if follow_up.kind == "approval":
        raise InputError("An approval that waits is settled by approving or declining the service.")
    kept = checked(follow_up.kind, rating, rated_by, findings or {}, local_date(now))
    sealed = seal_note(follow_up, note, sealer)
    if follow_up.kind == "hand_over" and _tick(session, follow_up, actor, now):
        return follow_up
    follow_up.state, follow_up.settled_at, follow_up.settled_by = "acknowledged", now, actor
    follow_up.rating, follow_up.rated_by, follow_up.findings, follow_up.sealed_note = rating, rated_by, kept, sealed
    found: dict[str, Any] = {"rating": rating, "rated_by": rated_by, **kept}
    if sealed is not None:
        found["note"] = True
    record_event(session, follow_up, "acknowledged", actor, now=now, **found)
    session.execute(_EARLIER, {"id": follow_up.id, "today": local_date(now), "kinds": _CHECKS})
    return follow_up


def snooze(
    session: Session,
    follow_up_id: int,
    *,
    actor: str,
    now: datetime,
    reason: str,
    until: date,
    calendar: WorkingDays,
) -> FollowUp:
    """Put a follow-up off to `until`, or the next working day; it is then announced afresh. Raises NotFound or InputError."""
    why = reason_of(reason)
    today = local_date(now)
    if until <= today:
        raise InputError("A follow-up can only be put off to a later day than today.")
    if (until - today).days > _FURTHEST:
        raise InputError("A follow-up can be put off by a year at most.")
    follow_up = open_one(session, follow_up_id)
    follow_up.state, follow_up.due = "snoozed", calendar.on_or_after(until)
    forget_telling(follow_up)
    record_event(session, follow_up, "snoozed", actor, now=now, reason=why, until=follow_up.due.isoformat())
    return follow_up


def not_needed(session: Session, follow_up_id: int, *, actor: str, now: datetime, reason: str) -> FollowUp:
    """Settle a follow-up as superfluous. Raises NotFound or InputError."""
    why = reason_of(reason)
    follow_up = open_one(session, follow_up_id)
    follow_up.state, follow_up.settled_at, follow_up.settled_by = "not_needed", now, actor
    record_event(session, follow_up, "not_needed", actor, now=now, reason=why)
    return follow_up


def forget_telling(follow_up: FollowUp) -> None:
    """Have it announced as a new one, when it is due."""
    follow_up.announced_on, follow_up.announced_times, follow_up.escalated_on = None, 0, None


def _tick(session: Session, follow_up: FollowUp, actor: str, now: datetime) -> bool:
    """Tick the hand-over with the order, if it is not. Returns whether that has settled the follow-up as well."""
    number = session.execute(_TO_TICK, {"order": follow_up.order_id}).scalar()
    if number is not None:
        hand_over.tick(session, number, actor=actor, now=now)
        session.refresh(follow_up)
    return follow_up.state == "acknowledged"
