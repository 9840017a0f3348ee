"""How many orders one core builds in a second: values to UBL, the XML schema, the Peppol rules and Avain's own, as before storing each.

The order is a usual one: a service by the hour, another by the visit, and travel with VAT. Everything in it is invented.
"""

import time
from dataclasses import replace
from decimal import Decimal
from typing import Final

from documents.ubl_order import write_checked
from tests.support.orders import AUTUMN, COACHING, TRAVEL, an_order

_VISITS: Final = replace(
    COACHING,
    id="2",
    quantity=Decimal(6),
    unit_code="C62",
    net_price=Decimal(90),
    net_amount=Decimal("540.00"),
    item_name="Perhekäynti",
    item_id="PK-01",
)
_ORDER: Final = an_order(lines=(COACHING, _VISITS, replace(TRAVEL, id="3", period=AUTUMN, item_id="KM-01")))


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
