"""The bench of budgets, on a small county: Avain and the SQL by hand agree on every figure, and every measurement still works."""

from tests.support.small_bench import small_bench


def test_a_small_county(tmp_path):
    found = small_bench("budgets", tmp_path, "--budgets", "300", "--tasks", "5")
    assert {"ratio_sql", "touched_100_s", "ratio_task_per_budget"} <= set(found)
    assert (found["budgets"], found["items"], found["prices"], found["tasks"]) == (300, 900, 20_000, 5)
