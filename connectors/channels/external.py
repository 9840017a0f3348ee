"""Channel `external`: the order is placed elsewhere (another system, the telephone) and only recorded here."""

from typing import ClassVar, Self

from connectors.channels.base import Delivery, Destination, Means, Receipt
from core.channel_settings import Connections
from core.errors import Message


class ExternalChannel:
    """Sends nothing: that the order exists here is the whole record."""

    name: ClassVar[str] = "external"
    recognises_repeats: ClassVar[bool] = True
    settings: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def ready(cls, means: Means) -> Self:  # noqa: ARG003 - the protocol's shape
        """With the installation's settings."""
        return cls()

    @staticmethod
    def problem(destination: Destination, connections: Connections) -> Message | None:  # noqa: ARG004 - the protocol's shape
        """Everybody can be reached by not being written to."""
        return None

    def send(self, delivery: Delivery) -> Receipt:
        """Nothing leaves this machine."""
        return Receipt(reply=f"{delivery.number}: placed outside Avain")
