"""The task that looks every night whether what is kept agrees with itself."""

from core.clock import business_now
from core.database import engine
from services.consistency import examine, keep
from workers.task import Lease, work_task


@work_task("check_consistency")
def check(lease: Lease) -> None:
    """Look, keep what was found for the doctor, and tell the operator what is new."""
    found = examine(engine(), lease.settings)
    with lease.closing() as closing:
        keep(
            closing.session,
            found,
            lease.settings,
            actor="avain",
            now=business_now(closing.session),
            run_id=lease.run_id,
        )
        counts = {
            "examined": sum(one.examined for one in found.looked),
            "left_out": sum(one.left_out for one in found.looked),
            "broken": found.count,
        }
        closing.report("partly" if found.count else "succeeded", counts=counts)
