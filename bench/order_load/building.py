"""How many orders one core builds in a second: values to UBL, the XML schema, the Peppol rules and Avain's own, as before storing each.

The order is a usual one: a service by the hour, another by the visit, and travel with VAT. Everything in it is invented.
"""

import time
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

from documents.order import Order, OrderLine, Party, Period
from documents.ubl_order import write_checked

_PERIOD: Final = Period(date(2026, 9, 1), date(2026, 11, 30))
_COACHING: Final = OrderLine(
    id="1",
    quantity=Decimal(24),
    unit_code="HUR",
    net_price=Decimal("62.50"),
    net_amount=Decimal("1500.00"),
    item_name="ADHD-valmennus, arki",
    item_id="ADHD-01",
    accounting_cost="4550-3120",
    period=_PERIOD,
    cpv_code="85312000-9",
)
_ORDER: Final = Order(
    number="T-2026-000001",
    issue_date=date(2026, 8, 20),
    buyer=Party(
        name="Esimerkin hyvinvointialue",
        endpoint="003712345671",
        business_id="1234567-1",
        unit="Palveluohjaus",
        mail="palveluohjaus@hva.test",
    ),
    seller=Party(name="Valmennus & Tuki Oy", endpoint="003701234562", business_id="0123456-2"),
    lines=(
        _COACHING,
        replace(
            _COACHING,
            id="2",
            quantity=Decimal(6),
            unit_code="C62",
            net_price=Decimal(90),
            net_amount=Decimal("540.00"),
            item_name="Perhekäynti",
            item_id="PK-01",
        ),
        replace(
            _COACHING,
            id="3",
            quantity=Decimal("7.5"),
            unit_code="KMT",
            net_price=Decimal("0.4567"),
            net_amount=Decimal("3.43"),
            vat_category="S",
            vat_percent=Decimal("25.5"),
            vat_amount=Decimal("0.87"),
            item_name="Matkakulut",
            item_id="KM-01",
        ),
    ),
    client_reference="7F3K9Q2MX4",
    decision_number="2026/451",
    decision_date=date(2026, 8, 17),
    profile="ordering",
    period=_PERIOD,
    valid_until=date(2026, 8, 31),
    contract="HVA-2026-77",
    catalogue="HINNASTO-2026-4",
    accounting_cost="4550",
)


def build_rate(seconds: float) -> float:
    """Orders a second, over about `seconds` of one core's time after a warm-up."""
    write_checked(_ORDER)  # compiles the schema
    began = time.process_time()
    built, spent = 0, 0.0
    while spent < seconds:
        write_checked(replace(_ORDER, number=f"T-2026-{built + 1:06d}"))
        built += 1
        spent = time.process_time() - began
    return built / spent
