"""Channel `email`: the order as a PDF in a letter in the provider's language.

The letter was composed and stored before it is first sent (services/orders/sending/papers.py); what goes out are those bytes. So a repeat carries
the same Message-ID and is, byte for byte, the same message.
"""

from typing import ClassVar, Self

from connectors import mail, mail_server
from connectors.channels.base import Delivery, Destination, Means, Receipt
from core.channel_settings import Connections
from core.errors import Message, Permanent
from core.mail_settings import Mail


class EmailChannel:
    """Hands orders to the organisation's mail server. A mail server does not recognise repeats; people do, by the order number."""

    name: ClassVar[str] = "email"
    recognises_repeats: ClassVar[bool] = False
    settings: ClassVar[frozenset[str]] = frozenset({"attach_xml"})

    def __init__(self, settings: Mail) -> None:
        self._settings = settings

    @classmethod
    def ready(cls, means: Means) -> Self:
        """With the installation's mail server."""
        return cls(means.mail)

    @staticmethod
    def problem(destination: Destination, connections: Connections) -> Message | None:  # noqa: ARG004 - the protocol's shape
        """The provider needs an address that can be written to."""
        return mail.address_problem(destination.email)

    def send(self, delivery: Delivery) -> Receipt:
        """Send the letter; the reply is the mail server's last word."""
        if delivery.mail is None or delivery.recipient is None:
            raise Permanent("There is no e-mail address.")
        return Receipt(reply=mail_server.send(self._settings, recipient=delivery.recipient, message=delivery.mail))
