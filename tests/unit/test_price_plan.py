"""What a list would change, and what must wait for a person. Pure: no database."""

from datetime import date
from decimal import Decimal

import pytest

from services.prices.basis import Basis
from services.prices.keeping import Kept, substance
from services.prices.plan import World, make_plan
from services.prices.unchanged import set_aside_unchanged, to_version
from services.prices.values import OPEN, InForce, Key, New, Plan, PriceRule, Stated

TODAY = date(2026, 11, 16)
HOUR = Key(1, "HUR", Decimal(1), "weekday", Decimal(0), "")
VISIT = Key(2, "C62", Decimal(1), "weekday", Decimal(0), "")
CODES = {1: "TUKIHENKILO", 2: "ADHD-VALMENNUS"}
FREE = [PriceRule("S-1", date(2026, 1, 1), date(2028, 1, 1), {"kind": "free"})]


def stated(amount, first=date(2026, 1, 1), until=OPEN, *, key=HOUR, **over):
    values = {"vat_category": "E", "vat_rate": Decimal(0), "vat_inclusive": False, "position": "2", **over}
    return Stated(key, first, until, Decimal(amount), **values)


def in_force(amount, first=date(2026, 1, 1), until=OPEN, *, key=HOUR, price_id=1, **over):
    values = {"vat_category": "E", "vat_rate": Decimal(0), "vat_inclusive": False, **over}
    return InForce(price_id, 100 + price_id, key, first, until, Decimal(amount), **values)


def plan(said, existing, *, contracts=FREE, **over) -> Plan:
    return make_plan(7, said, existing, World(TODAY, CODES, contracts, **over))


def timeline(made: Plan):
    """New versions as (first, until, amount) and endings as (price id, keep until)."""
    return (
        [(new.first, new.until, new.amount) for new in made.new],
        [(ending.price_id, ending.keep_until) for ending in made.endings],
    )


def reasons(made: Plan) -> str:
    return " ".join(reason.text("en") for reason in made.reasons)


def test_a_first_list_adds():
    made = plan([stated("49"), stated("88", key=VISIT)], [])
    assert made.counts == {"added": 2, "changed": 0, "unchanged": 0, "ended": 0, "missing": 0}
    assert timeline(made) == ([(date(2026, 1, 1), OPEN, 49), (date(2026, 1, 1), OPEN, 88)], [])


@pytest.mark.parametrize(
    ("said", "existing"),
    [
        (stated("49"), in_force("49")),
        (stated("49.00", date(2026, 11, 1)), in_force("49")),
        (stated("49", None), in_force("49")),
        (stated("49", None), in_force("49", until=date(2027, 1, 1))),
        (stated("49", None, date(2027, 1, 1)), in_force("49", until=date(2027, 1, 1))),
    ],
)
def test_what_is_said_again_changes_nothing(said, existing):
    made = plan([said], [existing])
    assert timeline(made) == ([], [])
    assert made.unchanged == 1


def test_a_new_price_ends_the_earlier_one_the_day_before():
    made = plan([stated("47", date(2026, 12, 1))], [in_force("49")])
    assert timeline(made) == ([(date(2026, 12, 1), OPEN, 47)], [(1, date(2026, 12, 1))])
    (change,) = made.changes
    assert (change.sign, change.old, change.new, change.percent) == ("~", Decimal(49), Decimal(47), Decimal("-4.1"))
    assert not made.held


def test_an_undated_new_price_begins_today_and_gives_way_to_one_announced():
    later = in_force("52", date(2027, 1, 1), price_id=2)
    made = plan([stated("47", None)], [in_force("49", until=date(2027, 1, 1)), later])
    assert timeline(made) == ([(TODAY, date(2027, 1, 1), 47)], [(1, TODAY)])


def test_a_dated_price_with_open_end_replaces_one_announced():
    later = in_force("52", date(2027, 1, 1), price_id=2)
    made = plan([stated("47", date(2026, 12, 1))], [in_force("49", until=date(2027, 1, 1)), later])
    assert timeline(made) == ([(date(2026, 12, 1), OPEN, 47)], [(1, date(2026, 12, 1)), (2, None)])


def test_this_years_and_next_years_price_in_one_list():
    made = plan([stated("49", until=date(2027, 1, 1)), stated("50", date(2027, 1, 1), position="3")], [in_force("49")])
    new, endings = timeline(made)
    assert new == [(date(2026, 1, 1), date(2027, 1, 1), 49), (date(2027, 1, 1), OPEN, 50)]
    assert endings == [(1, None)]


