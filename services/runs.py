"""Runs as pages and `avain run` show them: a list to be narrowed down, one run with all it is part of, and what a person does about it.

A run is one attempt at a Work. Lists go by the id of the last row that was shown, so that the thousandth page costs what the first does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, Message, NotFound
from core.i18n import N_
from core.source_settings import Sources
from services import audit
from services.work import history

#: Outcomes a list can be narrowed to, beside those of a Run.
UNDER_WAY: Final = "under_way"
#: Work of prices, whatever source it belongs to.
OF_PRICES: Final = frozenset(
    {"fetch_prices", "import_prices", "read_price_mail", "nightly_prices", "watch_prices", "send_letter"}
)
_ATTEMPTS: Final = 50

_SHOWN: Final = """
    run.id, run.work_id, run.kind, run.attempt, run.host, run.started_at, run.finished_at, run.outcome, run.counts, run.message, run.reply,
    run.acknowledged, work.arguments ->> 'source' AS source"""

#: Rows in: what the list is narrowed to, and the id before which it goes on. Rows out: runs, newest first.
_LISTED = f"SELECT {_SHOWN} FROM run JOIN work ON work.id = run.work_id WHERE "  # noqa: S608 - our own words

#: Rows in: a run. Rows out: it, its Work, and how many records it rejected.
_ONE = text(
    f"""
    SELECT {_SHOWN}, work.key, work.arguments, work.done_at, work.dead_at, work.next_at, work.token IS NOT NULL AS held_now,
           work.acknowledged AS work_acknowledged,
           (SELECT count(*) FROM rejected_record WHERE rejected_record.run_id = run.id AND NOT taken) AS rejected
    FROM run JOIN work ON work.id = run.work_id WHERE run.id = :id
    """  # noqa: S608 - our own words
)

#: Rows in: a run. Rows out: the attempts at its Work, newest first.
_OF_WORK = text(
    f"""
    SELECT {_SHOWN} FROM run JOIN work ON work.id = run.work_id
    WHERE run.work_id = (SELECT work_id FROM run WHERE id = :id) ORDER BY run.id DESC LIMIT :limit
    """  # noqa: S608 - our own words
)

#: Rows in: a Work. Rows out: what it is, and its latest run.
_WORK = text(
    """
    SELECT work.id, work.kind, work.arguments ->> 'source' AS source, work.arguments ->> 'request' AS request,
           (SELECT max(id) FROM run WHERE work_id = work.id) AS run_id
    FROM work WHERE work.id = :id
    """
)

#: Rows in: a run. Rows out: what the latest run before it in its lane that applied something had read in all.
_LAST_TIME = text(
    """
    SELECT (earlier.counts ->> 'read')::bigint FROM run
    JOIN work ON work.id = run.work_id
    JOIN LATERAL (SELECT id FROM work AS other WHERE other.lane = work.lane ORDER BY id DESC LIMIT 50) AS near ON true
    JOIN run AS earlier ON earlier.work_id = near.id AND earlier.kind = run.kind AND earlier.id < run.id
        AND earlier.outcome IN ('succeeded', 'partly')
    WHERE run.id = :id ORDER BY earlier.id DESC LIMIT 1
    """
)


@dataclass(frozen=True)
class RunLine:
    """A run in a list. `source` None: it is of no source. `acknowledged`: what became of a held one. `again`: the attempt before it failed,
    also where a person had it tried again and attempts were counted anew; known of one run and its attempts, not in lists.
    """

    id: int
    work_id: int
    kind: str
    attempt: int
    host: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    counts: dict[str, Any]
    message: Message | None
    reply: str | None
    acknowledged: str | None
    source: str | None
    again: bool = False

    @property
    def waits_for_a_person(self) -> bool:
        """Whether it was held and nobody has decided."""
        return self.outcome == "held" and self.acknowledged is None

    def is_of_prices(self, configured: Sources) -> bool:
        """Whether it is a price manager's business too."""
        parent = (self.source or "").partition("/")[0]
        return self.kind in OF_PRICES or parent in configured.prices


@dataclass(frozen=True)
class RunView:
    """One run, with its Work: `key`, `request` (how it is followed, where it is of a source), whether that is done, given up (and seen by
    whom), or due again at `next_at`; `rejected` records; `file_sha256`: the file it was to read last; and every attempt at it, newest first.
    """

    run: RunLine
    key: str
    request: str | None
    done: bool
    given_up: bool
    seen: str | None
    file_sha256: str | None
    next_at: datetime | None
    rejected: int
    attempts: Sequence[RunLine]

    @property
    def may_be_retried(self) -> bool:
        """Whether a person can have its Work done again."""
        return self.given_up and self.run.kind != "poison"


@dataclass(frozen=True)
class CalledWork:
    """Work that was called for: by which source and request it is followed, and its latest run, if it has begun."""

    id: int
    kind: str
    source: str | None
    request: str | None
    run_id: int | None


