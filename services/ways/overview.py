"""How the ways out are: which are left alone, since when, when one tries again, and how much waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.settings import Settings
from services.ways.names import MAIL, OUTBOX, connection, said

#: Rows in: ways. Rows out: those that are left alone, with what waits for each.
_CLOSED: Final = text(
    """
    SELECT name, failures, reason, closed_at, until,
           (SELECT count(*) FROM put_off JOIN work ON work.id = work_id WHERE way = name AND done_at IS NULL AND dead_at IS NULL) AS waiting
    FROM breaker WHERE name = ANY(:ways) AND closed_at IS NOT NULL ORDER BY name
    """
)


@dataclass(frozen=True)
class Closed:
    """A way that is left alone since `since`: so many attempts in a row failed, the last with `reason`; `waiting` pieces of Work wait for it."""

    way: str
    since: datetime
    until: datetime
    failures: int
    waiting: int
    reason: Message

    @property
    def name(self) -> Message:
        """What people call it."""
        return said(self.way)


def every(settings: Settings) -> Sequence[str]:
    """All ways out that an installation has."""
    return (MAIL, OUTBOX, *(connection(name) for name in sorted(settings.orders.connections)))


def closed(session: Session, settings: Settings) -> list[Closed]:
    """The ways that are left alone at present; not those that are no longer configured."""
    return [
        Closed(row.name, row.closed_at, row.until, row.failures, row.waiting, Message.from_json(row.reason))
        for row in session.execute(_CLOSED, {"ways": list(every(settings))})
    ]
