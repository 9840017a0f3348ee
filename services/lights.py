"""The traffic light of every source and every scheduled job: whether what was due was done, in one colour and one sentence.

"Late" is measured from the moment something was due by the table of jobs (schedules/), not from when it was last seen to run: a night
that nobody called for is late too. What became of a slot stands in `work` under the slot's own key, so business time decides what was
due, and no clock has to be compared with another. The judgement is a pure function of what is known (`Known` → `Light`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import N_, _
from core.settings import Settings
from schedules.jobs import Job, jobs
from schedules.slots import due_slot, next_slots, slot_key
from services.gentleness import failing
from services.job_settings import Kept, in_force, kept
from services.sources import Kind, all_sources, keys_of
from services.visiting import configured_as

Colour = Literal["good", "care", "bad", "off"]

#: How each colour is said, for who cannot tell them apart.
_COLOURS: Final[dict[Colour, str]] = {
    "good": N_("In order"),
    "care": N_("To be looked at"),
    "bad": N_("To be acted on"),
    "off": N_("Off"),
}
NIGHTS: Final[dict[Kind, str]] = {
    "cases": "nightly_cases",
    "prices": "nightly_prices",
    "incoming": "read_incoming",
    "absences": "read_absences",
    "bounces": "read_bounces",
}
_ABOUT: Final[dict[Kind, str]] = {
    "cases": N_("cases"),
    "prices": N_("prices"),
    "incoming": N_("answers and invoices"),
    "absences": N_("absences"),
    "bounces": N_("reminders that came back"),
}
_WELL: Final = ("succeeded", "partly", "nothing_to_do")
_TRIED_AGAIN: Final = ("retry", "lost", "postponed")

NO_REASON: Final = N_("No reason is known.")
_DONE: Final = N_("Done as was due on {moment}.")
_DONE_IN_PART: Final = N_("Done as was due on {moment}; something of it was left out.")
_DONE_OTHERWISE: Final = N_("Done since it was due on {moment}, on another occasion.")
_ABOUT_TO_BEGIN: Final = N_("It was due on {moment} and is about to begin.")
_WAITING: Final = N_("It was due on {moment} and waits for a free worker.")
_RUNNING: Final = N_("Under way, as was due on {moment}.")
_FAILING: Final = N_("It is tried again: {reason}")
_LATE_NOT_BEGUN: Final = N_("Late: it was due on {moment} and has not begun.")
_LATE_WAITING: Final = N_("Late: it was due on {moment} and waits for a free worker.")
_LATE_RUNNING: Final = N_("Late: it was due on {moment} and is still under way.")
_LEFT_ALONE: Final = N_("It has failed again and again since {since} and is left alone; it is tried again on {moment}.")
_LATE_FAILING: Final = N_("Late: it was due on {moment} and has not succeeded yet: {reason}")

#: Rows in: keys. Rows out: each Work of them that was called for, with its latest Run.
_WORK = text(
    """
    SELECT work.key, work.done_at IS NOT NULL AS done, work.dead_at IS NOT NULL AS dead, work.token IS NOT NULL AS running,
           coalesce(work.acknowledged, run.acknowledged) IS NOT NULL AS seen, run.id AS run_id, run.outcome, run.message, run.finished_at
    FROM work
    LEFT JOIN LATERAL (SELECT * FROM run WHERE work_id = work.id ORDER BY id DESC LIMIT 1) AS run ON true
    WHERE work.key = ANY(:keys) ORDER BY work.id
    """
)

#: Rows in: names of jobs and of sources. Rows out: the latest run of each that ended well, and how long ago that was (machine time).
#: A fetch that brought something is not the end of a reading; one that found nothing new is.
_GOOD = text(
    """
    SELECT 'job' AS kind, split_part(work.key, '@', 1) AS name, max(run.finished_at) AS at, clock_timestamp() - max(run.finished_at) AS ago
    FROM run JOIN work ON work.id = run.work_id
    WHERE run.outcome IN ('succeeded', 'partly', 'nothing_to_do') AND run.kind = ANY(:job_kinds)
      AND split_part(work.key, '@', 1) = ANY(:jobs)
    GROUP BY 2
    UNION ALL
    SELECT 'source', work.arguments ->> 'source', max(run.finished_at), clock_timestamp() - max(run.finished_at)
    FROM run JOIN work ON work.id = run.work_id
    WHERE work.arguments ->> 'source' = ANY(:sources) AND NOT work.arguments ? 'retry'
      AND (run.kind IN ('sync_cases', 'import_prices', 'read_price_mail', 'read_incoming', 'read_absences', 'read_bounces') AND run.outcome IN ('succeeded', 'partly', 'nothing_to_do')
           OR run.kind IN ('fetch_cases', 'fetch_prices', 'fetch_incoming', 'fetch_absences', 'fetch_bounces') AND run.outcome = 'nothing_to_do')
    GROUP BY 2
    """
)


@dataclass(frozen=True)
class Step:
    """A piece of Work of one slot with its latest Run: whether it is done, given up (`seen`: somebody took note) or under way."""

    done: bool
    dead: bool
    running: bool
    seen: bool
    run_id: int | None
    outcome: str | None
    message: Message | None


@dataclass(frozen=True)
class Known:
    """All that a light is judged by. `due_at`: the latest slot that has come, `next_at` the one after it; `steps`: what became of it, in order.

    `left_alone` of a source that fails again and again: since when, and when it is tried again, also where that was not in a slot.
    `last_good_at` is when something of it last ended well, `good_since_due` whether that was after the slot, by whatever occasion.
    """

    kind: Literal["source", "job"]
    name: str
    about: Message
    met: bool = True
    paused: bool = False
    paused_until: datetime | None = None
    jitter: timedelta = timedelta()
    due_at: datetime | None = None
    next_at: datetime | None = None
    steps: Sequence[Step] = ()
    last_good_at: datetime | None = None
    good_since_due: bool = False
    left_alone: tuple[datetime, datetime] | None = None


@dataclass(frozen=True)
class Light:
    """How a source or job stands: `good`, `care` (look when there is time), `bad` (act), `off` (nothing is expected of it now).

    `about` says what it is, `sentence` how it stands. `due_at`: when it was last due; `run_id`: the run that tells more.
    """

    kind: Literal["source", "job"]
    name: str
    about: Message
    colour: Colour
    sentence: Message
    due_at: datetime | None
    last_good_at: datetime | None
    run_id: int | None = field(default=None)


def colour_name(colour: Colour) -> str:
    """What a light says: `To be looked at`."""
    return _(_COLOURS[colour])


def lights(session: Session, settings: Settings, now: datetime) -> list[Light]:
    """The light of every source (cases first, by name), then of every job, in the order of the day. `now` is business time."""
    sources = all_sources(settings.sources)
    states = kept(session)
    every = {job.name: in_force(job, states.get(job.name), now).job for job in jobs(settings.follow_ups)}
    slots = {name: _slots(job, states.get(name), now) for name, job in every.items()}
    keys = {
        ("job", name): (slot_key(job, due),) for name, job in every.items() if (due := slots[name][0]) is not None
    } | {
        ("source", one.name): keys_of(one, slot_key(every[NIGHTS[one.kind]], due))
        for one in sources
        if (due := slots[NIGHTS[one.kind]][0]) is not None
    }
    work = {row.key: row for row in session.execute(_WORK, {"keys": [key for all_ in keys.values() for key in all_]})}
    values = {
        "jobs": list(every),
        "job_kinds": sorted({job.kind for job in every.values()}),
        "sources": [one.name for one in sources],
    }
    good = {(row.kind, row.name): row for row in session.execute(_GOOD, values)}
    lanes = {one.name: one.lane for one in sources}
    alone = failing(session, {one.lane: configured_as(settings, one).gentle for one in sources})

    def known(kind: Literal["source", "job"], name: str, job: str, about: Message) -> Known:
        due_at, next_at = slots[job]
        last, away = good.get((kind, name)), alone.get(lanes[name]) if kind == "source" else None
        return Known(
            kind,
            name,
            about,
            met=job in states,
            paused=job in states and states[job].standing.is_paused(now),
            paused_until=states[job].standing.paused_until if job in states else None,
            jitter=timedelta(seconds=every[job].jitter_seconds),
            due_at=due_at,
            next_at=next_at,
            steps=[_step(work[key]) for key in keys.get((kind, name), ()) if key in work],
            last_good_at=None if last is None else last.at,
            good_since_due=last is not None and due_at is not None and now - last.ago >= due_at,
            left_alone=None if away is None else (away.since, away.until),
        )

    grace = timedelta(minutes=settings.console.late_minutes)
    told = [known("source", one.name, NIGHTS[one.kind], Message(_ABOUT[one.kind])) for one in sources]
    told += [known("job", name, name, job.described()) for name, job in every.items()]
    return [judge(one, now=now, grace=grace) for one in told]


def judge(known: Known, *, now: datetime, grace: timedelta) -> Light:
    """The light of what is known: pure."""
    colour, sentence = _said(known, late=known.due_at is not None and now - known.due_at > grace + known.jitter)
    if known.left_alone is not None and colour != "bad" and not known.paused:
        since, until = known.left_alone
        colour, sentence = "bad", Message(_LEFT_ALONE, since=_at(since), moment=_at(until))
    last = known.steps[-1] if known.steps else None
    return Light(
        known.kind,
        known.name,
        known.about,
        colour,
        sentence,
        known.due_at,
        known.last_good_at,
        None if last is None else last.run_id,
    )


def _said(known: Known, *, late: bool) -> tuple[Colour, Message]:
    if known.paused or not known.met or known.due_at is None:
        return "off", _not_expected(known)
    last = known.steps[-1] if known.steps else None
    if last is not None and last.done and last.outcome in _WELL:
        said = _DONE_IN_PART if last.outcome == "partly" else _DONE
        return "good", Message(said, moment=_at(known.due_at))
    if known.good_since_due:
        return "good", Message(_DONE_OTHERWISE, moment=_at(known.due_at))
    if last is not None and (last.dead or last.done):
        return _ended_badly(last)
    return _not_ended(last, _at(known.due_at), late=late)


def _not_expected(known: Known) -> Message:
    """Why nothing is expected of it."""
    if known.paused and known.paused_until is not None:
        return Message(N_("Paused until {moment}: nothing is done before."), moment=_at(known.paused_until))
    if known.paused:
        return Message(N_("Paused: nothing is done until somebody resumes it."))
    if not known.met:
        return Message(N_("It has not been scheduled yet: the scheduler has never run."))
    if known.next_at is None:
        return Message(N_("It has not been due yet."))
    return Message(N_("It has not been due yet; the first time is {moment}."), moment=_at(known.next_at))


def _ended_badly(last: Step) -> tuple[Colour, Message]:
    """Given up, held or refused; a person has to act, or has."""
    said = last.message or Message(NO_REASON)
    if last.outcome == "held":
        if last.seen:
            return "good", Message(N_("It was held, and somebody has decided on it."))
        return "care", Message(N_("Held until somebody approves or discards it: {reason}"), reason=said)
    if last.seen:
        return "care", Message(N_("It failed, and somebody has taken note: {reason}"), reason=said)
    if last.outcome == "refused":
        return "bad", Message(N_("What came was refused: {reason}"), reason=said)
    return "bad", Message(N_("It failed and was given up: {reason}"), reason=said)


def _not_ended(last: Step | None, due: str, *, late: bool) -> tuple[Colour, Message]:
    """Due, and not done: waiting, under way or between two attempts."""
    if last is not None and not last.running and last.outcome in _TRIED_AGAIN:
        said = last.message or Message(NO_REASON)
        return (
            ("bad", Message(_LATE_FAILING, moment=due, reason=said))
            if late
            else ("care", Message(_FAILING, reason=said))
        )
    if last is None:
        return ("bad", Message(_LATE_NOT_BEGUN, moment=due)) if late else ("good", Message(_ABOUT_TO_BEGIN, moment=due))
    if last.running:
        return ("care", Message(_LATE_RUNNING, moment=due)) if late else ("good", Message(_RUNNING, moment=due))
    return ("bad", Message(_LATE_WAITING, moment=due)) if late else ("good", Message(_WAITING, moment=due))


def _slots(job: Job, row: Kept | None, now: datetime) -> tuple[datetime | None, datetime | None]:
    """The latest slot of a job that has come since it counts, and the next. Where that one was left out for an earlier Work still under way, or
    its times were changed since, the latest that Work was called for.
    """
    following = next(iter(next_slots(job, now, 1)), None)
    if row is None or row.standing.is_paused(now):
        return None, following
    due = due_slot(job, row.standing.counts_after(now), now)
    if due is None and row.called_slot is not None and row.called_slot <= now:
        due = row.called_slot
    return due or due_slot(job, row.standing.since, now), following


def _step(row: Any) -> Step:
    message: Mapping[str, Any] | None = row.message
    return Step(
        row.done,
        row.dead,
        row.running,
        row.seen,
        row.run_id,
        row.outcome,
        None if message is None else Message.from_json(dict(message)),
    )


def _at(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()
