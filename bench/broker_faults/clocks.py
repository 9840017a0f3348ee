"""Clocks: two beats, and crontab on the two nights of the year whose hours are odd."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import time_machine
from celery import Celery
from celery.schedules import crontab

from bench.broker_faults.rig import QUEUE, Rig, Row, measurement
from core.i18n import HELSINKI
from schedules.jobs import Job
from schedules.slots import due_slot

BEAT_SECONDS = 20
SPRING, AUTUMN = datetime(2026, 3, 29, tzinfo=HELSINKI), datetime(2026, 10, 25, tzinfo=HELSINKI)
_CASES = (
    ("03:30, spring (03:00 → 04:00)", SPRING, {"minute": 30, "hour": 3}, "30 3 * * *"),
    ("every 15 min in hour 3, spring", SPRING, {"minute": "*/15", "hour": 3}, "*/15 3 * * *"),
    ("03:30, autumn (04:00 → 03:00)", AUTUMN, {"minute": 30, "hour": 3}, "30 3 * * *"),
    ("every 15 min in hour 3, autumn", AUTUMN, {"minute": "*/15", "hour": 3}, "*/15 3 * * *"),
    ("every 15 min, autumn", AUTUMN, {"minute": "*/15"}, "*/15 * * * *"),
)


@measurement
def two_beats(rig: Rig) -> Iterator[Row]:
    """Two plain beats with a schedule of one message a second; nobody takes them, so the queue counts."""
    for beats in (1, 2):
        rig.fresh()
        conf = {"beat_schedule": {"every-second": {"task": "nap", "schedule": 1.0, "args": ["n", 0]}}}
        started = [
            rig.celery(
                "beat", "-l", "INFO", "--pidfile", "", "-s", str(rig.home / f"schedule-{beats}-{number}"), conf=conf
            )
            for number in range(beats)
        ]
        while any(not one.said("beat: Starting...") for one in started):
            time.sleep(0.1)
        before = int(rig.redis.llen(QUEUE))
        time.sleep(BEAT_SECONDS)
        sent = int(rig.redis.llen(QUEUE)) - before
        yield Row(
            "plain beats", f"{beats} running", f"{sent} messages in {BEAT_SECONDS} s of a 1 s schedule", {"sent": sent}
        )


@measurement
def crontab_nights(_rig: Rig) -> Iterator[Row]:
    """When a plain beat would send on the nights the clocks change, and when Avain's slots come, minute by minute."""
    for name, day, celery_form, cron in _CASES:
        start = (day - timedelta(hours=2)).astimezone(UTC)
        plain = _celery_fires(crontab(**celery_form), start)
        ours = _avain_fires(Job("bench", "bench", cron, ""), start)
        for setting, fired in (("celery crontab, timezone Europe/Helsinki", plain), ("Avain's slots", ours)):
            shown = _shown(
                [
                    one
                    for one in fired
                    if 2 <= one.astimezone(HELSINKI).hour <= 5 and one.astimezone(HELSINKI).day == day.day
                ]
            )
            yield Row(f"crontab {name}", setting, shown or "never", {"times": json.dumps(shown)})


def _celery_fires(schedule: crontab, start: datetime) -> list[datetime]:
    """Simulate beat: ask every minute whether the entry is due, remember when it last ran."""
    app = Celery("nights", set_as_current=False)
    app.conf.update(timezone="Europe/Helsinki", enable_utc=True)
    schedule.app = app
    fired: list[datetime] = []
    with time_machine.travel(start, tick=False) as clock:
        last = app.now()
        for _ in range(60 * 12):
            clock.shift(60)
            if schedule.is_due(last).is_due:
                fired.append(datetime.now(UTC))
                last = app.now()
    return fired


def _avain_fires(job: Job, start: datetime) -> list[datetime]:
    """Simulate the tick: every minute, has a slot come that is not there yet? (Its key makes it exist once.)"""
    seen: dict[datetime, datetime] = {}
    for minute in range(1, 60 * 12 + 1):
        now = start + timedelta(minutes=minute)
        slot = due_slot(job, start, now)
        if slot is not None:
            seen.setdefault(slot, now)
    return sorted(seen.values())


def _shown(moments: list[datetime]) -> str:
    """Local times, with the zone's name, which tells the two 03:30s of autumn apart."""
    return ", ".join(f"{one.astimezone(HELSINKI):%H:%M %Z}" for one in moments)
