"""The bench of reminders, on a small county: everything is planned, and every measurement still works."""

from importlib.util import find_spec
from pathlib import Path

from tests.support.small_bench import small_bench


def test_a_small_county(tmp_path: Path) -> None:
    found = small_bench("reminders", tmp_path, "--items", "100", "--workers", "20", "--mails", "6")
    assert {"plan_200k_s", "replan_s", "replan_moved_s"} <= set(found)
    assert (found["items"], found["follow_ups"] > 500) == (102, True)
    assert ("compose_per_s" in found) == (find_spec("bench.reminder_load.composing") is not None)
    assert ("ratio_smtp" in found) == (find_spec("bench.reminder_load.sending") is not None)
