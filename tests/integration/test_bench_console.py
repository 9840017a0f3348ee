"""The bench of the console, on a small county: every page opens, for each who may open it."""

from tests.support.small_bench import small_bench


def test_a_small_county(tmp_path):
    found = small_bench("console", tmp_path, "--cases", "1000", "--requests", "2")
    assert (found["cases"], found["items"]) == (1000, 3000)
    assert found["pages"]["/"].keys() == {"median_ms", "p95_ms"}
