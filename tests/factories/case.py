"""Cases, decisions, plan items, choices."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from models.base import days
from models.case import Case, Choice, Client, Decision, PlanItem
from models.provider import Provider
from models.service import Service
from tests.factories.base import added, unique

NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)


def make_case(session: Session, **over: Any) -> Case:
    """An open case of a client of its own."""
    source = over.pop("source", "test")
    client = added(session, Client(source=source, external_id=unique("client")))
    values = {"number": unique("HB-2026"), "external_id": unique("case"), "record_hash": b"", **over}
    return added(session, Case(source=source, client_id=client.id, **values))


def make_decision(session: Session, case: Case | None = None, **over: Any) -> Decision:
    """A decision of 9 November 2026 that states neither an amount nor a replaced service: say one of them."""
    values = {
        "external_id": unique("decision"),
        "number": unique("P-2026"),
        "stand_date": date(2026, 11, 5),
        "decided_on": date(2026, 11, 9),
        "valid": days(date(2026, 11, 9), date(2027, 12, 31)),
        **over,
    }
    return added(session, Decision(case_id=(case or make_case(session)).id, **values))


def make_plan_item(
    session: Session,
    decision: Decision,
    service: Service,
    quantity: str | Decimal = "12",
    *,
    first: date = date(2026, 11, 23),
    last: date = date(2027, 2, 22),
    **over: Any,
) -> PlanItem:
    """Twelve of a service over three months."""
    values = {"external_id": unique("item"), "unit": service.unit, **over}
    return added(
        session,
        PlanItem(
            case_id=decision.case_id,
            decision_id=decision.id,
            service_id=service.id,
            quantity=Decimal(quantity),
            period=days(first, last),
            **values,
        ),
    )


def make_choice(session: Session, item: PlanItem, provider: Provider, **over: Any) -> Choice:
    """A parent's choice of provider."""
    values = {"chosen_by": "parent", "actor": "worker:W-101", "chosen_at": NOW, **over}
    return added(session, Choice(plan_item_id=item.id, provider_id=provider.id, **values))
