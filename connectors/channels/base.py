"""What every order channel does: take one stored document to one provider, under a key the other side sees too.

A channel knows nothing of the database. It is handed a `Delivery` whose bytes were stored before, sends exactly those, and
returns what the other side said. It raises Transient (certainly not taken: try again), Unclear (perhaps taken: try again), Permanent
(a person has to act) or AlreadyDone (the other side has it: success).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, Self

from core.channel_settings import Connections
from core.errors import Message, Permanent
from core.mail_settings import Mail
from core.settings import Organisation

_NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Destination:
    """Where a provider takes its orders. `settings` are the channel's own, as kept with the provider.

    `endpoint_scheme` and `endpoint_id`: its electronic address, which only connections through Peppol need.
    """

    business_id: str
    email: str | None = None
    language: str = "fi"
    settings: Mapping[str, Any] = field(default_factory=dict)
    endpoint_scheme: str | None = None
    endpoint_id: str | None = None


@dataclass(frozen=True)
class Delivery:
    """One order on its way out. `number` is the idempotency key on every channel; `document` never changes.

    `mail`: the whole letter as composed before it was first sent, where the channel sends letters. `recipient`: whom that letter is for.
    `repeated`: the other side may have it from an attempt of ours whose fate is not known. `profile`: the Peppol profile of the document.
    """

    order_id: int
    number: str
    document: bytes
    sha256: str
    channel: str
    destination: Destination
    approved_at: datetime
    mail: bytes | None = None
    recipient: str | None = None
    repeated: bool = False
    profile: str = "order_only"

    @property
    def file_name(self) -> str:
        """What the document is called as a file. Raises Permanent for a number that no order of ours has: as a path it could lead anywhere."""
        if not _NUMBER.fullmatch(self.number):
            raise Permanent(
                "An order of the number {number} is not written to a file: that is no number of ours.",
                number=self.number,
            )
        return f"{self.number}.xml"


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
    connections: Connections = field(default_factory=dict)


class Channel(Protocol):
    """One way out. `recognises_repeats`: the other side can tell a repeat by the key, so repeating is always safe.

    `settings`: what a provider's `channel_settings` may hold for it, beside what every channel knows (registry.py).
    """

    name: ClassVar[str]
    recognises_repeats: ClassVar[bool]
    settings: ClassVar[frozenset[str]]

    @classmethod
    def ready(cls, means: Means) -> Self:
        """The channel, ready to send. Connects to nothing yet."""

    @staticmethod
    def problem(destination: Destination, connections: Connections) -> Message | None:
        """Why this provider cannot be reached this way, or None."""

    def send(self, delivery: Delivery) -> Receipt:
        """Deliver; no database transaction is open meanwhile."""
