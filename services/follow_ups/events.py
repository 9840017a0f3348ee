"""What people do about a follow-up, kept twice: as its own history, shown on its page, and in the audit trail."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.errors import InputError, Message, NotFound
from models.follow_up import FollowUp, FollowUpEvent
from services import audit
from services.follow_ups.words import STATES


def locked(session: Session, follow_up_id: int) -> FollowUp:
    """The follow-up, held until the transaction ends: of two people at once the second meets what the first has done. Raises NotFound."""
    follow_up = session.get(FollowUp, follow_up_id, with_for_update=True, populate_existing=True)
    if follow_up is None:
        raise NotFound("There is no follow-up {id}.", id=follow_up_id)
    return follow_up


def open_one(session: Session, follow_up_id: int) -> FollowUp:
    """The follow-up, locked, if something can still be done about it. Raises NotFound, or InputError for one that is settled."""
    follow_up = locked(session, follow_up_id)
    if follow_up.state not in {"open", "snoozed"}:
        raise InputError(
            "Follow-up {id} is settled already ({state}); nothing was changed.",
            id=follow_up_id,
            state=Message(STATES[follow_up.state]),
        )
    return follow_up


def record_event(
    session: Session, follow_up: FollowUp, act: str, actor: str, *, now: datetime, reason: str = "", **details: Any
) -> None:
    """Keep that somebody did something (one of models.follow_up.FOLLOW_UP_ACTS), with JSON `details`."""
    session.add(FollowUpEvent(follow_up_id=follow_up.id, act=act, actor=actor, reason=reason, details=details, at=now))
    subject = f"follow_up:{follow_up.id}"
    audit.record(session, actor, f"follow_up.{act}", subject, now=now, reason=reason, kind=follow_up.kind, **details)
