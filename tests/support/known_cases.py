"""The orders of the four known cases (families and a young adult), as golden documents. All names, numbers and prices are invented."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from documents.order import Order, OrderLine, Party, Period, price_for
from tests.support.orders import AUTUMN, COACHING, SELLER, TRAVEL, an_order

_COACH = replace(SELLER, name="Esimerkkivalmennus Oy (keksitty)", city="Espoo")
_NEPSY = Party(name="Nepsypolku & Perhe Oy (keksitty)", endpoint="003799111113", business_id="9911111-3")
_SUPPORT = Party(
    name="Tukipolku osk (keksitty)", endpoint="5790000435951", endpoint_scheme="0088", business_id="9999996-8"
)
_MUSIC = Party(name="Musiikkitupa Åäkkönen ry (keksitty)", endpoint="003799999992", business_id="9999999-2")
_OCTOBER = Period(date(2026, 10, 1), date(2026, 10, 31))

_BASE = an_order(
    number="T-2026-000001",
    seller=_COACH,
    lines=(),
    client_reference="7F3K9Q2MX4ABCDEF",
    profile="order_only",
    valid_until=AUTUMN.end,
)


def adhd_coaching() -> Order:
    """School curator's family: ADHD coaching instead of family work, three months, days and evenings, by the hour; exempt from VAT."""
    day = replace(COACHING, quantity=Decimal(20), net_amount=Decimal("1250.00"), item_name="ADHD-valmennus")
    evening = replace(
        day,
        id="2",
        quantity=Decimal("6.25"),
        net_price=Decimal("71.875"),
        net_amount=Decimal("449.22"),
        item_name="ADHD-valmennus, ilta",
        item_id="ADHD-02",
    )
    return replace(_BASE, lines=(day, evening), profile="ordering")


def nepsy_coaching() -> Order:
    """Family counselling: nepsy coaching instead of family work, by the visit, with travel that has VAT; the order is not answered."""
    visits = OrderLine(
        id="1",
        quantity=Decimal(12),
        unit_code="C62",
        net_price=Decimal("97.5"),
        net_amount=Decimal("1170.00"),
        item_name="Nepsy-valmennus",
        item_id="NEPSY-VALMENNUS",
        period=AUTUMN,
    )
    travel = replace(
        TRAVEL,
        quantity=Decimal(180),
        net_amount=Decimal("82.21"),
        vat_amount=Decimal("20.96"),
        item_name="Nepsy-valmennus (matkakulut)",
    )
    return replace(
        _BASE, number="T-2026-000002", seller=_NEPSY, lines=(visits, travel), decision_number="2026/452", catalogue=None
    )


def support_person() -> Order:
    """A support person for the child, from the one of two providers the family chose: ordered for one month at a time, address a GLN."""
    month = OrderLine(
        id="1",
        quantity=Decimal(1),
        unit_code="MON",
        net_price=Decimal(640),
        net_amount=Decimal("640.00"),
        item_name="Ammatillinen tukihenkilö",
        item_id="TUKI/1",
        accounting_cost="4550-3130",
        period=_OCTOBER,
        cpv_code="85320000",
    )
    return replace(
        _BASE,
        number="T-2026-000003",
        seller=_SUPPORT,
        lines=(month,),
        decision_number="2026/453",
        period=_OCTOBER,
        valid_until=_OCTOBER.end,
        profile="ordering",
    )


def music_workshop() -> Order:
    """A young adult in aftercare: a service outside the usual menu, priced with VAT in it, and a lump sum for the instrument."""
    net_price, base = price_for(Decimal("286.85"), Decimal(8), Decimal("35.8566"))
    workshop = OrderLine(
        id="1",
        quantity=Decimal(8),
        unit_code="E48",
        net_price=net_price,
        base_quantity=base,
        net_amount=Decimal("286.85"),
        vat_category="S",
        vat_percent=Decimal("25.5"),
        vat_amount=Decimal("73.15"),
        item_name="Musiikkipaja «Oma ääni» ♪",
        period=Period(date(2026, 9, 15), date(2026, 11, 15)),
    )
    instrument = replace(
        workshop,
        id="2",
        quantity=Decimal(1),
        unit_code="LS",
        net_price=Decimal(40),
        base_quantity=Decimal(1),
        net_amount=Decimal("40.00"),
        vat_amount=Decimal("10.20"),
        item_name="Soittimen vuokra",
        period=None,
    )
    return replace(
        _BASE,
        number="T-2026-000004",
        seller=_MUSIC,
        lines=(workshop, instrument),
        client_reference="QK7M2W9XH4TR3YPA",
        decision_number="2026/454",
        contract=None,
        catalogue=None,
        accounting_cost=None,
    )


KNOWN_CASES = (adhd_coaching, nepsy_coaching, support_person, music_workshop)
