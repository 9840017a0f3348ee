"""Composing the day's mails: one per person, stored as it will travel, together with the Work that sends it.

Composing, marking what was announced and calling for the sending are one transaction: an item is either in a mail that will
be sent or still waiting to be told. Whoever composes holds the day (guard.Day): of two at once the second finds everybody served.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.errors import Message
from core.follow_up_settings import FollowUps
from models.base import table_of
from models.follow_up import Digest
from services.reminders.bundle import Bundle
from services.reminders.gathering import gather
from services.reminders.guard import Day, is_mail_day
from services.reminders.message import Writing, write
from services.work.calling import Call, call_many

__all__ = ["Composed", "ComposedMail", "compose_due", "is_mail_day"]

#: So many mails are written and stored at a time.
_BATCH: Final = 500
_KINDS: Final = ("announced", "escalated", "news")

#: Rows in: ids of follow-ups in today's mails to their workers.
_ANNOUNCED = text(
    "UPDATE follow_up SET announced_on = :today, announced_times = announced_times + 1 WHERE id = ANY(:ids)"
)

#: Rows in: ids of follow-ups in today's mails to supervisors. `escalated_on` is the last day the supervisor was told.
_ESCALATED = text("UPDATE follow_up SET escalated_on = :today WHERE id = ANY(:ids)")

#: Rows in: ids of notices in today's mails.
_TOLD = text("UPDATE notice SET told_at = :now WHERE id = ANY(:ids)")


@dataclass(frozen=True)
class ComposedMail:
    """One mail. `items`: what it tells, by ids; `document` is empty where nobody asked to see it."""

    worker: str
    recipient: str
    items: dict[str, list[int]]
    document: str


@dataclass(frozen=True)
class Composed:
    """What a day's composing came to. `unheard`: of whose matters how many nobody could be told of; `held`: why so many mails are too many:
    then none was composed, except to be looked at, and `would_be` says how many it would have been.
    """

    mails: list[ComposedMail]
    unheard: Counter[str | None] = field(default_factory=Counter)
    held: Message | None = None
    would_be: int = 0

    @property
    def unreachable(self) -> int:
        """How many matters reach nobody."""
        return self.unheard.total()

    @property
    def counts(self) -> dict[str, int]:
        """For the Run."""
        return {
            "mails": len(self.mails),
            **{name: sum(len(mail.items[name]) for mail in self.mails) for name in _KINDS},
            "unreachable": self.unreachable,
            **({"held": self.would_be} if self.held else {}),
        }


def compose_due(
    session: Session,
    today: date,
    now: datetime,
    settings: FollowUps,
    how: Writing,
    *,
    only_look: bool = False,
    documents: bool = True,
) -> Composed:
    """Compose the mail of everybody who has something to hear and has no mail of today yet; or hold them all (guard).

    One Digest and one Work `send_digest` (key `digest:<worker>:<date>`) each. Who calls decides whether today is a mail day. `only_look`: the
    caller takes everything back again, and wants to see also what is held; without `documents` the mails are not handed back whole.
    """
    day = Day(session, today)
    gathered = gather(session, today, settings)
    held = day.too_many(len(gathered.bundles), settings.storm)
    if held is not None and not only_look:
        day.held(len(gathered.bundles), held)
        return Composed([], gathered.unheard, held, len(gathered.bundles))
    mails: list[ComposedMail] = []
    for start in range(0, len(gathered.bundles), _BATCH):
        mails += _stored(
            session,
            [_Written(one, *write(one, today, now, how)) for one in gathered.bundles[start : start + _BATCH]],
            today,
            documents=documents,
        )
    _mark(session, mails, today, now)
    day.composed(len(mails))
    return Composed(mails, gathered.unheard, held, len(gathered.bundles) if held else 0)


@dataclass(frozen=True)
class _Written:
    """A person's day and its mail."""

    bundle: Bundle
    message_id: str
    document: str

    def items(self) -> dict[str, list[int]]:
        return {
            "announced": [task.id for task in self.bundle.tasks],
            "escalated": [task.id for unit in self.bundle.units for task in unit.tasks],
            "news": [one.id for one in self.bundle.news],
        }


def _stored(session: Session, written: list[_Written], today: date, *, documents: bool) -> list[ComposedMail]:
    """Keep mails and call for their sending; who has the day's mail from elsewhere keeps that one."""
    table = table_of(Digest)
    by_worker = {one.bundle.person.id: one for one in written}
    rows: list[dict[str, Any]] = [
        {
            "worker_id": worker_id,
            "local_date": today,
            "message_id": one.message_id,
            "state": "composed",
            "document": one.document,
            "items": one.items(),
            "recipient": one.bundle.person.email,
        }
        for worker_id, one in by_worker.items()
    ]
    statement = insert(table).on_conflict_do_nothing(index_elements=["worker_id", "local_date"])
    new = session.execute(statement.returning(table.c.id, table.c.worker_id), rows).all()
    mails, calls = [], []
    for digest_id, worker_id in new:
        one = by_worker[worker_id]
        person = one.bundle.person
        mails.append(ComposedMail(person.external_id, person.email, one.items(), one.document if documents else ""))
        calls.append(Call("send_digest", f"digest:{person.external_id}:{today}", digest_id))
    call_many(session, calls)
    return mails


def _mark(session: Session, mails: list[ComposedMail], today: date, now: datetime) -> None:
    ids = {name: [id_ for mail in mails for id_ in mail.items[name]] for name in _KINDS}
    if ids["announced"]:
        session.execute(_ANNOUNCED, {"ids": ids["announced"], "today": today})
    if ids["escalated"]:
        session.execute(_ESCALATED, {"ids": ids["escalated"], "today": today})
    if ids["news"]:
        session.execute(_TOLD, {"ids": ids["news"], "now": now})
