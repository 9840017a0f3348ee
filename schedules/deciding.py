"""What the tick decides about one job at one moment: pure functions from how the job stands to what is to be done.

A job's slots up to `since` never run. Of later ones the latest that has come is due, once; earlier ones of the same stretch were missed.
Slots of a pause, which begins with its first moment and ends before its last (a slot at the very end runs), are missed and not caught up. What
was decided about stays so: a cron that somebody changes finds no slots in the past. A clock that is set back makes nothing run twice that
has its Work, and hides nothing of what comes then.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, Literal

from schedules.jobs import Job
from schedules.slots import due_slot, slots_between

#: Why slots did not run when they came: paused, an earlier Work under way, nobody ticked.
Why = Literal["paused", "running", "nobody"]

#: A slot that is found later than this was missed, even if it is caught up.
LATE: Final = timedelta(seconds=60)
#: Slots of one stretch are counted so far.
MOST_COUNTED: Final = 1000
_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class Standing:
    """How a job stands. `paused_at` None: it is not paused; `last_slot`: the latest slot that was decided about."""

    since: datetime
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    last_slot: datetime | None = None

    def is_paused(self, now: datetime) -> bool:
        """Whether a pause is on: from its beginning, up to and without its end."""
        return self.paused_at is not None and (self.paused_until is None or now < self.paused_until)

    def counts_after(self, now: datetime) -> datetime:
        """Slots after this moment may be due. What was decided later than `now` was so before the clock was set back, and is no bound."""
        return max(self.since, self.last_slot) if self.last_slot is not None and self.last_slot <= now else self.since


@dataclass(frozen=True)
class Missed:
    """A stretch of slots that did not run when they came; `slots` counts them up to MOST_COUNTED. `caught_up`: the latest runs now."""

    why: Why
    first_slot: datetime
    last_slot: datetime
    slots: int
    caught_up: bool = False


@dataclass(frozen=True)
class Look:
    """What the tick found: the job as it stands now, the slot that is due, and what was missed until then.

    `missed`: of a pause that has ended; `earlier`: before the due slot, since nobody ticked; `late`: so long ago did the slot itself come.
    """

    standing: Standing
    slot: datetime | None = None
    missed: tuple[Missed, ...] = ()
    earlier: Missed | None = None
    late: bool = False
    resumed: bool = False


@dataclass(frozen=True)
class Decision:
    """What is done: the job as it stands then, the slot whose Work is called for, what is told as missed."""

    standing: Standing
    call: datetime | None = None
    missed: tuple[Missed, ...] = ()


def look(job: Job, standing: Standing, now: datetime, looked_at: datetime | None) -> Look:
    """What is due at `now`. `looked_at`: when anybody ticked last; None: not known, and nothing is told of nobody.

    Raises CronSimError for a cron that cannot be read.
    """
    if standing.is_paused(now):
        return Look(standing)
    missed: list[Missed] = []
    resumed = standing.paused_at is not None and standing.paused_until is not None
    if resumed and standing.paused_until is not None:
        missed += stretch(job, "paused", standing.since, standing.paused_until)
        standing = resume(standing, standing.paused_until)
    after = standing.counts_after(now)
    slot = due_slot(job, after, now)
    if slot is None:
        return Look(standing, missed=tuple(missed), resumed=resumed)
    seen_until = now if looked_at is None else max(after, min(looked_at, now))
    earlier = stretch(job, "nobody", seen_until, slot, caught_up=True) if seen_until < slot else []
    late = slot > seen_until and now - slot > LATE
    return Look(standing, slot, tuple(missed), earlier[0] if earlier else None, late, resumed)


def without_slot(look: Look) -> Look:
    """The same where the due slot has its Work already: the clock was set back."""
    return replace(look, slot=None, earlier=None, late=False)


def decide(job: Job, look: Look, *, under_way: bool) -> Decision:
    """What becomes of the slot that is due. `under_way`: an earlier Work of the job has not ended."""
    slot, earlier = look.slot, look.earlier
    if slot is None:
        return Decision(look.standing, None, look.missed)
    standing = replace(look.standing, last_slot=slot)
    if job.overlap == "skip" and under_way:
        left_out = Missed("running", slot, slot, 1)
        not_caught_up = [] if earlier is None else [replace(earlier, caught_up=False)]
        return Decision(standing, None, (*look.missed, *not_caught_up, left_out))
    if look.late:
        first, count = (slot, 1) if earlier is None else (earlier.first_slot, min(earlier.slots + 1, MOST_COUNTED))
        earlier = Missed("nobody", first, slot, count, caught_up=True)
    return Decision(standing, slot, look.missed if earlier is None else (*look.missed, earlier))


def pause(standing: Standing, now: datetime, until: datetime | None) -> Standing:
    """The job paused from now on; a pause that is on keeps its beginning."""
    began = standing.paused_at or now
    return replace(standing, since=standing.since if standing.paused_at else now, paused_at=began, paused_until=until)


def resume(standing: Standing, at: datetime) -> Standing:
    """The job after a pause that ends at a moment: slots from that very moment on count."""
    return replace(standing, since=at - _INSTANT, paused_at=None, paused_until=None)


def not_come_to(job: Job, standing: Standing, now: datetime) -> tuple[Missed, ...]:
    """What a pause cuts off at `now`: slots that have come and that nobody called for yet. They are not caught up.

    Raises CronSimError for a cron that cannot be read.
    """
    return tuple(stretch(job, "nobody", standing.counts_after(now), now + _INSTANT))


def stretch(job: Job, why: Why, after: datetime, before: datetime, *, caught_up: bool = False) -> list[Missed]:
    """The slots after one moment and before another as one stretch; none where there is none."""
    found = list(islice(slots_between(job, after, before), MOST_COUNTED))
    if not found:
        return []
    last = found[-1]
    if len(found) == MOST_COUNTED:
        last = due_slot(job, after, before - _INSTANT) or last
    return [Missed(why, found[0], last, len(found), caught_up)]
