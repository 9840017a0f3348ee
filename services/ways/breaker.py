"""Whether a way out may be used just now, and what came of using it.

A way is closed as a road is: nothing goes there. So many failures in a row close it, whichever orders or mails they befell: what goes that
way then waits (waiting.py) and spends no attempt. After a pause one Work tries; in vain, and the pause begins anew, twice as long; else the
way is open, and all that waited goes. Which Work tries changes from try to try, so that one that fails for a reason of its own does not hold
up the rest. A process that dies trying holds up nobody for longer than an attempt may take.

Whoever takes a lock here takes it on the way's row first and on Work afterwards.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from core.clock import business_today
from core.errors import Message, Permanent, Postponed
from core.i18n import N_
from core.outgoing_settings import Outgoing
from services.ways import waiting
from services.ways.names import said
from services.work import Claimed, kind_of

#: So long after the one that tries all others may: more than any attempt to send something takes.
_OTHERS_AFTER: Final = timedelta(seconds=30 + max(kind_of(one).deadline for one in waiting.KINDS))
#: When nobody has tried for so long though one might have, it was Avain that was away (stopped, paused, restored from a copy), not the other side.
_AWAY: Final = timedelta(hours=1)
#: A longer wish of the other side is not listened to.
_LONGEST_WISH: Final = 86_400.0

#: Rows in: a way and a Work. Rows out: how the way is, and since when the Work has waited for it, while it was left alone; none where nothing
#: ever failed.
_STATE = text(
    """
    SELECT breaker.*, greatest(put_off.since, closed_at) AS since, put_off.work_id IS NOT NULL AS waits, clock_timestamp() AS now
    FROM breaker LEFT JOIN put_off ON put_off.work_id = :work_id AND way = name
    WHERE name = :way
    """
)

#: Rows in: a way, a Work, and for how many seconds it may be the one that tries. Rows out: one if it is.
_TRY = text(
    """
    UPDATE breaker SET probe_work = :work_id, probe_until = clock_timestamp() + make_interval(secs => :seconds)
    WHERE name = :way AND until <= clock_timestamp() AND (probe_until IS NULL OR probe_until <= clock_timestamp() OR probe_work = :work_id)
    RETURNING 1
    """
)

#: Rows in: a way and why it failed. Rows changed: its count, and it is locked. Rows out: how it was.
_COUNT = text(
    """
    INSERT INTO breaker AS way (name, failures, reason) VALUES (:way, 1, :reason)
    ON CONFLICT (name) DO UPDATE SET failures = way.failures + 1, reason = excluded.reason
    RETURNING failures, closed_at, until, tries, probe_work, clock_timestamp() AS now
    """
).bindparams(bindparam("reason", type_=JSONB))

#: Rows in: a way and until when. Rows changed: it is closed; nobody tries.
_CLOSE = text(
    """
    UPDATE breaker SET closed_at = coalesce(closed_at, clock_timestamp()), until = :until, tries = :tries, probe_work = NULL, probe_until = NULL
    WHERE name = :way
    """
)

#: Rows in: a way. Rows changed: it is open, and nothing is held against it. Rows out: whether it was closed; none where all was well.
_OPEN = text(
    """
    WITH before AS (
        SELECT closed_at FROM breaker WHERE name = :way AND (failures > 0 OR closed_at IS NOT NULL) FOR UPDATE
    )
    UPDATE breaker SET failures = 0, closed_at = NULL, until = NULL, tries = 0, probe_work = NULL, probe_until = NULL
    FROM before WHERE name = :way
    RETURNING before.closed_at IS NOT NULL AS was_closed
    """
)


#: Rows in: a way. Rows out: until when it is left alone, and it stays so until the transaction ends; none if it is open.
_STANDS = text(
    """
    SELECT until, probe_until, clock_timestamp() AS now FROM breaker WHERE name = :way AND closed_at IS NOT NULL FOR NO KEY UPDATE
    """
)


class ClosedError(Postponed):
    """The way is left alone. Whoever puts its Work off has it wait with all that goes that way (`wait_for`, `hold_back`)."""

    def __init__(self, way: str, message: Message) -> None:
        super().__init__(message)
        self.way = way


@dataclass(frozen=True)
class Left:
    """A way is left alone: the Work that failed is due again in `seconds`. `counts`: its attempt does, for the way was open when it began."""

    seconds: float
    counts: bool


def permit(session: Session, way: str, claimed: Claimed, settings: Outgoing) -> None:
    """Make sure that a Work may go a way now; of a closed one whose pause is over it becomes the one that tries.

    Raises ClosedError when it has to wait, Permanent when it has waited for too long.
    """
    row = session.execute(_STATE, {"way": way, "work_id": claimed.work_id}).one_or_none()
    if row is None or row.closed_at is None:
        return
    given_up = row.waits and row.now - row.since > timedelta(days=settings.give_up_days)
    if given_up and row.now - row.until <= _AWAY:
        raise Permanent(
            "{way}: it does not work, and this has waited for it since {moment}. {error}",
            moment=row.since.isoformat(),
            way=said(way),
            error=Message.from_json(row.reason),
        )
    seconds = kind_of(claimed.kind).deadline
    if session.execute(_TRY, {"way": way, "work_id": claimed.work_id, "seconds": seconds}).first() is not None:
        return
    message = Message(
        N_("{way}: it does not work and has been left alone since {moment}. This waits until it works again."),
        way=said(way),
        moment=row.closed_at.isoformat(),
    )
    raise ClosedError(way, message)


def failed(
    session: Session, way: str, claimed: Claimed, message: Message, settings: Outgoing, *, wish: float | None = None
) -> Left | None:
    """Note that a way failed a Work, in a way that may pass. None: it may be used on; else all that goes that way is put off.

    `wish`: for how many seconds the other side asked to be left alone.
    """
    row = session.execute(_COUNT, {"way": way, "reason": message.to_json()}).one()
    if row.closed_at is None and row.failures < settings.failures:
        return None
    tried = row.probe_work == claimed.work_id
    waiting.wait_for(session, way, claimed.work_id, tried=tried)
    if row.closed_at is not None and not tried:  # it was on its way when the way was closed
        return Left(_seconds(row.now, max(row.now, row.until) + _OTHERS_AFTER), counts=False)
    if row.closed_at is not None and row.now - row.until > _AWAY:
        waiting.begin_anew(session, way)
    pause = max(settings.pause_after(row.tries + 1), min(wish or 0.0, _LONGEST_WISH))
    until = row.now + timedelta(seconds=pause)
    others = until + _OTHERS_AFTER
    session.execute(_CLOSE, {"way": way, "until": until, "tries": row.tries + 1})
    alone = waiting.put_off(session, way, until=until, others=others, today=business_today(session)) == 0
    return Left(_seconds(row.now, until if alone else others), counts=row.closed_at is None)


def hold_back(session: Session, way: str) -> float:
    """Put off all that is due and goes a closed way; for how many seconds at least. Zero when it has been opened meanwhile: nothing waits."""
    row = session.execute(_STANDS, {"way": way}).one_or_none()
    if row is None:
        return 0.0
    until = max(row.now, row.until, row.probe_until or row.until)
    waiting.put_off(session, way, until=until, others=until + _OTHERS_AFTER, today=business_today(session))
    return _seconds(row.now, until + _OTHERS_AFTER)


def answered(session: Session, way: str) -> bool:
    """Note that the other side took something, or said no to it: it is there. If it was left alone, all that waited is due now: True."""
    was_closed = bool(session.execute(_OPEN, {"way": way}).scalar_one_or_none())
    if was_closed:
        waiting.let_go(session, way)
    return was_closed


def _seconds(now: datetime, until: datetime) -> float:
    return max(0.0, (until - now).total_seconds())
