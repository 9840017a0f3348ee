"""A statement to change at will: twelve visits of which four are used."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from services.statements.reading import Planned, Section, Share, Statement

FIRST, LAST = date(2026, 11, 23), date(2027, 2, 22)
TODAY = date(2026, 12, 15)
SERVICES = {"ADHD": "ADHD-valmennus", "PERHETYO": "perhetyö", "NEPSY": "nepsy-valmennus"}


def share(kind: str, gross: str | None, **over: Any) -> Share:
    """A line of the whole item at 89 €."""
    values = {
        "extra": "",
        "first": FIRST,
        "last": LAST,
        "price": None if gross is None else Decimal("89.0000"),
        "price_unit": "C62",
        "price_base_quantity": Decimal("1.0000"),
        **over,
    }
    return Share(kind=kind, gross=None if gross is None else Decimal(gross), **values)


ITEM = Planned(
    service="ADHD",
    free_of_charge=True,
    quantity=Decimal("12.0000"),
    unit="C62",
    first=FIRST,
    last=LAST,
    ended=False,
    provider="Esimerkkivalmennus Oy (keksitty)",
    chosen_by="parent",
    reason="",
    used=Decimal(4),
    lines=(
        share("invoiced", "178.00"),
        share("delivered", "178.00"),
        share("ordered", "534.00"),
        share("planned", "356.00"),
    ),
)
SECTION = Section(
    decision="P-2026-101",
    decided_on=date(2026, 11, 9),
    valid_from=date(2026, 11, 9),
    valid_to=date(2027, 12, 31),
    ceiling=Decimal("1074.00"),
    granted_amount=None,
    baseline="PERHETYO",
    baseline_quantity=Decimal("12.0"),
    baseline_unit="C62",
    invoiced=Decimal("178.00"),
    delivered=Decimal("178.00"),
    ordered=Decimal("534.00"),
    planned=Decimal("356.00"),
    free=Decimal("6.00"),
    state="near",
    items=(ITEM,),
)
STATEMENT = Statement(
    case_id=1,
    case="HB-2026-000001",
    open=True,
    non_disclosure=False,
    worker="Aino Esimerkki",
    unit="Lapsiperheiden palvelut",
    goals=("Aamut sujuvat ilman riitaa.",),
    sections=(SECTION,),
)


def told(section: Section = SECTION, **over: Any) -> Statement:
    """The statement with its one section changed."""
    return replace(STATEMENT, sections=(replace(section, **over),))


def item(**over: Any) -> Planned:
    """The item changed."""
    return replace(ITEM, **over)
