"""Statements of every case with a live budget, as Work: one call plans, and each chunk of cases is a Work of its own.

A chunk is read, printed, recorded in the audit trail and then written; killed at any point it is done again and writes the same files. A case
under non-disclosure is left out and counted: its statement is made singly, by whoever knows how to hand it over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from core.errors import Message, Permanent, Transient
from core.files import put_privately, sync
from core.reasons import os_reason
from services.access.non_disclosure import HIDDEN
from services.statements.printing import Form, Printed, print_statement
from services.statements.reading import Statement, statements
from services.work.calling import Call, call, call_many

#: Cases in one Work: a second or two of a process's time.
CHUNK: Final = 100
KINDS: Final = ("plan_statements", "write_statements")


@dataclass(frozen=True)
class Wanted:
    """Whose statements: of a unit, of a responsible worker, or all; in which language, of which day, asked for by whom."""

    request: str
    actor: str
    language: str
    today: date
    unit: str | None = None
    worker: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The arguments of its Work."""
        return {**vars(self), "today": self.today.isoformat()}

    @classmethod
    def from_json(cls, arguments: Mapping[str, Any]) -> Self:
        """Read back, also what an earlier version wrote."""
        return cls(
            request=arguments["request"],
            actor=arguments.get("actor", "avain"),
            language=arguments.get("language", "fi"),
            today=date.fromisoformat(arguments["today"]),
            unit=arguments.get("unit"),
            worker=arguments.get("worker"),
        )


@dataclass(frozen=True)
class Chosen:
    """Open cases of a unit or worker: those to be told of, and how many are left out and why."""

    ids: list[int]
    non_disclosure: int
    without_budget: int

    @property
    def counts(self) -> dict[str, int]:
        """The figures of the Run that planned."""
        return {
            "cases": len(self.ids),
            "non_disclosure": self.non_disclosure,
            "without_budget": self.without_budget,
        }


#: Rows in: a unit, a worker or neither. Rows out: one, with the cases to be told of and how many are not.
_CHOSEN = text(
    f"""
    WITH found AS (
        SELECT client_case.id, {HIDDEN} AS non_disclosure, EXISTS (
            SELECT FROM decision
            JOIN budget ON budget.decision_id = decision.id
            JOIN budget_version AS version ON version.budget_id = budget.id
            WHERE decision.case_id = client_case.id AND version.superseded_at IS NULL AND version.state <> 'ended'
        ) AS live
        FROM client_case
        JOIN client ON client.id = client_case.client_id
        LEFT JOIN worker ON worker.id = client_case.responsible_worker_id
        LEFT JOIN unit ON unit.id = client_case.unit_id
        WHERE client_case.status = 'open' AND client_case.gone_at IS NULL
          AND (CAST(:worker AS text) IS NULL OR worker.external_id = :worker) AND (CAST(:unit AS text) IS NULL OR unit.code = :unit)
    )
    SELECT coalesce(array_agg(id ORDER BY id) FILTER (WHERE live AND NOT non_disclosure), '{{}}') AS ids,
           count(*) FILTER (WHERE live AND non_disclosure) AS non_disclosure, count(*) FILTER (WHERE NOT live) AS without_budget
    FROM found
    """  # noqa: S608 - our own words
)

#: Rows in: statements made on one request. Rows added: an audit event for each that was not recorded by an earlier attempt.
_RECORD = text(
    """
    INSERT INTO audit_event (business_at, actor, action, subject, reason, details)
    SELECT :now, :actor, 'budget.statement_made', 'case:' || made.number, '',
           jsonb_build_object('request', CAST(:request AS text), 'language', CAST(:language AS text), 'sha256', made.sha256)
    FROM jsonb_to_recordset(:made) AS made(number text, sha256 text)
    WHERE NOT EXISTS (
        SELECT FROM audit_event AS earlier
        WHERE earlier.subject = 'case:' || made.number AND earlier.action = 'budget.statement_made'
          AND earlier.details ->> 'request' = :request AND earlier.details ->> 'sha256' = made.sha256
    )
    ORDER BY made.number
    """
).bindparams(bindparam("made", type_=JSONB))

