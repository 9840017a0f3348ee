"""What the check of budgets finds and what it leaves out, in a real database in which somebody with every right has changed something."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.consistency.budgets import budgets
from tests.integration.consistency.world import (
    BILLED,
    ORDERED,
    PLANNED,
    REPLACING,
    UNPRICED,
    found,
    said,
    with_settings,
)
from tests.support.queries import recording

OF_CASE = "(SELECT budget.id FROM budget JOIN decision ON decision.id = decision_id JOIN client_case ON client_case.id = case_id WHERE client_case.number = '{}')"


def of(case: str) -> str:
    """SQL: the budget of a case."""
    return OF_CASE.format(case)


#: What is done, the sort of fault, what of the thing's name is told, and what of how it is.
BUDGETS = [
    (
        f"UPDATE budget_version SET planned = planned + 1, free = free - 1 WHERE budget_id = {of(PLANNED)}",
        "budget_differs",
        PLANNED,
        "planned: kept €1,057.00, calculated once more €1,056.00",
    ),
    (f"UPDATE budget_version SET state = 'over' WHERE budget_id = {of(PLANNED)}", "budget_differs", PLANNED, "state"),
    (
        (
            "UPDATE budget_line SET quantity = quantity + 1 WHERE version_id IN (SELECT id FROM budget_version WHERE superseded_at IS NULL"
            f" AND budget_id = {of(PLANNED)})"
        ),
        "budget_differs",
        PLANNED,
        "lines are others",
    ),
    (
        (
            "UPDATE price SET amount = amount + 1 WHERE id IN (SELECT price_id FROM budget_line JOIN budget_version ON budget_version.id = version_id"
            f" WHERE superseded_at IS NULL AND budget_id = {of(PLANNED)})"
        ),
        "budget_differs",
        PLANNED,
        "planned",
    ),
    (
        "UPDATE order_coverage SET live = false WHERE order_id = (SELECT min(id) FROM purchase_order)",
        "budget_differs",
        ORDERED,
        "ordered",
    ),
    ("DELETE FROM invoice_line", "budget_differs", BILLED, "invoiced: kept €88.00"),
    ("UPDATE delivered SET superseded_at = now()", "budget_differs", BILLED, "delivered"),
    (
        f"UPDATE budget_version SET reasons = '[]' WHERE budget_id = {of(UNPRICED)}",
        "budget_differs",
        UNPRICED,
        "no reason",
    ),
    (
        (
            f"UPDATE budget SET ceiling = 1 WHERE id = {of(PLANNED)};"
            f" UPDATE budget_version SET ceiling = 1, free = 1 - planned, state = 'over' WHERE budget_id = {of(PLANNED)}"
        ),
        "ceiling_differs",
        PLANNED,
        "kept €1.00, found €2,000.00",
    ),
    (
        (
            "UPDATE decision SET granted_amount = 5 WHERE granted_amount IS NOT NULL"
            f" AND id = (SELECT decision_id FROM budget WHERE id = {of(PLANNED)})"
        ),
        "ceiling_differs",
        PLANNED,
        "something else",
    ),
    (
        f"UPDATE budget SET ceiling_price_id = (SELECT max(price.id) FROM price JOIN price_key ON price_key.id = price_key_id WHERE provider_id IS NOT NULL) WHERE id = {of(REPLACING)}",
        "ceiling_differs",
        REPLACING,
        "no own unit cost",
    ),
    (
        (
            f"UPDATE budget SET ceiling = NULL WHERE id = {of(REPLACING)};"
            f" UPDATE budget_version SET ceiling = NULL WHERE budget_id = {of(REPLACING)}"
        ),
        "ceiling_differs",
        REPLACING,
        "€1,253.00 would be found",
    ),
    (
        (
            f"DELETE FROM budget_line USING budget_version WHERE version_id = budget_version.id AND budget_id = {of(PLANNED)};"
            f" DELETE FROM budget_version WHERE budget_id = {of(PLANNED)}"
        ),
        "budget_missing",
        PLANNED,
        "",
    ),
    (
        f"INSERT INTO budget_dirty (budget_id, cause) SELECT {of(PLANNED)}, 'asked'",
        "budgets_forgotten",
        "recompute_budgets",
        "1",
    ),
    (
        "UPDATE remembered SET value = replace(value, '2026-11-23', '2026-11-19') WHERE name = 'budgets marked'",
        "budget_nights",
        "2026-11-19",
        "on 2026-11-19",
    ),
]


@pytest.mark.parametrize(("done", "sort", "name", "how"), BUDGETS)
def test_budgets(place, done, sort, name, how):
    with place.broken(*done.split(";")) as scope:
        looked = budgets(scope)
        names = found(looked)
        assert set(names) == {sort}
        assert [one.split("/")[0] for one in names[sort]] == [name]
        assert how in said(looked)[0]


def test_a_budget_that_is_to_be_calculated_anyway_is_left_out(place):
    wrong = f"UPDATE budget_version SET planned = planned + 1, free = free - 1 WHERE budget_id = {of(PLANNED)}"
    note = f"INSERT INTO budget_dirty (budget_id, cause) SELECT {of(PLANNED)}, 'asked'"
    recompute = "INSERT INTO work (kind, key, queue, arguments) VALUES ('recompute_budgets', 'recompute_budgets', 'budgets', '{}')"
    with place.broken(wrong, note, recompute) as scope:
        looked = budgets(scope)
    assert (found(looked), looked.left_out, looked.examined) == ({}, 1, 5)
    of_run = (
        "UPDATE client_case SET synced_run_id = (SELECT max(id) FROM run)",
        "INSERT INTO budget_dirty (cause, run_id) SELECT 'cases', max(id) FROM run",
    )
    with place.broken(wrong, *of_run, recompute) as scope:
        looked = budgets(scope)
    assert (found(looked), looked.left_out, looked.examined) == ({}, 6, 0)


def test_what_waits_for_the_night_is_no_fault_and_what_the_night_passed_over_is(place):
    with place.broken() as scope:
        strict = with_settings(scope, near_limit=0)
        looked = budgets(strict)
        assert found(looked) == {}
        assert looked.left_out == 4, "all that are neither ended nor unpriced wait for the night to see the new limit"
    marked = "UPDATE remembered SET value = replace(value, '0.90', '0') WHERE name = 'budgets marked'"
    with place.broken(marked) as scope:
        looked = budgets(with_settings(scope, near_limit=0))
        assert len(found(looked)["budget_differs"]) == 4


def test_a_sample_is_another_every_day_and_takes_in_what_was_broken_the_last_time(place):
    with place.broken("UPDATE budget_version SET state = 'over'") as scope:

        def drawn(day: int, **over: Any) -> list[str]:
            one = replace(scope, budgets=1, day=scope.day - timedelta(days=day), **over)
            looked = budgets(one)
            assert looked.examined == len(found(looked)["budget_differs"])
            return found(looked)["budget_differs"]

        assert drawn(0) == drawn(0)
        assert len({drawn(day)[0] for day in range(12)}) > 2
        broken = next(name for day in range(12) for name in drawn(day) if name != drawn(0)[0])
        again = {"budget_differs": frozenset({broken})}
        assert sorted(drawn(0, again=again)) == sorted([*drawn(0), broken])


def test_so_many_statements_whatever_the_number_of_budgets(place):
    counts = []
    with place.broken() as scope:
        for drawn in (1, 6):
            with recording(scope.session) as statements:
                assert budgets(replace(scope, budgets=drawn)).examined == drawn
            counts.append(len(statements))
    assert counts[0] == counts[1] < 20
