"""The task that sends one letter to the price manager or the operator."""

from services.alarms import sending
from workers.mailing import send_as_composed
from workers.task import Lease, work_task


@work_task("send_letter")
def send_letter(lease: Lease) -> None:
    """Send a letter exactly as it was composed."""
    send_as_composed(
        lease,
        lambda session: sending.begin(session, lease.subject_id),
        sending.record_not_taken,
        sending.record,
        point="letter",
    )
