"""The bench of the consistency check, on a small county: it finds everything in order, and every measurement still works."""

from tests.support.small_bench import small_bench


def test_a_small_county(tmp_path):
    found = small_bench("consistency", tmp_path, "--budgets", "60", "--orders", "100", "--works", "2000")
    assert {"night_s", "all_s", "memory_mb", "orders_s", "works_s", "budgets_s"} <= set(found)
    assert (found["budgets"], found["orders"], found["works"]) == (60, 100, 2000)
