"""The bench of timing, with few answers: that every pair can still be asked. Whether they can be told apart is the bench's business."""

import pytest

from bench.timing import apart
from tests.support.small_bench import small_bench


def test_every_pair_is_asked(tmp_path):
    found = small_bench("timing", tmp_path, "--answers", "8", "--checks", "50")
    assert len(found["pairs"]) == 4
    assert all(0 <= one["apart"] <= 1 for one in found["pairs"].values())


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [([1.0, 2.0], [1.0, 2.0], 0.5), ([3.0], [1.0, 2.0], 1.0), ([0.0], [1.0, 2.0], 0.0), ([1.0, 3.0], [2.0], 0.5)],
)
def test_how_far_two_sides_are_apart(first, second, share):
    assert apart(first, second) == share
