"""Settling a follow-up: acknowledged with what was found, put off, or not needed. Who did it and when is always recorded.

What was found is kept as answers from fixed lists (DOMAIN "Follow-up"): free text about a family belongs in the client
information system, not here.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import InputError, NotFound
from models.follow_up import FollowUp
from schedules.working_days import WorkingDays
from services import audit

RATED_BY = ("child", "parent", "adult")

_DEGREES = ("yes", "partly", "no")

#: What may be noted, and the answers there are.
FINDINGS: dict[str, tuple[str, ...]] = {
    "runs_as_agreed": _DEGREES,
    "supports_goals": _DEGREES,
    "new_ways_in_daily_use": _DEGREES,
    "family_present": ("yes", "no"),
    "end_result": ("need_met", "continues", "heavier_service"),
}

#: Rows in: a case number and today. Rows out: its open follow-up that is due first, if any.
_NEXT_OF_CASE = text(
    """
    SELECT follow_up.id FROM follow_up
    JOIN plan_item ON plan_item.id = follow_up.plan_item_id
    JOIN client_case ON client_case.id = plan_item.case_id
    WHERE client_case.number = :number AND follow_up.state IN ('open', 'snoozed')
    ORDER BY follow_up.due, follow_up.id LIMIT 1
    """
)


def find(session: Session, reference: str) -> int:
    """The id of the follow-up a person means: its own id, or a case number (`HB-…`) for the case's next open one.

    Raises NotFound.
    """
    if reference.isdecimal() and session.get(FollowUp, int(reference)) is not None:
        return int(reference)
    found = session.execute(_NEXT_OF_CASE, {"number": reference}).scalar()
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
    findings: dict[str, str] | None = None,
) -> FollowUp:
    """Settle a follow-up as done. `rating` 1–5 goes with who gave it (RATED_BY); `findings` with answers of FINDINGS.

    Raises NotFound, or InputError for one that is settled already and for values there are not.
    """
    if (rating is None) != (rated_by is None):
        raise InputError("A rating goes with who gave it, and the other way round.")
    if rating is not None and not 1 <= rating <= 5:
        raise InputError("A rating is a whole number from 1 to 5, not {rating}.", rating=rating)
    if rated_by is not None and rated_by not in RATED_BY:
        raise InputError(
            "{value} cannot give a rating; these can: {allowed}", value=rated_by, allowed=", ".join(RATED_BY)
        )
    _check_findings(findings or {})
    follow_up = _open(session, follow_up_id)
    follow_up.state, follow_up.settled_at, follow_up.settled_by = "acknowledged", now, actor
    follow_up.rating, follow_up.rated_by, follow_up.findings = rating, rated_by, dict(findings or {})
    _record(session, follow_up, "acknowledged", actor, now=now, rating=rating, rated_by=rated_by, **follow_up.findings)
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
    _need_reason(reason)
    if until <= local_date(now):
        raise InputError("A follow-up can only be put off to a later day than today.")
    follow_up = _open(session, follow_up_id)
    follow_up.state, follow_up.due = "snoozed", calendar.on_or_after(until)
    follow_up.announced_on, follow_up.announced_times, follow_up.escalated_on = None, 0, None
    _record(session, follow_up, "snoozed", actor, now=now, reason=reason, until=follow_up.due.isoformat())
    return follow_up


def not_needed(session: Session, follow_up_id: int, *, actor: str, now: datetime, reason: str) -> FollowUp:
    """Settle a follow-up as superfluous. Raises NotFound or InputError."""
    _need_reason(reason)
    follow_up = _open(session, follow_up_id)
    follow_up.state, follow_up.settled_at, follow_up.settled_by = "not_needed", now, actor
    _record(session, follow_up, "not_needed", actor, now=now, reason=reason)
    return follow_up


def _open(session: Session, follow_up_id: int) -> FollowUp:
    """The follow-up, locked, if it can still be settled."""
    follow_up = session.get(FollowUp, follow_up_id, with_for_update=True, populate_existing=True)
    if follow_up is None:
        raise NotFound("There is no follow-up {id}.", id=follow_up_id)
    if follow_up.state not in {"open", "snoozed"}:
        raise InputError(
            "Follow-up {id} is settled already ({state}); nothing was changed.", id=follow_up_id, state=follow_up.state
        )
    return follow_up


def _check_findings(findings: dict[str, str]) -> None:
    for name, answer in findings.items():
        if name not in FINDINGS:
            raise InputError("{name} cannot be noted; these can: {allowed}", name=name, allowed=", ".join(FINDINGS))
        if answer not in FINDINGS[name]:
            raise InputError(
                "{name} has no answer {value}; allowed: {allowed}",
                name=name,
                value=answer,
                allowed=", ".join(FINDINGS[name]),
            )


def _need_reason(reason: str) -> None:
    if not reason.strip():
        raise InputError("A reason is needed; it is kept in the audit trail.")


def _record(
    session: Session, follow_up: FollowUp, act: str, actor: str, *, now: datetime, reason: str = "", **details: Any
) -> None:
    audit.record(
        session,
        actor,
        f"follow_up.{act}",
        f"follow_up:{follow_up.id}",
        now=now,
        reason=reason,
        kind=follow_up.kind,
        **details,
    )
