"""The task that removes by night what was kept as long as it has to be, where the organisation has said so; else it counts it."""

from core.clock import business_now, business_today
from core.keys import record_hasher
from services.effects.state import state
from services.retention import Removed, Sweep, report
from services.retention.rules import rules
from workers.task import Lease, work_task


@work_task("retention")
def remove(lease: Lease) -> None:
    """Batch by batch, each recorded; a process that dies between two of them has lost nothing. With `[retention] automatic` off only the report
    is made, whose figure stands with the Run; so it is in a restored database, whose holds may be older than people's word, until it is released.
    """
    settings = lease.settings.retention
    with lease.transaction() as session:
        today = business_today(session)
        before = report(session, settings, lease.settings.audit, today=today)
        restored = state(session).name == "restored"
    due = {"due": before.due}
    if not settings.automatic or restored:
        with lease.closing() as closing:
            closing.report("succeeded" if before.due else "nothing_to_do", counts=due)
        return
    sweep = Sweep(rules(settings, today), record_hasher(lease.settings), most=settings.most_a_night, actor="avain")
    total = Removed()
    lease.shows(lambda: total.counts)
    while done := _batch(lease, sweep):
        total += done
    with lease.closing() as closing:
        closing.report("succeeded" if total.classes else "nothing_to_do", counts={**due, **total.counts})


def _batch(lease: Lease, sweep: Sweep) -> Removed | None:
    with lease.transaction() as session:
        return sweep.batch(session, business_now(session))
