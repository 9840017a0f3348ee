"""Notices: what a worker should hear once. The daily e-mail drains them (services/reminders); its links lead to their pages."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from core.errors import Message, NotFound
from models.base import table_of
from models.follow_up import Notice
from services.access.cases import STANDS_FOR, VISIBLE, visible_cases
from services.access.people import Person

#: Those whose news a person hears: their own, and who they stand in for today. Everybody's for whom no row is kept from.
HEARD: Final = f"(CAST(:sees_everything AS boolean) OR notice.worker_id = ANY(ARRAY({STANDS_FOR})))"

#: A notice goes to whoever was responsible when it was written. Who is no longer is not told of the case (nor of its orders) any more.
STILL_SEEN: Final = f"""
    (split_part(notice.subject, ':', 1) NOT IN ('case', 'item') OR EXISTS (
        SELECT FROM client_case WHERE client_case.number = split_part(split_part(notice.subject, ':', 2), '/', 1) AND {VISIBLE}))
    AND (split_part(notice.subject, ':', 1) <> 'order' OR NOT EXISTS (
        SELECT FROM purchase_order
        JOIN decision ON decision.id = purchase_order.decision_id JOIN client_case ON client_case.id = decision.case_id
        WHERE purchase_order.number = split_part(notice.subject, ':', 2) AND {VISIBLE} IS NOT TRUE))
"""  # noqa: S608 - our own words

#: What a family sent and nobody has to hear of any more: every proposal of the case is answered, every wish read.
ANSWERED: Final = """
    (notice.kind = 'family_proposal' AND NOT EXISTS (
        SELECT FROM family_proposal JOIN client_case ON client_case.id = family_proposal.case_id
        WHERE 'case:' || client_case.number = notice.subject AND family_proposal.state = 'open')
    OR notice.kind = 'family_wish' AND NOT EXISTS (
        SELECT FROM family_wish JOIN client_case ON client_case.id = family_wish.case_id
        WHERE 'case:' || client_case.number = notice.subject AND family_wish.seen_at IS NULL AND family_wish.noted_at IS NULL))
"""

#: Rows in: a notice, a person. Rows out: it, if it was written to them, to whom they stand in for, or to somebody of the unit they supervise;
#: or else if a mail told them of it.
_ONE: Final = text(
    f"""
    SELECT notice.id, notice.kind, notice.subject, notice.message, notice.recorded_at FROM notice
    WHERE notice.id = :id AND {STILL_SEEN} AND (
        {HEARD}
        OR (CAST(:as_supervisor AS boolean) AND notice.worker_id IN (
            SELECT colleague.id FROM worker AS colleague JOIN unit ON unit.id = colleague.unit_id WHERE unit.supervisor_id = :me))
        OR EXISTS (SELECT FROM digest WHERE digest.worker_id = :me AND items -> 'news' @> to_jsonb(notice.id)))
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class Told:
    """A notice as its reader sees it; `message` may be empty, then its kind says what there is to say."""

    id: int
    kind: str
    subject: str
    message: dict[str, Any]
    recorded_at: datetime


@dataclass(frozen=True)
class News:
    """What happened: `kind` says what sort, `subject` to what (`order:T-2026-000001`), `event` tells repetitions apart."""

    worker_id: int
    kind: str
    subject: str
    event: str
    message: Message


def tell(session: Session, news: list[News]) -> int:
    """Keep news for their workers; what a worker was told of before is passed over. Returns how many are new."""
    if not news:
        return 0
    statement = upsert(table_of(Notice)).on_conflict_do_nothing().returning(table_of(Notice).c.id)
    rows = [
        {
            "worker_id": n.worker_id,
            "kind": n.kind,
            "subject": n.subject,
            "event": n.event,
            "message": n.message.to_json(),
        }
        for n in news
    ]
    return len(session.execute(statement, rows).all())


def read_notice(session: Session, person: Person, notice_id: int, today: date) -> Told:
    """A notice. Raises NotFound alike for one that does not exist, one that is not theirs, and one of a case that is no longer theirs."""
    row = session.execute(_ONE, {**visible_cases(person, today), "id": notice_id}).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such page.")
    return Told(**row)
