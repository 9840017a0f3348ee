"""The task that counts what units' supervisors are shown."""

from core.clock import business_today
from services.oversight.counting import count_units
from workers.task import Lease, work_task


@work_task("count_units")
def count(lease: Lease) -> None:
    """Count all units anew; what was counted before is replaced."""
    with lease.closing() as closing:
        counts = count_units(closing.session, business_today(closing.session), lease.settings.orders.period)
        closing.report(counts=counts)
