"""Tasks of budgets."""

from core.clock import business_now, business_today
from core.faults import fault_point
from services.budgets import dirty
from services.budgets.recompute import CHUNK, Recomputed, Sweep, anything_noted, noted_up_to
from services.work import call_again
from workers.task import Lease, work_task

#: Notes that could not be taken because somebody held their budget are tried again after this long.
_LOCKED_PAUSE_SECONDS = 2.0
#: So many chunks are worth a second process.
_MUCH = 4


@work_task("recompute_budgets")
def recompute_budgets(lease: Lease) -> None:
    """Calculate every budget noted as touched, a chunk per transaction; by its nightly slot, also what time and settings touched.

    When much is noted, sibling Works help until nothing is left; which of them calculates what does not matter, and one that dies loses nothing.
    """
    helping = "helping" in lease.arguments
    if not helping:
        _prepare(lease)
    sweep, total = Sweep(lease.settings.budgets, lease.run_id), Recomputed()
    lease.shows(lambda: vars(total))
    while done := _chunk(lease, sweep):
        total += done
    with lease.closing() as closing:
        if not helping and anything_noted(closing.session):
            call_again(closing.session, "recompute_budgets", "recompute_budgets", delay=_LOCKED_PAUSE_SECONDS)
        closing.report("succeeded" if total.recomputed else "nothing_to_do", counts=vars(total))


def _prepare(lease: Lease) -> None:
    """Note what time touched, spread the notes of runs, and call for help if that makes many."""
    with lease.transaction() as session:
        if "slot" in lease.arguments:
            dirty.mark_by_time_and_settings(
                session, today=business_today(session), settings=lease.settings.budgets, run_id=lease.run_id
            )
        dirty.spread_notes(session)
        if noted_up_to(session, _MUCH * CHUNK) == _MUCH * CHUNK:
            for sibling in range(2, lease.settings.budgets.parallel + 1):
                call_again(session, "recompute_budgets", f"recompute_budgets/{sibling}", helping=True)
    fault_point("budgets.spread")


def _chunk(lease: Lease, sweep: Sweep) -> Recomputed | None:
    with lease.transaction() as session:
        done = sweep.chunk(session, business_now(session))
    fault_point("budgets.written")
    return done
