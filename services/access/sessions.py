"""Sessions of the console: on the server, short, revocable. The browser holds a random value, the database its sha256.

Times are the machine's: a session does not get longer because a test moves the business clock.
"""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message, NotFound
from core.i18n import N_
from services import audit
from services.access.people import Person

#: What stands above every page while nothing leaves (services/effects).
_HELD = {
    "paused": N_("No order and no e-mail leaves Avain for now: {reason} What you do here is kept, and leaves later."),
    "restored": N_(
        "The database of this Avain was restored from a backup or moved to another server. No order and no e-mail leaves it, and no new order gets a number, until whoever runs Avain releases it."
    ),
}
#: A click is noted at most this often, so that looking at pages writes little.
_NOTED_EVERY = "30 s"

#: Rows in: who signed in. Rows out: the session's id.
_OPEN = text(
    """
    INSERT INTO console_session (cookie, subject, name, roles, worker_id, everything, csrf, expires_at)
    VALUES (:cookie, :subject, :name, :roles, :worker_id, :everything, :csrf, clock_timestamp() + make_interval(hours => :hours))
    RETURNING id
    """
)

#: Rows in: the digest of a cookie. Rows out: the person behind it, while the session lives and the worker is active.
_FIND = text(
    f"""
    SELECT console_session.id, console_session.subject, console_session.name, roles, worker_id, worker.external_id AS worker, language, everything, csrf,
           seen_at < clock_timestamp() - interval '{_NOTED_EVERY}' AS to_note, flash IS NOT NULL AS has_flash,
           effects_state() AS effects, (SELECT paused_why FROM effects) AS paused_why
    FROM console_session LEFT JOIN worker ON worker.id = worker_id
    WHERE cookie = :cookie AND revoked_at IS NULL AND expires_at > clock_timestamp()
      AND seen_at > clock_timestamp() - make_interval(mins => :idle) AND (worker.id IS NULL OR worker.active)
    """  # noqa: S608 - a constant
)
_NOTE = text("UPDATE console_session SET seen_at = clock_timestamp() WHERE id = :id")
_FLASH = text("UPDATE console_session SET flash = CAST(:flash AS jsonb) WHERE id = :id")
#: Rows in: a session. Rows out: what its next page shall say, which is taken away.
_TAKE_FLASH = text(
    """
    WITH before AS (SELECT id, flash FROM console_session WHERE id = :id AND flash IS NOT NULL FOR UPDATE)
    UPDATE console_session SET flash = NULL FROM before WHERE console_session.id = before.id RETURNING before.flash
    """
)
_REVOKE = text("UPDATE console_session SET revoked_at = clock_timestamp() WHERE id = :id AND revoked_at IS NULL")
#: Rows in: a subject. Rows changed: its living sessions, ended.
_REVOKE_ALL = text(
    """
    UPDATE console_session SET revoked_at = clock_timestamp()
    WHERE subject = :subject AND revoked_at IS NULL AND expires_at > clock_timestamp()
    """
)
#: Rows in: a worker's external id. Rows changed: their living sessions, ended.
_REVOKE_WORKER = text(
    """
    UPDATE console_session SET revoked_at = clock_timestamp() FROM worker
    WHERE worker.id = worker_id AND worker.external_id = :worker AND revoked_at IS NULL AND expires_at > clock_timestamp()
    """
)
_WORKER_KNOWN = text("SELECT EXISTS (SELECT FROM worker WHERE external_id = :worker)")
#: Rows out: the sessions that live, the latest click first.
_LIVING = text(
    """
    SELECT console_session.subject, console_session.name, roles, worker.external_id AS worker,
           created_at AS signed_in, seen_at AS seen, expires_at AS until
    FROM console_session LEFT JOIN worker ON worker.id = worker_id
    WHERE revoked_at IS NULL AND expires_at > clock_timestamp() AND seen_at > clock_timestamp() - make_interval(mins => :idle)
      AND (worker.id IS NULL OR worker.active)
    ORDER BY seen_at DESC, console_session.id DESC
    """
)
#: What is over is kept for a month, then goes; so does a login that was never finished.
_SWEEP = (
    text("DELETE FROM console_session WHERE expires_at < clock_timestamp() - interval '30 days'"),
    text("DELETE FROM login_request WHERE created_at < clock_timestamp() - interval '1 hour'"),
    text("DELETE FROM entry_link WHERE expires_at < clock_timestamp() - interval '30 days'"),
)


