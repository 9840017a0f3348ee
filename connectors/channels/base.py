"""What every order channel does: take one stored document to one provider, under a key the other side sees too.

A channel knows nothing of the database. It is handed a `Delivery` whose bytes were stored before, sends exactly those, and
returns what the other side said. It raises Transient (try again), Permanent (a person has to act), AlreadyDone (the other side
has it: success) or `connectors.mail.Unclear` (perhaps taken).
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from core.errors import Message
from core.settings import Mail, Organisation


@dataclass(frozen=True)
class Destination:
    """Where a provider takes its orders. `settings` are the channel's own, as kept with the provider."""

    business_id: str
    email: str | None = None
    language: str = "fi"
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """One order on its way out. `number` is the idempotency key on every channel; `document` never changes."""

    order_id: int
    number: str
    document: bytes
    sha256: str
    channel: str
    destination: Destination
    approved_at: datetime


@dataclass(frozen=True)
class Receipt:
    """The other side's answer, in its own words; kept with the Run."""

    reply: str


@dataclass(frozen=True)
class Means:
    """The installation's settings that channels draw on."""

    outbox: Path
    mail: Mail
    organisation: Organisation


class Channel(Protocol):
    """One way out. `recognises_repeats`: the other side can tell a repeat by the key, so repeating is always safe."""

    name: ClassVar[str]
    recognises_repeats: ClassVar[bool]

    @classmethod
    def ready(cls, means: Means) -> Self:
        """The channel, ready to send. Connects to nothing yet."""

    @staticmethod
    def problem(destination: Destination) -> Message | None:
        """Why this provider cannot be reached this way, or None."""

    def send(self, delivery: Delivery) -> Receipt:
        """Deliver; no database transaction is open meanwhile."""
