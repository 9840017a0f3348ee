"""Writing the operator that jobs failed for good, and that they work again: many in one letter, and never a letter a flap.

What changed waits until the first of it is COLLECT old: then all that changed goes out together. Of one job two letters at most go out in
QUIET: one that it failed, one that it works again. What changes in between is not told as it happens; after that time the operator is told
once how it is by then, if that is not what was said last. A letter holds kinds of work, names of sources, figures, moments, and the sentence
without its values: nothing that could name a client.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import N_
from core.settings import Settings
from services.alarms import Alarm, tell
from services.dead_work import watching
from services.dead_work.groups import without_values
from services.labels import kind_message

COLLECT: Final = timedelta(minutes=5)
QUIET: Final = timedelta(hours=24)

_FAILED: Final = N_("{what}: {count} given up since {moment}. {reason}")
_FAILED_AGAIN: Final = N_(
    "{what}: {count} given up since {moment}. {reason} It worked and failed again since the last letter: {flaps} ×."
)
_RETRIED: Final = N_("{what}: succeeded on retry. It had failed since {moment}.")
_RECOVERED: Final = N_("{what}: succeeded the next time. It had failed since {moment}.")
_OF_SOURCE: Final = N_("{kind} of {source}")
_UNKNOWN: Final = N_("No reason is known.")

#: Rows in: how long to collect and to keep quiet, in seconds; the kinds somebody else is told of each, and how many are several. Rows out:
#: jobs of which there is something to tell, locked, if the first of it is old enough; with what is dead of each and why the last one is.
_TO_TELL: Final = text(
    """
    WITH changed AS (
        SELECT * FROM failing_job
        WHERE (recovered_at IS NULL AND told IS DISTINCT FROM 'failed'
               AND coalesce(told_failed_at, '-infinity') <= clock_timestamp() - make_interval(secs => :quiet))
           OR (recovered_at IS NOT NULL AND told = 'failed' AND well
               AND coalesce(told_recovered_at, '-infinity') <= clock_timestamp() - make_interval(secs => :quiet))
        ORDER BY id FOR UPDATE
    ), told AS (
        SELECT changed.*, dead.count, dead.reason
        FROM changed CROSS JOIN LATERAL (
            SELECT count(*) AS count, (array_agg(last_error ORDER BY dead_at DESC))[1] AS reason
            FROM work
            WHERE recovered_at IS NULL AND work.kind = changed.kind AND coalesce(arguments ->> 'source', '') = changed.source
              AND noticed >= changed.since AND noticed IS NOT NULL AND done_at IS NULL AND acknowledged IS NULL
              AND dead_at IS NOT NULL
        ) AS dead
        WHERE recovered_at IS NOT NULL
           OR count >= CASE WHEN changed.kind = ANY(CAST(:elsewhere AS text[])) THEN :several ELSE 1 END
    )
    SELECT * FROM told
    WHERE EXISTS (SELECT FROM told WHERE changed_at <= clock_timestamp() - make_interval(secs => :collect))
    ORDER BY kind, source
    """
)

#: Rows in: ids of jobs. Rows changed: they are told as they are now.
_TOLD: Final = text(
    """
    UPDATE failing_job SET
        told = CASE WHEN recovered_at IS NULL THEN 'failed' ELSE 'recovered' END,
        told_failed_at = CASE WHEN recovered_at IS NULL THEN clock_timestamp() ELSE told_failed_at END,
        told_recovered_at = CASE WHEN recovered_at IS NULL THEN told_recovered_at ELSE clock_timestamp() END,
        flaps = 0
    WHERE id = ANY(:ids)
    """
)

#: Rows changed: jobs of which nothing is left because a person let it rest: that need not be written about.
_SETTLE: Final = text(
    "UPDATE failing_job SET told = 'recovered', flaps = 0 WHERE recovered_at IS NOT NULL AND told = 'failed' AND NOT well"
)


def look(session: Session) -> int:
    """Note which jobs failed or work again since the last look; how many works died. In a transaction of its own."""
    died = watching.notice(session)
    watching.find_recovered(session)
    session.execute(_SETTLE)
    return died


def tell_operator(
    session: Session, settings: Settings, *, now: datetime, collect: timedelta = COLLECT, quiet: timedelta = QUIET
) -> int:
    """Write the operator what changed, in one letter; of how many jobs. Where nobody is to be written to, all of it waits.

    `now` is business time, the letter's date; `collect` and `quiet` are measured on the machine's clock.
    """
    if settings.mail.operator_email is None:
        return 0
    values = {
        "collect": collect.total_seconds(),
        "quiet": quiet.total_seconds(),
        "elsewhere": sorted(watching.TOLD_ELSEWHERE),
        "several": watching.SEVERAL,
    }
    jobs = session.execute(_TO_TELL, values).all()
    if not jobs:
        return 0
    tell(session, [_alarm(one) for one in jobs], settings, now=now)
    session.execute(_TOLD, {"ids": [one.id for one in jobs]})
    return len(jobs)


def _alarm(job: Any) -> Alarm:
    name = kind_message(job.kind)
    what = Message(_OF_SOURCE, kind=name, source=job.source) if job.source else name
    since = job.since.isoformat()
    if job.recovered_at is not None:
        sentence = _RETRIED if job.on_retry else _RECOVERED
        return Alarm(
            "work_recovered",
            f"{job.kind}:{job.source}:{job.recovered_at.isoformat()}",
            Message(sentence, what=what, moment=since),
        )
    reason = without_values(Message.from_json(job.reason)) if job.reason else Message(_UNKNOWN)
    values = {"what": what, "count": job.count, "moment": since, "reason": reason}
    flaps = job.flaps // 2
    message = Message(_FAILED_AGAIN, **values, flaps=flaps) if flaps else Message(_FAILED, **values)
    return Alarm("work_failed", f"{job.kind}:{job.source}:{since}", message)
