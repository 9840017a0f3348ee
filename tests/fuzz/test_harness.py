"""The harness itself: faults are noticed and survived, the same seed draws the same documents, a run goes on where it ended."""

from pathlib import Path

import pytest

from tests.fuzz import child, running
from tests.fuzz.faulty import CALLED
from tests.fuzz.readers import READERS

_MODULE = "tests.fuzz.faulty"


@pytest.mark.slow
def test_every_fault_is_noticed_and_the_next_reader_goes_on(tmp_path: Path) -> None:
    """The memory is the least in which it starts: to fill 512 MB takes time."""
    plan = running.Plan(list(CALLED), inputs=2, seed=0, memory=128 * child.MEBIBYTE, module=_MODULE)
    tallies = running.run(plan, tmp_path)
    for name, (_, kind, what) in CALLED.items():
        tally = tallies[name]
        assert tally.came[kind] == tally.inputs >= 1, name
        assert tally.next_block == 1, name
        if what:
            ((told, path),) = tally.faults.items()
            assert told.startswith(f"{kind}: {what}"), told
            assert Path(path).read_bytes()
        else:
            assert tally.faults == {}


@pytest.mark.parametrize("reader", ["price_json", "case_xml", "price_workbook"])
def test_the_same_seed_and_block_draw_the_same_documents(reader: str) -> None:
    drawn: list[list[bytes]] = []
    for seed, block in ((1, 0), (1, 0), (1, 1), (2, 0)):
        drawn.append([])
        child.draw(READERS[reader], seed, block, 20, drawn[-1].append)
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2] != drawn[3] != drawn[0]


def test_what_was_counted_is_kept_and_added_to(tmp_path: Path) -> None:
    first = running.Tally("x", 4)
    first.note({"came": "read", "seconds": 0.5})
    running.keep(tmp_path, 1, {"x": first})
    more = running.Tally("x", 8)
    more.note({"came": "refused", "seconds": 1.5})
    both = running.added(running.kept(tmp_path, 1)["x"], more)
    assert (both.next_block, both.inputs, both.seconds, both.slowest) == (8, 2, 2.0, 1.5)
    assert running.kept(tmp_path, 2) == {}