@dataclass(frozen=True)
class Found:
    """A living session; `has_flash`: its next page has something to say; `held`: nothing leaves Avain, and what people are told of that."""

    person: Person
    has_flash: bool
    held: Message | None


def digest(secret: str) -> bytes:
    """What is kept of a secret that was handed out."""
    return sha256(secret.encode()).digest()


def open_session(
    session: Session,
    *,
    subject: str,
    name: str,
    roles: frozenset[str],
    worker_id: int | None,
    everything: bool = False,
    hours: int,
    now: datetime,
    actor: str,
    how: str,
) -> str:
    """Sign somebody in; what the browser shall hold. A fresh value each time, so that nobody can be given a session made by another."""
    secret = secrets.token_urlsafe(32)
    values = {
        "cookie": digest(secret),
        "subject": subject,
        "name": name,
        "roles": sorted(roles),
        "worker_id": worker_id,
        "everything": everything,
        "csrf": secrets.token_urlsafe(32),
        "hours": hours,
    }
    id_ = session.execute(_OPEN, values).scalar_one()
    audit.record(session, actor, "console.signed_in", f"session:{id_}", now=now, roles=sorted(roles), how=how)
    for statement in _SWEEP:
        session.execute(statement)
    return secret


def find(session: Session, secret: str, *, idle_minutes: int, clicked: bool = True) -> Found | None:
    """Who holds this value; None if nobody does any more. `clicked`: a person asks; what a page asks for by itself keeps no session alive."""
    row = session.execute(_FIND, {"cookie": digest(secret), "idle": idle_minutes}).one_or_none()
    if row is None:
        return None
    if row.to_note and clicked:
        session.execute(_NOTE, {"id": row.id})
    person = Person(
        session_id=row.id,
        subject=row.subject,
        name=row.name,
        roles=frozenset(row.roles),
        worker_id=row.worker_id,
        worker=row.worker,
        language=row.language,
        everything=row.everything,
        csrf=row.csrf,
    )
    held = Message(_HELD[row.effects], reason=row.paused_why) if row.effects in _HELD else None
    return Found(person, row.has_flash, held)


def say_next(session: Session, session_id: int, message: Message, *, kind: str = "done") -> None:
    """Have the person's next page say something, once. `kind`: done or wrong."""
    flash = {"kind": kind, "message": message.to_json()}
    session.execute(_FLASH, {"id": session_id, "flash": json.dumps(flash)})


def take_flash(session: Session, session_id: int) -> dict[str, Any] | None:
    """What the page shall say: kind and message."""
    flash: dict[str, Any] | None = session.execute(_TAKE_FLASH, {"id": session_id}).scalar_one_or_none()
    return flash


def close_session(session: Session, person: Person, *, now: datetime) -> None:
    """Sign out."""
    session.execute(_REVOKE, {"id": person.session_id})
    audit.record(session, person.actor, "console.signed_out", f"session:{person.session_id}", now=now)


def revoke_all(session: Session, subject: str, *, actor: str, now: datetime) -> int:
    """End every session of a subject, wherever; how many there were."""
    ended: int = session.execute(_REVOKE_ALL, {"subject": subject}).rowcount  # type: ignore[attr-defined]
    audit.record(session, actor, "console.revoked", f"subject:{subject}", now=now, sessions=ended)
    return ended


def revoke_worker(session: Session, worker: str, *, actor: str, now: datetime) -> int:
    """End every session of a worker (external id), wherever; how many there were. Raises NotFound."""
    if not session.execute(_WORKER_KNOWN, {"worker": worker}).scalar_one():
        raise NotFound("There is no worker {worker}.", worker=worker)
    ended: int = session.execute(_REVOKE_WORKER, {"worker": worker}).rowcount  # type: ignore[attr-defined]
    audit.record(session, actor, "console.revoked", f"worker:{worker}", now=now, sessions=ended)
    return ended


def living(session: Session, *, idle_minutes: int) -> list[dict[str, Any]]:
    """Who is signed in: `subject, name, roles, worker, signed_in, seen, until`, the latest click first."""
    return [dict(row) for row in session.execute(_LIVING, {"idle": idle_minutes}).mappings()]
