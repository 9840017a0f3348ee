"""Writing the operator what is left alone, a way out or a source: once when it has lasted for some minutes, and once when that is over.

Where the mail server itself is left alone, the letter waits with all others and says so afterwards. What opens and closes by turns is told
of once a day. A letter holds no values of what went wrong (services/dead_work/groups.without_values): they could name somebody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import N_
from core.settings import Settings
from services.alarms import Alarm, tell
from services.dead_work.groups import without_values
from services.gentleness import failing
from services.sources import all_sources
from services.visiting import configured_as
from services.ways.names import said
from services.ways.overview import closed, every

COLLECT: Final = timedelta(minutes=5)
QUIET: Final = timedelta(hours=24)

_LEFT_ALONE: Final = N_(
    "{what}: {failures} attempts in a row failed, and it has been left alone since {moment}. It is tried again by itself; until then waiting: {count}. {reason}"
)
_SOURCE_LEFT_ALONE: Final = N_(
    "{what}: {failures} attempts in a row failed, the first at {moment}. It is left alone and tried again by itself."
)
_OVER: Final = N_("{what}: it works again. It had been left alone since {moment}.")

#: Rows in: what is left alone, since when. Rows out: what of it is to be told, noted as told. It lasts long enough, and nothing was told of it
#: for a day.
_TO_TELL = text(
    """
    INSERT INTO breaker AS known (name, told, told_at)
    SELECT name, since, clock_timestamp()
    FROM unnest(CAST(:names AS text[]), CAST(:sinces AS timestamptz[])) AS now(name, since)
    WHERE since <= clock_timestamp() - make_interval(secs => :collect)
    ORDER BY name
    ON CONFLICT (name) DO UPDATE SET told = excluded.told, told_at = excluded.told_at
    WHERE known.told IS NULL AND (known.told_at IS NULL OR known.told_at <= clock_timestamp() - make_interval(secs => :quiet))
    RETURNING name
    """
)

#: Rows in: what is left alone now. Rows out: what was told of and is over, with when it had begun; noted as told.
_OVER_NOW = text(
    """
    WITH over AS (
        SELECT name, told FROM breaker WHERE told IS NOT NULL AND name <> ALL(CAST(:names AS text[])) ORDER BY name FOR UPDATE
    )
    UPDATE breaker SET told = NULL FROM over WHERE breaker.name = over.name RETURNING over.name, over.told AS since
    """
)


@dataclass(frozen=True)
class _Standing:
    since: datetime
    sentence: Message


def tell_operator(
    session: Session, settings: Settings, *, now: datetime, collect: timedelta = COLLECT, quiet: timedelta = QUIET
) -> int:
    """Write the operator what has come to be left alone or is so no more, in one letter; of how many. `now` is business time, the letter's date;
    `collect` and `quiet` are measured on the machine's clock. Where nobody is to be written to, nothing is told nor noted.
    """
    if settings.mail.operator_email is None:
        return 0
    names = _names(settings)
    standing = _standing(session, settings, names)
    over = session.execute(_OVER_NOW, {"names": list(standing)}).all()
    alarms = [
        Alarm(
            "answers_again",
            f"{row.name}:{row.since.isoformat()}",
            Message(_OVER, what=names[row.name], moment=row.since.isoformat()),
        )
        for row in over
        if row.name in names  # else it is no longer configured
    ]
    if standing:
        values = {
            "names": list(standing),
            "sinces": [one.since for one in standing.values()],
            "collect": collect.total_seconds(),
            "quiet": quiet.total_seconds(),
        }
        told = session.execute(_TO_TELL, values).scalars()
        alarms += [
            Alarm("left_alone", f"{name}:{standing[name].since.isoformat()}", standing[name].sentence) for name in told
        ]
    tell(session, alarms, settings, now=now)
    return len(alarms)


def _names(settings: Settings) -> dict[str, Message]:
    """What everything that can be left alone is called, by its name in `breaker`."""
    sources = {one.lane: Message("Source {name}", name=one.name) for one in all_sources(settings.sources)}
    return {way: said(way) for way in every(settings)} | sources


def _standing(session: Session, settings: Settings, names: Mapping[str, Message]) -> dict[str, _Standing]:
    """What is left alone after failures, by its name in `breaker`."""
    found = {}
    for one in closed(session, settings):
        sentence = Message(
            _LEFT_ALONE,
            what=one.name,
            failures=one.failures,
            moment=one.since.isoformat(),
            count=one.waiting,
            reason=without_values(one.reason),
        )
        found[one.way] = _Standing(one.since, sentence)
    gentle = {one.lane: configured_as(settings, one).gentle for one in all_sources(settings.sources)}
    for lane, fails in failing(session, gentle).items():
        moment = fails.since.isoformat()
        sentence = Message(_SOURCE_LEFT_ALONE, what=names[lane], failures=fails.failures, moment=moment)
        found[lane] = _Standing(fails.since, sentence)
    return found
