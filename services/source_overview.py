"""All sources at a glance: how the last run of each went, what was read of it last, and what waits for a person."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.rejected import open_by_source
from services.sources import Source

#: Rows in: names of sources. Rows out: for each its latest run, the latest that applied something (a look back over the lane's newest Work
#: only: what is older than that says nothing of today), and the file that was applied last. One row a source.
_LATEST: Final = text(
    """
    SELECT named.name AS source, latest.id AS run_id, latest.kind, latest.outcome, latest.started_at, latest.attempt,
           good.id AS good_run_id, good.finished_at AS good_at, file.name AS file_name, file.processed_at,
           extract(epoch FROM clock_timestamp() - greatest(good.finished_at, file.processed_at)) AS age
    FROM unnest(CAST(:names AS text[])) AS named(name)
    LEFT JOIN LATERAL (
        SELECT run.* FROM (SELECT id FROM work WHERE lane = 'source:' || named.name ORDER BY id DESC LIMIT 100) AS recent
        JOIN run ON run.work_id = recent.id ORDER BY run.id DESC LIMIT 1) AS latest ON true
    LEFT JOIN LATERAL (
        SELECT run.* FROM (SELECT id FROM work WHERE lane = 'source:' || named.name ORDER BY id DESC LIMIT 100) AS recent
        JOIN run ON run.work_id = recent.id
        WHERE run.outcome IN ('succeeded', 'partly') AND run.kind = ANY(:kinds) ORDER BY run.id DESC LIMIT 1) AS good ON true
    LEFT JOIN LATERAL (
        SELECT * FROM processed_file WHERE processed_file.source = named.name ORDER BY processed_at DESC LIMIT 1) AS file ON true
    """
)

#: Rows in: none. Rows out: how many runs of each source wait for a person; a mail source has those of all its providers' lists.
_HELD: Final = text(
    """
    SELECT split_part(work.arguments ->> 'source', '/', 1) AS source, count(*) AS number, max(run.id) AS newest
    FROM run JOIN work ON work.id = run.work_id
    WHERE run.outcome = 'held' AND run.acknowledged IS NULL GROUP BY 1
    """
)

#: Work that applies what a source says. Of e-mails: that sorts them.
_READING: Final = ["sync_cases", "import_prices", "read_price_mail", "read_incoming", "read_absences", "read_bounces"]


@dataclass(frozen=True)
class SourceState:
    """How a source is. `file_name` and `file_at`: the last file that was applied and when; `good_at`: when anything of it was applied
    last, `age` seconds ago. `held_run`: the newest of the runs that wait.
    """

    source: Source
    run_id: int | None = None
    kind: str | None = None
    outcome: str | None = None
    attempt: int = 1
    started_at: datetime | None = None
    file_name: str | None = None
    file_at: datetime | None = None
    good_at: datetime | None = None
    good_run_id: int | None = None
    age: float | None = None
    rejected: int = 0
    held: int = 0
    held_run: int | None = None

    @property
    def last_good(self) -> datetime | None:
        """When something of it was applied last."""
        return max((one for one in (self.file_at, self.good_at) if one is not None), default=None)


def overview(session: Session, sources: Iterable[Source]) -> list[SourceState]:
    """How each of these sources is, in their order. Three statements, however many they are."""
    sources = list(sources)
    latest = {
        row.source: row for row in session.execute(_LATEST, {"names": [one.name for one in sources], "kinds": _READING})
    }
    rejected = open_by_source(session)
    held = {row.source: row for row in session.execute(_HELD)}
    found = []
    for source in sources:
        row, waiting = latest[source.name], held.get(source.name)
        found.append(
            SourceState(
                source,
                run_id=row.run_id,
                kind=row.kind,
                outcome=row.outcome,
                attempt=row.attempt or 1,
                started_at=row.started_at,
                file_name=row.file_name,
                file_at=row.processed_at,
                good_at=row.good_at,
                good_run_id=row.good_run_id,
                age=None if row.age is None else float(row.age),
                rejected=rejected.get(source.name, 0),
                held=waiting.number if waiting else 0,
                held_run=waiting.newest if waiting else None,
            )
        )
    return found
