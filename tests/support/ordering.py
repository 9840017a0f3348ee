"""A small world in which things can be ordered: one family, its decision, a provider with contract and price, a choice made."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy.orm import Session
from stdnum.fi import ytunnus

from core.budget_settings import Budgets
from core.order_settings import Orders
from core.settings import Organisation
from models.case import Case, Decision, PlanItem
from models.provider import Provider
from models.service import Service
from models.worker import Worker
from services.orders.approving.approval import Approved, approve
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.price import make_price
from tests.factories.provider import make_contract, make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker

NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
APPROVER = "cli:enni"
CHOOSER = "cli:aino"


def _valid_business_ids() -> Iterator[str]:
    """Invented ones of the right form: 9000001-… upwards."""
    for number in count(9_000_001):
        for check in range(10):
            if ytunnus.is_valid(f"{number}-{check}"):
                yield f"{number}-{check}"


_business_ids = _valid_business_ids()


@dataclass
class World:
    """What a test may change before it approves `item`."""

    worker: Worker
    case: Case
    decision: Decision
    service: Service
    provider: Provider
    item: PlanItem


def make_orderable_provider(session: Session, *services: Service, **over: Any) -> Provider:
    """A provider with a valid business id, offering `services`; with a contract of 2026–2027."""
    business_id = next(_business_ids)
    provider: Provider = make_provider(
        session,
        services=services,
        **{
            "business_id": business_id,
            "endpoint_id": "0037" + business_id.replace("-", ""),
            "email": f"tilaukset@{business_id}.invalid",
            **over,
        },
    )
    make_contract(session, provider)
    return provider


def make_world(
    session: Session, *, price: str | None = "88.00", channel: str = "email", granted: str = "2000.00"
) -> World:
    """Twelve visits at 88.00 €, 1,056.00 € of 2,000.00 € granted, chosen by the parent."""
    worker = make_worker(session, name="Aino Vastuullinen")
    unit = make_unit(session, contact_email="palveluohjaus@esimerkki.invalid")
    case = make_case(session, responsible_worker_id=worker.id, unit_id=unit.id)
    decision = make_decision(session, case, granted_amount=Decimal(granted))
    service = make_service(session)
    provider = make_orderable_provider(session, service, channel=channel)
    if price:
        make_price(session, service, provider, price)
    item = make_plan_item(session, decision, service)
    make_choice(session, item, provider, actor=CHOOSER)
    return World(worker, case, decision, service, provider, item)


def add_item(session: Session, world: World, quantity: str = "10", price: str = "50.00", **over: Any) -> PlanItem:
    """Another service of the same decision, chosen from the same provider."""
    service = make_service(session, **over)
    make_price(session, service, world.provider, price)
    item = make_plan_item(session, world.decision, service, quantity, first=date(2026, 12, 1), last=date(2027, 3, 31))
    make_choice(session, item, world.provider, actor=CHOOSER)
    return item


def order(session: Session, *items: PlanItem | int, **over: Any) -> Approved:
    """Approve items with ordinary settings."""
    values: dict[str, Any] = {
        "approver": APPROVER,
        "reason": "",
        "now": NOW,
        "settings": Orders(),
        "organisation": Organisation(),
        "budgets": Budgets(),
        **over,
    }
    return approve(session, [item if isinstance(item, int) else item.id for item in items], **values)


def reason_of(done: Approved) -> str:
    """Why the one item asked for was not ordered."""
    assert not done.orders
    (refused,) = done.refused
    return refused.reason.text()
