"""The bench of orders, on a small county: every order is made whole, and every measurement still works."""

from importlib.util import find_spec
from pathlib import Path

from tests.support.small_bench import small_bench


def test_a_small_county(tmp_path: Path) -> None:
    found = small_bench("orders", tmp_path, "--orders", "120", "--dispatch", "6", "--seconds", "0.2")
    assert {"build_per_s", "generate_10000_s"} <= set(found)
    assert ("ratio_dispatch" in found) == (find_spec("bench.order_load.dispatching") is not None)
    assert found["orders"] == 120
    assert found["generate_lines"] >= 120
