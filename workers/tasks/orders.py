"""Tasks that take purchase orders to providers."""

from connectors.channels.base import Delivery, Means, Receipt
from connectors.channels.registry import open_channel
from connectors.mail import Unclear
from core.clock import business_now
from core.errors import AlreadyDone, Permanent, Transient
from core.faults import fault_point
from services.orders.delivery import begin_delivery, record_delivery, record_not_taken
from workers.task import Lease, work_task


@work_task("deliver_order")
def deliver_order(lease: Lease) -> None:
    """Send one stored order: commit to sending, send with no transaction open, record."""
    with lease.transaction() as session:
        delivery = begin_delivery(session, lease.subject_id)
    if delivery is None:
        with lease.closing() as closing:
            closing.report("nothing_to_do")
        return
    fault_point("delivery.sending")
    receipt = _send(lease, delivery)
    fault_point("delivery.sent")
    with lease.closing() as closing:
        record_delivery(closing.session, delivery, business_now(closing.session))
        closing.report(reply=receipt.reply)


def _send(lease: Lease, delivery: Delivery) -> Receipt:
    """The other side's answer. A clear refusal is noted before it is raised, so that it is not taken for an unknown fate."""
    settings = lease.settings
    channel = open_channel(delivery.channel, Means(settings.order_outbox, settings.mail, settings.organisation))
    try:
        return channel.send(delivery)
    except AlreadyDone as done:
        return Receipt(reply=done.message.text())
    except Unclear:
        raise
    except (Transient, Permanent):
        with lease.transaction() as session:
            record_not_taken(session, delivery)
        raise
