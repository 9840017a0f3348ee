"""Sending a composed mail: begin, hand over (outside any transaction), record.

`sending` is committed before the first byte leaves. A mail found in `sending` may have been taken by the server just before its
process died (RFC 1047: nobody can know): the very same bytes go out once more under the same Message-ID, and after that a
person decides. A mail whose day has passed unsent is taken apart again, so that the missed days become one mail. So is one whose recipient
turns out to be unreachable: what it told is told again, to whoever stands in. A mail that was given up is sent when a person has its Work tried
again on its day; later, what it told is told in the next one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import LeaseLost, Message, Permanent
from core.i18n import N_
from services import notices
from services.effects.elsewhere import left_elsewhere
from services.reminders import addresses
from services.reminders.addresses import usable
from services.work import Claimed
from services.work.batch import CLOSED
from services.work.lease import Ended, when_given_up

#: Rows in: a digest. Rows out: it and its recipient's address of today, held until the transaction ends.
_DIGEST = text(
    """
    SELECT digest.id, digest.state, digest.local_date, digest.document, digest.message_id, worker.email, worker.refused_email, worker.external_id, worker.active
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

#: Rows in: digests. Rows out: those that can be sent just so: never tried before, here or by the instance this one was restored from, of today,
#: something in it still open, a worker who is still here and can be written to.
_READY = text(
    """
    SELECT digest.id, worker.email, digest.document
    FROM digest JOIN worker ON worker.id = digest.worker_id
    WHERE digest.id = ANY(:ids) AND digest.state = 'composed' AND digest.local_date >= :today
      AND worker.active AND worker.email IS DISTINCT FROM worker.refused_email AND worker.email <> ''
      AND (jsonb_array_length(items -> 'news') > 0
           OR EXISTS (SELECT FROM follow_up WHERE state IN ('open', 'snoozed')
                      AND id IN (SELECT jsonb_array_elements_text((items -> 'announced') || (items -> 'escalated'))::bigint)))
      AND NOT EXISTS (SELECT FROM sent_elsewhere WHERE key = digest.message_id AND sure)
    """
)

#: Rows in: a digest that was taken, with the Work that sent it; perhaps the next, which was ready, with the Work that sends it. Rows out: whether
#: the first was recorded (its lease was still ours), and whether the next is on its way now. Between two mails this is all there is, so it asks
#: for rows by their keys alone: to plan more would take longer than to do it. Its commit is seen by everybody at once and outlives this process,
#: but not a crash of the database server or a power cut, for which the disk would be waited for longer than the mail takes; the next claim
#: (services/work/batch.py) does wait, and for all before it. So after one of them a share of mails may go out a second time, the same bytes under
#: the same Message-ID, and none is lost.
_TURN = text(
    "WITH"  # noqa: S608 - two constants
    + CLOSED
    + """
    , recorded AS (
        UPDATE digest SET state = 'sent', sent_at = :now FROM closed WHERE digest.id = :id
    ), held AS (
        SELECT 1 FROM work WHERE id = CAST(:next_work_id AS bigint) AND token = CAST(:next_token AS uuid) FOR UPDATE
    ), begun AS (
        UPDATE digest SET state = 'sending', recipient = :next_recipient
        FROM closed, held WHERE digest.id = CAST(:next_id AS bigint) AND digest.state = 'composed' RETURNING 1
    )
    SELECT EXISTS (SELECT FROM closed) AS closed, EXISTS (SELECT FROM begun) AS begun, set_config('synchronous_commit', 'off', true)
    """
)

_MOVE = text("UPDATE digest SET state = :state, recipient = coalesce(:recipient, recipient) WHERE id = :id")

