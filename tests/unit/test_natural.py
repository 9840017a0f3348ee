"""Names in the order in which people count."""

import random

import pytest

from core.natural import in_order


@pytest.mark.parametrize(
    "names",
    [
        ["a-1.xml", "a-2.xml", "a-10.xml"],
        ["2026-11-16.xml", "2026-11-17.xml", "2026-12-01.xml"],
        ["a", "a1", "a1b", "a2", "b"],
        ["1.xml", "02.xml", "2.xml", "10.xml"],
        ["", "7", "x"],
    ],
)
def test_figures_count_as_numbers(names: list[str]) -> None:
    shuffled = random.Random(1).sample(names, len(names))
    assert sorted(shuffled, key=in_order) == names