#: Rows in: a request. Rows out: one, how far its Work is, and the first of it that waits.
_PROGRESS = text(
    """
    WITH step AS (
        SELECT work.id, work.kind, work.done_at IS NOT NULL OR work.dead_at IS NOT NULL AS ended, work.dead_at IS NOT NULL AS dead,
               work.token IS NOT NULL AS under_way, run.counts, run.message
        FROM work
        LEFT JOIN LATERAL (SELECT * FROM run WHERE run.work_id = work.id ORDER BY run.id DESC LIMIT 1) AS run ON true
        WHERE work.kind = ANY(:kinds) AND work.arguments ->> 'request' = :request
    ), counted AS (
        SELECT name, sum(CAST(number AS bigint)) AS number FROM step, jsonb_each_text(step.counts) AS each_count(name, number)
        WHERE ended GROUP BY name
    )
    SELECT count(*) AS steps, count(*) FILTER (WHERE ended) AS ended, count(*) FILTER (WHERE dead) AS dead,
           (SELECT jsonb_object_agg(name, number) FROM counted) AS counts,
           (array_agg(id ORDER BY id) FILTER (WHERE NOT ended AND NOT under_way))[1] AS waiting,
           (array_agg(kind ORDER BY id) FILTER (WHERE NOT ended AND NOT under_way))[1] AS waiting_kind,
           (array_agg(message ORDER BY dead DESC, id) FILTER (WHERE message IS NOT NULL AND message <> 'null'))[1] AS message
    FROM step
    """
)


@dataclass(frozen=True)
class Progress:
    """How far a request is: its Works, those that ended, those given up, figures so far, and the first Work that waits, if any."""

    steps: int
    ended: int
    dead: int
    counts: dict[str, int]
    waiting: tuple[int, str] | None
    message: Message | None


@dataclass
class Chunk:
    """What came of printing a chunk: papers, and what could not be made."""

    papers: list[Printed] = field(default_factory=list)
    skipped: int = 0
    failed: int = 0
    message: Message | None = None

    @property
    def counts(self) -> dict[str, int]:
        """The figures of the Run that wrote it."""
        return {"written": len(self.papers), "skipped": self.skipped, "failed": self.failed}


def choose(session: Session, wanted: Wanted) -> Chosen:
    """The cases that are to be told of, in one query."""
    row = session.execute(_CHOSEN, {"unit": wanted.unit, "worker": wanted.worker}).one()
    return Chosen(list(row.ids), row.non_disclosure, row.without_budget)


def call_for(session: Session, wanted: Wanted) -> None:
    """Have all those statements made."""
    call(session, "plan_statements", f"plan_statements:{wanted.request}", **wanted.to_json())


def call_chunks(session: Session, wanted: Wanted) -> Chosen:
    """Call for the Work of each chunk; a plan made twice calls for each once."""
    chosen = choose(session, wanted)
    calls = (
        Call(
            "write_statements",
            f"write_statements:{wanted.request}:{number}",
            arguments={**wanted.to_json(), "cases": ids},
        )
        for number, ids in enumerate(_chunks(chosen.ids))
    )
    call_many(session, calls)
    return chosen


def _chunks(ids: list[int]) -> Iterable[list[int]]:
    """Chunks in order."""
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def read_chunk(session: Session, ids: list[int]) -> list[Statement]:
    """The cases of a chunk as they are now."""
    return statements(session, ids=ids)


def print_chunk(found: Iterable[Statement], on: Form) -> Chunk:
    """Print what may be printed: what ended or came under non-disclosure since it was planned is skipped. One that fails stops no other."""
    chunk = Chunk()
    for one in found:
        if not one.live or one.non_disclosure:
            chunk.skipped += 1
            continue
        try:
            chunk.papers.append(print_statement(one, on))
        except Permanent as error:
            chunk.failed += 1
            chunk.message = chunk.message or Message("{case}: {message}", case=one.case, message=error.message)
    return chunk


def record_chunk(session: Session, wanted: Wanted, papers: Iterable[Printed], *, now: datetime) -> None:
    """Note in the audit trail that these statements were made, before anybody can read them."""
    made = [{"number": one.case, "sha256": one.sha256} for one in papers]
    values = {"now": now, "actor": wanted.actor, "request": wanted.request, "language": wanted.language, "made": made}
    session.execute(_RECORD, values)


def write_chunk(folder: Path, wanted: Wanted, papers: Iterable[Printed]) -> None:
    """Put the files into `<folder>/<day>`. Raises Transient when they cannot be written."""
    day = folder / wanted.today.isoformat()
    try:
        for one in (folder, day):
            one.mkdir(mode=0o700, parents=True, exist_ok=True)
        for paper in papers:
            put_privately(day / file_name(paper.case, wanted.language), paper.document)
        sync(day)
    except OSError as error:
        raise Transient(
            "The statements could not be written to {path}: {error}", path=str(day), error=os_reason(error)
        ) from error


def file_name(case: str, language: str) -> str:
    """What the statement of a case is called as a file."""
    return f"{case}-{language}.pdf".replace("/", "-")  # a name, whatever a row says


def progress(session: Session, request: str) -> Progress:
    """Where a request stands."""
    row = session.execute(_PROGRESS, {"request": request, "kinds": list(KINDS)}).one()
    return Progress(
        row.steps,
        row.ended,
        row.dead,
        row.counts or {},
        None if row.waiting is None else (row.waiting, row.waiting_kind),
        Message.from_json(row.message) if row.message else None,
    )
