"""The storm guard: far more mails than on other days are a mistake of somebody's (an import, a clock), and are held until a person looks.

A day is compared with the days of mails before it. Of a day that is held nothing is composed: what was to be told stays untold, so that the
next day's mails, or this day's when a person releases it, hold all of it. However many days are held one after the other, the operator hears
of them once.
"""

from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from core.errors import InputError, Message
from core.follow_up_settings import FollowUps, Storm
from core.i18n import N_
from schedules.jobs import calendar
from services import audit
from services.work.holding import settle

#: So many days with mails are looked back at; with fewer than so many of them, their median says nothing.
_LOOKED_BACK: Final = 20
_TOO_FEW: Final = 5
_KIND: Final = "daily_reminders"

FACTOR: Final = N_(
    "{mails} e-mails would go out today; on other days it was {usual}, and more than {allowed} are held."
)
FIRST: Final = N_("{mails} e-mails would go out today; on the first days more than {allowed} are held.")
SHARE: Final = N_("{mails} e-mails would go out today, to more than {percent} percent of all {workers} workers.")

#: Rows in: today. Rows out: how many mails the latest days before it had that had any.
_USUAL = text(
    """
    SELECT mails FROM digest_day WHERE local_date < :today AND state <> 'held' AND mails > 0
    ORDER BY local_date DESC LIMIT :days
    """
)
_WORKERS = text("SELECT count(*) FROM worker WHERE active")

#: Rows in: a day. Rows out: its state, locked.
_DAY = text("SELECT state FROM digest_day WHERE local_date = :today FOR UPDATE")
_MAILS = text("SELECT count(*) FROM digest WHERE local_date = :today")

#: Rows in: today. The day exists; without workers as long as nothing was composed on it.
_OPEN = text("INSERT INTO digest_day (local_date, state) VALUES (:today, 'composed') ON CONFLICT DO NOTHING")

_COMPOSED = text(
    """
    UPDATE digest_day SET mails = :mails, workers = :workers, reason = NULL,
        state = CASE WHEN state = 'released' THEN state ELSE 'composed' END
    WHERE local_date = :today
    """
)
_HELD = text(
    """
    UPDATE digest_day SET state = 'held', mails = :mails, workers = :workers, reason = :reason
    WHERE local_date = :today
    """
).bindparams(bindparam("reason", type_=JSONB))
_RELEASED = text(
    """
    UPDATE digest_day SET state = 'released', released_at = :now, released_by = :actor WHERE local_date = :today
    """
)

#: Rows in: today. Rows out: the days held that nobody has released, and no day's mails went out after, up to today; the first of them first.
_WAITING = text(
    """
    SELECT local_date, mails, workers, reason FROM digest_day
    WHERE state = 'held' AND local_date <= :today
      AND local_date > coalesce((SELECT max(local_date) FROM digest_day
                                 WHERE (state = 'released' OR (state = 'composed' AND workers > 0)) AND local_date <= :today), '-infinity')
    ORDER BY local_date
    """
)

_TOLD = text("UPDATE digest_day SET told_at = coalesce(told_at, :now) WHERE local_date = :day")


@dataclass(frozen=True)
class Held:
    """Reminders that wait for a person: since when, and of the last day how many to how many workers, and why."""

    since: date
    day: date
    mails: int
    workers: int
    reason: Message


class Day:
    """A day's composing. Whoever composes holds the day's row to the end of the transaction, so that two never compose at once."""

    def __init__(self, session: Session, today: date) -> None:
        self._session, self._today = session, today
        self.is_released = hold_day(session, today) == "released"
        self.mails_before: int = session.execute(_MAILS, {"today": today}).scalar_one()
        self.workers: int = session.execute(_WORKERS).scalar_one()

    def too_many(self, mails: int, storm: Storm) -> Message | None:
        """Why so many mails more are too many for the day; None when they are not, or a person has released it."""
        total = self.mails_before + mails
        if self.is_released or not mails or total <= storm.never_below:
            return None
        usual = list(self._session.execute(_USUAL, {"today": self._today, "days": _LOOKED_BACK}).scalars())
        return weigh(total, self.workers, usual, storm)

    def composed(self, mails: int) -> None:
        """So many mails more were composed."""
        values = {"today": self._today, "mails": self.mails_before + mails, "workers": self.workers}
        self._session.execute(_COMPOSED, values)
        settle(self._session, _KIND, "overtaken")

    def held(self, mails: int, reason: Message) -> None:
        """So many mails more were too many."""
        values = {
            "today": self._today,
            "mails": self.mails_before + mails,
            "workers": self.workers,
            "reason": reason.to_json(),
        }
        self._session.execute(_HELD, values)


def hold_day(session: Session, today: date) -> str:
    """Hold the day to the end of the transaction; its state. Before any follow-up is locked, or two could wait for each other for ever."""
    session.execute(_OPEN, {"today": today})
    return str(session.execute(_DAY, {"today": today}).scalar_one())


def weigh(mails: int, workers: int, usual: list[int], storm: Storm) -> Message | None:
    """Whether a day's mails are a storm, by how many the latest days had: why, or None. Pure."""
    if mails <= storm.never_below:
        return None
    if len(usual) < _TOO_FEW:
        if mails > storm.max_first:
            return Message(FIRST, mails=mails, allowed=storm.max_first)
    elif mails > storm.max_factor * median(usual):
        middle = median(usual)
        return Message(FACTOR, mails=mails, usual=round(middle), allowed=int(storm.max_factor * middle))
    if mails * 100 > storm.max_percent * workers:
        return Message(SHARE, mails=mails, percent=storm.max_percent, workers=workers)
    return None


def is_mail_day(today: date, settings: FollowUps) -> bool:
    """Whether mails go out at all today."""
    return calendar(settings).includes(today)


def must_be_mail_day(today: date, settings: FollowUps) -> None:
    """Raises InputError on a day on which no mails go out."""
    if not is_mail_day(today, settings):
        raise InputError("Today is not a working day; reminders are sent on working days.")


def held_now(session: Session, today: date) -> Held | None:
    """The reminders that wait for a person; None when none do."""
    rows = session.execute(_WAITING, {"today": today}).all()
    if not rows:
        return None
    last = rows[-1]
    return Held(rows[0].local_date, last.local_date, last.mails, last.workers, Message.from_json(last.reason))


def release(
    session: Session, settings: FollowUps, today: date, *, actor: str, now: datetime, seen: str | None = None
) -> None:
    """Let today's mails be composed, however many; audited. `seen`: the day whose held mails somebody looked at.

    Raises InputError when none are held, or others than were seen, or today no mails go out.
    """
    must_be_mail_day(today, settings)
    hold_day(session, today)
    held = held_now(session, today)
    if held is None:
        raise InputError("No reminders are held.")
    if seen is not None and seen != str(held.day):
        raise InputError("The reminders were held anew meanwhile; look at them again.")
    session.execute(_RELEASED, {"today": today, "now": now, "actor": actor})
    settle(session, _KIND, "approved")
    audit.record(session, actor, "reminders.released", f"day:{today}", now=now, since=str(held.since), mails=held.mails)


def mark_told(session: Session, day: date, now: datetime) -> None:
    """The operator was told that this day's mails are held."""
    session.execute(_TOLD, {"day": day, "now": now})