#: Rows in: a digest. Its follow-ups count as not announced by it: they are due to be told again. One that a later mail told of, stays told; also
#: where counting began anew between the two (handed over, put off).
_FORGET_ANNOUNCED = text(
    """
    UPDATE follow_up SET announced_times = greatest(
                             announced_times - 1, CASE WHEN announced_on IS DISTINCT FROM digest.local_date AND announced_times > 0 THEN 1 ELSE 0 END),
                         announced_on = nullif(announced_on, digest.local_date)
    FROM digest WHERE digest.id = :id AND follow_up.id IN (SELECT jsonb_array_elements_text(items -> 'announced')::bigint)
    """
)
_FORGET_ESCALATED = text(
    """
    UPDATE follow_up SET escalated_on = nullif(escalated_on, digest.local_date)
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

#: Rows in: a digest that was given up and is sent after all. Its notices, which waited for the next one, are told by it.
_TELL_NEWS = text(
    """
    UPDATE notice SET told_at = :now
    FROM digest WHERE digest.id = :id AND notice.told_at IS NULL
      AND notice.id IN (SELECT jsonb_array_elements_text(items -> 'news')::bigint)
    """
)

#: Rows in: a digest. Rows out: whose it is, how it stands, and where it went.
_RECIPIENT_OF = text(
    """
    SELECT digest.worker_id, digest.state, coalesce(digest.recipient, worker.email) AS recipient
    FROM digest JOIN worker ON worker.id = digest.worker_id WHERE digest.id = :id FOR UPDATE OF digest
    """
)

#: Rows in: a digest that will not be sent, or came back. Rows out: its worker, whether that one can be written to at all, its day, and the
#: unit's supervisor if that is somebody else.
_LOST = text(
    """
    UPDATE digest SET state = :state, bounced_at = :bounced_at
    FROM worker LEFT JOIN unit ON unit.id = worker.unit_id AND unit.supervisor_id <> worker.id
    WHERE digest.id = :id AND digest.state = ANY(:from_states) AND worker.id = digest.worker_id
    RETURNING digest.local_date, worker.id AS worker_id, worker.external_id, unit.supervisor_id,
              NOT worker.active OR coalesce(worker.email, '') = '' OR worker.email IS NOT DISTINCT FROM worker.refused_email AS unreachable
    """
)
_NOT_SENT = ["composed", "sending", "repeated"]
#: Where nobody has to ask whether it is on its way already.
_CERTAIN = ("composed", "failed")
_PERHAPS_SENT = ["sent", "sending", "repeated"]


@dataclass(frozen=True)
class Outgoing:
    """A mail on its way: the bytes, and whom the server is told to give them to. `again`: its fate was in doubt before, or it was given up."""

    digest_id: int
    recipient: str
    message: bytes
    again: bool = False


@dataclass(frozen=True)
class Taken:
    """A mail that the server took, with its last word and when that was."""

    claimed: Claimed
    outgoing: Outgoing
    reply: str
    at: datetime


def begin(session: Session, digest_id: int, now: datetime) -> Outgoing | None:
    """Commit to sending a mail. None when there is nothing left to do: sent, also by another instance, taken apart, or all of it settled meanwhile.

    One that was given up comes here again only if a person asks for that. Raises Permanent when its fate is in doubt for the second time, or its recipient is gone or has no address any more.
    """
    row = session.execute(_DIGEST, {"id": digest_id}).one_or_none()
    if row is None or row.state not in {*_NOT_SENT, "failed"}:
        return None
    if left_elsewhere(session, row.message_id):
        return None
    if row.state == "repeated":
        raise Permanent(
            "It is not known whether {worker} received the daily e-mail of {date}, and it was repeated once already.",
            worker=row.external_id,
            date=row.local_date.isoformat(),
        )
    if row.state in _CERTAIN and row.local_date < local_date(now):
        _forget(session, digest_id, news=row.state == "composed")
        _move(session, digest_id, "expired")
        return None
    if row.state in _CERTAIN and not session.execute(_STILL_OPEN, {"id": digest_id}).scalar():
        _move(session, digest_id, "withdrawn")
        return None
    if not row.active:
        raise Permanent("The worker {worker} is not active.", worker=row.external_id)
    if not row.email:
        raise Permanent("Worker {worker} has no e-mail address any more.", worker=row.external_id)
    if not usable(row.email, row.refused_email):
        raise Permanent("The e-mail address of worker {worker} was refused.", worker=row.external_id)
    if row.state == "failed":
        session.execute(_TELL_NEWS, {"id": digest_id, "now": now})
    again = row.state != "composed"
    _move(session, digest_id, "repeated" if again else "sending", recipient=row.email)
    return Outgoing(digest_id, row.email, row.document.encode("ascii"), again)


def record_not_taken(session: Session, outgoing: Outgoing) -> None:
    """Record that the server certainly did not take it this time: the next attempt is not one more repeat."""
    _move(session, outgoing.digest_id, "sending" if outgoing.again else "composed")


def ready(session: Session, claims: Iterable[Claimed], today: date) -> dict[int, Outgoing]:
    """Those mails, by their Work, that can be sent just so; of the others `begin` says what hinders them."""
    works = {one.subject_id: one.work_id for one in claims}
    rows = session.execute(_READY, {"ids": list(works), "today": today})
    return {works[row.id]: Outgoing(row.id, row.email, row.document.encode("ascii")) for row in rows}


def record_and_begin(session: Session, taken: Taken, following: tuple[Claimed, Outgoing] | None) -> bool:
    """Record that the server has a mail, end its Work, and commit to sending the next, which was ready: one statement, one transaction.

    Whether the next may go. Raises LeaseLost when the mail's Work is not ours any more; then nothing is written.
    """
    claimed, outgoing = following if following is not None else (None, None)
    values = {
        "id": taken.outgoing.digest_id,
        "work_id": taken.claimed.work_id,
        "token": taken.claimed.token,
        "run_id": taken.claimed.run_id,
        "reply": taken.reply,
        "now": taken.at,
        "next_id": outgoing and outgoing.digest_id,
        "next_recipient": outgoing and outgoing.recipient,
        "next_work_id": claimed and claimed.work_id,
        "next_token": claimed and claimed.token,
    }
    row = session.execute(_TURN, values).one()
    if not row.closed:
        raise LeaseLost("The lease of work {work} was lost.", work=taken.claimed.work_id)
    return bool(row.begun)


def record_refused(session: Session, outgoing: Outgoing, reason: Message, now: datetime) -> None:
    """Record that its address was refused for good, in the transaction that gives the mail up."""
    row = session.execute(_RECIPIENT_OF, {"id": outgoing.digest_id}).one()
    addresses.refuse(session, row.worker_id, outgoing.recipient, reason, now)


@when_given_up("send_digest")
def give_up(session: Session, ended: Ended) -> None:
    """The mail will not be sent: its news waits for the next one, and the supervisor hears that the worker was not reached.

    Its follow-ups stay announced, so that they are repeated and escalated when promised; but where the worker cannot be written to at
    all, they too are told again, to whoever stands in.
    """
    if ended.subject_id is not None:
        _lose(session, ended.subject_id, ended.message, state="failed", from_states=_NOT_SENT)


def bounce(session: Session, digest_id: int, reason: Message, *, for_good: bool, now: datetime) -> bool:
    """The mail came back (services/reminders/bounces.py); `for_good`: the address takes no mail at all. Told again is all it told.

    False when that was known, or it had not been sent.
    """
    row = session.execute(_RECIPIENT_OF, {"id": digest_id}).one()
    if row.state not in _PERHAPS_SENT:
        return False
    if for_good:
        addresses.refuse(session, row.worker_id, row.recipient, reason, now)
    return _lose(session, digest_id, reason, state="bounced", from_states=_PERHAPS_SENT, bounced_at=now)


def _lose(
    session: Session,
    digest_id: int,
    reason: Message,
    *,
    state: str,
    from_states: list[str],
    bounced_at: datetime | None = None,
) -> bool:
    values = {"id": digest_id, "state": state, "from_states": from_states, "bounced_at": bounced_at}
    row = session.execute(_LOST, values).one_or_none()
    if row is None:
        return False
    if row.unreachable or bounced_at is not None:
        _forget(session, digest_id)
    else:
        session.execute(_FORGET_NEWS, {"id": digest_id})
    if row.supervisor_id is not None:
        message = Message(
            N_("The daily e-mail of {date} to {worker} could not be delivered: {error}"),
            date=row.local_date.isoformat(),
            worker=row.external_id,
            error=reason.text(),
        )
        about = f"worker:{row.external_id}"
        told = notices.News(row.supervisor_id, "digest_undelivered", about, row.local_date.isoformat(), message)
        notices.tell(session, [told])
    return True


def _forget(session: Session, digest_id: int, *, news: bool = True) -> None:
    """What it told is due to be told again; its notices only if they are not waiting for that already."""
    for statement in (_FORGET_ANNOUNCED, _FORGET_ESCALATED, *([_FORGET_NEWS] if news else [])):
        session.execute(statement, {"id": digest_id})


def _move(session: Session, digest_id: int, state: str, *, recipient: str | None = None) -> None:
    session.execute(_MOVE, {"id": digest_id, "state": state, "recipient": recipient})
