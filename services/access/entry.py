"""One-time links: the way into an installation without a login provider, from the machine itself only.

A link is good for a quarter of an hour and for one use. Times are the machine's.
"""

import secrets
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from core.i18n import _
from models.access import ROLES
from services import audit
from services.access import sessions
from services.access.people import SUPERVISOR, WORKER
from services.access.sessions import digest

MINUTES: Final = 15

_WORKER = text("SELECT id, active FROM worker WHERE external_id = :worker")
_MAKE = text(
    f"""
    INSERT INTO entry_link (token, worker_id, expires_at)
    VALUES (:token, :worker_id, clock_timestamp() + interval '{MINUTES} min') RETURNING id
    """  # noqa: S608 - a constant
)
_OPEN = "token = :token AND used_at IS NULL AND expires_at > clock_timestamp()"
_GOOD = text(f"SELECT EXISTS (SELECT FROM entry_link WHERE {_OPEN})")  # noqa: S608 - our own words
#: Rows in: the digest of a token. Rows out: whom it signs in, once; the worker as they are now.
_USE = text(
    f"""
    WITH used AS (UPDATE entry_link SET used_at = clock_timestamp() WHERE {_OPEN} RETURNING id, worker_id)
    SELECT used.id, worker.id AS worker_id, worker.external_id AS worker, worker.name,
           EXISTS (SELECT FROM unit WHERE unit.supervisor_id = worker.id) AS supervises
    FROM used LEFT JOIN worker ON worker.id = used.worker_id AND worker.active
    WHERE used.worker_id IS NULL OR worker.id IS NOT NULL
    """  # noqa: S608 - our own words
)


def make_link(session: Session, *, worker: str | None, now: datetime, actor: str) -> str:
    """The secret part of a fresh link, for the local user or for a worker (external id). Raises NotFound, InputError."""
    worker_id = None
    if worker is not None:
        row = session.execute(_WORKER, {"worker": worker}).one_or_none()
        if row is None:
            raise NotFound("There is no worker {worker}.", worker=worker)
        if not row.active:
            raise InputError("The worker {worker} is not active and cannot sign in.", worker=worker)
        worker_id = row.id
    token = secrets.token_urlsafe(32)
    id_ = session.execute(_MAKE, {"token": digest(token), "worker_id": worker_id}).scalar_one()
    audit.record(session, actor, "console.link_made", f"link:{id_}", now=now, worker=worker)
    return token


def is_good(session: Session, token: str) -> bool:
    """Whether a link could be used now; looking does not use it up."""
    return bool(session.execute(_GOOD, {"token": digest(token)}).scalar_one())


def enter(session: Session, token: str, *, hours: int, now: datetime) -> str | None:
    """Use a link: the secret of the session it opens, or None if it is not good (any more)."""
    row = session.execute(_USE, {"token": digest(token)}).one_or_none()
    if row is None:
        return None
    if row.worker_id is None:
        subject, name, roles, actor = "local", _("Local user"), frozenset(ROLES), "user:local"
    else:
        subject, name, actor = f"local:{row.worker}", row.name, f"worker:{row.worker}"
        roles = frozenset({WORKER, SUPERVISOR} if row.supervises else {WORKER})
    return sessions.open_session(
        session,
        subject=subject,
        name=name,
        roles=roles,
        worker_id=row.worker_id,
        everything=row.worker_id is None,
        hours=hours,
        now=now,
        actor=actor,
        how=f"link:{row.id}",
    )
