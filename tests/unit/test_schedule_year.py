"""A year of the schedule in Finland, every job, against an oracle that knows neither cronsim nor zoneinfo."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.follow_up_settings import FollowUps
from schedules import deciding
from schedules.deciding import Decision, Missed, Standing
from schedules.jobs import Job, calendar, jobs
from schedules.slots import slots_between
from tests.support.schedule_oracle import Oracle, Told, slots

FIRST, LAST = datetime(2026, 6, 1, 9, 0, tzinfo=UTC), datetime(2027, 6, 1, 9, 0, tzinfo=UTC)
SETTINGS = FollowUps()
JOBS = {job.name: job for job in jobs(SETTINGS)}
CRONS = ("30 3 * * *", "0 0 * * *", "59 23 * * 1-5", "*/20 3 * * *", "15 */6 * * *", "0 8 1 * 1", "10 2 * * *")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def works(job: Job):
    return None if job.only_on is None else calendar(SETTINGS).includes


class Life:
    """A job's life as beats and people lead it, by the rules of schedules/deciding.py."""

    def __init__(self, job: Job, now: datetime) -> None:
        self.job, self.standing = job, Standing(since=now)
        self.looked_at: datetime | None = now
        self.called: list[datetime] = []
        self.told: list[Told] = []

    def tick(self, now: datetime, *, looks: bool = True) -> Decision:
        look = deciding.look(self.job, self.standing, now, self.looked_at)
        decision = deciding.decide(self.job, look, under_way=False)
        self.standing = decision.standing
        self._tell(decision.missed)
        if decision.call is not None:
            self.called.append(decision.call)
        if looks:
            self.looked_at = now
        return decision

    def pause(self, now: datetime, until: datetime | None) -> None:
        self._act(now)
        if self.standing.paused_at is None:
            self._tell(deciding.not_come_to(self.job, self.standing, now))
        self.standing = deciding.pause(self.standing, now, until)

    def resume(self, now: datetime) -> None:
        self._act(now)
        self._tell(deciding.stretch(self.job, "paused", self.standing.since, now))
        self.standing = deciding.resume(self.standing, now)

    def change(self, now: datetime, cron: str) -> None:
        self._act(now)
        if self.standing.paused_at is None:
            self.tick(now, looks=False)
        else:
            self._tell(deciding.stretch(self.job, "paused", self.standing.since, now))
        self.job, self.standing = replace(self.job, cron=cron), replace(self.standing, since=now)

    def _act(self, now: datetime) -> None:
        if self.standing.paused_at is not None and not self.standing.is_paused(now):
            self.tick(now, looks=False)

    def _tell(self, missed: "tuple[Missed, ...] | list[Missed]") -> None:
        self.told += [(one.why, one.first_slot, one.last_slot, one.slots, one.caught_up) for one in missed]


@pytest.mark.parametrize("name", list(JOBS))
def test_a_year_of_every_job(name):
    """Two beats, days without any, pauses with and without an end, other times in the middle; at moments on, before and after slots."""
    job, chance = JOBS[name], random.Random(name)
    life, oracle = Life(job, FIRST), Oracle(job.cron, FIRST, works(job))
    now, acts = FIRST, 0
    while now < LAST:
        following = slots(oracle.cron, now, now + 2 * DAY, oracle.works)[:1] or [now + DAY]
        soon = following[0] if not job.cron.startswith("*") or chance.random() < 0.2 else now + 11 * HOUR
        step = chance.choice((0, 0, 0, 1, 30, 61, 1800, 3600 * 5))
        now = max(now + timedelta(seconds=1), soon + timedelta(seconds=step))
        if chance.random() < 0.02:
            now += DAY * chance.randint(1, 20)  # nobody ticks
        for beat in (timedelta(), timedelta(milliseconds=400)):
            life.tick(now + beat)
            oracle.tick(now + beat)
        now += timedelta(milliseconds=400)
        if chance.random() < 0.06:
            acts += 1
            now = act(life, oracle, now, chance)
        assert life.called == oracle.called
        assert life.told == oracle.told
    assert acts > 5
    assert len(life.called) > 100
    assert len(set(life.called)) == len(life.called)
    assert {why for why, *_ in life.told} == {"paused", "nobody"}


def act(life: Life, oracle: Oracle, now: datetime, chance: random.Random) -> datetime:
    """Somebody does something about the job, on a slot or between two."""
    following = slots(oracle.cron, now, now + 9 * DAY, oracle.works)
    now = chance.choice((now + MINUTE, following[0] if following else now + HOUR, now + HOUR * 30))
    if life.standing.is_paused(now) and chance.random() < 0.7:
        life.resume(now)
        oracle.resume(now)
    elif chance.random() < 0.5:
        ahead = slots(oracle.cron, now, now + 9 * DAY, oracle.works)
        until = chance.choice((None, now + HOUR * 50, *ahead[2:3], *ahead[5:6]))  # also exactly on a slot
        life.pause(now, until)
        oracle.pause(now, until)
    else:
        cron = chance.choice((*CRONS, life.job.cron))
        life.change(now, cron)
        oracle.change(now, cron)
    return now


