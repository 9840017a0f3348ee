"""The bench of restarting: everything is killed by SIGKILL under load and started again, and nothing is lost. How soon is the bench's business."""

from pathlib import Path

import pytest

from tests.support.small_bench import small_bench


@pytest.mark.slow
def test_everything_killed_goes_on(tmp_path: Path) -> None:
    found = small_bench("restart", tmp_path, "--rounds", "1", "--letters", "12", "--budgets", "20")
    assert found["held_least"] >= 4, "a letter by each slot or two, and every source"
    assert found["due_least"] >= 1
    assert (found["letters"], found["lost"]) == (12, 0)
    assert found["repeated"] <= found["held_least"]
    assert found["enqueued_worst_s"] >= found["freed_worst_s"] > 0 < found["begun_median_s"] <= found["goes_on_worst_s"]
