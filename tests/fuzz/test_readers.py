"""200 documents of every reader, drawn by Hypothesis in a process with 512 MB and 5 seconds: no crash, no hang, nothing that cannot be kept.

`make fuzz` reads 10,000 and more of each. Here they are the same every time: a build does not fail by chance.
"""

from pathlib import Path

import pytest

from tests.fuzz import running
from tests.fuzz.readers import READERS

_INPUTS = 200
#: Readers of one process each: to start it takes as long as to read 200 documents of most.
_TOGETHER = [list(READERS)[start::2] for start in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("names", _TOGETHER, ids=["first", "second"])
def test_whatever_comes_is_read_or_refused(names: list[str], tmp_path: Path) -> None:
    tallies = running.run(running.Plan(names, inputs=_INPUTS, seed=0), tmp_path)
    assert {name: one.faults for name, one in tallies.items() if one.faults} == {}
    assert {name: one.inputs for name, one in tallies.items() if one.inputs < _INPUTS * 0.9} == {}
    assert {name for name, one in tallies.items() if not one.came["refused"]} <= {"bounce", "channel_reply"}
    assert {name for name, one in tallies.items() if not one.came["read"]} == set()