@pytest.mark.parametrize("cron", list(dict.fromkeys([*CRONS, *(job.cron for job in JOBS.values())])))
def test_the_oracle_and_the_schedule_know_the_same_slots_of_a_year(cron):
    job, instant = Job("job", "nightly_cases", cron, "a job"), timedelta(microseconds=1)
    # what comes all day long is looked at where clocks change
    nights = [(FIRST + DAY * n, FIRST + DAY * (n + 6)) for n in (143, 296)]
    for first, last in nights if cron.startswith("*") else [(FIRST, LAST)]:
        assert list(slots_between(job, first, last)) == slots(cron, first, last - instant)


@pytest.mark.parametrize(
    "night", [datetime(2026, 10, 24, 23, 50, tzinfo=UTC), datetime(2027, 3, 28, 0, 20, tzinfo=UTC)]
)
def test_a_tick_a_second_is_a_tick_a_slot_in_the_nights_clocks_change(night):
    job = Job("job", "nightly_cases", "*/20 2-4 * * *", "a job")
    every_second, at_slots = Life(job, night), Life(job, night)
    end = night + 100 * MINUTE
    for second in range(int((end - night).total_seconds()) + 1):
        every_second.tick(night + timedelta(seconds=second))
    for slot in slots(job.cron, night, end):
        at_slots.looked_at = slot - timedelta(seconds=1)
        at_slots.tick(slot)
    assert every_second.called == at_slots.called == slots(job.cron, night, end)
    assert every_second.told == at_slots.told == []


def test_a_pause_at_a_slots_own_minute():
    """Paused within the minute of a slot that ran: it stays run; paused before anybody came to it: it is told, and not caught up."""
    slot = datetime(2026, 11, 16, 0, 10, tzinfo=UTC)
    ran, cut_off = Life(JOBS["nightly_prices"], slot - HOUR), Life(JOBS["nightly_prices"], slot - HOUR)
    ran.tick(slot)
    for life in (ran, cut_off):
        life.pause(slot + timedelta(seconds=30), slot + DAY)
        life.tick(slot + timedelta(seconds=31))
        life.tick(slot + DAY)
    assert ran.called == [slot, slot + DAY], "the pause ended exactly on a slot, which runs"
    assert cut_off.called == [slot + DAY]
    assert (ran.told, cut_off.told) == ([], [("nobody", slot, slot, 1, False)])


def test_a_clock_that_is_set_back_hides_nothing():
    slot = datetime(2026, 11, 16, 0, 10, tzinfo=UTC)
    life = Life(JOBS["nightly_prices"], slot - HOUR)
    life.tick(slot)
    life.tick(slot + 30 * DAY)  # somebody sets it far ahead
    assert life.called == [slot, slot + 30 * DAY]
    for day in (1, 2, 3):  # and back again
        life.tick(slot + day * DAY)
    assert life.called[2:] == [slot + day * DAY for day in (1, 2, 3)]
    assert life.told == [("nobody", slot + DAY, slot + 29 * DAY, 29, True)]


def test_times_that_avain_toml_changes_find_no_slots_in_the_past():
    """No act of anybody's: the table itself says another time from one tick to the next."""
    day = datetime(2026, 11, 16, tzinfo=UTC)
    life = Life(replace(JOBS["daily_reminders"], cron="0 8 * * *"), day)
    life.tick(day + 6 * HOUR)
    life.job = replace(life.job, cron="0 7 * * *")
    life.tick(day + 10 * HOUR)
    assert life.called == [day + 6 * HOUR], "it has run today"
    life.tick(day + DAY + 5 * HOUR)
    assert life.called[1:] == [day + DAY + 5 * HOUR]


@pytest.mark.parametrize(("overlap", "calls"), [("skip", None), ("queue", datetime(2026, 11, 16, 4, 15, tzinfo=UTC))])
def test_what_comes_while_the_run_before_has_not_ended(overlap, calls):
    job = replace(JOBS["read_incoming"], overlap=overlap)
    now = datetime(2026, 11, 16, 4, 15, tzinfo=UTC)
    look = deciding.look(job, Standing(since=now - HOUR), now, now - timedelta(seconds=1))
    decision = deciding.decide(job, look, under_way=True)
    assert decision.call == calls
    assert decision.standing.last_slot == now
    assert [one.why for one in decision.missed] == ([] if calls else ["running"])


def test_what_nobody_ticked_for_is_not_caught_up_while_the_run_before_has_not_ended():
    job, now = JOBS["read_incoming"], datetime(2026, 11, 16, 5, 0, tzinfo=UTC)
    look = deciding.look(job, Standing(since=now - DAY), now, now - HOUR)
    decision = deciding.decide(job, look, under_way=True)
    assert [(one.why, one.slots, one.caught_up) for one in decision.missed] == [
        ("nobody", 3, False),
        ("running", 1, False),
    ]
