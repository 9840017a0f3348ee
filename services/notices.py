"""Notices: what a worker should hear once. The daily e-mail drains them (services/reminders)."""

from dataclasses import dataclass

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from core.errors import Message
from models.base import table_of
from models.follow_up import Notice


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
