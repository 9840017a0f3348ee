"""Figures for those who watch an installation from outside: how much is signed in, due, given up, and how old the data is.

One statement each, by indexes; nothing in them is about a person.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

_SESSIONS: Final = text(
    """
    SELECT count(*) FROM console_session
    WHERE revoked_at IS NULL AND expires_at > clock_timestamp() AND seen_at > clock_timestamp() - make_interval(mins => :idle)
    """
)
#: Rows out: queues with work that is due, or that was given up and waits for somebody; how long the oldest has been due, in seconds.
_QUEUES: Final = text(
    """
    SELECT queue, count(*) FILTER (WHERE dead_at IS NULL) AS due, count(*) FILTER (WHERE dead_at IS NOT NULL) AS dead,
           coalesce(extract(epoch FROM clock_timestamp() - min(next_at) FILTER (WHERE dead_at IS NULL)), 0)::float AS oldest
    FROM work
    WHERE (done_at IS NULL AND dead_at IS NULL AND token IS NULL AND next_at <= clock_timestamp())
       OR (dead_at IS NOT NULL AND acknowledged IS NULL)
    GROUP BY queue ORDER BY queue
    """
)
#: Rows out: sources, and how many seconds ago each was last read to the end and applied, or found unchanged.
_SOURCES: Final = text(
    """
    SELECT substr(work.lane, 8) AS source, extract(epoch FROM clock_timestamp() - max(run.finished_at))::float AS age
    FROM work JOIN run ON run.work_id = work.id
    WHERE work.lane LIKE 'source:%' AND run.outcome IN ('succeeded', 'partly', 'nothing_to_do')
    GROUP BY work.lane ORDER BY work.lane
    """
)


@dataclass(frozen=True)
class Measures:
    """`queues`: due, dead and the age of the oldest due (seconds) by queue. `sources`: seconds since the last good read by source."""

    sessions: int
    queues: dict[str, tuple[int, int, float]]
    sources: dict[str, float]


def measure(session: Session, *, idle_minutes: int) -> Measures:
    """How the installation stands now."""
    return Measures(
        sessions=session.execute(_SESSIONS, {"idle": idle_minutes}).scalar_one(),
        queues={row.queue: (row.due, row.dead, row.oldest) for row in session.execute(_QUEUES)},
        sources={row.source: row.age for row in session.execute(_SOURCES)},
    )
