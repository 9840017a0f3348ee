"""Composing the day's mails: one per person, stored as it will travel, together with the Work that sends it.

Composing, marking what was announced and calling for the sending are one transaction: an item is either in a mail that will
be sent or still waiting to be told.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from core.settings import FollowUps, Mail
from schedules.jobs import calendar
from services.reminders.gathering import Bundle, gather
from services.reminders.message import write
from services.work.calling import Call, call_many

#: Rows in: digests. Rows out: those that are new; who has the day's mail from elsewhere keeps that one.
_INSERT = text(
    """
    INSERT INTO digest (worker_id, local_date, message_id, state, document, items)
    SELECT worker_id, :local_date, message_id, 'composed', document, items
    FROM jsonb_to_recordset(:rows) AS new(worker_id bigint, message_id text, document text, items jsonb)
    ON CONFLICT (worker_id, local_date) DO NOTHING
    RETURNING id, worker_id
    """
).bindparams(bindparam("rows", type_=JSONB))

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
    """One mail, as a dry run shows it."""

    worker: str
    recipient: str
    items: dict[str, Any]
    document: str


@dataclass(frozen=True)
class Composed:
    """What a day's composing came to. `unreachable`: items nobody could be told of."""

    mails: list[ComposedMail]
    unreachable: int

    @property
    def counts(self) -> dict[str, int]:
        """For the Run."""
        return {
            "mails": len(self.mails),
            **{name: sum(len(mail.items[name]) for mail in self.mails) for name in ("announced", "escalated", "news")},
            "unreachable": self.unreachable,
        }


def is_mail_day(today: date, settings: FollowUps) -> bool:
    """Whether mails go out at all today."""
    return calendar(settings).includes(today)


def compose_due(session: Session, today: date, now: datetime, settings: FollowUps, mail: Mail) -> Composed:
    """Compose the mail of everybody who has something to hear and has no mail of today yet.

    One Digest and one Work `send_digest` (key `digest:<worker>:<date>`) each. Who calls decides whether today is a mail day.
    """
    gathered = gather(session, today, settings)
    written = {bundle.person.id: (bundle, *write(bundle, today, now, settings, mail)) for bundle in gathered.bundles}
    rows = [
        {"worker_id": worker_id, "message_id": message_id, "document": document, "items": _items(bundle)}
        for worker_id, (bundle, message_id, document) in written.items()
    ]
    new = (
        {row.worker_id: row.id for row in session.execute(_INSERT, {"rows": rows, "local_date": today})} if rows else {}
    )
    mails = []
    for worker_id in new:
        bundle, _message_id, document = written[worker_id]
        mails.append(ComposedMail(bundle.person.external_id, bundle.person.email, _items(bundle), document))
    _mark(session, mails, today, now)
    call_many(
        session,
        [
            Call("send_digest", f"digest:{written[worker_id][0].person.external_id}:{today}", digest_id)
            for worker_id, digest_id in new.items()
        ],
    )
    return Composed(mails, gathered.unreachable)


def _items(bundle: Bundle) -> dict[str, list[int]]:
    return {
        "announced": [task.id for task in bundle.tasks if task.why != "escalated"],
        "escalated": [task.id for task in bundle.tasks if task.why == "escalated"],
        "news": [one.id for one in bundle.news],
    }


def _mark(session: Session, mails: list[ComposedMail], today: date, now: datetime) -> None:
    ids = {name: [id_ for mail in mails for id_ in mail.items[name]] for name in ("announced", "escalated", "news")}
    if ids["announced"]:
        session.execute(_ANNOUNCED, {"ids": ids["announced"], "today": today})
    if ids["escalated"]:
        session.execute(_ESCALATED, {"ids": ids["escalated"], "today": today})
    if ids["news"]:
        session.execute(_TOLD, {"ids": ids["news"], "now": now})
