"""A small day of a whole installation with a dozen faults: `make chaos` in the small. Twenty large ones: docs/reliability.md."""

from pathlib import Path

import pytest

from tests.chaos.whole import processes
from tests.chaos.whole.day import live
from tests.chaos.whole.report import sentences

#: An ordinary working day whose hand of faults is a good mixture: deaths of all three kinds, the queue, the database, what is outside.
SEED, FAULTS = 8, 12


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "FORKED", True)
    day = live(SEED, "small", FAULTS, tmp_path)
    assert day.found == [], sentences(day)
    assert len(day.injected) == FAULTS
