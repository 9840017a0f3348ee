"""Making a restored database know what left after its copy was made: from the journal, of every host that sent.

Of the journal's lines those matter whose attempt this database does not know to have succeeded. What they say stands in `sent_elsewhere` from then
on, and the series of numbers go on after the highest that any line names. With that the database is at home where it is, and its effects
are paused by whoever had it done, until they are released.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import InputError, Message, Transient
from core.i18n import N_
from services import audit, numbers
from services.effects.journal import Line
from services.effects.settling import BY_JOURNAL, BY_PERSON
from services.work.kinds import EFFECTS

#: Numbers people see: the series, and the place in it.
_NUMBER: Final = re.compile(r"((?:T|HB)-\d{4})-(\d{6,12})(?:/.*)?")
#: Where no journal tells, so many numbers of each series are passed over: more than anybody gives out between two backups.
LEAP: Final = 1000
_SERIES: Final = ("T", "HB")
_BATCH: Final = 20_000

#: Rows in: the last words on attempts, each with its place. Rows out: the places of those that say more than this database knows: it does not
#: know that the attempt succeeded, or, where that stayed in doubt, how it ended at all.
_UNKNOWN: Final = text(
    """
    SELECT place FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS line(place bigint, run bigint, token uuid, sure boolean)
    WHERE NOT EXISTS (
        SELECT FROM run WHERE run.id = line.run AND run.token = line.token
           AND (run.outcome IN ('succeeded', 'nothing_to_do') OR (NOT line.sure AND run.outcome <> 'lost')))
    """
)
#: Rows in: what left. Rows made: kept by its key; who took it in before is overruled by what is now known to have left for sure.
_KEEP: Final = text(
    """
    INSERT INTO sent_elsewhere (key, kind, sent_at, sure, sha256, way)
    SELECT key, kind, sent_at, sure, sha256, coalesce(way, '')
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS gone(key text, kind text, sent_at timestamptz, sure boolean, sha256 text, way text)
    ON CONFLICT (key) DO UPDATE SET sent_at = excluded.sent_at, sure = sent_elsewhere.sure OR excluded.sure, sha256 = excluded.sha256,
                                    way = excluded.way
    """
)
#: Rows out: hosts on which something left in the week before the last time that anything did, and when the last attempt began by which it did.
#: What was only recorded there (settling.py) did not leave from there.
_HOSTS: Final = text(
    """
    SELECT host, max(started_at) FILTER (WHERE outcome = 'succeeded') AS last FROM run
    WHERE kind = ANY(:kinds) AND kind <> 'put_away_files' AND coalesce(message ->> 'msgid', '') <> ALL(CAST(:recorded AS text[]))
      AND started_at > (SELECT max(started_at) - interval '7 days' FROM run WHERE kind = ANY(:kinds))
    GROUP BY host ORDER BY host
    """
)
#: So far the clocks of a host and of the database may be apart.
_APART: Final = timedelta(minutes=1)
_UNDER_WAY: Final = text("SELECT EXISTS (SELECT FROM work WHERE token IS NOT NULL AND kind = ANY(:kinds))")
_SETTLE_HERE: Final = text(
    """
    INSERT INTO effects (id, home, instance, paused_at, paused_by, paused_why)
    VALUES (1, this_database(), replace(gen_random_uuid()::text, '-', ''), clock_timestamp(), :actor, :why)
    ON CONFLICT (id) DO UPDATE SET home = excluded.home, instance = excluded.instance, away_since = NULL, away_why = NULL,
        paused_at = excluded.paused_at, paused_by = excluded.paused_by, paused_why = excluded.paused_why
    """
)

#: What a person let go of the original while that was paused is not let go here.
_FORGET_LET_GO: Final = text("DELETE FROM let_go")

_WHY: Final = "restored; what had left was taken in"


@dataclass(frozen=True)
class Gone:
    """Something that left, or (not `sure`) was about to when its process died."""

    key: str
    kind: str
    sent_at: datetime
    sure: bool
    sha256: str = ""
    way: str = ""


@dataclass(frozen=True)
class Told:
    """What journals tell a database: what left that it does not know of, by key; how far the series were; until when each host's lines go."""

    gone: Mapping[str, Gone] = field(default_factory=dict)
    highest: Mapping[str, int] = field(default_factory=dict)
    lines: int = 0
    until: Mapping[str, datetime] = field(default_factory=dict)


