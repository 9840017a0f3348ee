"""Families who chose providers that are reached over every channel there is: tomorrow's orders."""

from datetime import date, datetime

from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.clock import move_business_clock
from services.budgets import dirty
from tests.factories.price import make_price
from tests.factories.service import make_service
from tests.support.budgets import recompute_dirty
from tests.support.bulk import Rows, period
from tests.support.order_sinks import CHANNEL_SETTINGS
from tests.support.ordering import NOW, make_orderable_provider


def families_chose(session: Session, count: int) -> None:
    """So many families, each of which chose a provider; the channels take turns. The business clock stands at NOW."""
    service = make_service(session)
    providers = [
        make_orderable_provider(session, service, channel=channel, channel_settings=settings)
        for channel, settings in CHANNEL_SETTINGS.items()
    ]
    for provider in providers:
        make_price(session, service, provider, "88.00")
    rows = Rows()
    for turn in range(count):
        add_family(
            rows, turn, source="chaos", number=f"HB-2026-{turn:06}", service=service.id, provider=providers[turn % len(providers)].id,
            decided_on=date(2026, 11, 9), planned=(date(2026, 11, 23), date(2027, 2, 22)), chosen_at=NOW,
        )  # fmt: skip
    rows.flush(session)
    dirty.mark_all(session, "asked")
    recompute_dirty(session, now=NOW, settings=Budgets())
    move_business_clock(session, NOW)


def add_family(
    rows: Rows, turn: int, *, source: str, number: str, service: int, provider: int,
    decided_on: date, planned: tuple[date, date], chosen_at: datetime,
) -> None:  # fmt: skip
    """The rows of a family of a source, told from others by `turn`, whose parent chose a provider for twelve visits of a service."""
    client = rows.add("client", source=source, external_id=f"client-{turn}")
    case = rows.add(
        "client_case", number=number, source=source, external_id=f"case-{turn}", client_id=client,
        status="open", goals="{}", record_hash=b"", assessment_date=date(2026, 10, 1),
    )  # fmt: skip
    decision = rows.add(
        "decision", case_id=case, external_id="p", number=f"P-2026-{turn}", decided_on=decided_on,
        valid=period(decided_on, date(2027, 12, 31)), granted_amount=2000,
    )  # fmt: skip
    item = rows.add(
        "plan_item", case_id=case, decision_id=decision, external_id="item", service_id=service, quantity=12,
        unit="C62", period=period(*planned),
    )  # fmt: skip
    rows.add(
        "choice", plan_item_id=item, provider_id=provider, chosen_by="parent", actor="worker:W-1", reason="", chosen_at=chosen_at
    )  # fmt: skip
