"""Purchase orders for tests: one to change at will, and a Hypothesis strategy of all that Avain may send. Everything is invented."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from hypothesis import strategies as st
from stdnum import ean
from stdnum.fi import ytunnus

from core.money import round_half_up
from documents.order import Order, OrderLine, Party, Period, price_for
from documents.peppol_rules import codes

PEPPOL = Path(__file__).parents[2].parent / "shared/peppol"
RULES = PEPPOL / "rules/2026.5/PEPPOLBIS-T01.sch"

BUYER = Party(
    name="Esimerkin hyvinvointialue",
    endpoint="003712345671",
    business_id="1234567-1",
    street="Esimerkkikatu 1",
    postal_code="02070",
    city="Espoo",
    unit="Palveluohjaus",
    mail="palveluohjaus@hva.test",
)
SELLER = Party(name="Valmennus & Tuki Oy", endpoint="003701234562", business_id="0123456-2")
AUTUMN = Period(date(2026, 9, 1), date(2026, 11, 30))
COACHING = OrderLine(
    id="1",
    quantity=Decimal(24),
    unit_code="HUR",
    net_price=Decimal("62.50"),
    net_amount=Decimal("1500.00"),
    item_name="ADHD-valmennus, arki",
    item_id="ADHD-01",
    accounting_cost="4550-3120",
    period=AUTUMN,
    cpv_code="85312000-9",
)
TRAVEL = OrderLine(
    id="2",
    quantity=Decimal("7.5"),
    unit_code="KMT",
    net_price=Decimal("0.4567"),
    net_amount=Decimal("3.43"),
    vat_category="S",
    vat_percent=Decimal("25.5"),
    vat_amount=Decimal("0.87"),
    item_name="Matkakulut",
)


def an_order(**changes) -> Order:
    """The order of the golden file, with `changes`."""
    order = Order(
        number="T-2026-000123",
        issue_date=date(2026, 8, 20),
        buyer=BUYER,
        seller=SELLER,
        lines=(COACHING, TRAVEL),
        client_reference="7F3K9Q2MX4",
        decision_number="2026/451",
        decision_date=date(2026, 8, 17),
        profile="ordering",
        period=AUTUMN,
        valid_until=date(2026, 8, 31),
        contract="HVA-2026-77",
        catalogue="HINNASTO-2026-4",
        accounting_cost="4550",
    )
    return replace(order, **changes)


def with_line(**changes) -> Order:
    """The order of the golden file, its first line with `changes`."""
    return an_order(lines=(replace(COACHING, **changes), TRAVEL))


_CHARACTERS = st.characters(
    codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp"), include_characters="&<>\"'äöåÄÖÅ–😀 "
)


def _texts(longest: int):
    return st.one_of(
        st.sampled_from(["Tuki & Apu <Oy>", "Äiti 😀 ]]> Oy", "'\"&amp;", "a" * longest]),
        st.text(_CHARACTERS, min_size=1, max_size=longest),
    ).filter(lambda text: text.strip())


_IDS = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789/&-.", min_size=1, max_size=64)
_DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))
_UNITS = st.sampled_from(sorted(codes.UNITS))


def _business_id(digits: str) -> str | None:
    for check in "0123456789":
        if ytunnus.is_valid(digits + check):
            return f"{digits}-{check}"
    return None


@st.composite
def parties(draw):
    """An organisation with an address of scheme 0216 or 0088."""
    business_id = draw(st.text("0123456789", min_size=7, max_size=7).map(_business_id).filter(bool))
    by_gln = draw(st.booleans())
    digits = draw(st.text("0123456789", min_size=12, max_size=12))
    return Party(
        name=draw(_texts(200)),
        endpoint=digits + ean.calc_check_digit(digits) if by_gln else "0037" + business_id.replace("-", ""),
        endpoint_scheme="0088" if by_gln else "0216",
        business_id=draw(st.sampled_from([business_id, None])),
        street=draw(st.none() | _texts(200)),
        postal_code=draw(st.none() | st.text("0123456789", min_size=5, max_size=5)),
        city=draw(st.none() | _texts(100)),
        country=draw(st.sampled_from(["FI", "SE", "EE", "AX"])),
        unit=draw(st.none() | _texts(100)),
        mail=draw(st.sampled_from([None, "tilaukset@hva.test"])),
    )


@st.composite
def periods(draw):
    """Some days of delivery, perhaps one only."""
    start = draw(_DAYS)
    return Period(start, start + timedelta(days=draw(st.integers(0, 366))))


@st.composite
def lines(draw, number: int, period: Period | None):
    """A line whose amounts are worked out as Avain does: from a net price, or from a price with VAT in it."""
    quantity = draw(st.decimals(Decimal("0.01"), Decimal(5000), places=2))
    price = draw(st.decimals(Decimal(0), Decimal(2000), places=4))
    category, percent = draw(
        st.sampled_from([("E", "0"), ("Z", "0"), ("O", "0"), ("S", "25.5"), ("S", "13.5"), ("S", "10")])
    )
    rate = Decimal(percent) / 100
    if draw(st.booleans()):
        gross = round_half_up(quantity * price)
        net = round_half_up(gross / (1 + rate))
        vat = gross - net
        price = round_half_up(price / (1 + rate), Decimal("0.0001"))
    else:
        net = round_half_up(quantity * price)
        vat = round_half_up(net * rate)
    net_price, base = price_for(net, quantity, price)
    return OrderLine(
        id=str(number),
        quantity=quantity,
        unit_code=draw(_UNITS),
        net_price=net_price,
        base_quantity=base,
        net_amount=net,
        vat_category=category,
        vat_percent=Decimal(percent),
        vat_amount=vat,
        item_name=draw(_texts(200)),
        item_id=draw(st.none() | _IDS),
        accounting_cost=draw(st.none() | _IDS),
        period=draw(st.sampled_from([None, period])),
        cpv_code=draw(st.sampled_from([None, "85312000-9", "85312000"])),
    )


@st.composite
def orders(draw, most_lines: int = 5):
    """Any order that Avain may write. Past ten lines they are copies of the first ones, so that 999 stay affordable."""
    period = draw(st.none() | periods())
    count = draw(st.integers(1, most_lines))
    drawn = [draw(lines(number, period)) for number in range(1, min(count, 10) + 1)]
    issue_date = draw(_DAYS)
    return Order(
        number=draw(st.integers(1, 10**9).map("T-2026-{:06d}".format)),
        issue_date=issue_date,
        buyer=draw(parties()),
        seller=draw(parties()),
        lines=tuple(replace(drawn[place % len(drawn)], id=str(place + 1)) for place in range(count)),
        client_reference=draw(st.text("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", min_size=8, max_size=20)),
        decision_number=draw(_IDS),
        decision_date=draw(st.none() | _DAYS),
        profile=draw(st.sampled_from(["order_only", "ordering"])),
        period=period,
        valid_until=draw(st.none() | st.integers(0, 60).map(lambda days: issue_date + timedelta(days=days))),
        contract=draw(st.none() | _IDS),
        catalogue=draw(st.none() | _IDS),
        accounting_cost=draw(st.none() | _IDS),
    )
