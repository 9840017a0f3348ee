"""When a job is due: pure functions from a job and two moments to slots, in UTC.

Crons speak of wall time in Helsinki, and wall time jumps twice a year. The rules (DESIGN "The tick"): a slot in the hour that
is skipped in spring happens once, at the end of that hour; a slot in the hour that is repeated in autumn happens once, the
first time. So every local day holds exactly one slot of a daily job. Missed slots are caught up once: only the latest counts.

cronsim is handed wall times without a zone, and only enumerates; its own DST rules never apply.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice

from cronsim import CronSim

from core.i18n import HELSINKI
from schedules.jobs import Job

_NOTHING = timedelta()
_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_REPEATED = timedelta(hours=1)  # how far Helsinki's clocks go back in autumn


def due_slot(job: Job, since: datetime, now: datetime) -> datetime | None:
    """The latest slot after `since` and not after `now` (both aware), in UTC; None when there is none.

    Raises CronSimError for a cron that cannot be read.
    """
    if not job.enabled or since >= now:
        return None
    latest = next((slot for slot in _slots(job, now, reverse=True) if slot <= now), None)
    return latest if latest is not None and latest > since else None


def next_slots(job: Job, now: datetime, n: int) -> list[datetime]:
    """The next `n` slots after `now`, in UTC, oldest first; none for a job that is not enabled."""
    if not job.enabled:
        return []
    later = (slot for slot in _slots(job, now) if slot > now)
    once = (slot for slot, _same in groupby(later))  # a skipped hour's slots fall together at its end
    return list(islice(once, n))


def slot_key(job: Job, slot: datetime) -> str:
    """The key of the Work for a slot: `daily_reminders@2026-11-16T06:00Z`. One slot, one Work, for ever."""
    return f"{job.name}@{slot.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def to_utc(wall: datetime) -> datetime:
    """The moment at which Helsinki's clocks show `wall` (naive): the first one, or the end of the hour they skip."""
    while _skipped(wall):
        wall += _MINUTE
    return wall.replace(tzinfo=HELSINKI, fold=0).astimezone(UTC)


def _skipped(wall: datetime) -> bool:
    """Whether Helsinki's clocks never show `wall`."""
    moment = wall.replace(tzinfo=HELSINKI).astimezone(UTC)
    return moment.astimezone(HELSINKI).replace(tzinfo=None, fold=0) != wall


def _slots(job: Job, start: datetime, *, reverse: bool = False) -> Iterator[datetime]:
    """Slots from about `start` on (or back), in UTC, in order; the first few may lie on the other side of `start`."""
    local = start.astimezone(HELSINKI)
    wall = local.replace(tzinfo=None, fold=0, microsecond=0)
    if reverse:
        # cronsim leaves its starting point out; and in the second pass of a repeated hour all of the first has been
        wall += _SECOND + (_REPEATED if local.fold else _NOTHING)
    for moment in CronSim(job.cron, wall, reverse=reverse):
        if job.only_on is None or job.only_on.includes(moment.date()):
            yield to_utc(moment)
