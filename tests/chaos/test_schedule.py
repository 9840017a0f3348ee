"""The schedule of faults: the same seed, the same list; over few seeds every fault, over twenty every step by every death."""

import json

import pytest

from core.faults import DAY_POINTS, FAULT_POINTS
from core.settings import Settings
from schedules.jobs import jobs
from tests.chaos.whole.conductor import Injected
from tests.chaos.whole.faults import CATALOGUE, Outcome
from tests.chaos.whole.faults.kills import STEPS, STEPS_OF_A_STAGE, WHOM
from tests.chaos.whole.report import BEGIN, END, Day, keep, kept, sentences, write
from tests.chaos.whole.schedule import FAULTS, schedule


@pytest.mark.parametrize("seed", [1, 7, 2**40])
def test_a_seed_has_one_schedule(seed):
    first = schedule(seed)
    assert first == schedule(seed)
    assert len(first) == FAULTS >= 20
    assert json.loads(json.dumps([one.how for one in first])) == [one.how for one in first]
    assert first != schedule(seed + 1)


def test_every_fault_comes_up_in_few_seeds():
    assert {one.fault for seed in range(1, 5) for one in schedule(seed)} == CATALOGUE.keys()


def test_every_step_is_died_at_in_every_way_in_twenty_seeds():
    deaths = {
        (one.how["step"], one.how["whom"]) for seed in range(1, 21) for one in schedule(seed) if "step" in one.how
    }
    assert deaths == {(step, whom) for step in STEPS for whom in WHOM}


def test_a_day_dies_at_every_step_of_a_day():
    assert set(STEPS) <= set(FAULT_POINTS)
    assert set(DAY_POINTS) <= set(STEPS)


def test_stages_are_jobs_of_the_day():
    known = {job.name for job in jobs(Settings().follow_ups)}
    assert {stage for fault in CATALOGUE.values() for stage in fault.stages} | STEPS_OF_A_STAGE.keys() <= known


def test_what_came_of_a_day_is_kept_and_told(tmp_path):
    one, *_ = schedule(3)
    day = Day(3, "small", 61.2, [Injected(one, 0.4, True, Outcome("beat killed", 1.5))], [], {"orders": 5})
    bad = Day(
        4, "small", 9.0, [Injected(one, 0.4, False, Outcome("?", met=False, wrong="It hung."))], ["An order was lost."]
    )
    assert keep(day, tmp_path).name == "small-0003.json"
    keep(bad, tmp_path)
    assert "nothing lost, nothing twice" in sentences(day)
    assert "WRONG: It hung.\n  WRONG: An order was lost." in sentences(bad)
    document = tmp_path / "doc.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", "utf-8")
    write(kept(tmp_path), document)
    text = document.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert f"| {one.fault} | 2 | 1 | 1 | beat killed (1), ? (1) | 1.5, 1.5 |" in text
    assert "2 days (small: seeds 3, 4), 2 faults, of which 1 were felt." in text
    assert "It hung.; An order was lost." in text
    assert "orders: 5" in text
