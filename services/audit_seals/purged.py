"""Events whose payload was purged: each must cite the event that records it, and be older than that one says."""

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from services.audit_seals.findings import Broken

_RECORD = text(
    """
    SELECT CAST(details ->> 'before' AS timestamptz) AS before, CAST(details ->> 'count' AS bigint) AS count FROM audit_event
    WHERE id = :id AND action = 'audit.purged' AND purged_by IS NULL
    """
)
_GONE = text("SELECT count(*) FROM audit_event WHERE purged_by = :id")


class Records:
    """What records of purging say, looked up once each."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[int, Any] = {}
        self._counts: Counter[int] = Counter()

    def covers(self, record: int, recorded_at: datetime) -> bool:
        """Whether a record is there that speaks of an event recorded then."""
        if record not in self._known:
            self._known[record] = self._session.execute(_RECORD, {"id": record}).one_or_none()
        self._counts[record] += 1
        said = self._known[record]
        return said is not None and said.before is not None and recorded_at < said.before

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
