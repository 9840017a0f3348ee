"""Events whose payload was purged: each must cite the event that records it, and be older than that one says."""

import math
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from services.audit_seals.findings import Broken

_RECORD = text(
    """
    SELECT details ->> 'before' AS before, details ->> 'count' AS counted,
           CAST(extract(epoch FROM recorded_at - interval '2 years') AS float8) AS youngest FROM audit_event
    WHERE id = :id AND action = 'audit.purged' AND purged_by IS NULL
    """
)
_GONE = text("SELECT count(*) FROM audit_event WHERE purged_by = :id")


@dataclass(frozen=True)
class _Said:
    """What one record says: events from before a moment, and how many; of none when it is no record."""

    before: float = -math.inf
    count: int = 0


class Records:
    """What records of purging say, looked up once each. No record speaks of events younger than the database lets anybody purge (two years
    when it was written): one that says so was written by whoever went past that.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[int, _Said] = {}
        self._counts: Counter[int] = Counter()

    def covers(self, record: int, recorded: float) -> bool:
        """Whether a record is there that speaks of an event recorded then (seconds since 1970)."""
        if record not in self._known:
            self._known[record] = self._read(record)
        self._counts[record] += 1
        return recorded < self._known[record].before

    def _read(self, record: int) -> "_Said":
        row = self._session.execute(_RECORD, {"id": record}).one_or_none()
        try:
            before = datetime.fromisoformat(row.before).timestamp() if row else -math.inf
            return _Said(min(before, row.youngest), int(row.counted)) if row else _Said()
        except (TypeError, ValueError):  # somebody wrote something else there
            return _Said()

    def all_told(self) -> Broken | None:
        """After the whole chain: as many payloads are gone as the records say. Counted once more before it is told: purging may go on."""
        for record, count in self._counts.items():
            said = self._known[record].count
            if count != said and self._session.execute(_GONE, {"id": record}).scalar_one() != said:
                told = Message(
                    "Event {event} records that what {noted} events say was purged, but of {found} it is gone.",
                    event=record,
                    noted=said,
                    found=count,
                )
                return Broken("purge", told, record)
        return None