def listed(
    session: Session,
    *,
    kind: str | None = None,
    outcome: str | None = None,
    source: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[RunLine]:
    """Runs, newest first, before the run with the id `before`. `outcome` may be `under_way`; a mail source has its providers' lists too."""
    wanted = ["run.id < :before"] if before is not None else []
    if kind is not None:
        wanted.append("run.kind = :kind")
    if outcome is not None:
        wanted.append("run.finished_at IS NULL" if outcome == UNDER_WAY else "run.outcome = :outcome")
    if source is not None:
        wanted.append("(work.lane = 'source:' || :source OR starts_with(work.lane, 'source:' || :source || '/'))")
    statement = text(f"{_LISTED} {' AND '.join(wanted) or 'true'} ORDER BY run.id DESC LIMIT :limit")
    given = {"kind": kind, "outcome": outcome, "source": source, "before": before}
    values = {name: value for name, value in given.items() if f":{name}" in str(statement)}
    return [_line(row) for row in session.execute(statement, {**values, "limit": limit})]


def view(session: Session, run_id: int) -> RunView:
    """One run. Raises NotFound."""
    row = session.execute(_ONE, {"id": run_id}).one_or_none()
    if row is None:
        raise NotFound("There is no run {run}.", run=run_id)
    waiting = row.done_at is None and row.dead_at is None and not row.held_now
    attempts = _in_order([_line(one) for one in session.execute(_OF_WORK, {"id": run_id, "limit": _ATTEMPTS})])
    return RunView(
        run=next((one for one in attempts if one.id == run_id), _line(row)),
        key=row.key,
        request=row.arguments.get("request"),
        done=row.done_at is not None,
        given_up=row.dead_at is not None,
        seen=row.work_acknowledged,
        file_sha256=next((one["sha256"] for one in reversed(row.arguments.get("files") or ())), None),
        next_at=row.next_at if waiting else None,
        rejected=row.rejected,
        attempts=attempts,
    )


def called_work(session: Session, work_id: int) -> CalledWork:
    """Work that was called for. Raises NotFound."""
    row = session.execute(_WORK, {"id": work_id}).one_or_none()
    if row is None:
        raise NotFound("There is no work {work}.", work=work_id)
    return CalledWork(row.id, row.kind, row.source, row.request, row.run_id)


def read_last_time(session: Session, run_id: int) -> int | None:
    """How much the run before this one of the same kind and source had read in all: about what this one will."""
    found: int | None = session.execute(_LAST_TIME, {"id": run_id}).scalar()
    return found


#: Rows in: a run. Rows out: the first calculation of budgets after it.
_CALCULATED = text("SELECT min(id) FROM run WHERE kind = 'recompute_budgets' AND id > :id")


def calculated_after(session: Session, run_id: int) -> int | None:
    """The run that calculated budgets next after this one: with what it had applied."""
    found: int | None = session.execute(_CALCULATED, {"id": run_id}).scalar()
    return found


#: What an outcome leaves to be done, whatever became of the Work.
_ADVICE: Final = {
    "refused": Message(
        N_("Nothing of it was applied. When it has been put right at the source, have the source read again.")
    ),
    "partly": Message(N_("What was right was applied. What was left out stands among the rejected records.")),
}
#: What is partly done of these is no matter of rejected records.
_WITHOUT_ADVICE: Final = frozenset({"look_at_source", "read_price_mail", "read_incoming", "daily_reminders"})
_AGAIN: Final = {
    **dict.fromkeys(("retry", "lost", "failed"), N_("It is tried again by itself at {moment}.")),
    "postponed": N_("It goes on by itself at {moment}."),
}


def advice(shown: RunView) -> Message | None:
    """What is to be done about how a run ended; None: nothing."""
    run = shown.run
    if shown.given_up:
        return _given_up_advice(shown.seen)
    if run.outcome == "held":
        return _held_advice(run)
    if run.outcome in _AGAIN and shown.next_at is not None:
        return Message(_AGAIN[run.outcome], moment=shown.next_at.isoformat())
    return None if run.kind in _WITHOUT_ADVICE else _ADVICE.get(run.outcome or "")


def _given_up_advice(seen: str | None) -> Message:
    if seen is not None:
        return Message("It was given up. Somebody has seen that: {note}", note=seen)
    return Message(
        "It was given up and is not tried again by itself. When what stood in the way is put right, have it tried again; if it may rest, say why."
    )


def _held_advice(run: RunLine) -> Message:
    if run.acknowledged is None:
        return Message("Nothing of it was applied yet: a person must look at the reason and the figures and decide.")
    if run.acknowledged == "overtaken":
        return Message("It waits no more: a later run was applied, and that one says how things are now.")
    return _decided(run.acknowledged)


def _decided(kept: str) -> Message:
    """What a person decided: kept as `approved: why`, or `approved` where no reason was asked for."""
    what, _colon, note = kept.partition(":")
    approved = what == "approved"
    if not note.strip():
        return Message("It was approved.") if approved else Message("It was discarded.")
    if approved:
        return Message("It was approved: {note}", note=note.strip())
    return Message("It was discarded: {note}", note=note.strip())


def retry(session: Session, run_id: int, *, actor: str, now: datetime) -> str:
    """Have the given-up work of a run done again, from the start of its attempts; its key. Raises NotFound, InputError."""
    key = history.retry(session, run_id)
    audit.record(session, actor, "run.retried", f"run:{run_id}", now=now, key=key)
    return key


def acknowledge(session: Session, run_id: int, note: str, *, actor: str, now: datetime) -> None:
    """Note that somebody has seen that the work of a run was given up, and why it may rest. Raises NotFound, InputError."""
    seen = view(session, run_id).seen
    if seen is not None:
        raise InputError("The work of run {run} was acknowledged already: {note}", run=run_id, note=seen)
    history.acknowledge(session, run_id, note.strip())
    audit.record(session, actor, "run.acknowledged", f"run:{run_id}", now=now, reason=note.strip())


def _in_order(attempts: list[RunLine]) -> list[RunLine]:
    """Attempts at one Work, newest first, each knowing whether the one before it failed."""
    before = [one.outcome in {"retry", "failed", "lost"} for one in attempts[1:]]
    return [replace(one, again=failed) for one, failed in zip(attempts, [*before, False], strict=True)]


def _line(row: Any) -> RunLine:
    message = Message.from_json(row.message) if row.message else None
    return RunLine(
        row.id, row.work_id, row.kind, row.attempt, row.host, row.started_at, row.finished_at, row.outcome, row.counts, message, row.reply,
        row.acknowledged, row.source,
    )  # fmt: skip
