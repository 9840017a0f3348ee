"""When a job is due: pure functions from a job and two moments to slots, in UTC.

Crons speak of wall time in Helsinki, and wall time jumps twice a year. The rules (DESIGN "The tick"): a slot in the hour that
is skipped in spring happens once, at the end of that hour; a slot in the hour that is repeated in autumn happens once, the
first time. So every local day holds exactly one slot of a daily job. Missed slots are caught up once: only the latest counts.

cronsim is handed wall times without a zone, and only enumerates; its own DST rules never apply.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from itertools import groupby, islice, pairwise
from typing import Final

from cronsim import CronSim, CronSimError

from core.errors import InputError
from core.i18n import HELSINKI
from schedules.jobs import Job

_NOTHING = timedelta()
_SECOND = timedelta(seconds=1)
#: In a key, between the job and its slot: what tells a regular occasion from one a person asked for.
SLOT_MARK: Final = "@"
_MINUTE = timedelta(minutes=1)
_REPEATED = timedelta(hours=1)  # how far Helsinki's clocks go back in autumn
#: A slot is looked for this far away: 29 February comes every eighth year at the latest.
_FAR = timedelta(days=366 * 9)
_FIELDS: Final = 5
_LONGEST_CRON: Final = 100
#: So many slots are looked at for the shortest way from one to the next.
_LOOKED_AT: Final = 400


def due_slot(job: Job, since: datetime, now: datetime) -> datetime | None:
    """The latest slot after `since` and not after `now` (both aware), in UTC; None when there is none.

    Raises CronSimError for a cron that cannot be read.
    """
    if not job.enabled or since >= now:
        return None
    latest = next((slot for slot in _slots(job, now, reverse=True) if slot <= now), None)
    return latest if latest is not None and latest > since else None


def slots_between(job: Job, after: datetime, before: datetime) -> Iterator[datetime]:
    """The slots after `after` and before `before` (neither included), in UTC, oldest first."""
    if not job.enabled:
        return
    later = (slot for slot in _slots(job, after) if slot > after)
    for slot, _same in groupby(later):
        if slot >= before:
            return
        yield slot


def next_slots(job: Job, now: datetime, n: int) -> list[datetime]:
    """The next `n` slots after `now`, in UTC, oldest first; none for a job that is not enabled."""
    if not job.enabled:
        return []
    later = (slot for slot in _slots(job, now) if slot > now)
    once = (slot for slot, _same in groupby(later))  # a skipped hour's slots fall together at its end
    return list(islice(once, n))


def jitter(job: Job, slot: datetime) -> timedelta:
    """By how much the start for a slot is moved: 0 to `jitter_seconds`, the same in every process and at every time."""
    drawn = int.from_bytes(sha256(slot_key(job, slot).encode()).digest()[:8])
    return timedelta(seconds=drawn % (job.jitter_seconds + 1))


def check_cron(job: Job, now: datetime) -> None:
    """Make sure that the job's cron is one of five fields that comes again. Raises InputError, with the cron in its sentence."""
    fields = job.cron.split()
    if len(fields) != _FIELDS or len(job.cron) > _LONGEST_CRON:
        raise InputError(
            "{cron}: a time is written as 8.00, or as a cron of five fields.", cron=job.cron[:_LONGEST_CRON]
        )
    try:
        comes = next_slots(job, now, 1)
    except (CronSimError, ValueError, AssertionError):
        raise InputError("{cron}: a time is written as 8.00, or as a cron of five fields.", cron=job.cron) from None
    if not comes and job.enabled:
        raise InputError("{cron}: such a time never comes.", cron=job.cron)


def shortest_gap(job: Job, now: datetime) -> timedelta | None:
    """The shortest time between two of the job's next slots; None where there are no two."""
    return min((after - one for one, after in pairwise(next_slots(job, now, _LOOKED_AT))), default=None)


def slot_key(job: Job, slot: datetime) -> str:
    """The key of the Work for a slot: `daily_reminders@2026-11-16T06:00Z`. One slot, one Work, for ever."""
    return f"{job.name}{SLOT_MARK}{slot.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


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
    moments = CronSim(job.cron, wall, reverse=reverse)
    while (moment := next(moments, None)) is not None:
        if abs(moment - wall) > _FAR:
            return  # only days that are left out, or none
        if job.only_on is None or job.only_on.includes(moment.date()):
            yield to_utc(moment)
        else:  # the whole day at once: every minute of Saturdays, looked at one by one for years, would hold the tick up for most of a minute
            edge = time() if reverse else time(23, 59, 59)
            moments = CronSim(job.cron, datetime.combine(moment.date(), edge), reverse=reverse)
