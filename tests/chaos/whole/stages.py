"""The day in stages: the slots of its jobs, in order. The business clock is moved from one to the next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from core.follow_up_settings import FollowUps
from core.i18n import HELSINKI
from schedules.jobs import jobs
from schedules.slots import slot_key, slots_between
from tests.chaos.whole.world import World

#: The day ends at this hour: the mails have gone.
_ENDS = time(9, 0)
#: It comes every five minutes, and whenever the clock is moved.
_EVERYWHERE = "seal_audit"


@dataclass(frozen=True)
class Stage:
    """A slot of a job: when it comes, and under which key its Work stands. Only one that is not `repeated` is a place for faults."""

    name: str
    at: datetime
    key: str
    repeated: bool


def stages(world: World) -> tuple[Stage, ...]:
    """Every stage of a world's day. A job that comes many times a day, or on both days, is a place for faults at its first, or last, slot."""
    found: dict[str, Stage] = {}
    every = [stage for night in world.nights for stage in _of(night)]
    for stage in every:
        found.setdefault(stage.name, stage)
    return tuple(Stage(one.name, one.at, one.key, repeated=found[one.name] is not one) for one in every)


def _of(night: date) -> Iterator[Stage]:
    first, last = (datetime.combine(night, at, HELSINKI).astimezone(UTC) for at in (time(), _ENDS))
    slots = []
    for job in jobs(FollowUps()):
        if job.name == _EVERYWHERE:
            continue
        moments = list(slots_between(job, first - timedelta(seconds=1), last))
        slots += [Stage(job.name, moment, slot_key(job, moment), repeated=False) for moment in moments[:1]]
    yield from sorted(slots, key=lambda stage: stage.at)
