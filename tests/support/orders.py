"""Purchase orders for tests: one to change at will, and a Hypothesis strategy of all that Avain may send. Everything is invented."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from hypothesis import strategies as st
from stdnum import ean
from stdnum.fi import ytunnus

from core.money import round_half_up
from core.units import UNITS
from documents.order import Order, OrderLine, Party, Period, price_for

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
    codec="utf-8",
    exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp"),
    include_characters="&<>\"'äöåÄÖÅ–😀 ",
    exclude_characters="\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
)


def _texts(longest: int):
    return st.one_of(
        st.sampled_from(["Tuki & Apu <Oy>", "Äiti 😀 ]]> Oy", "'\"&amp;", "a" * longest]),
        st.text(_CHARACTERS, min_size=1, max_size=longest),
    ).filter(str.strip)


def _business_id(digits: str) -> str | None:
    for check in "0123456789":
        if ytunnus.is_valid(digits + check):
            return f"{digits}-{check}"
    return None


def _with_check_digit(digits: str) -> str:
    return digits + ean.calc_check_digit(digits)


def _maybe(strategy):
    return st.none() | strategy


# All strategies are made once: to make them anew in each draw takes longer than everything that is tested with them.
_SHARE = st.integers(0, 100)
_MAYBE = st.booleans()
_DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))
_LENGTHS = st.integers(0, 366)
IDS = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789/&-.", min_size=1, max_size=64)
_NUMBERS = st.integers(1, 10**9).map("T-2026-{:06d}".format)
_REFERENCES = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", min_size=8, max_size=20)
_PROFILES = st.sampled_from(["order_only", "ordering"])
_BUSINESS_IDS = st.integers(0, 9_999_999).map("{:07d}".format).map(_business_id).filter(bool)
_GLNS = st.integers(0, 10**12 - 1).map("{:012d}".format).map(_with_check_digit)
_POSTAL_CODES = st.integers(0, 99999).map("{:05d}".format)
_COUNTRIES = st.sampled_from(["FI", "SE", "EE", "AX"])
NAMES, _SHORTER = _texts(200), _texts(100)
_MAILS = st.sampled_from([None, "tilaukset@hva.test"])
QUANTITIES = st.integers(1, 500_000).map(lambda hundredths: Decimal(hundredths) / 100)
PRICES = st.integers(0, 20_000_000).map(lambda parts: Decimal(parts) / 10_000)
_VAT = st.sampled_from([("E", "0"), ("Z", "0"), ("O", "0"), ("S", "25.5"), ("S", "13.5"), ("S", "10")])
UNIT_CODES = st.sampled_from(sorted(UNITS))
_CPV = st.sampled_from([None, "85312000-9", "85312000"])
_MAYBE_ID, _MAYBE_NAME, _MAYBE_SHORTER = _maybe(IDS), _maybe(NAMES), _maybe(_SHORTER)
_MAYBE_DAY, _MAYBE_SHARE, _MAYBE_POSTAL_CODE = _maybe(_DAYS), _maybe(_SHARE), _maybe(_POSTAL_CODES)


@st.composite
def parties(draw):
    """An organisation with an address of scheme 0216 or 0088."""
    business_id, by_gln = draw(_BUSINESS_IDS), draw(_MAYBE)
    return Party(
        name=draw(NAMES),
        endpoint=draw(_GLNS) if by_gln else "0037" + business_id.replace("-", ""),
        endpoint_scheme="0088" if by_gln else "0216",
        business_id=business_id if draw(_MAYBE) else None,
        street=draw(_MAYBE_NAME),
        postal_code=draw(_MAYBE_POSTAL_CODE),
        city=draw(_MAYBE_SHORTER),
        country=draw(_COUNTRIES),
        unit=draw(_MAYBE_SHORTER),
        mail=draw(_MAILS),
    )


@st.composite
def periods(draw):
    """Some days of delivery, perhaps one only."""
    start = draw(_DAYS)
    return Period(start, start + timedelta(days=draw(_LENGTHS)))


def _within(draw, period: Period | None) -> Period | None:
    """No period of the line's own, or some of the days of the order's."""
    share = None if period is None else draw(_MAYBE_SHARE)
    if period is None or share is None:
        return None
    start = period.start + (period.end - period.start) * share // 100
    return Period(start, start + (period.end - start) * draw(_SHARE) // 100)


@st.composite
def lines(draw, number: int, period: Period | None):
    """A line whose amounts are worked out as Avain does: from a net price, or from a price with VAT in it."""
    quantity, price = draw(QUANTITIES), draw(PRICES)
    category, percent = draw(_VAT)
    rate = Decimal(percent) / 100
    if draw(_MAYBE):
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
        unit_code=draw(UNIT_CODES),
        net_price=net_price,
        base_quantity=base,
        net_amount=net,
        vat_category=category,
        vat_percent=Decimal(percent),
        vat_amount=vat,
        item_name=draw(NAMES),
        item_id=draw(_MAYBE_ID),
        accounting_cost=draw(_MAYBE_ID),
        period=_within(draw, period),
        cpv_code=draw(_CPV),
    )


_PARTIES, _MAYBE_PERIOD = parties(), _maybe(periods())


@st.composite
def orders(draw, most_lines: int = 5):
    """Any order that Avain may write. Past ten lines they are copies of the first ones, so that 999 stay affordable."""
    period = draw(_MAYBE_PERIOD)
    count = draw(st.integers(1, most_lines))
    drawn = [draw(lines(number, period)) for number in range(1, min(count, 10) + 1)]
    issue_date, share = draw(_DAYS), draw(_MAYBE_SHARE)
    return Order(
        number=draw(_NUMBERS),
        issue_date=issue_date,
        buyer=draw(_PARTIES),
        seller=draw(_PARTIES),
        lines=tuple(replace(drawn[place % len(drawn)], id=str(place + 1)) for place in range(count)),
        client_reference=draw(_REFERENCES),
        decision_number=draw(IDS),
        decision_date=draw(_MAYBE_DAY),
        profile=draw(_PROFILES),
        period=period,
        valid_until=None if share is None else issue_date + timedelta(days=share),
        contract=draw(_MAYBE_ID),
        catalogue=draw(_MAYBE_ID),
        accounting_cost=draw(_MAYBE_ID),
    )
