"""A worker's private calendar: an address from which calendar programs fetch the days of their open follow-ups.

Whoever knows the address reads it, without signing in: it says no more than a reminder does (kind, number, link), is 256 random bits of which
only the digest is kept, ends with its revoking, a newer one, or the worker's leaving, and every day on which it is fetched is in the audit trail.
"""

import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from icalendar import Calendar, Event, vDuration
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import InputError, NotFound
from core.i18n import LANGUAGES, _, speaking
from models.follow_up import ORDER_KINDS
from services import audit
from services.access.cases import STANDS_FOR
from services.access.non_disclosure import HIDDEN_CASE
from services.access.sessions import digest
from services.follow_ups.words import kind_label

#: More is not shown; whoever has so many open needs no calendar. A calendar program keeps what it is handed, and must not be handed ever more.
MOST: Final = 500
_EVERY: Final = timedelta(hours=6)
_A_DAY: Final = timedelta(days=1)

_WORKER = text("SELECT id, active FROM worker WHERE external_id = :worker FOR NO KEY UPDATE")
_INSERT = text(
    "INSERT INTO calendar_feed (worker_id, token, actor, created_at) VALUES (:worker_id, :token, :actor, :now) RETURNING id"
)
#: Rows in: a worker. Rows out: the address that was in force, if any; it is no longer.
_REVOKE = text(
    """
    UPDATE calendar_feed SET revoked_at = :now, revoked_by = :actor WHERE worker_id = :worker_id AND revoked_at IS NULL
    RETURNING id
    """
)
#: Rows in: a worker's external id. Rows out: when the address in force was made and last fetched, if there is one.
_STATE = text(
    """
    SELECT calendar_feed.created_at, calendar_feed.used_at FROM calendar_feed JOIN worker ON worker.id = calendar_feed.worker_id
    WHERE worker.external_id = :worker AND calendar_feed.revoked_at IS NULL
    """
)
#: Rows in: the digest of a token. Rows out: whose it is, if it is in force and they work here.
_OPENED = text(
    """
    SELECT calendar_feed.id, calendar_feed.used_at, worker.id AS worker_id, worker.external_id AS worker, worker.language
    FROM calendar_feed JOIN worker ON worker.id = calendar_feed.worker_id
    WHERE calendar_feed.token = :token AND calendar_feed.revoked_at IS NULL AND worker.active
    """
)
_USED = text("UPDATE calendar_feed SET used_at = :now WHERE id = :id")
#: Rows in: a worker and today. Rows out: open follow-ups that are theirs, were handed to them, or are of somebody they stand in for today;
#: the most urgent first; under non-disclosure none by being handed it alone. Found from both ends through indexes: an organisation has
#: hundreds of thousands open.
_OPEN = text(
    f"""
    WITH mine(id) AS ({STANDS_FOR}), found AS (
        SELECT follow_up.id, kind, due, case_id, order_id FROM client_case JOIN follow_up ON follow_up.case_id = client_case.id
        WHERE client_case.responsible_worker_id IN (SELECT id FROM mine) AND handed_to_id IS NULL AND state IN ('open', 'snoozed')
        UNION ALL
        SELECT follow_up.id, kind, due, case_id, order_id FROM follow_up JOIN client_case ON client_case.id = follow_up.case_id
        WHERE handed_to_id IN (SELECT id FROM mine) AND state IN ('open', 'snoozed')
          AND (client_case.responsible_worker_id IN (SELECT id FROM mine) OR NOT {HIDDEN_CASE})
    )
    SELECT found.id, found.kind, found.due, client_case.number, purchase_order.number AS order_number
    FROM found
    JOIN client_case ON client_case.id = found.case_id
    LEFT JOIN purchase_order ON purchase_order.id = found.order_id
    ORDER BY found.due, found.id
    LIMIT :most
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class State:
    """The address in force: when it was made, and when a calendar program fetched it last."""

    made: datetime
    fetched: datetime | None


def state(session: Session, worker: str) -> State | None:
    """Whether a worker (external id) has an address."""
    row = session.execute(_STATE, {"worker": worker}).one_or_none()
    return None if row is None else State(row.created_at, row.used_at)


def make(session: Session, worker: str, *, now: datetime, actor: str) -> str:
    """The token of a fresh address; one that was in force is so no longer. It is told once: nobody can look it up. Raises NotFound, InputError."""
    worker_id = _known(session, worker, must_be_active=True)
    replaced = session.execute(_REVOKE, {"worker_id": worker_id, "now": now, "actor": actor}).scalars().all()
    token = secrets.token_urlsafe(32)
    id_ = session.execute(
        _INSERT, {"worker_id": worker_id, "token": digest(token), "actor": actor, "now": now}
    ).scalar_one()
    audit.record(session, actor, "calendar.made", f"worker:{worker}", now=now, calendar=id_, replaced=list(replaced))
    return token


def revoke(session: Session, worker: str, *, now: datetime, actor: str) -> None:
    """From now on the address opens nothing. Raises NotFound, InputError where there is none."""
    worker_id = _known(session, worker)
    ended = session.execute(_REVOKE, {"worker_id": worker_id, "now": now, "actor": actor}).scalars().all()
    if not ended:
        raise InputError("There is no calendar address of {worker}.", worker=worker)
    audit.record(session, actor, "calendar.revoked", f"worker:{worker}", now=now, calendar=ended[0])


def fetch(session: Session, token: str, *, base_url: str, language: str, now: datetime) -> bytes | None:
    """What an address shows; None alike for one that is unknown, revoked, or of somebody who works here no longer.

    `language`: of the installation, for workers whose own is unknown. The first fetch of each day is in the audit trail.
    """
    feed = session.execute(_OPENED, {"token": digest(token)}).one_or_none()
    if feed is None:
        return None
    today = local_date(now)
    if feed.used_at is None or feed.used_at < now - timedelta(minutes=15):  # programs may ask every minute
        session.execute(_USED, {"id": feed.id, "now": now})
    rows = session.execute(_OPEN, {"me": feed.worker_id, "today": today, "most": MOST}).all()
    if feed.used_at is None or local_date(feed.used_at) != today:
        audit.record(
            session, "avain", "calendar.fetched", f"worker:{feed.worker}", now=now, calendar=feed.id, count=len(rows),
            cases=list(dict.fromkeys(row.number for row in rows)),
        )  # fmt: skip
    with speaking(feed.language if feed.language in LANGUAGES else language):
        return _written([_event(row, base_url.rstrip("/"), now) for row in rows])


def _known(session: Session, worker: str, *, must_be_active: bool = False) -> int:
    row = session.execute(_WORKER, {"worker": worker}).one_or_none()
    if row is None:
        raise NotFound("There is no worker {worker}.", worker=worker)
    if must_be_active and not row.active:
        raise InputError("The worker {worker} is not active.", worker=worker)
    return int(row.id)


def _written(events: list[Event]) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", "-//Avain//Avain//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("x-wr-calname", _("Avain: follow-ups"))
    calendar.add("refresh-interval", vDuration(_EVERY), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(_EVERY))
    for one in events:
        calendar.add_component(one)
    return bytes(calendar.to_ical())


def _event(row: Any, base: str, now: datetime) -> Event:
    number = row.order_number if row.kind in ORDER_KINDS and row.order_number else row.number
    link = f"{base}/follow-ups/{row.id}"
    event = Event()
    event.add(
        "uid", f"follow-up-{row.id}@{_host(base)}"
    )  # the same for ever: a moved one moves, and is not there twice
    event.add("dtstamp", now)
    _all_day(event, row.due)
    event.add("summary", f"{kind_label(row.kind)}: {number}")
    event.add("description", link)
    event.add("url", link)
    event.add("class", "PRIVATE")
    event.add("transp", "TRANSPARENT")  # the worker is not busy that day
    return event


def _all_day(event: Event, due: date) -> None:
    event.add("dtstart", due)
    event.add("dtend", due + _A_DAY)


def _host(base: str) -> str:
    return base.partition("://")[2].partition("/")[0].partition(":")[0] or "avain"
