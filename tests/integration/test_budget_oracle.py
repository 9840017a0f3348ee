"""Random decisions, plans, price histories and orders: the SQL and the oracle agree to the cent, in whatever order things happen."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.money import quantity_until
from models.base import days
from models.budget import BudgetVersion
from models.price import PriceKey
from services.budgets import dirty
from services.budgets.quantities import share
from services.budgets.recompute import Recomputed, recompute_dirty
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.order import make_order, make_order_line
from tests.factories.price import make_price, make_price_list, make_price_source
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.support import budget_oracle as oracle
from tests.support.budgets import current_version, lines_of

NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
START = date(2027, 11, 1)  # the periods below run over a leap day (29.2.2028) and both nights the clocks are moved
SETTINGS = Budgets(tolerance=Decimal("0.05"), near_limit=Decimal("0.90"))

unit = st.sampled_from(["C62", "HUR", "H87"])  # H87 has no rule: hundredths
amount = st.integers(1, 3_000_000).map(lambda n: Decimal(n) / 10_000)
quantity = st.integers(1, 4_000).map(lambda n: Decimal(n) / 100) | st.integers(1, 40).map(Decimal)
offset = st.integers(0, 300)


@st.composite
def histories(draw, *, first_name: int = 0) -> tuple[oracle.Tariff, ...]:
    """Some price keys, each with prices one after another, gaps between some of them."""
    tariffs: list[oracle.Tariff] = []
    keys = draw(
        st.lists(
            st.tuples(unit, st.sampled_from(["1", "0.75", "3"]), st.sampled_from(["0", "5", "10"])),
            min_size=1,
            max_size=3,
            unique=True,
        )
    )
    for key_unit, base, minimum in keys:
        turns = sorted(draw(st.sets(offset, min_size=1, max_size=3)))
        for position, turn in enumerate(turns):
            end = turns[position + 1] - 1 - draw(st.sampled_from([0, 0, 5])) if position + 1 < len(turns) else None
            if end is not None and end < turn:
                continue
            tariffs.append(
                oracle.Tariff(
                    name=first_name + len(tariffs),
                    unit=key_unit,
                    amount=draw(amount),
                    first=START + timedelta(days=turn - 60),
                    last=None if end is None else START + timedelta(days=end - 60),
                    base_quantity=Decimal(base),
                    minimum_quantity=Decimal(minimum),
                    vat_rate=draw(st.sampled_from([Decimal(0), Decimal("0.1"), Decimal("0.255")])),
                    inclusive=draw(st.booleans()),
                )
            )
    return tuple(tariffs)


@st.composite
def items(draw) -> oracle.Item:
    first = START + timedelta(days=draw(st.integers(0, 200)))
    length = draw(st.integers(1, 200))
    last = first + timedelta(days=length - 1)
    cuts = sorted(draw(st.sets(st.integers(0, length), max_size=4)))
    orders = tuple(
        oracle.Ordered(
            first + timedelta(days=start),
            first + timedelta(days=end - 1),
            Decimal(draw(st.integers(0, 100_000))) / 100,
            draw(st.sampled_from(["live", "live", "closed", "rejected"])),
        )
        for start, end in list(pairwise(cuts))[:: draw(st.sampled_from([1, 2]))]
    )
    return oracle.Item(
        quantity=draw(quantity),
        unit=draw(unit),
        first=first,
        last=last,
        tariffs=draw(st.none() | histories()),
        orders=orders,
        ended=draw(st.sampled_from([False, False, False, True])),
    )


@st.composite
def decisions(draw) -> oracle.Granted:
    if draw(st.booleans()):
        return oracle.Granted(START, amount=Decimal(draw(st.integers(0, 500_000))) / 100)
    return oracle.Granted(
        decided_on=draw(st.none() | st.just(START + timedelta(days=30)) | st.just(START)),
        quantity=draw(st.integers(1, 40).map(Decimal)),
        unit=draw(unit),
        references=draw(histories()),
    )


budgets = st.tuples(decisions(), st.lists(items(), max_size=3))


class Written:
    """A random budget in the database: rows at once, or as events to be played in any order."""

    def __init__(self, session: Session, granted: oracle.Granted, plan: list[oracle.Item]) -> None:
        self.session, self.granted, self.plan = session, granted, plan
        self.prices: dict[tuple[int, int | None], int] = {}
        baseline = make_service(session)
        self.decision = make_decision(
            session,
            make_case(session),
            decided_on=granted.decided_on,
            valid=None,
            granted_amount=granted.amount,
            baseline_service_id=baseline.id,
            baseline_quantity=granted.quantity,
            baseline_unit=granted.unit,
        )
        self.events: list[Callable[[], object]] = [lambda: self.prices_in(-1, granted.references, baseline, None)]
        for number, item in enumerate(plan):
            self.add(number, item)

    def add(self, number: int, item: oracle.Item) -> None:
        session, service, provider = self.session, make_service(self.session), make_provider(self.session)
        row = make_plan_item(
            session, self.decision, service, item.quantity, first=item.first, last=item.last, unit=item.unit
        )
        if item.tariffs is not None:
            self.events.append(lambda: make_choice(session, row, provider))
            self.events.append(lambda: self.prices_in(number, item.tariffs, service, provider))
        for ordered in item.orders:
            self.events.append(partial(self.order, row, provider, ordered))
        if item.ended:
            self.events.append(lambda: self.end(row))

    def end(self, row) -> None:
        row.ended_at = NOW
        self.session.flush()

    def prices_in(self, number, tariffs, service, provider) -> None:
        keys: dict[tuple[object, ...], PriceKey] = {}
        price_list = make_price_list(self.session, make_price_source(self.session, provider))
        for one in tariffs:
            values = (one.unit, one.base_quantity, one.minimum_quantity)
            if values not in keys:
                keys[values] = PriceKey(
                    provider_id=provider.id if provider else None,
                    service_id=service.id,
                    unit=one.unit,
                    base_quantity=one.base_quantity,
                    minimum_quantity=one.minimum_quantity,
                )
                self.session.add(keys[values])
                self.session.flush()
            price = make_price(
                self.session,
                service,
                provider,
                str(one.amount),
                first=one.first,
                last=one.last,
                key=keys[values],
                price_list=price_list,
                vat_rate=one.vat_rate,
                vat_category="S" if one.vat_rate else "E",
                vat_inclusive=one.inclusive,
            )
            self.prices[number, one.name] = price.id

    def order(self, row, provider, ordered: oracle.Ordered) -> None:
        other = make_service(self.session)
        price = make_price(self.session, other, provider, "1")
        state = {"live": "sent"}.get(ordered.state, ordered.state)
        order = make_order(self.session, self.decision, provider, state=state, period=row.period)
        line = make_order_line(
            self.session,
            order,
            row,
            price,
            ordered.gross,
            quantity=Decimal(1),
            period=days(ordered.first, ordered.last),
        )
        if ordered.state == "rejected":
            self.session.execute(
                text("UPDATE order_coverage SET live = false WHERE order_id = :id"), {"id": line.order_id}
            )

    def recompute(self) -> Recomputed:
        dirty.mark_decisions(self.session, [self.decision.id], "cases")
        return recompute_dirty(self.session, now=NOW, settings=SETTINGS)

    def version(self) -> BudgetVersion:
        return current_version(self.session, self.decision.id)

    def check(self) -> None:
        version, answer = (
            self.version(),
            oracle.calculate(self.granted, self.plan, near=SETTINGS.near_limit, tolerance=SETTINGS.tolerance),
        )
        assert _fraction(version.ceiling) == answer.ceiling
        assert _fraction(version.ordered) == answer.ordered
        assert _fraction(version.planned) == answer.planned
        assert _fraction(version.free) == answer.free
        assert version.state == answer.state
        assert bool(version.reasons) == (answer.state == "unpriced")
        if version.free is not None:
            assert version.invoiced + version.ordered + version.planned + version.free == version.ceiling
        lines = [line for line in lines_of(self.session, version) if line.kind != "ordered"]
        items_by_id = [
            row
            for (row,) in self.session.execute(
                text("SELECT id FROM plan_item WHERE decision_id = :id ORDER BY id"), {"id": self.decision.id}
            )
        ]
        found = {
            (
                items_by_id.index(line.plan_item_id),
                line.period.lower,
                line.period.upper - timedelta(days=1),
                Fraction(line.quantity),
                line.price_id,
                None if line.gross is None else tuple(map(_fraction, (line.net, line.vat, line.gross))),
            )
            for line in lines
            if line.period.upper is not None
        }
        expected = {
            (one.item, one.first, one.last, one.quantity, self.prices.get((one.item, one.tariff)), one.figures)
            for one in answer.shares
        }
        assert found == expected
        self.check_parts(answer)

    def check_parts(self, answer: oracle.Answer) -> None:
        """Shares and the days that are ordered add up to the whole quantity."""
        for number, item in enumerate(self.plan):
            if not item.ended:
                planned = sum((one.quantity for one in answer.shares if one.item == number), Fraction(0))
                covered = sum(
                    (
                        oracle.quantity_of_first((one.last - item.first).days + 1, item)
                        - oracle.quantity_of_first((one.first - item.first).days, item)
                        for one in item.orders
                        if one.state != "rejected"
                    ),
                    Fraction(0),
                )
                assert planned + covered == item.quantity


def _fraction(value: Decimal | None) -> Fraction | None:
    return None if value is None else Fraction(value)


#: Without shrinking, which would write the same rows hundreds of times: a failing example is printed as it was drawn.
_relaxed = settings(
    max_examples=30,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(worlds=st.lists(budgets, min_size=1, max_size=4))
@_relaxed
def test_budgets_agree_with_the_oracle(session, worlds):
    with session.begin_nested() as savepoint:
        written = [Written(session, granted, plan) for granted, plan in worlds]
        for one in written:
            for event in one.events:
                event()
        dirty.mark_decisions(session, [one.decision.id for one in written], "cases")
        assert recompute_dirty(session, now=NOW, settings=SETTINGS).changed == len(written)
        for one in written:
            one.check()
        dirty.mark_decisions(session, [one.decision.id for one in written], "cases")
        again = recompute_dirty(session, now=NOW, settings=SETTINGS)
        assert (again.recomputed, again.changed) == (len(written), 0)
        savepoint.rollback()
    session.expunge_all()


@given(world=budgets, data=st.data())
@settings(_relaxed, max_examples=15)
def test_the_order_of_events_does_not_matter(session, world, data):
    with session.begin_nested() as savepoint:
        written = Written(session, *world)
        for event in data.draw(st.permutations(written.events)):
            event()
            if data.draw(st.booleans()):
                written.recompute()
        written.recompute()
        written.check()
        savepoint.rollback()
    session.expunge_all()


_LEAP = oracle.Item(Decimal("10.5"), "HUR", date(2028, 2, 28), date(2028, 3, 1), ())


@given(
    quantity=quantity,
    days=st.integers(1, 400),
    cut=st.integers(0, 400),
    step=st.sampled_from([Decimal(1), Decimal("0.25"), Decimal("0.01")]),
)
@example(quantity=Decimal("2.6"), days=100, cut=99, step=Decimal(1))
@settings(_relaxed, max_examples=150)
def test_quantities_in_sql_and_python_agree_and_add_up(session, quantity, days, cut, step):
    cut = min(cut, days)
    whole = "daterange(:first, :first + :days)"
    head = share(":quantity", whole, "daterange(:first, :first + :cut)", ":step") if cut else "0"
    tail = share(":quantity", whole, "daterange(:first + :cut, :first + :days)", ":step") if cut < days else "0"
    statement = f"SELECT {head}, {tail}"
    for name, kind in (
        ("first", "date"),
        ("days", "int"),
        ("cut", "int"),
        ("quantity", "numeric"),
        ("step", "numeric"),
    ):
        statement = statement.replace(f":{name}", f"CAST(:{name} AS {kind})")
    values = {"first": _LEAP.first, "days": days, "cut": cut, "quantity": quantity, "step": step}
    before, after = session.execute(text(statement), values).one()
    assert before + after == quantity
    assert before == quantity_until(quantity, cut, days, step)
    assert before >= 0
    assert after >= 0


@pytest.mark.parametrize(
    ("first", "last", "turn"),
    [
        (date(2028, 2, 28), date(2028, 3, 1), date(2028, 2, 29)),  # leap day
        (date(2028, 3, 25), date(2028, 3, 27), date(2028, 3, 26)),  # clocks forward: a day is a day
        (date(2028, 10, 28), date(2028, 10, 30), date(2028, 10, 29)),  # clocks back
    ],
)
def test_a_price_may_start_on_any_day(session, first, last, turn):
    tariffs = (
        oracle.Tariff(0, "HUR", Decimal("40.00"), date(2028, 1, 1), turn - timedelta(days=1)),
        oracle.Tariff(1, "HUR", Decimal("41.25"), turn),
    )
    item = replace(_LEAP, first=first, last=last, tariffs=tariffs)
    written = Written(session, oracle.Granted(START, amount=Decimal(1000)), [item])
    for event in written.events:
        event()
    written.recompute()
    written.check()
    assert [line.quantity for line in lines_of(session, written.version())] == [
        Decimal("3.5"),
        Decimal(7),
    ]