def test_an_end_is_stated_and_nothing_follows():
    made = plan([stated("49", until=date(2027, 1, 1))], [in_force("49")])
    assert timeline(made) == ([(date(2026, 1, 1), date(2027, 1, 1), 49)], [(1, None)])
    assert not made.held


def test_vat_that_changes_is_a_change():
    made = plan([stated("49", None, vat_category="S", vat_rate=Decimal("0.255"))], [in_force("49")], contracts=[])
    assert made.counts["changed"] == 1
    assert "would rise 25.5 per cent" in reasons(made)


@pytest.mark.parametrize(
    ("rule", "amount", "first", "allowed"),
    [
        ({"kind": "free"}, "98", date(2027, 1, 1), True),
        ({"kind": "fixed", "until": "2026-12-31"}, "50", date(2027, 1, 1), True),
        ({"kind": "fixed", "until": "2026-12-31"}, "50", date(2026, 12, 31), False),
        ({"kind": "fixed"}, "50", date(2027, 1, 1), False),
        ({"kind": "percent", "percent": "3"}, "50.47", date(2027, 1, 1), True),
        ({"kind": "percent", "percent": "3"}, "50.48", date(2027, 1, 1), False),
        ({"kind": "percent", "percent": 3, "from": "2027-01-01"}, "50", date(2026, 12, 31), False),
        ({"kind": "percent", "percent": 3, "from": "2027-01-01"}, "50", date(2027, 1, 1), True),
        ({"kind": "by the moon"}, "50", date(2027, 1, 1), False),
        ({}, "50", date(2027, 1, 1), False),
        ({}, "48", date(2027, 1, 1), True),
    ],
)
def test_a_rise_needs_a_contract_that_allows_it(rule, amount, first, allowed):
    contract = PriceRule("S-9", date(2026, 1, 1), date(2028, 1, 1), rule)
    made = plan([stated(amount, first)], [in_force("49")], contracts=[contract])
    assert bool(made.held) is not allowed
    if not allowed:
        assert "contract S-9 does not allow it" in reasons(made)


def test_two_small_rises_do_not_make_a_large_one():
    contract = PriceRule("S-9", date(2026, 1, 1), date(2028, 1, 1), {"kind": "percent", "percent": "3"})
    raised = [in_force("49", until=date(2026, 9, 1)), in_force("50", date(2026, 9, 1), price_id=2)]
    assert plan([stated("51", date(2027, 1, 1))], raised, contracts=[contract]).held
    assert not plan([stated("51", date(2027, 9, 1))], raised, contracts=[contract]).held


def test_a_rise_without_a_contract_in_force_waits():
    contract = PriceRule("S-9", date(2026, 1, 1), date(2027, 1, 1), {"kind": "free"})
    assert "no contract is in force" in reasons(
        plan([stated("50", date(2027, 1, 1))], [in_force("49")], contracts=[contract])
    )


def test_own_unit_costs_are_bound_by_no_contract():
    assert not plan([stated("60", None)], [in_force("49")], contracts=None).held


def test_the_price_of_past_days_does_not_change_by_itself():
    made = plan([stated("47", date(2026, 11, 1))], [in_force("49")])
    assert "past days, from 2026-11-01" in reasons(made)


def test_a_vanished_product_in_use_holds_the_list():
    made = plan([stated("88", key=VISIT)], [in_force("49")], in_use={(1, "HUR")})
    assert "TUKIHENKILO (hour) is in use but missing" in reasons(made)
    assert made.counts == {"added": 1, "changed": 0, "unchanged": 0, "ended": 1, "missing": 1}
    assert timeline(made)[1] == [(1, TODAY)]


def test_a_vanished_product_nobody_uses_ends_today():
    existing = [in_force("49", until=date(2027, 1, 1)), in_force("50", date(2027, 1, 1), price_id=2)]
    made = plan([stated("88", key=VISIT)], existing)
    assert not made.held
    assert timeline(made)[1] == [(1, TODAY), (2, None)]


def test_a_product_whose_row_was_rejected_has_not_vanished():
    assert timeline(plan([stated("88", key=VISIT)], [in_force("49")], spared={1})) == (
        [(date(2026, 1, 1), OPEN, 88)],
        [],
    )


def test_what_seems_to_have_vanished_may_be_a_row_nobody_could_read():
    assert not plan([stated("88", key=VISIT)], [in_force("49")], unsure=True).endings
    assert plan([stated("88", key=VISIT)], [in_force("49")], unsure=True, in_use={(1, "HUR")}).held


def test_a_price_that_ended_long_ago_does_not_end_again():
    assert not plan([stated("88", key=VISIT)], [in_force("49", until=date(2026, 6, 1))]).endings


