"""What may be told of many cases: no set of periods, tables and files tells of fewer than five, whatever is subtracted from what."""

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.errors import InputError
from services.oversight.blocks import ENOUGH, Block, Cell, Group, blocks, folded, within
from services.oversight.figures import percentile
from services.oversight.months import Period, months_on
from services.oversight.ratings import beside_everybody
from services.oversight.results import OTHER, Said, told

TODAY = date(2026, 11, 16)


def cell(month: int, cases: set[int], **sums: int) -> Cell:
    figures = {name: Decimal(figure) for name, figure in sums.items()}
    few = frozenset(cases) if len(cases) < ENOUGH else None
    return Cell(months_on(date(2026, 1, 1), month), few, len(cases), figures or {"n": Decimal(len(cases))})


def spans(made: list[Block]) -> list[tuple[int, int]]:
    return [(one.first.month, one.last.month) for one in made]


def test_months_are_put_together_until_five_cases_are_in_them():
    made = blocks(
        (),
        [cell(3, {1, 2}), cell(0, {1, 2, 3}), cell(1, {3, 4}), cell(2, {9}), cell(4, {1, 2, 3, 4, 5, 6}), cell(5, {1})],
    )
    assert spans(made) == [(1, 3), (4, 5)]
    assert [int(one.sums["n"]) for one in made] == [6, 8], "the last month is told by nobody"
    assert [one.cases for one in made] == [5, None]


def test_the_same_family_again_and_again_is_one():
    assert blocks((), [cell(n, {1, 2, 3, 4}) for n in range(24)]) == []


def test_parts_are_told_of_a_month_alone_only():
    parts = {"cost": 6, "invoiced": 3}
    alone, together = blocks(
        (),
        [cell(0, {*range(6)}, **parts), cell(1, {1}, **parts), cell(2, {*range(5)}, **parts)],
        only_alone=["invoiced"],
    )
    assert set(alone.sums) == {"cost", "invoiced"}
    assert set(together.sums) == {"cost"}


CASES = some.frozensets(some.integers(0, 12), max_size=9)


@given(some.lists(CASES, min_size=1, max_size=30), some.data())
def test_no_difference_of_periods_is_of_fewer_than_five(months, data):
    """The attack: ask for two periods and subtract. What comes out is nothing, or of five different cases."""
    # each case weighs another power of two: the sum tells exactly who is in it
    cells = [cell(n, set(cases), n=sum(2**case for case in cases)) for n, cases in enumerate(months) if cases]
    made = blocks((), cells)
    ends = some.integers(0, len(months))  # not far beyond what there is: a period of nothing tells nobody
    wide = data.draw(some.tuples(ends, ends).map(sorted))
    narrow = data.draw(some.tuples(some.integers(*wide), some.integers(*wide)).map(sorted))

    def inside(ends):
        return within(made, *(months_on(date(2026, 1, 1), end) for end in ends))

    rest = [one for one in inside(wide) if one not in inside(narrow)]
    who = set()
    for block in rest:
        for n, cases in enumerate(months):
            if block.first <= months_on(date(2026, 1, 1), n) <= block.last:
                who |= cases
    assert not rest or len(who) >= ENOUGH
    assert all(one.last < two.first for one, two in pairwise(made)), "no month is told twice"


@given(
    some.dictionaries(some.tuples(some.integers(0, 2), some.integers(0, 3)), some.lists(CASES, max_size=6), max_size=8)
)
def test_small_groups_are_told_together_or_not_at_all(groups):
    def parent(group):
        return (group[0], "") if group[1] else (("", "") if group[0] else None)

    given_cells: dict[Group, list[Cell]] = {
        (str(service), str(provider)): [cell(n, set(cases)) for n, cases in enumerate(months) if cases]
        for (service, provider), months in groups.items()
    }
    told_groups = folded(given_cells, parent)
    assert sum(one.sums["n"] for cells in told_groups.values() for one in cells) == sum(
        one.sums["n"] for cells in given_cells.values() for one in cells
    ), "nothing is lost and nothing counted twice"
    for group, cells in told_groups.items():
        assert (
            group == ("", "")
            or any(one.few is None for one in cells)
            or len({case for one in cells for case in one.few or ()}) >= ENOUGH
        )
        assert len({one.month for one in cells}) == len(cells)


