"""Days, prices and orders that are easily counted wrong: each told here with what should come of it, and held against the oracle."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from services.budgets import dirty
from tests.support.budget_example import Example, tariff
from tests.support.budget_oracle import Rule

ONE_DAY = timedelta(days=1)
MARCH = date(2028, 3, 1), date(2028, 3, 31)
MIDNIGHTS = [
    (date(2028, 3, 25), "2028-03-25 21:59", "2028-03-25 22:00"),  # the night before the clocks go forward
    (date(2028, 3, 26), "2028-03-26 20:59", "2028-03-26 21:00"),  # the day of 23 hours
    (date(2028, 10, 28), "2028-10-28 20:59", "2028-10-28 21:00"),  # the night before they go back
    (date(2028, 10, 29), "2028-10-29 21:59", "2028-10-29 22:00"),  # the day of 25 hours
    (date(2028, 2, 29), "2028-02-29 21:59", "2028-02-29 22:00"),
]
TRAVEL = Rule("travel", "KMT", "C62", Decimal(20))


@pytest.mark.parametrize(
    ("first", "last", "turn"),
    [
        (date(2028, 2, 28), date(2028, 3, 1), date(2028, 2, 29)),  # leap day
        (date(2028, 3, 25), date(2028, 3, 27), date(2028, 3, 26)),  # clocks forward: a day is a day
        (date(2028, 10, 28), date(2028, 10, 30), date(2028, 10, 29)),  # clocks back
        (date(2027, 12, 31), date(2028, 1, 2), date(2028, 1, 1)),
    ],
)
def test_a_price_may_start_on_any_day(session, first, last, turn):
    example = Example(session)
    prices = tariff("40.00", "HUR", last=turn - ONE_DAY), tariff("41.25", "HUR", first=turn)
    example.plan("10.5", "HUR", first, last, *prices)
    assert example.budget() == {"state": "ok", "planned": "428.75", "free": "571.25"}
    assert example.lines() == [
        ("planned", "", first, turn - ONE_DAY, "3.5", "140.00"),
        ("planned", "", turn, last, "7", "288.75"),
    ]


def test_a_leap_day_is_a_day_of_its_own(session):
    example = Example(session)
    leap = date(2028, 2, 29)
    example.plan("1", "C62", leap, leap, tariff("99.99", first=leap, last=leap))
    assert example.budget() == {"state": "ok", "planned": "99.99", "free": "900.01"}


@pytest.mark.parametrize(("last", "before", "after"), MIDNIGHTS)
def test_a_decision_ends_at_midnight_in_helsinki(session, last, before, after):
    example = Example(session, first=date(2027, 1, 1), last=last)
    example.calculate()
    assert [example.at(_utc(moment)) for moment in (before, after)] == ["ok", "ended"]


@pytest.mark.parametrize(("last", "before", "after"), MIDNIGHTS)
def test_an_order_is_closed_at_midnight_in_helsinki(session, last, before, after):
    """That of the ninetieth day after its last one."""
    example = Example(session)
    day = last - 90 * ONE_DAY
    example.order(example.plan("1", "C62", day, day), (day, day), "950.00")
    example.calculate()
    assert [example.at(_utc(moment)) for moment in (before, after)] == ["near", "ok"]


def _utc(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


def test_a_gap_inside_an_item_is_a_share_without_a_price(session):
    example = Example(session)
    prices = tariff("50.00", last=date(2028, 3, 10)), tariff("60.00", first=date(2028, 3, 21))
    example.plan("31", "C62", *MARCH, *prices)
    assert example.budget() == {"state": "unpriced", "planned": "1160.00"}
    assert example.lines() == [
        ("planned", "", date(2028, 3, 1), date(2028, 3, 10), "1E+1", "500.00"),
        ("unpriced", "", date(2028, 3, 11), date(2028, 3, 20), "1E+1", None),
        ("planned", "", date(2028, 3, 21), date(2028, 3, 31), "11", "660.00"),
    ]


def test_days_the_decision_does_not_grant_have_no_price(session):
    example = Example(session, first=date(2028, 3, 6), last=date(2028, 3, 25))
    item = example.plan("31", "C62", *MARCH, tariff("10.00"))
    example.order(
        item, (date(2028, 3, 1), date(2028, 3, 3)), "30.00"
    )  # what is ordered already is no question any more
    assert example.budget() == {"state": "unpriced", "planned": "200.00", "ordered": "30.00"}
    assert example.lines() == [
        ("ordered", "", date(2028, 3, 1), date(2028, 3, 3), "1", "30.00"),
        ("unpriced", "", date(2028, 3, 4), date(2028, 3, 5), "2", None),
        ("planned", "", date(2028, 3, 6), date(2028, 3, 25), "2E+1", "200.00"),
        ("unpriced", "", date(2028, 3, 26), date(2028, 3, 31), "6", None),
    ]
    example.told.revalidate(example.decided, date(2028, 4, 1), None, example.rows)
    assert example.budget() == {"state": "unpriced", "ordered": "30.00"}
    example.told.revalidate(example.decided, None, None, example.rows)
    assert example.budget() == {"state": "ok", "planned": "280.00", "ordered": "30.00", "free": "690.00"}


def test_ordered_in_part_rejected_and_ordered_again(session):
    example = Example(session)
    item = example.plan("31", "C62", *MARCH, tariff("20.00"))
    assert example.budget() == {"state": "ok", "planned": "620.00", "free": "380.00"}
    middle = date(2028, 3, 11), date(2028, 3, 20)
    order = example.order(item, middle, "200.00", "10")
    assert example.budget() == {"state": "ok", "planned": "420.00", "ordered": "200.00", "free": "380.00"}
    example.bill(order, "50.00", "2")
    assert example.budget() == {
        "state": "ok",
        "invoiced": "50.00",
        "planned": "420.00",
        "ordered": "150.00",
        "free": "380.00",
    }
    example.told.reject(order, "cancelled", example.rows)
    assert example.budget() == {"state": "ok", "invoiced": "50.00", "planned": "620.00", "free": "330.00"}
    example.order(item, middle, "190.00", "10")
    example.order(item, (date(2028, 3, 21), date(2028, 3, 31)), "220.00", "11")
    assert example.budget() == {
        "state": "ok",
        "invoiced": "50.00",
        "planned": "200.00",
        "ordered": "410.00",
        "free": "340.00",
    }
    assert [line[:4] for line in example.lines()] == [
        ("planned", "", date(2028, 3, 1), date(2028, 3, 10)),
        ("invoiced", "", *middle),
        ("ordered", "", *middle),
        ("ordered", "", date(2028, 3, 21), date(2028, 3, 31)),
    ]


def test_an_order_goes_from_ordered_over_delivered_to_invoiced(session):
    example = Example(session)
    item = example.plan("10", "C62", *MARCH, tariff("25.10"))
    order = example.order(item, MARCH, "251.00", "10", rate="0.255")
    report = example.deliver(order, "4")
    assert example.budget() == {"state": "ok", "delivered": "100.40", "ordered": "251.00", "free": "749.00"}
    example.bill(order, "75.30", "3")
    assert example.budget() == {
        "state": "ok",
        "invoiced": "75.30",
        "delivered": "25.10",
        "ordered": "175.70",
        "free": "749.00",
    }
    example.told.correct(order, report, example.rows)
    example.deliver(order, "12")  # more than was ordered is not worth more
    assert example.budget() == {
        "state": "ok",
        "invoiced": "75.30",
        "delivered": "175.70",
        "ordered": "175.70",
        "free": "749.00",
    }
    example.bill(order, "25.10", "1", credit=True)
    assert example.budget() == {
        "state": "ok",
        "invoiced": "50.20",
        "delivered": "200.80",
        "ordered": "200.80",
        "free": "749.00",
    }
    example.bill(order, "300.00", "7")  # more than was ordered is owed all the same
    assert example.budget() == {"state": "ok", "invoiced": "350.20", "free": "649.80"}
    example.bill(order, "300.00", "7", credit=True)
    example.bill(order, "100.00", final=True)
    assert example.budget() == {"state": "ok", "invoiced": "150.20", "free": "849.80"}, "what is left is free again"


@pytest.mark.parametrize(
    ("unit", "quantity", "priced", "planned"),
    [
        ("HUR", "10", tariff("40.00", "HUR", base_quantity=Decimal("0.75")), "533.33"),
        ("HUR", "10", tariff("40.00", "MIN", base_quantity=Decimal(45)), "533.33"),
        ("MIN", "100", tariff("40.00", "HUR", base_quantity=Decimal("0.75")), "88.89"),
        ("MIN", "100", tariff("0.8333", "MIN"), "83.33"),
        ("C62", "3", tariff("33.335", "ACT"), "100.01"),
        ("H87", "3", tariff("100.00", "E48", base_quantity=Decimal(3)), "100.00"),
    ],
)
def test_units_convert_and_nothing_is_rounded_before_the_cent(session, unit, quantity, priced, planned):
    example = Example(session)
    example.plan(quantity, unit, *MARCH, priced)
    assert example.budget()["planned"] == planned


def test_of_several_prices_the_plans_own_unit_then_the_largest_minimum_then_the_smallest_base(session):
    example = Example(session)
    example.plan(
        "10", "HUR", *MARCH,
        tariff("1.00", "MIN", minimum_quantity=Decimal(600)),
        tariff("50.00", "HUR", last=date(2028, 2, 29)),
        tariff("49.00", "HUR", minimum_quantity=Decimal(10), last=date(2028, 3, 10)),
        tariff("48.00", "HUR", minimum_quantity=Decimal("10.01")),
        tariff("47.00", "HUR", base_quantity=Decimal("0.5"), minimum_quantity=Decimal(10), last=date(2028, 3, 5)),
    )  # fmt: skip
    example.budget()
    # 5 of 31 days are 1.5 hours, 10 days 3.25, the rest is priced by the minute
    assert [line[3:] for line in example.lines()] == [
        (date(2028, 3, 5), "1.5", "141.00"),
        (date(2028, 3, 10), "1.75", "85.75"),
        (date(2028, 3, 31), "6.75", "405.00"),
    ]


@pytest.mark.parametrize(
    ("inclusive", "figures"),
    [(True, ("79.69", "20.32", "100.01")), (False, ("100.01", "25.50", "125.51"))],
)
def test_half_a_cent_is_rounded_up_once_and_vat_after_it(session, inclusive, figures):
    example = Example(session)
    example.plan("1", "C62", *MARCH, tariff("100.0050", vat_rate=Decimal("0.255"), inclusive=inclusive))
    example.budget()
    (line,) = example.play.read()[1][example.decided.name]
    assert (line.net, line.vat, line.gross) == tuple(map(Decimal, figures))


def test_extras_count_where_the_provider_charges_for_them(session):
    travel = tariff("0.50", "KMT", extra="travel")
    example = Example(session, rules=[TRAVEL, Rule("travel", "KMT", "C62", Decimal("1.5"), frozenset({"ORACLE-B"}))])
    example.plan("10", "C62", *MARCH, tariff("20.00"))  # this one charges nothing
    example.plan("10", "C62", *MARCH, tariff("20.00"), travel)
    example.plan("10", "C62", *MARCH, tariff("20.00"), tariff("0.50", "KMT", extra="travel"), service="ORACLE-B")
    example.plan("10", "HUR", *MARCH, tariff("20.00", "HUR"), tariff("0.50", "KMT", extra="travel"))  # no rule
    assert example.budget() == {"state": "near", "planned": "907.50", "free": "92.50"}
    assert [line[4:] for line in example.lines() if line[1]] == [("2E+2", "100.00"), ("15", "7.50")]


def test_an_extra_without_a_price_on_some_of_the_days_is_said(session):
    example = Example(session, rules=[TRAVEL], last=date(2028, 3, 30))
    example.plan("31", "C62", *MARCH, tariff("1.00"), tariff("0.10", "KMT", extra="travel", last=date(2028, 3, 10)))
    assert example.budget() == {"state": "unpriced", "planned": "50.00"}
    assert example.lines() == [
        ("planned", "", date(2028, 3, 1), date(2028, 3, 30), "3E+1", "30.00"),
        ("unpriced", "", date(2028, 3, 31), date(2028, 3, 31), "1", None),
        ("planned", "travel", date(2028, 3, 1), date(2028, 3, 10), "2E+2", "20.00"),
        ("unpriced", "travel", date(2028, 3, 11), date(2028, 3, 30), "4E+2", None),
    ]


def test_an_extra_charged_on_ordered_days_only_is_no_question(session):
    example = Example(session, rules=[TRAVEL])
    item = example.plan(
        "31", "C62", *MARCH, tariff("1.00"), tariff("0.10", "KMT", extra="travel", last=date(2028, 3, 10))
    )
    example.order(item, (date(2028, 3, 1), date(2028, 3, 10)), "30.00")
    assert example.budget() == {"state": "ok", "ordered": "30.00", "planned": "21.00", "free": "949.00"}


def test_what_is_still_ordered_keeps_the_vat_it_was_ordered_with(session):
    """Its shares were rounded one by one; once a part is billed, the rest is split by its rate."""
    example = Example(session)
    item = example.plan("31", "C62", *MARCH)
    order = example.order(item, MARCH, "100.00", rate="0.255")
    net = replace(order.lines[0], net=Decimal("79.70"), vat=Decimal("20.30"))
    example.rows.change("order_line", net.name, net=net.net, vat=net.vat)
    order.lines = (net,)
    example.budget()
    (line,) = example.play.read()[1][example.decided.name]
    assert (line.net, line.vat, line.gross) == (Decimal("79.70"), Decimal("20.30"), Decimal("100.00"))
    example.bill(order, "50.00")
    example.budget()
    figures = {one.kind: (one.net, one.vat) for one in example.play.read()[1][example.decided.name]}
    assert figures["ordered"] == (Decimal("39.84"), Decimal("10.16"))


def test_the_minimum_of_an_extra_is_counted_in_its_own_unit(session):
    example = Example(session, rules=[TRAVEL])
    prices = (tariff(amount, "KMT", extra="travel", minimum_quantity=Decimal(least)) for amount, least in (("3.00", 0), ("2.00", 200), ("1.00", 201)))  # fmt: skip
    example.plan("10", "C62", *MARCH, tariff("20.00"), *prices)
    assert example.budget()["planned"] == "600.00"


def test_quantities_of_four_decimals_write_no_version_twice(session):
    """What is compared is what is kept: a quantity times a rule has more decimals than its column."""
    example = Example(session, rules=[Rule("no_show", "HUR", "HUR", Decimal("0.33"))])
    example.plan("10.3333", "HUR", *MARCH, tariff("20.00", "HUR"), tariff("20.00", "HUR", extra="no_show"))
    assert example.budget()["planned"] == "274.87"
    assert example.calculate().changed == 0


def test_only_prices_of_its_days_say_why_a_share_has_none(session):
    """Others come and go without anybody noting the budget."""
    example = Example(session)
    item = example.plan("31", "HUR", *MARCH, tariff("900.00", "MON", last=date(2028, 3, 10)))
    example.calculate()
    assert [one.reason for one in example.answer().lines] == ["OTHER_UNIT"]
    hourly = tariff("40.00", "HUR", first=date(2028, 4, 1))
    example.play.happen(0)  # a list of its own
    example.told.price(example.offers[item.name], hourly, example.rows)
    example.rows.flush(session)
    keys = list(example.offers[item.name].keys.values())
    noted = dirty.mark_price_keys(session, keys, price_list_id=example.play.ground.price_list)
    assert noted == 0
    assert example.calculate().changed == 0


def test_a_ceiling_rests_on_a_price_that_converts(session):
    example = Example(session, granted=None, quantity=Decimal("12.5"), unit="HUR", decided_on=date(2028, 2, 29))
    assert example.budget() == {"state": "unpriced"}
    example.refer(
        tariff("40.00", "MIN", base_quantity=Decimal(45), first=date(2028, 2, 29), last=date(2028, 2, 29)),
        tariff("9.00", "MON"),
        tariff("45.00", "HUR", minimum_quantity=Decimal(13)),
    )
    assert example.budget() == {"state": "ok", "free": "666.67"}
    example.told.rebase(example.decided, Decimal(13), example.rows)
    assert example.budget() == {"state": "ok", "free": "585.00"}


def test_what_many_touch_at_once_is_one_version(session):
    """Price, choice, order and invoice between two recomputations: one version, with the cause of the latest."""
    example = Example(session)
    item = example.plan("31", "C62", *MARCH, tariff("20.00"))
    order = example.order(item, (date(2028, 3, 1), date(2028, 3, 10)), "200.00", "10")
    example.bill(order, "100.00")
    example.rows.flush(session)
    dirty.mark_decisions(session, [example.decided.name], "cases")
    dirty.mark_orders(session, [order.name])
    dirty.mark_orders(session, [order.name], "invoice")
    assert example.play.recompute().changed == 1
    example.play.check()
    versions = session.execute(text("SELECT cause FROM budget_version")).scalars().all()
    assert versions == ["invoice"]
