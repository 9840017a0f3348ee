"""Orders of the former version over a change of the schema: sent on, answered and cancelled by this one, and nobody is troubled for nothing."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import database as databases
from core.embedded import Embedded
from demo.smtp_sink import SmtpSink
from services.orders import proposals
from services.orders.replies import hand_over
from services.orders.replies.answer_values import Answer
from services.orders.replies.answers import take
from services.orders.sending import ending
from tests.support.delivering import deliver, notices, outcomes, state, work_of
from tests.support.effects import at_home
from tests.support.in_process import InProcess
from tests.support.ordering import NOW, World, add_item, make_world, order
from workers.tasks.orders import deliver_order, tell_cancelled

ROOT = Path(__file__).resolve().parents[3]
#: Where orders ended before they were answered, cancelled by letter and compared with what is planned.
FORMER = "0013"


@pytest.fixture
def sink(here: InProcess) -> Iterator[SmtpSink]:
    with SmtpSink() as made:
        here.configure(mail__port=made.port, mail__sender="avain@county.invalid", mail__timeout_seconds=5)
        yield made


@pytest.fixture
def upgraded(here: InProcess, database: Embedded) -> tuple[World, list[str]]:
    """Three approved orders of one family, their deliveries waiting: whatever 0014 and later know of them is undone and done again."""
    with here.transaction() as session:
        world = make_world(session, granted="9000.00")
        items = [world.item, add_item(session, world), add_item(session, world)]
        numbers = [order(session, item).orders[0].number for item in items]
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["url"] = database.database_owner_url
    databases.engine().dispose()
    command.downgrade(config, FORMER)
    command.upgrade(config, "head")
    at_home(database)  # as where the trail was sealed by this server before the upgrade
    return world, numbers


def told(session: Session, number: str) -> list[str]:
    kinds = text("SELECT kind FROM notice WHERE subject = :subject ORDER BY id")
    return list(session.execute(kinds, {"subject": f"order:{number}"}).scalars())


def test_what_was_ordered_before_goes_on(here: InProcess, sink: SmtpSink, upgraded: tuple[World, list[str]]) -> None:
    world, numbers = upgraded
    assert here.do_due("deliver_order", deliver_order) == len(numbers)
    assert sorted(message.recipients[0] for message in sink.messages) == [world.provider.email] * len(numbers)
    assert [state(here, number) for number in numbers] == ["sent"] * len(numbers)
    accepted, rejected, cancelled = numbers
    with here.transaction() as session:
        take(session, Answer(accepted, "AP", external_id="V-1", starts_on=date(2026, 12, 1)), now=NOW)
        take(session, Answer(rejected, "RE", external_id="V-2"), now=NOW)
        assert ending.cancel(session, cancelled, actor="cli:enni", reason="the family moved", now=NOW).letter
        hand_over.tick(session, accepted, actor="cli:aino", now=NOW)
        watched = proposals.watch(session, NOW)
        assert (watched.found, watched.gone) == (0, 0), "it is taken to be as it is planned"
    assert here.do_due("tell_cancelled", tell_cancelled) == 1
    assert [state(here, number) for number in numbers] == ["accepted", "rejected", "cancelled"]
    live = here.rows("SELECT number FROM order_coverage JOIN purchase_order ON purchase_order.id = order_id WHERE live")
    assert [row.number for row in live] == [accepted]


def test_a_plan_that_changes_after_the_upgrade_is_noticed(here: InProcess, upgraded: tuple[World, list[str]]) -> None:
    world, (number, *_) = upgraded
    with here.transaction() as session:
        session.execute(text("UPDATE plan_item SET quantity = 20 WHERE id = :id"), {"id": world.item.id})
        assert proposals.watch(session, NOW).found == 1
        assert told(session, number) == ["order_proposal"]


def test_a_letter_that_the_former_version_was_sending_is_asked_about(
    here: InProcess, sink: SmtpSink, upgraded: tuple[World, list[str]]
) -> None:
    """That letter was not kept: another one would be no repeat of it. Asked to send it again, it goes out as a new one."""
    world, (number, *others) = upgraded
    with here.transaction() as session:
        session.execute(text("UPDATE purchase_order SET state = 'sending' WHERE number = :number"), {"number": number})
        for other in others:
            ending.cancel(session, other, actor="cli:enni", reason="not this time", now=NOW)
    here.do_due("deliver_order", deliver_order)
    assert not sink.messages
    assert (state(here, number), outcomes(here, number)) == ("failed", ["failed"])
    assert ("order_failed", f"order:{number}") in notices(here, world)
    with here.transaction() as session:
        assert ending.resend(session, number, actor="cli:enni", reason="It had not come.", now=NOW) == work_of(
            here, number
        )
    deliver(here)
    assert len(sink.messages) == 1
    assert state(here, number) == "sent"
