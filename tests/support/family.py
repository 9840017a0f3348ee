"""A family with a decision, a service and a provider, for the tests of budgets."""

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.errors import Message
from models.budget import BudgetVersion
from models.case import Decision, PlanItem
from models.price import Price
from services.budgets import dirty
from services.budgets.recompute import Recomputed
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.price import make_price
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_worker
from tests.support.budgets import current_version, recompute_dirty

NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
ZERO = Decimal(0)
SETTINGS = Budgets(tolerance=Decimal("0.05"), near_limit=Decimal("0.90"))


def recompute(session: Session, *decisions: Decision, cause: str = "cases", now: datetime = NOW) -> Recomputed:
    dirty.mark_decisions(session, [one.id for one in decisions], cause)
    return recompute_dirty(session, now=now, settings=SETTINGS)


def current(session: Session, decision: Decision) -> BudgetVersion:
    return current_version(session, decision.id)


def reasons(version: BudgetVersion) -> list[str]:
    return [Message.from_json(reason).text("en") for reason in version.reasons]


class Family:
    """A case of twelve visits instead of twelve visits of family work at 89.50 €. `price` and `item` are for the tests to set."""

    price: Price
    item: PlanItem

    def __init__(self, session: Session, **decision) -> None:
        self.worker = make_worker(session)
        self.case = make_case(session, responsible_worker_id=self.worker.id)
        self.baseline = make_service(session)
        self.service = make_service(session)
        self.provider = make_provider(session)
        self.reference = make_price(session, self.baseline, amount="89.50")
        stated = {"baseline_service_id": self.baseline.id, "baseline_quantity": Decimal(12), "baseline_unit": "C62"}
        self.decision = make_decision(session, self.case, **(decision or stated))

    def plan(self, session: Session, quantity: str = "12", *, choose: bool = True, **over) -> PlanItem:
        item = make_plan_item(session, self.decision, self.service, quantity, **over)
        if choose:
            make_choice(session, item, self.provider)
        return item
