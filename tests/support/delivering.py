"""Orders that are delivered in the test's own process, and what came of it."""

import email
import email.policy
from email.message import EmailMessage

from services.orders import show
from tests.support.in_process import InProcess
from tests.support.ordering import World, make_world, order
from workers.tasks.orders import deliver_order

TASK = "workers.tasks.orders.deliver_order"


def ordered(here: InProcess, channel: str = "email") -> tuple[World, str]:
    """One approved order waiting to be delivered."""
    with here.transaction() as session:
        world = make_world(session, channel=channel)
        (made,) = order(session, world.item).orders
        return world, made.number


def deliver(here: InProcess, times: int = 1) -> None:
    for _ in range(times):
        assert here.do_due("deliver_order", deliver_order) == 1


def state(here: InProcess, number: str) -> str:
    with here.transaction() as session:
        return show.order_view(session, number).state


def attempts(here: InProcess, number: str) -> list[show.Attempt]:
    with here.transaction() as session:
        return show.delivery_attempts(session, number)


def outcomes(here: InProcess, number: str) -> list[str | None]:
    return [one.outcome for one in attempts(here, number)]


def work_of(here: InProcess, number: str) -> int:
    (row,) = here.rows("SELECT id FROM work WHERE key = :key", key=f"deliver_order:{number}")
    return int(row.id)


def parsed(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def notices(here: InProcess, world: World) -> list[tuple[str, str]]:
    found = here.rows(
        "SELECT kind, subject FROM notice WHERE worker_id = :id AND kind LIKE 'order%'", id=world.worker.id
    )
    return [(row.kind, row.subject) for row in found]
