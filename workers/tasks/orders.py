"""Tasks that take purchase orders to providers, and take them back."""

from connectors.channels.base import Delivery, Means, Receipt
from connectors.channels.registry import open_channel
from core.clock import business_now
from core.errors import AlreadyDone, Permanent, Transient, Unclear
from core.faults import fault_point
from core.settings import Settings
from services.effects.keys import cancelled_key
from services.orders.sending import cancelling, testing
from services.orders.sending.delivery import begin_delivery, record_delivery, record_not_taken
from services.ways import way_of
from workers.mailing import send_as_composed
from workers.sending import arrived, did_not_arrive, go
from workers.stopping import uncut
from workers.task import Lease, work_task


@work_task("deliver_order")
def deliver_order(lease: Lease) -> None:
    """Send one stored order: commit to sending, send with no transaction open, record."""
    with uncut():
        _deliver(lease)


def _deliver(lease: Lease) -> None:
    with lease.transaction() as session:
        delivery = begin_delivery(session, lease.subject_id, lease.settings)
        if delivery is not None:
            go(session, lease, _way(delivery))
        fault_point("delivery.paper")
    if delivery is None:
        with lease.closing() as closing:
            closing.report("nothing_to_do")
        return
    fault_point("delivery.sending")
    receipt = _send(lease, delivery)
    fault_point("delivery.sent")
    with lease.closing() as closing:
        arrived(closing.session, _way(delivery))
        record_delivery(closing.session, delivery, business_now(closing.session))
        closing.report(reply=receipt.reply)


@work_task("tell_cancelled")
def tell_cancelled(lease: Lease) -> None:
    """Send the letter that cancels an order."""
    send_as_composed(
        lease,
        lambda session: cancelling.begin(session, lease.subject_id, lease.settings),
        cancelling.record_not_taken,
        cancelling.record,
        point="cancellation",
        key=lambda letter: cancelled_key(letter.number),
    )


@work_task("send_test_order")
def send_test_order(lease: Lease) -> None:
    """Send a document that is no order, once; the other side's answer is the Run's."""
    number = str(lease.arguments.get("number"))
    with lease.transaction() as session:
        now = business_now(session)
        delivery = testing.trial_delivery(session, lease.subject_id, number, settings=lease.settings, now=now)
    with uncut():
        receipt = _handed_over(lease, delivery)
        with lease.closing() as closing:
            arrived(closing.session, _way(delivery))
            closing.report(reply=receipt.reply)


def means(settings: Settings) -> Means:
    """What channels draw on, of the installation's settings."""
    return Means(settings.order_outbox, settings.mail, settings.organisation, settings.orders.connections)


def _send(lease: Lease, delivery: Delivery) -> Receipt:
    """The other side's answer. A clear refusal is noted before it is raised, so that it is not taken for an unknown fate."""
    try:
        return _handed_over(lease, delivery)
    except AlreadyDone as done:
        return Receipt(reply=done.message.text())
    except (Transient, Permanent) as failure:
        with lease.transaction() as session:
            came_to = did_not_arrive(session, lease, _way(delivery), failure)
            if not isinstance(failure, Unclear):
                record_not_taken(session, delivery)
        raise came_to from failure


def _handed_over(lease: Lease, delivery: Delivery) -> Receipt:
    with lease.journal.around(lease.claimed, delivery.number, sha256=delivery.sha256, way=delivery.channel) as going:
        going()
        return open_channel(delivery.channel, means(lease.settings)).send(delivery)


def _way(delivery: Delivery) -> str | None:
    return way_of(delivery.channel, delivery.destination.settings)
