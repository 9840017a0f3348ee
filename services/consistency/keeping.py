"""What was found is kept, and the operator is written to about what is new.

A thing that was broken the last time keeps the moment since when it is; one that was in order in between is new again. By that moment the operator
is written to once about each, whatever the number of nights.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.settings import Settings
from models.consistency import DeepCheck
from services.alarms import Alarm, tell
from services.consistency.findings import Broken, Result, Thing

_LATEST = text(
    "SELECT started_at, finished_at, day, whole, broken, looked, findings FROM deep_check ORDER BY id DESC LIMIT 1"
)


@dataclass(frozen=True)
class Kept:
    """The last check that was kept. `looked`: by check its name, and how many it examined and left out."""

    started_at: datetime
    finished_at: datetime
    day: date
    whole: bool
    count: int
    looked: tuple[dict[str, Any], ...]
    broken: tuple[Broken, ...]

    def names(self) -> dict[str, frozenset[str]]:
        """Things that were broken, by the name of their sort."""
        return {one.sort.name: frozenset(thing.name for thing in one.things) for one in self.broken}


def latest(session: Session) -> Kept | None:
    """The last check that was kept; None before the first."""
    row: Any = session.execute(_LATEST).one_or_none()
    if row is None:
        return None
    broken = tuple(Broken.from_json(one) for one in row.findings)
    return Kept(row.started_at, row.finished_at, row.day, row.whole, row.broken, tuple(row.looked), broken)


def keep(
    session: Session, result: Result, settings: Settings, *, actor: str, now: datetime, run_id: int | None = None
) -> int:
    """Keep what a check found, and write the operator about what is new; how many new things there are. `now` is business time, the letter's date."""
    before = latest(session)
    known = {
        (one.sort.name, thing.name): thing.since for one in (before.broken if before else ()) for thing in one.things
    }
    broken = [_since(one, known, result.finished_at) for one in result.broken]
    session.add(
        DeepCheck(
            started_at=result.started_at,
            finished_at=result.finished_at,
            day=result.day,
            whole=result.whole,
            actor=actor,
            looked=[one.to_json() for one in result.looked],
            broken=result.count,
            findings=[one.to_json() for one in broken],
            run_id=run_id,
        )
    )
    alarms = [alarm for one in broken for alarm in _alarms(one, known)]
    tell(session, alarms, settings, now=now)
    return len(alarms)


def _since(one: Broken, known: dict[tuple[str, str], str | None], moment: datetime) -> Broken:
    """The same with the moment since when each thing is known."""
    things = [
        replace(thing, since=known.get((one.sort.name, thing.name)) or moment.isoformat()) for thing in one.things
    ]
    return replace(one, things=tuple(things))


def _alarms(one: Broken, known: dict[tuple[str, str], str | None]) -> Iterator[Alarm]:
    """A line for each thing that is new: its name, and nothing of what stands in it."""
    fresh = [thing for thing in one.things if (one.sort.name, thing.name) not in known]
    what = Message(one.sort.meaning)
    for thing in fresh:
        yield Alarm("consistency", _subject(one, thing), Message("{what}: {name}", what=what, name=thing.name))
    more = one.count - len(one.things)
    if fresh and more:
        message = Message("{what}: {count} more", what=what, count=more)
        yield Alarm("consistency", f"{_subject(one, fresh[0])}:more", message)


def _subject(one: Broken, thing: Thing) -> str:
    return f"consistency:{one.sort.name}:{thing.name}:{thing.since}"
