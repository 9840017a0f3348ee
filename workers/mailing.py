"""Sending one mail exactly as it was composed: begun in one transaction, sent in none, recorded in another.

Between the server's yes and the record nobody can look: a mail whose fate is in doubt stays as it was begun (services/*/sending.py decide
what becomes of it). Where the server certainly did not take it, that is recorded, so that the next attempt is a first one.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from celery.signals import worker_process_shutdown
from sqlalchemy.orm import Session

from connectors.mail_server import leave, send
from core.clock import business_now
from core.errors import Transient, Unclear
from core.faults import fault_point
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
) -> None:
    """Send what `begin` hands out, if anything is left to send; `point` names the fault points (`<point>.sending`, `<point>.sent`)."""
    with uncut():
        _send(lease, begin, not_taken, taken, point)


def _send(
    lease: Lease,
    begin: Callable[[Session], Mail | None],
    not_taken: Callable[[Session, Mail], None],
    taken: Callable[[Session, Mail, datetime], None],
    point: str,
) -> None:
    with lease.transaction() as session:
        outgoing = begin(session)
    if outgoing is None:
        with lease.closing() as closing:
            closing.report("nothing_to_do")
        return
    fault_point(f"{point}.sending")
    try:
        reply = send(lease.settings.mail, recipient=outgoing.recipient, message=outgoing.message)
    except Unclear:
        raise
    except Transient:
        with lease.transaction() as session:
            not_taken(session, outgoing)
        raise
    fault_point(f"{point}.sent")
    with lease.closing() as closing:
        taken(closing.session, outgoing, business_now(closing.session))
        closing.report(reply=reply)