def test_a_plan_survives_being_kept():
    made = plan([stated("60", None)], [in_force("49"), in_force("1", key=VISIT, price_id=2)], contracts=[])
    assert made.held
    assert made.new[0] == New(HOUR, TODAY, OPEN, Decimal(60), "E", Decimal(0), vat_inclusive=False, position="2")
    assert Plan.from_json(made.to_json()) == made


def test_a_gap_in_past_days_waits_though_the_same_price_goes_on_after_it():
    made = plan(
        [stated("49", until=date(2026, 3, 1)), stated("49", date(2026, 4, 1), position="3")],
        [in_force("49")],
    )
    assert "past days, from 2026-03-01" in reasons(made)


def test_what_is_said_twice_of_a_key_is_looked_at_together():
    said = [stated("49", until=date(2027, 1, 1)), stated("50", date(2027, 1, 1), position="3")]
    row = ("1", "101", "1", "HUR", "1", "weekday", "0", "", "", "2026-01-01", "2027-01-01", "49", "E", "0", "f")
    same, rest, in_force_left = set_aside_unchanged(said, [row], TODAY)
    assert (same, {one.position for one in rest}, len(in_force_left)) == (0, {"2", "3"}, 1)


@pytest.mark.parametrize(
    ("first", "until", "amount", "valid"),
    [
        (date(2026, 2, 1), OPEN, "49.5", ("2026-01-01", "")),
        (None, OPEN, "49.5", ("2026-01-01", "")),
        (None, OPEN, "49.5", ("2026-01-01", "2027-01-01")),
        (None, date(2027, 1, 1), "49.5", ("2026-01-01", "2027-01-01")),
        (None, date(2027, 1, 2), "49.5", ("2026-01-01", "2027-01-01")),
        (None, OPEN, "49.5", ("2026-12-01", "")),
        (None, OPEN, "49.5", ("2026-01-01", "2026-11-16")),
        (date(2025, 12, 31), OPEN, "49.5", ("2026-01-01", "")),
        (date(2026, 1, 1), date(2027, 1, 1), "49.5", ("2026-01-01", "")),
        (date(2026, 1, 1), OPEN, "49.50", ("2026-01-01", "")),
        (date(2026, 1, 1), OPEN, "49.6", ("2026-01-01", "")),
    ],
)
def test_what_is_set_aside_is_what_the_plan_calls_unchanged(first, until, amount, valid):
    row = ("1", "101", "1", "HUR", "1", "weekday", "0", "", "", *valid, "49.5", "E", "0", "f")
    said = stated(amount, first, until)
    same, rest, in_force_left = set_aside_unchanged([said], [row], TODAY)
    thought = plan([said], [to_version(row)])
    assert plan(rest, in_force_left).unchanged + same == thought.unchanged
    assert same == 0 or not rest
    assert same == thought.unchanged or amount == "49.50", "only another spelling is left to the plan"


def test_many_reasons_are_counted():
    said = [stated("60", None, key=HOUR._replace(territory=str(number)), position=str(number)) for number in range(150)]
    existing = [in_force("49", key=HOUR._replace(territory=str(number)), price_id=number) for number in range(150)]
    made = plan(said, existing, contracts=[])
    assert len(made.held) == 101
    assert made.reasons[-1].text("en") == "50 more prices must wait for such reasons."


@pytest.mark.parametrize("rule", [{"kind": "free"}, {"kind": "fixed", "until": "2026-12-31"}, {"kind": "fixed"}, {}])
def test_a_rise_is_shown_with_what_its_contract_says(rule):
    contract = PriceRule("S-9", date(2026, 1, 1), date(2028, 1, 1), rule)
    (change,) = plan([stated("60", date(2027, 1, 1))], [in_force("49")], contracts=[contract]).changes
    assert change.rule is not None
    assert change.rule["params"]["contract"] == "S-9"


def test_plans_of_two_days_come_to_the_same():
    one = plan([stated("47", None)], [in_force("49")])
    other = make_plan(7, [stated("47", None)], [in_force("49")], World(date(2026, 11, 17), CODES, FREE))
    assert one != other
    assert substance(one) == substance(other)
    assert substance(one) != substance(plan([stated("46", None)], [in_force("49")]))


def test_a_kept_plan_is_packed():
    made = plan([stated("47", None)], [in_force("49")])
    kept = Kept(made, Basis(3, "1 true", {"S-1": "x"}, {"A": "y"}), {"budgets": 0})
    assert Kept.from_json(kept.to_json()) == kept
    assert Kept.from_json(made.to_json()) == Kept(made, None), "as an earlier version kept it"
