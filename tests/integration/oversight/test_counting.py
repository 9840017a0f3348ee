"""What is counted by night, against plain Python over random units: blocks of five cases and nothing else."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import text

from services.follow_ups.ratings import count_ratings
from services.oversight.blocks import Block
from services.oversight.counting import count_units
from services.oversight.results import OTHER
from tests.factories.case import make_case, make_decision, make_plan_item
from tests.support import oversight_world as world
from tests.support.oversight_world import TODAY, World
from tests.support.queries import recording


def kept(session, unit: int, subject: str) -> list[Block]:
    blocks = session.scalars(
        text("SELECT blocks FROM unit_count WHERE unit_id = :unit AND subject = :subject"),
        {"unit": unit, "subject": subject},
    ).one()
    return [Block.from_json(one) for one in blocks]


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=some.integers(0, 2**32), cases=some.sampled_from([6, 12, 30]))
def test_the_counts_are_those_of_plain_python(session, seed, cases):
    with session.begin_nested() as undone:
        made = World(session, Random(seed), cases=cases)
        count_units(session, TODAY)
        for unit, facts in made.facts.items():
            euros = [
                (one.first, one.last, one.sums["cost"], one.sums["ceiling"]) for one in kept(session, unit, "euros")
            ]
            assert euros == world.euros(facts)
            starts = [(one.group[0], one.first, one.last, list(one.values)) for one in kept(session, unit, "starts")]
            assert sorted(starts) == world.starts(facts)
            ratings = [
                (*one.group, one.first, one.last, one.sums["answers"], one.sums["total"])
                for one in kept(session, unit, "ratings")
            ]
            assert sorted(ratings) == world.ratings(facts)
            results = kept(session, unit, "results")
            whole = [(one.first, one.last, one.sums["evaluations"]) for one in results if one.group == ("", "")]
            assert whole == world.quarters(facts)
            _answers_hide_nobody(facts, results)
        undone.rollback()


def _answers_hide_nobody(facts, results: list[Block]) -> None:
    """Each answer told is told rightly and of five cases; so is what is left of its block, for every question."""
    for whole in [one for one in results if one.group == ("", "")]:
        inside = [(case, said) for case, day, said in facts.finals if whole.first <= world.month_of(day) <= whole.last]
        told: dict[str, dict[str, int]] = defaultdict(dict)
        for one in results:
            if one.group[0] and one.first == whole.first:
                told[one.group[0]][one.group[1]] = int(one.sums["evaluations"])
        for question, answers in told.items():
            assert sum(answers.values()) == len(inside) == whole.sums["evaluations"]
            for answer, count in answers.items():
                who = [
                    case
                    for case, said in inside
                    if said.get(question) == answer or (answer == OTHER and said.get(question) not in answers)
                ]
                assert len(who) == count
                assert len(set(who)) >= 5


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=some.integers(0, 2**32))
def test_comparisons_less_a_units_ratings_are_of_nobody_or_of_five(session, seed):
    """The attack: Compare tells of all units' answers; take away what this one tells."""
    with session.begin_nested() as undone:
        made = World(session, Random(seed), units=3, cases=30)
        count_ratings(session)
        count_units(session, TODAY)
        everywhere: dict[tuple[str, ...], int] = {
            (str(row.service_id), str(row.provider_id)): row.answers
            for row in session.execute(text("SELECT * FROM provider_rating"))
        }
        for unit in made.units:
            shown: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
            for one in kept(session, unit.id, "ratings"):
                shown[one.group] += one.sums["answers"]
            for group, answers in shown.items():
                if all(group):
                    left = everywhere[group] - answers
                    assert left == 0 or left >= 5
        undone.rollback()


def test_a_part_of_the_costs_stands_beside_the_others_where_it_is_of_nobody_or_of_five(session):
    made = World(session, Random(7), units=1, cases=0)
    facts = made.facts[made.units[0].id]
    for _ in range(40):
        made.live(0)
    count_units(session, TODAY)
    for one in kept(session, made.units[0].id, "euros"):
        assert one.first == one.last or "invoiced" not in one.sums
        if "invoiced" in one.sums:
            assert one.sums["invoiced"] + one.sums["ordered"] + one.sums["planned"] == one.sums["cost"]
            for part in ("invoiced", "ordered", "planned"):
                of: dict[int, Decimal] = defaultdict(Decimal)
                for case, kind, amount, first, after in facts.euros:
                    if kind == part:
                        of[case] += world.spread(amount, first, after).get(one.first, Decimal(0))
                assert not 0 < sum(1 for share in of.values() if share) < 5


def test_counting_again_replaces_and_a_unit_without_cases_has_nothing(session):
    made = World(session, Random(1), units=1, cases=12)
    first = count_units(session, TODAY)
    assert count_units(session, TODAY) == first
    session.execute(text("UPDATE follow_up SET state = 'dropped', rating = NULL"))
    count_units(session, TODAY)
    assert kept(session, made.units[0].id, "ratings") == []
    assert kept(session, made.units[0].id, "results") == []
    assert kept(session, made.units[0].id, "left_out") == []


def test_the_number_of_statements_does_not_grow(session):
    World(session, Random(1), units=1, cases=3)
    with recording(session) as few:
        count_units(session, TODAY)
    World(session, Random(2), units=4, cases=5)
    with recording(session) as many:
        count_units(session, TODAY)
    assert len(few) == len(many) <= 12


def test_a_line_over_centuries_is_told_from_2015_to_a_year_from_now(session):
    made = World(session, Random(1), units=1, cases=0)
    ages = (date(900, 1, 1), date(4000, 1, 1))
    for _ in range(5):
        case = make_case(session, responsible_worker_id=made.workers[0].id)
        item = make_plan_item(session, make_decision(session, case), made.services[0])
        made.budget(item.decision_id, item, Decimal(9_000_000), [("planned", Decimal(8_000_000), ages)])
    count_units(session, TODAY)
    told = kept(session, made.units[0].id, "euros")
    assert (told[0].first, told[-1].last, len(told)) == (date(2015, 1, 1), date(2027, 11, 1), 155)
    assert abs(told[0].sums["cost"] - 5 * Decimal(8_000_000) * 31 / (ages[1] - ages[0]).days) < 1
