"""What else is done about a follow-up: a colleague takes it over, it is written down in the client information system, it is corrected."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import InputError, NotFound
from core.identity import Sealer
from models.follow_up import FollowUp
from services.access.non_disclosure import HIDDEN
from services.follow_ups.acknowledging import forget_telling
from services.follow_ups.events import locked, open_one, record_event
from services.follow_ups.findings import RECORDED, checked
from services.follow_ups.notes import open_note, seal_note
from services.reason import reason_of

#: Rows in: an external id. Rows out: the worker.
_COLLEAGUE: Final = text("SELECT id, external_id, active FROM worker WHERE external_id = :worker")
#: Rows in: a case. Rows out: its responsible worker, and whether its client is under non-disclosure.
_RESPONSIBLE: Final = text(
    f"""
    SELECT responsible_worker_id AS id, {HIDDEN} AS non_disclosure
    FROM client_case JOIN client ON client.id = client_case.client_id WHERE client_case.id = :case
    """  # noqa: S608 - our own words
)


def hand_over_to(
    session: Session, follow_up_id: int, colleague: str, *, actor: str, now: datetime, reason: str
) -> FollowUp:
    """Have a colleague (external id) do it; to the responsible worker: give it back. It is announced afresh.

    Raises NotFound, or InputError for one that is settled, a worker who is gone, one whose it is already, and a client under non-disclosure.
    """
    why = reason_of(reason)
    follow_up = open_one(session, follow_up_id)
    row = session.execute(_COLLEAGUE, {"worker": colleague if colleague.isprintable() else ""}).one_or_none()
    if row is None:
        raise NotFound("There is no worker {worker}.", worker=colleague)
    if not row.active:
        raise InputError("The worker {worker} is not active; choose somebody else.", worker=colleague)
    responsible = session.execute(_RESPONSIBLE, {"case": follow_up.case_id}).one()
    if row.id == (follow_up.handed_to_id or responsible.id):
        raise InputError("It is with {worker} already; nothing was changed.", worker=colleague)
    if responsible.non_disclosure and row.id != responsible.id:
        raise InputError(
            "The client is under non-disclosure (turvakielto): the follow-up stays with the responsible worker and whoever stands in."
        )
    follow_up.handed_to_id = None if row.id == responsible.id else row.id
    forget_telling(follow_up)
    record_event(session, follow_up, "handed_over", actor, now=now, reason=why, to=row.external_id)
    return follow_up


def write_down(session: Session, follow_up_id: int, *, actor: str, now: datetime) -> FollowUp:
    """Tick that what was found stands in the client information system. Raises NotFound or InputError."""
    follow_up = locked(session, follow_up_id)
    if follow_up.state != "acknowledged" or follow_up.kind not in RECORDED:
        raise InputError("There is nothing to write down: follow-up {id} is not acknowledged.", id=follow_up_id)
    if follow_up.written_down_at is not None:
        raise InputError("Follow-up {id} was ticked as written down before.", id=follow_up_id)
    follow_up.written_down_at, follow_up.written_down_by = now, actor
    record_event(session, follow_up, "written_down", actor, now=now)
    return follow_up


def correct(
    session: Session,
    follow_up_id: int,
    *,
    actor: str,
    now: datetime,
    reason: str,
    rating: int | None = None,
    rated_by: str | None = None,
    findings: Mapping[str, str] | None = None,
    note: str | None = None,
    sealer: Sealer | None = None,
) -> FollowUp:
    """Put other answers in the place of those that were acknowledged; the former ones stay in the history.

    `note` None leaves the sealed words as they are; others replace them, and of the former ones it is only kept that there were some. What
    was written down has to be written down again. Raises NotFound or InputError.
    """
    why = reason_of(reason)
    follow_up = locked(session, follow_up_id)
    if follow_up.state != "acknowledged":
        raise InputError("Only an acknowledged follow-up can be corrected.")
    kept = checked(follow_up.kind, rating, rated_by, findings or {}, local_date(now))
    before = _answers(follow_up)
    after: dict[str, Any] = {"rating": rating, "rated_by": rated_by, **kept}
    changed: dict[str, Any] = {}
    if note is not None and note.strip() != open_note(follow_up, sealer):
        follow_up.sealed_note, changed = seal_note(follow_up, note, sealer), {"note": True}
    if after == before and not changed:
        raise InputError("These are the answers that are kept already; nothing was changed.")
    if follow_up.written_down_at is not None:
        changed |= {"was_written_down": follow_up.written_down_at.isoformat()}
    follow_up.rating, follow_up.rated_by, follow_up.findings = rating, rated_by, kept
    follow_up.written_down_at = follow_up.written_down_by = None
    record_event(session, follow_up, "corrected", actor, now=now, reason=why, before=before, after=after, **changed)
    return follow_up


def _answers(follow_up: FollowUp) -> dict[str, Any]:
    return {"rating": follow_up.rating, "rated_by": follow_up.rated_by, **follow_up.findings}
