"""Work in the hands of a test: called for, claimed, lapsed, looked at."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from services.work import Claimed, call, claim

BOOM = Message("boom")


def lapse(session: Session, work_id: int) -> None:
    """Let the lease run out, as time would."""
    session.execute(
        text("UPDATE work SET lease_until = clock_timestamp() - interval '1 second' WHERE id = :id"), {"id": work_id}
    )


def make_due(session: Session, work_id: int) -> None:
    session.execute(
        text("UPDATE work SET next_at = clock_timestamp(), enqueued_at = NULL WHERE id = :id"), {"id": work_id}
    )


def state(session: Session, work_id: int):
    return session.execute(text("SELECT * FROM work WHERE id = :id"), {"id": work_id}).one()


def outcomes(session: Session, work_id: int) -> list[str | None]:
    return list(
        session.execute(text("SELECT outcome FROM run WHERE work_id = :id ORDER BY id"), {"id": work_id}).scalars()
    )


def called(session: Session, key: str = "k", **options) -> int:
    work_id = call(session, "deliver_order", key, **options)
    assert work_id is not None
    return work_id


def claimed(session: Session, work_id: int) -> Claimed:
    found = claim(session, work_id)
    assert found is not None
    return found
