"""Sending a letter: begin, hand over (outside any transaction), record; as services/reminders/sending.py does.

A letter found in `sending` may have been taken by the server just before its process died: the very same bytes go out once more under
the same Message-ID, and after that a person decides.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.errors import Permanent
from models.alarm import StoredLetter
from services.effects.elsewhere import left_elsewhere
from services.work.lease import Ended, when_given_up

_MOVE = text("UPDATE letter SET state = :state, sent_at = coalesce(:sent_at, sent_at) WHERE id = :id")


@dataclass(frozen=True)
class Outgoing:
    """A letter on its way: the bytes, and whom the server is told to give them to."""

    letter_id: int
    recipient: str
    message: bytes


def begin(session: Session, letter_id: int) -> Outgoing | None:
    """Commit to sending a letter; None when it was sent, also by another instance. Raises Permanent when its fate is in doubt for the second time.

    One that was given up is begun anew: only a person has its work done again.
    """
    letter = session.execute(
        select(StoredLetter).where(StoredLetter.id == letter_id).with_for_update()  # type: ignore[arg-type]
    ).scalar_one_or_none()
    if letter is None or letter.state == "sent" or left_elsewhere(session, letter.message_id):
        return None
    if letter.state == "repeated":
        raise Permanent("It is not known whether the letter was received, and it was repeated once already.")
    letter.state = "repeated" if letter.state == "sending" else "sending"
    return Outgoing(letter.id, letter.recipient, letter.document.encode("ascii"))


def record_not_taken(session: Session, outgoing: Outgoing) -> None:
    """Record that the server certainly does not have it: the next attempt is a first one, not a repeat."""
    session.execute(_MOVE, {"id": outgoing.letter_id, "state": "composed", "sent_at": None})


def record(session: Session, outgoing: Outgoing, now: datetime) -> None:
    """Record, in the transaction that closes the Run, that the server has it."""
    session.execute(_MOVE, {"id": outgoing.letter_id, "state": "sent", "sent_at": now})


@when_given_up("send_letter")
def give_up(session: Session, ended: Ended) -> None:
    """It will not be sent by itself any more; that stands among the failed runs, and what it told of is listed by the commands it names."""
    session.execute(_MOVE, {"id": ended.subject_id, "state": "failed", "sent_at": None})