def test_others_are_told_together():
    small: dict[Group, list[Cell]] = {
        ("S", "A"): [cell(0, {1, 2})],
        ("S", "B"): [cell(0, {3, 4}), cell(1, {5})],
        ("T", "A"): [cell(0, {6})],
    }
    found = folded(small, lambda group: (group[0], "") if group[1] else (("", "") if group[0] else None))
    assert set(found) == {("S", ""), ("", "")}
    assert spans(blocks(("S", ""), found["S", ""])) == [(1, 2)]


def test_answers_that_would_tell_their_neighbour_are_told_together():
    said = {"need_met": Said(8, 8, 8), "continues": Said(6, 6, 6), "heavier_service": Said(1, 1, 1)}
    assert told(said, 15, 15) == {"need_met": 8, OTHER: 7}, "fifteen less eight less six would be the one"
    assert told({"yes": Said(9, 9, 9), "no": Said(1, 1, 1)}, 10, 10) == {OTHER: 10}
    assert told({"yes": Said(9, 9, 9), "no": Said(5, 5, 5)}, 14, 14) == {"yes": 9, "no": 5}
    assert told({"yes": Said(9, 9, 9)}, 12, 12) == {OTHER: 12}, "three left the question open"
    assert told({"yes": Said(9, 4, 4)}, 9, 9) == {OTHER: 9}, "nine evaluations of four families"


@given(some.lists(some.tuples(some.integers(0, 20), some.sampled_from(["a", "b", "c", ""])), min_size=5, max_size=40))
def test_no_answer_told_or_left_is_of_fewer_than_five_cases(evaluations):
    everybody = {case for case, _ in evaluations}
    if len(everybody) < ENOUGH:
        return
    said = {}
    for answer in "abc":
        of = {case for case, given_answer in evaluations if given_answer == answer}
        said[answer] = Said(sum(1 for _, one in evaluations if one == answer), len(of), len(of))
    kept = told(said, len(evaluations), len(everybody))
    assert sum(kept.values()) == len(evaluations)
    for answer in kept:
        of = {case for case, one in evaluations if one == answer or (answer == OTHER and one not in kept)}
        assert len(of) >= ENOUGH


def test_a_unit_cannot_be_taken_from_the_whole_organisation():
    made = blocks((), [cell(n, set(range(5)), answers=5, total=20) for n in range(3)])
    assert [len(beside_everybody(made, n)) for n in (15, 16, 19, 20, 100)] == [3, 2, 2, 3, 3]
    assert len(beside_everybody(made, None)) == 3


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [
        ("", "", ("2025-12", "2026-11")),
        ("2026-03", "", ("2026-03", "2026-11")),
        ("", "2026-06", ("2025-07", "2026-06")),
        ("2027-02", "", ("2027-02", "2027-02")),
        ("", "2015-03", ("2015-01", "2015-03")),
        (" 2026-01 ", "2027-11", ("2026-01", "2027-11")),
    ],
)
def test_a_period_is_read(first, last, months):
    period = Period.read(first, last, TODAY)
    assert (f"{period.first:%Y-%m}", f"{period.last:%Y-%m}") == months


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-13", ""), ("0000-01", ""), ("2026-1", ""), ("١٢٣٤-٠١", ""), ("2026-05", "2026-04"), ("2014-12", "2015-05"),
        ("", "2027-12"), ("9999-12", "9999-12"), ("2015-01", "2026-01"), ("2026-01-01", ""), ("'; --", ""),
    ],
)  # fmt: skip
def test_a_period_that_is_none_is_refused(first, last):
    with pytest.raises(InputError):
        Period.read(first, last, TODAY)


@given(some.lists(some.integers(0, 400), min_size=1, max_size=40))
def test_a_percentile_lies_between_the_values(values):
    assert min(values) <= percentile(values, Decimal("0.9")) <= max(values)
    assert percentile([1] * 9 + [100], Decimal("0.9")) == Decimal("10.9")
