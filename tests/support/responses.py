"""Order responses for tests: one of each code, answering the order of tests/support/orders.py. Everything is invented."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from documents.order_response import OrderResponse, PartyId, PromisedPeriod, ResponseLine
from tests.support.orders import IDS, NAMES, PRICES, QUANTITIES, UNIT_CODES, parties, periods

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


# Blanks are read as XPath normalizes them, so texts are drawn that way.
_TEXTS = NAMES.map(lambda text: " ".join(text.split())).filter(bool)
_MAYBE_TEXT = st.none() | _TEXTS
_PERIODS = st.none() | periods().map(lambda period: PromisedPeriod(period.start, period.end))
_LINE_CODES = st.sampled_from(["1", "3", "5", "7", "42"])
_CODES = st.sampled_from(["AB", "AP", "RE", "CA"])
_MAYBE = st.booleans()


@st.composite
def _party_ids(draw):
    party = draw(parties())
    named = party.endpoint_scheme == "0088" and party.business_id is None
    tells = f"{party.endpoint[4:11]}-{party.endpoint[11]}" if party.endpoint_scheme == "0216" else party.business_id
    name = " ".join(party.name.split()) or "x"
    return PartyId(party.endpoint_scheme, party.endpoint, tells, name if named or draw(_MAYBE) else None)


@st.composite
def _lines(draw, number: int):
    quantity = draw(QUANTITIES) if draw(_MAYBE) else None
    price = draw(PRICES) if draw(_MAYBE) and quantity is not None else None
    return ResponseLine(
        line_id=str(number),
        order_line_id=str(number),
        code=draw(_LINE_CODES),
        item_name=draw(_TEXTS),
        quantity=quantity,
        unit_code=None if quantity is None else draw(UNIT_CODES),
        price=price,
        base_quantity=Decimal(1) if price is None else draw(QUANTITIES),
        period=draw(_PERIODS),
        note=draw(_MAYBE_TEXT),
    )


_DAYS, _PARTY_IDS = st.dates(date(2020, 1, 1), date(2040, 12, 31)), _party_ids()


@st.composite
def responses(draw):
    """Any response a provider may write."""
    code = draw(_CODES)
    count = draw(st.integers(1, 5)) if code == "CA" else 0
    return OrderResponse(
        id=draw(IDS),
        issue_date=draw(_DAYS),
        code=code,
        order_number=draw(IDS),
        buyer=draw(_PARTY_IDS),
        seller=draw(_PARTY_IDS),
        note=draw(_MAYBE_TEXT),
        promised=draw(_PERIODS),
        lines=tuple(draw(_lines(number)) for number in range(1, count + 1)),
    )
