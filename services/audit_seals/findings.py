"""What verification tells."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.errors import Message
from services.audit_seals.form import named


@dataclass(frozen=True)
class Broken:
    """The first thing that is not as it was sealed. `kind`: changed, missing, inserted, order, chain, anchor, purge or state."""

    kind: str
    message: Message
    event_id: int | None = None
    month: date | None = None
    position: int | None = None

    def to_json(self) -> dict[str, Any]:
        """To be kept; the message in no language."""
        return {
            "kind": self.kind,
            "event": self.event_id,
            "month": None if self.month is None else named(self.month),
            "position": self.position,
            "message": self.message.to_json(),
        }


@dataclass
class Verified:
    """What was found: how many events stand as they were sealed (of them so many without their payload), how many are not sealed yet and
    since when, how many anchors agree, how many seals came after the last one, and the first thing that is broken.
    """

    events: int = 0
    purged: int = 0
    waiting: int = 0
    waiting_since: datetime | None = None
    anchors: int = 0
    not_anchored: int = 0
    anchored_anew: str | None = None
    broken: Broken | None = None
