"""Tasks of budgets."""

from core.clock import business_now, business_today
from core.faults import fault_point
from services.budgets import dirty
from services.budgets.recompute import Recomputed, anything_noted, recompute_dirty
from services.work import call_again
from workers.task import Lease, work_task

#: Notes that could not be taken because somebody held their budget are tried again after this long.
_LOCKED_PAUSE_SECONDS = 2.0


@work_task("recompute_budgets")
def recompute_budgets(lease: Lease) -> None:
    """Calculate every budget noted as touched, a chunk per transaction; by its nightly slot, also what time and settings touched."""
    if "slot" in lease.arguments:
        with lease.transaction() as session:
            dirty.mark_by_time_and_settings(
                session, today=business_today(session), settings=lease.settings.budgets, run_id=lease.run_id
            )
    total = Recomputed()
    while (done := _chunk(lease)).recomputed:
        total += done
    with lease.closing() as closing:
        if anything_noted(closing.session):
            call_again(closing.session, "recompute_budgets", "recompute_budgets", delay=_LOCKED_PAUSE_SECONDS)
        closing.report("succeeded" if total.recomputed else "nothing_to_do", counts=vars(total))


def _chunk(lease: Lease) -> Recomputed:
    with lease.transaction() as session:
        done = recompute_dirty(session, now=business_now(session), settings=lease.settings.budgets, run_id=lease.run_id)
    fault_point("budgets.written")
    return done
