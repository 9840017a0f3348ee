"""Sending a composed mail: begin, hand over (outside any transaction), record.

`sending` is committed before the first byte leaves. A mail found in `sending` may have been taken by the server just before its
process died (RFC 1047: nobody can know): the very same bytes go out once more under the same Message-ID, and after that a
person decides. A mail whose day has passed unsent is taken apart again, so that the missed days become one mail.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message, Permanent
from core.i18n import N_
from services import notices
from services.work.lease import Ended, when_given_up

#: Rows in: a digest. Rows out: it and its recipient's address of today, held until the transaction ends.
_DIGEST = text(
    """
    SELECT digest.id, digest.state, digest.local_date, digest.document, digest.items, worker.email, worker.external_id
    FROM digest JOIN worker ON worker.id = digest.worker_id
    WHERE digest.id = :id
    FOR UPDATE OF digest
    """
)

#: Rows in: a digest. Rows out: how many of its items still need somebody to act.
_STILL_OPEN = text(
    """
    SELECT jsonb_array_length(items -> 'news')
         + (SELECT count(*) FROM follow_up WHERE state IN ('open', 'snoozed')
            AND id IN (SELECT jsonb_array_elements_text((items -> 'announced') || (items -> 'escalated'))::bigint))
    FROM digest WHERE id = :id
    """
)

_MOVE = text("UPDATE digest SET state = :state, sent_at = coalesce(:sent_at, sent_at) WHERE id = :id")

#: Rows in: a digest. Its follow-ups count as not announced by it: they are due to be told again.
_FORGET_ANNOUNCED = text(
    """
    UPDATE follow_up SET announced_times = greatest(announced_times - 1, 0), announced_on = NULL
    FROM digest WHERE digest.id = :id AND follow_up.id IN (SELECT jsonb_array_elements_text(items -> 'announced')::bigint)
    """
)
_FORGET_ESCALATED = text(
    """
    UPDATE follow_up SET escalated_on = NULL
    FROM digest WHERE digest.id = :id AND follow_up.id IN (SELECT jsonb_array_elements_text(items -> 'escalated')::bigint)
    """
)

#: Rows in: a digest. Its notices wait to be told again.
_FORGET_NEWS = text(
    """
    UPDATE notice SET told_at = NULL
    FROM digest WHERE digest.id = :id AND notice.id IN (SELECT jsonb_array_elements_text(items -> 'news')::bigint)
    """
)

#: Rows in: a digest that will not be sent. Rows out: its worker, day, and the unit's supervisor if that is somebody else.
_GIVEN_UP = text(
    """
    UPDATE digest SET state = 'failed'
    FROM worker LEFT JOIN unit ON unit.id = worker.unit_id AND unit.supervisor_id <> worker.id
    WHERE digest.id = :id AND digest.state NOT IN ('sent', 'failed') AND worker.id = digest.worker_id
    RETURNING digest.local_date, worker.external_id, unit.supervisor_id
    """
)


@dataclass(frozen=True)
class Outgoing:
    """A mail on its way: the bytes, and whom the server is told to give them to."""

    digest_id: int
    recipient: str
    message: bytes


def begin(session: Session, digest_id: int, today: date) -> Outgoing | None:
    """Commit to sending a mail. None when there is nothing left to do: sent, taken apart, or all of it settled meanwhile.

    Raises Permanent when its fate is in doubt for the second time, or its recipient has no address any more.
    """
    row = session.execute(_DIGEST, {"id": digest_id}).one_or_none()
    if row is None or row.state not in {"composed", "sending", "repeated"}:
        return None
    if row.state == "repeated":
        raise Permanent(
            "It is not known whether {worker} received the daily e-mail of {date}, and it was repeated once already.",
            worker=row.external_id,
            date=row.local_date.isoformat(),
        )
    if row.state == "composed" and row.local_date < today:
        _forget(session, digest_id)
        _move(session, digest_id, "expired")
        return None
    if row.state == "composed" and not session.execute(_STILL_OPEN, {"id": digest_id}).scalar():
        _move(session, digest_id, "withdrawn")
        return None
    if not row.email:
        raise Permanent("Worker {worker} has no e-mail address any more.", worker=row.external_id)
    _move(session, digest_id, "sending" if row.state == "composed" else "repeated")
    return Outgoing(digest_id, row.email, row.document.encode("ascii"))


def record_not_taken(session: Session, outgoing: Outgoing) -> None:
    """Record that the server certainly does not have it: the next attempt is a first one, not a repeat."""
    _move(session, outgoing.digest_id, "composed")


def record(session: Session, outgoing: Outgoing, now: datetime) -> None:
    """Record, in the transaction that closes the Run, that the server has it."""
    _move(session, outgoing.digest_id, "sent", sent_at=now)


@when_given_up("send_digest")
def give_up(session: Session, ended: Ended) -> None:
    """The mail will not be sent: its news waits for the next one, and the supervisor hears that the worker was not reached.

    Its follow-ups stay announced, so that they are repeated and escalated when promised.
    """
    row = session.execute(_GIVEN_UP, {"id": ended.subject_id}).one_or_none()
    if row is None:
        return
    session.execute(_FORGET_NEWS, {"id": ended.subject_id})
    if row.supervisor_id is not None:
        message = Message(
            N_("The daily e-mail of {date} to {worker} could not be delivered: {error}"),
            date=row.local_date.isoformat(),
            worker=row.external_id,
            error=ended.message.text(),
        )
        notices.tell(
            session,
            [
                notices.News(
                    row.supervisor_id,
                    "digest_undelivered",
                    f"worker:{row.external_id}",
                    row.local_date.isoformat(),
                    message,
                )
            ],
        )


def _forget(session: Session, digest_id: int) -> None:
    for statement in (_FORGET_ANNOUNCED, _FORGET_ESCALATED, _FORGET_NEWS):
        session.execute(statement, {"id": digest_id})


def _move(session: Session, digest_id: int, state: str, sent_at: datetime | None = None) -> None:
    session.execute(_MOVE, {"id": digest_id, "state": state, "sent_at": sent_at})
