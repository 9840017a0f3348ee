"""Whatever happens to orders, in whatever sequence: what binds is covered once, what has ended covers nothing, and sums add up."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.errors import InputError, Message, Permanent
from core.order_settings import Orders
from core.settings import Organisation, Settings
from models.order import PurchaseOrder
from services.orders import proposals
from services.orders.approving import generating
from services.orders.closing import close_orders
from services.orders.replies.answer_values import Answer, Code, LineAnswer, LineCode
from services.orders.replies.answers import take
from services.orders.replies.answers_held import apply_held, discard_held, respond
from services.orders.sending import ending
from services.orders.sending.delivery import begin_delivery, give_up, record_delivery, record_not_taken
from services.orders.weighing import standing
from services.work.lease import Ended
from tests.support.ordering import APPROVER, NOW, add_item, make_world, order

MONTHLY = Orders(period="monthly", automatic=True, automatic_up_to=Decimal(100_000))
CODES: tuple[Code, ...] = ("AB", "AP", "RE", "CA")
LINE_CODES: tuple[LineCode, ...] = ("3", "5", "7")
#: What must never be so: a name, and a statement that finds it.
FORBIDDEN = {
    "what has ended covers nothing, what binds covers something": """
        SELECT number, state FROM purchase_order
        WHERE (state IN ('rejected', 'cancelled')) = EXISTS (SELECT FROM order_coverage WHERE order_id = purchase_order.id AND live)
    """,
    "totals are the sums of the lines": """
        SELECT number FROM purchase_order JOIN order_line ON order_id = purchase_order.id
        GROUP BY purchase_order.id, number HAVING sum(net) <> total_net OR sum(vat) <> total_vat OR sum(gross) <> total_gross
    """,
    "every order has its Work": """
        SELECT number FROM purchase_order WHERE NOT EXISTS (SELECT FROM work WHERE work.key = 'deliver_order:' || number)
    """,
    "numbers have no gaps": """
        SELECT left(number, 6) FROM purchase_order GROUP BY left(number, 6) HAVING count(*) <> max(right(number, 6)::int)
    """,
    "an approval of months rests on no order that was let go": """
        SELECT order_approval.id FROM order_approval JOIN purchase_order ON purchase_order.approval_id = order_approval.id
        JOIN order_coverage ON order_coverage.order_id = purchase_order.id AND order_coverage.plan_item_id = order_approval.plan_item_id
        WHERE ended_at IS NULL AND NOT live
    """,
    "nothing is proposed about what has ended": """
        SELECT number FROM order_proposal JOIN purchase_order ON purchase_order.id = order_id
        WHERE settled_at IS NULL AND state IN ('rejected', 'cancelled')
    """,
    "cancelled is said of cancelled ones": "SELECT number FROM purchase_order WHERE (state = 'cancelled') <> (cancelled_at IS NOT NULL)",
    "at most one letter is in force": """
        SELECT order_id FROM order_paper WHERE superseded_at IS NULL GROUP BY order_id, kind HAVING count(*) > 1
    """,
}


class Life:
    """Orders of one family, and all that can happen to them."""

    def __init__(self, session: Session, random: Random, settings: Orders) -> None:
        self.session, self.random, self.rules, self.now = session, random, settings, NOW
        self.world = make_world(session, granted="90000.00")
        self.items = [self.world.item, add_item(session, self.world)]
        self.answers = iter(range(10_000))

    def any_order(self) -> PurchaseOrder:
        found = list(self.session.scalars(select(PurchaseOrder).order_by(text("id"))))
        if not found:
            raise InputError("none")
        one = self.random.choice(found)
        self.session.refresh(one)
        return one

    def lines(self, one: PurchaseOrder) -> tuple[LineAnswer, ...]:
        numbers = self.session.scalars(
            text("SELECT line_number FROM order_line WHERE order_id = :id ORDER BY 1"), {"id": one.id}
        )
        return tuple(
            LineAnswer(number, code, quantity=Decimal("0.5") if code == "3" else None)
            for number, code in [(number, self.random.choice(LINE_CODES)) for number in numbers]
        )

    def approve(self) -> None:
        some = self.random.sample(self.items, self.random.randint(1, 2))
        order(self.session, *some, settings=self.rules, now=self.now)

    def night(self) -> None:
        given: dict[str, Any] = {
            "now": self.now,
            "settings": self.rules,
            "organisation": Organisation(),
            "budgets": Budgets(),
        }
        proposals.watch(self.session, self.now)
        standing.end_void(self.session, now=self.now)
        generating.order_due_months(self.session, **given)
        generating.approve_by_itself(self.session, **given)

    def days_pass(self) -> None:
        self.now += timedelta(days=self.random.randint(1, 20))

    def close(self) -> None:
        close_orders(self.session, now=self.now, settings=Budgets())

    def deliver(self) -> None:
        one = self.any_order()
        delivery = begin_delivery(self.session, one.id, Settings())
        if delivery is not None:
            self.random.choice(
                [
                    lambda: record_delivery(self.session, delivery, self.now),
                    lambda: record_not_taken(self.session, delivery),
                    lambda: give_up(self.session, Ended(1, "deliver_order", one.id, Message("It fell silent."))),
                    lambda: None,
                ]
            )()

    def answer(self) -> None:
        one = self.any_order()
        code = self.random.choice(CODES)
        lines = self.lines(one) if code == "CA" else ()
        take(
            self.session,
            Answer(one.number, code, external_id=f"V-{next(self.answers)}", lines=lines),
            now=self.now,
        )

    def noted(self) -> None:
        code = self.random.choice(CODES)
        respond(self.session, self.any_order().number, code, actor=APPROVER, now=self.now)

    def settled(self) -> None:
        how = self.random.choice([apply_held, discard_held])
        how(self.session, self.any_order().number, actor=APPROVER, reason="because", now=self.now)

    def cancel(self) -> None:
        ending.cancel(self.session, self.any_order().number, actor=APPROVER, reason="because", now=self.now)

    def resend(self) -> None:
        ending.resend(self.session, self.any_order().number, actor=APPROVER, now=self.now)

    def plan_changes(self) -> None:
        self.random.choice(self.items).quantity += self.random.choice([-1, 1])
        self.session.flush()
        proposals.watch(self.session, self.now)

    def proposal(self) -> None:
        found = proposals.open_proposals(self.session, today=self.now.date())
        if found:
            outcome = self.random.choice(proposals.OUTCOMES)
            proposals.settle(self.session, found[0].id, outcome, actor=APPROVER, reason="because", now=self.now)


STEPS: list[Callable[[Life], None]] = [
    Life.approve, Life.approve, Life.night, Life.days_pass, Life.close, Life.deliver, Life.deliver, Life.answer, Life.answer, Life.noted,
    Life.settled, Life.settled, Life.cancel, Life.resend, Life.plan_changes, Life.proposal,
]  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens(session: Session, seed: int) -> None:
    random = Random(seed)
    life = Life(session, random, random.choice([Orders(), MONTHLY]))
    done: list[str] = []
    for _ in range(60):
        step = random.choice(STEPS)
        try:
            with session.begin_nested():
                step(life)
                session.flush()
            done.append(step.__name__)
        except (InputError, Permanent):
            continue
        for name, statement in FORBIDDEN.items():
            wrong = session.execute(text(statement)).all()
            assert not wrong, (name, wrong, done[-12:])
