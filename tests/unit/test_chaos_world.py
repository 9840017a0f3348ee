"""A seed is a world: the same one each time, as large as it says, on the days that it is about."""

from datetime import UTC, date, datetime, time, timedelta
from xml.etree import ElementTree as ET

import pytest

from core.follow_up_settings import FollowUps
from core.i18n import HELSINKI
from schedules.jobs import jobs
from tests.chaos.whole.stages import stages
from tests.chaos.whole.world import DAYS, SMALL, make_world

WORLDS = [make_world(seed, SMALL) for seed in range(len(DAYS))]


def test_the_same_seed_makes_the_same_world():
    assert make_world(7, SMALL) == make_world(7, SMALL) != make_world(8, SMALL)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: str(world.day))
def test_it_is_as_large_as_it_says(world):
    size = world.size
    before, after = (
        {case.get("id"): ET.tostring(case) for case in ET.fromstring(content)}
        for content in (world.cases_before, world.cases_after)
    )
    known = {name: text for name, text in after.items() if not str(name).startswith("X-")}
    assert len(known) == size.cases
    changed = [name for name in before.keys() & known.keys() if before[name] != known[name]]
    assert changed
    assert before.keys() - known.keys()
    assert known.keys() - before.keys()
    assert min(int(str(name)[2:]) for name in changed) >= size.orders + size.reminders, "what is ordered for stays"
    assert len(world.lists) == size.lists
    assert {one.transport for one in world.lists} == {"https", "sftp"}
    assert set(world.channels.values()) == {"email", "sftp", "https", "file", "external"}


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: str(world.day))
def test_every_job_has_its_stage_in_the_order_of_the_day(world):
    found = stages(world)
    assert [one.at for one in found] == sorted(one.at for one in found)
    once = [one.name for one in found if not one.repeated]
    assert sorted(once) == sorted(job.name for job in jobs(FollowUps()) if job.name != "seal_audit")
    assert found[-1].name == "daily_reminders"
    assert world.evening < found[0].at


def test_both_nights_on_which_clocks_change_are_lived_through():
    spring, autumn = WORLDS[1], WORLDS[2]
    cases = {
        world.day: next(one.at for one in stages(world) if one.name == "nightly_cases") for world in (spring, autumn)
    }
    # 3.10 is skipped: it comes at 4.00; in autumn it comes the first time
    assert cases[spring.day] == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert cases[autumn.day] == datetime(2026, 10, 25, 0, 10, tzinfo=UTC)
    for world in (spring, autumn):
        night = world.nights[0]
        midnights = [datetime.combine(night + timedelta(days=ahead), time(), HELSINKI).timestamp() for ahead in (0, 1)]
        assert midnights[1] - midnights[0] != 86_400
        assert date.fromordinal(world.day.toordinal() - 1) == night
