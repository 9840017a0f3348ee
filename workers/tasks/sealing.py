"""The task that seals anew what other keys than the present ones have sealed, and makes indexes anew."""

from collections.abc import Iterator
from dataclasses import asdict

from core.clock import business_now
from core.errors import Message, Permanent
from core.faults import fault_point
from services import audit
from services.sealing import PLACES, Kept, Place, kept
from services.sealing.indexing import index_anew
from services.sealing.resealing import Resealed, reseal
from services.sealing.rotating import must_be_meant
from services.work import call_again
from workers.task import Lease, work_task

#: What was passed over, because somebody held it, is tried again after this long.
_HELD_PAUSE_SECONDS = 30.0


@work_task("reseal")
def seal_anew(lease: Lease) -> None:
    """Place by place, a batch a transaction; then the indexes, all in one transaction."""
    keys, total = kept(lease.settings), Resealed()
    must_be_meant(lease.arguments, keys)
    lease.shows(lambda: asdict(total))
    for place in PLACES:
        for done in _batches(lease, place, keys):
            total += done
    indexed, problem = _index(lease, keys)
    if total.unopened and problem is None:
        problem = Message(
            "Some of what is sealed could not be opened and stays as it is ({count}). See: avain keys status",
            count=total.unopened,
        )
    with lease.closing() as closing:
        if total.passed_over:
            call_again(closing.session, "reseal", "reseal", delay=_HELD_PAUSE_SECONDS, **lease.arguments)
        counts = {name: count for name, count in (asdict(total) | {"indexed": indexed}).items() if count}
        if counts:
            now = business_now(closing.session)
            audit.record(closing.session, "avain", "keys.resealed", "keys:seal", now=now, key=keys.current, **counts)
        outcome = "partly" if problem else "succeeded" if counts else "nothing_to_do"
        closing.report(outcome, counts=counts, message=problem)


def _batches(lease: Lease, place: Place, keys: Kept) -> Iterator[Resealed]:
    """What each batch of a place came to, once it is committed."""
    sealer, after, more = keys.of(place), None, True
    while more and sealer is not None:
        with lease.transaction() as session:
            batch = reseal(session, place, sealer, after)
        fault_point("keys.resealed")
        yield batch.done
        after, more = batch.after, batch.after is not None


def _index(lease: Lease, keys: Kept) -> tuple[int, Message | None]:
    """How many indexes were made anew, and why none could be."""
    if keys.identity is None:
        return 0, None
    try:
        with lease.transaction() as session:
            count = index_anew(session, keys.identity)
    except Permanent as refused:
        return 0, refused.message
    fault_point("keys.indexed")
    return count, None