def told(session: Session, lines: Iterable[Line]) -> Told:
    """What these lines tell this database. Nothing is written."""
    highest: dict[str, int] = {}
    until: dict[str, datetime] = {}
    count = 0
    attempts: dict[tuple[int, str, str], Line] = {}
    for line in lines:
        count += 1
        until[line.host] = max(line.at, until.get(line.host, line.at))
        for series, value in (*line.numbers.items(), *_numbered(line)):
            highest[series] = max(value, highest.get(series, 0))
        if line.run and line.key:
            before = attempts.get((line.run, line.token, line.key))
            # the last word of an attempt; what was about to leave comes before what became of it
            if before is None or before.event == "going" or (line.event != "going" and line.at >= before.at):
                attempts[line.run, line.token, line.key] = line
    gone: dict[str, Gone] = {}
    for line in _unknown(session, list(attempts.values())):
        if line.event == "back":
            continue
        sure, known = line.event == "gone", gone.get(line.key)
        if known is None or (sure and not known.sure):
            gone[line.key] = Gone(line.key, line.kind, line.at, sure, line.sha256, line.way)
    return Told(gone, highest, count, dict(sorted(until.items())))


def _numbered(line: Line) -> list[tuple[str, int]]:
    found = _NUMBER.fullmatch(line.key)
    return [(found[1], int(found[2]))] if found else []


def _unknown(session: Session, lines: list[Line]) -> list[Line]:
    unknown: list[Line] = []
    for start in range(0, len(lines), _BATCH):
        share = lines[start : start + _BATCH]
        rows = [
            {"place": place, "run": one.run, "token": one.token or None, "sure": one.event == "gone"}
            for place, one in enumerate(share)
        ]
        places = session.execute(_UNKNOWN, {"lines": json.dumps(rows)}).scalars()
        unknown += [share[place] for place in sorted(places)]
    return unknown


def silent_hosts(session: Session, said: Told) -> tuple[list[str], list[str]]:
    """Hosts from which something left lately, as this database knows: those of which there is no line, and those whose lines end before it."""
    values = {"kinds": list(EFFECTS), "recorded": [BY_JOURNAL, BY_PERSON]}
    rows = session.execute(_HOSTS, values).all()
    none = [row.host for row in rows if row.host not in said.until]
    short = [row.host for row in rows if row.last and said.until.get(row.host, row.last) < row.last - _APART]
    return none, short


def take_in(
    session: Session, said: Told, *, past: Iterable[str], complete: bool, actor: str, now: datetime
) -> list[numbers.Gap]:
    """Keep what journals tell, go on after the numbers given out, and be at home here, paused. What numbers were passed over.

    `past`: numbers (`T-2026-000151`) known to have been given out, by who has no journal; `complete`: the journal tells everything. Raises
    InputError for what is no number, Transient while a lease of the database that was copied still runs.
    """
    if session.execute(_UNDER_WAY, {"kinds": list(EFFECTS)}).scalar_one():
        raise Transient(
            "Something was under way when the copy was made, and it is not long ago. Try again in {seconds} s.",
            seconds=20,
        )
    highest = _highest(session, said, past, complete=complete, now=now)
    session.execute(_FORGET_LET_GO)
    session.execute(_SETTLE_HERE, {"actor": actor, "why": _WHY})
    rows: list[dict[str, Any]] = [
        {"key": one.key, "kind": one.kind, "sent_at": one.sent_at.isoformat(), "sure": one.sure, "sha256": one.sha256 or None, "way": one.way}
        for one in said.gone.values()
    ]  # fmt: skip
    for start in range(0, len(rows), _BATCH):
        session.execute(_KEEP, {"rows": json.dumps(rows[start : start + _BATCH])})
    gaps = numbers.pass_over(session, highest, reason=_WHY)
    audit.record(
        session, actor, "effects.taken_in", "effects:all", now=now,
        lines=said.lines, gone=sum(one.sure for one in said.gone.values()), doubtful=sum(not one.sure for one in said.gone.values()),
        complete=complete, numbers={one.series: [one.first, one.last] for one in gaps},
    )  # fmt: skip
    return gaps


def _highest(session: Session, said: Told, past: Iterable[str], *, complete: bool, now: datetime) -> dict[str, int]:
    """How far each series is known, or must be taken, to have been given out."""
    highest, named = dict(said.highest), set()
    for number in past:
        found = _NUMBER.fullmatch(number.strip())
        if found is None:
            raise InputError("{text} is no number of an order or case; write it like T-2026-000151", text=number)
        highest[found[1]] = max(int(found[2]), highest.get(found[1], 0))
        named.add(found[1])
    if not complete:
        given = session.execute(text("SELECT series, value FROM counter")).all()
        known = {row.series: row.value for row in given}
        for series in (f"{prefix}-{local_date(now).year}" for prefix in _SERIES):
            if series not in named:
                highest[series] = max(known.get(series, 0), highest.get(series, 0)) + LEAP
    return highest


NO_JOURNAL: Final = Message(
    N_(
        "This database was restored, and no journal says what left after its copy was made. Name it (--journal), or say that there is none (--without-journal)."
    )
)
