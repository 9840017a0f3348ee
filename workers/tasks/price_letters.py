"""The task that sends one letter to the price manager."""

from connectors.mail import Unclear, send
from core.clock import business_now
from core.errors import Transient
from core.faults import fault_point
from services.price_alarms import sending
from workers.task import Lease, work_task


@work_task("send_price_letter")
def send_price_letter(lease: Lease) -> None:
    """Send a letter exactly as it was composed."""
    with lease.transaction() as session:
        outgoing = sending.begin(session, lease.subject_id)
    if outgoing is None:
        with lease.closing() as closing:
            closing.report("nothing_to_do")
        return
    fault_point("price_letter.sending")
    try:
        reply = send(lease.settings.mail, recipient=outgoing.recipient, message=outgoing.message)
    except Unclear:
        raise
    except Transient:
        with lease.transaction() as session:
            sending.record_not_taken(session, outgoing)
        raise
    fault_point("price_letter.sent")
    with lease.closing() as closing:
        sending.record(closing.session, outgoing, business_now(closing.session))
        closing.report(reply=reply)
