"""Sending one mail exactly as it was composed: begun in one transaction, sent in none, recorded in another.

Between the server's yes and the record nobody can look: a mail whose fate is in doubt stays as it was begun (services/*/sending.py decide
what becomes of it). Where the server certainly did not take it, that is recorded, so that the next attempt is a first one.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from celery.signals import worker_process_shutdown
from sqlalchemy.orm import Session

from connectors.mail_server import leave, send
from core.clock import business_now
from core.errors import Permanent, Transient, Unclear
from core.faults import fault_point
from services.effects.keys import message_id_of
from services.ways import MAIL
from workers.sending import arrived, did_not_arrive, go
from workers.stopping import uncut
from workers.task import Lease


@worker_process_shutdown.connect
def _leave_the_server(**_: object) -> None:
    """A worker's child ends without what Python does at its exit."""
    leave()


class Outgoing(Protocol):
    """A mail on its way: the bytes, and whom the server is told to give them to."""

    @property
    def recipient(self) -> str: ...
    @property
    def message(self) -> bytes: ...


Mail = TypeVar("Mail", bound=Outgoing)


def send_as_composed(
    lease: Lease,
    begin: Callable[[Session], Mail | None],
    not_taken: Callable[[Session, Mail], None],
    taken: Callable[[Session, Mail, datetime], None],
    *,
    point: str,
    key: Callable[[Mail], str] = lambda mail: message_id_of(mail.message),
) -> None:
    """Send what `begin` hands out, if anything is left to send; `point` names the fault points (`<point>.sending`, `<point>.sent`).

    `key`: by what it is known in the journal; else by its Message-ID.
    """
    with uncut():
        _send(lease, begin, not_taken, taken, point=point, key=key)


def _send(
    lease: Lease,
    begin: Callable[[Session], Mail | None],
    not_taken: Callable[[Session, Mail], None],
    taken: Callable[[Session, Mail, datetime], None],
    *,
    point: str,
    key: Callable[[Mail], str],
) -> None:
    with lease.transaction() as session:
        outgoing = begin(session)
        if outgoing is not None:
            go(session, lease, MAIL)
    if outgoing is None:
        with lease.closing() as closing:
            closing.report("nothing_to_do")
        return
    fault_point(f"{point}.sending")
    try:
        digest = hashlib.sha256(outgoing.message).hexdigest()
        with lease.journal.around(lease.claimed, key(outgoing), sha256=digest, way="email") as going:
            reply = send(lease.settings.mail, recipient=outgoing.recipient, message=outgoing.message, before=going)
    except (Transient, Permanent) as failure:
        with lease.transaction() as session:
            came_to = did_not_arrive(session, lease, MAIL, failure)
            if not isinstance(failure, Unclear | Permanent):
                not_taken(session, outgoing)
        raise came_to from failure
    fault_point(f"{point}.sent")
    with lease.closing() as closing:
        arrived(closing.session, MAIL)
        taken(closing.session, outgoing, business_now(closing.session))
        closing.report(reply=reply)
