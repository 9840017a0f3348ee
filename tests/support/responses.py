"""Order responses for tests: one of each code, answering the order of tests/support/orders.py. Everything is invented."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from documents.order_response import OrderResponse, PartyId, PromisedPeriod, ResponseLine

BUYER = PartyId("0216", "003712345671", "1234567-1", "Esimerkin hyvinvointialue")
SELLER = PartyId("0216", "003701234562", "0123456-2", "Valmennus & Tuki Oy")
OCTOBER = PromisedPeriod(date(2026, 10, 1), date(2026, 11, 30))
FEWER_HOURS = ResponseLine(
    line_id="1",
    order_line_id="1",
    code="3",
    item_name="ADHD-valmennus, arki",
    quantity=Decimal(20),
    unit_code="HUR",
    price=Decimal("62.50"),
    period=OCTOBER,
    note="Alkaa vasta lokakuussa",
)
TRAVEL = ResponseLine(line_id="2", order_line_id="2", code="5", item_name="Matkakulut")


def a_response(**changes) -> OrderResponse:
    """An acceptance, with `changes`."""
    accepted = OrderResponse(
        id="V-1", issue_date=date(2026, 8, 21), code="AP", order_number="T-2026-000123", buyer=BUYER, seller=SELLER
    )
    return replace(accepted, **changes)


def with_changes(*lines: ResponseLine, **changes) -> OrderResponse:
    """An acceptance with changes: by default fewer hours, later."""
    return a_response(code="CA", lines=lines or (FEWER_HOURS, TRAVEL), note="Aloitus siirtyy", **changes)
