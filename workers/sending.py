"""Whether a Work may go out the way it goes, and what is noted of the way when it has, or has not (services/ways)."""

from sqlalchemy.orm import Session

from core.errors import LeftAlone, Permanent, Postponed, Transient
from services import ways
from workers.task import Lease


def go(session: Session, lease: Lease, way: str | None) -> None:
    """Make sure, in the transaction that begins the sending, that the way may be used now. Raises Postponed, Permanent."""
    if way is not None:
        ways.permit(session, way, lease.claimed, lease.settings.outgoing)


def arrived(session: Session, way: str | None) -> bool:
    """Note, in the transaction that records the sending, that the way works; True if more is due by that, which had waited for it."""
    return way is not None and ways.answered(session, way)


def did_not_arrive(
    session: Session, lease: Lease, way: str | None, failure: Transient | Permanent
) -> Transient | Permanent:
    """Note what came of it instead; returns what is to be raised, which says whether the attempt counts and when the next is due.

    A no for good is an answer: the other side is there.
    """
    if way is None or isinstance(failure, Postponed):  # a rule of ours: nobody was asked
        return failure
    if isinstance(failure, Permanent):
        ways.answered(session, way)
        return failure
    settings = lease.settings.outgoing
    left = ways.failed(session, way, lease.claimed, failure.message, settings, wish=failure.retry_after)
    return failure if left is None else LeftAlone(failure.message, retry_after=left.seconds, counts=left.counts)
