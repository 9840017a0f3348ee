"""The bench of retention, on a small county: what is over its time goes, and every measurement still works."""

from tests.support.small_bench import small_bench


def test_a_small_county(tmp_path):
    found = small_bench("retention", tmp_path, "--budgets", "60", "--orders", "100", "--works", "100")
    assert {"report_s", "night_s", "cases_per_s", "longest_batch_s", "again_s"} <= set(found)
    assert (found["budgets"], found["cases"]) == (60, 6)
