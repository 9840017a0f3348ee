"""A worker's orders as a test of the pages about orders wants them: one case, its order with a line, and somebody else's beside it."""

from typing import Any

from sqlalchemy.orm import Session

from models.case import Case, Decision, PlanItem
from models.order import PurchaseOrder
from tests.factories.order import make_order, make_order_line
from tests.factories.price import make_price
from tests.support.office import Office


class OrderDesk(Office):
    """The office of Today's tests, with orders: `mine` is W-1's, in the state that is asked for."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.price = make_price(session, self.service, self.provider, "50.00")

    def order(
        self, worker: Any = None, *, item: PlanItem | None = None, gross: str = "600.00", **over: Any
    ) -> PurchaseOrder:
        """An order of one line for a planned service of its own."""
        item = item or self.item(worker, chosen=True)
        decision = self.session.get_one(Decision, item.decision_id)
        made = make_order(
            self.session,
            decision,
            self.provider,
            **{"total_net": gross, "total_gross": gross, "period": item.period, **over},
        )
        make_order_line(self.session, made, item, self.price, gross)
        return made

    def case_of(self, order: PurchaseOrder) -> Case:
        found: Case = self.session.get_one(Case, self.session.get_one(Decision, order.decision_id).case_id)
        return found
