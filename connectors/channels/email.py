"""Channel `email`: the order as an XML attachment of a short letter in the provider's language.

Unprotected e-mail may not show that somebody is a client (DOMAIN "Privacy"): the subject is the order number, the text names the
organisation and the order, nothing else. Repeats carry the same Message-ID and, byte for byte, the same message.
"""

from typing import ClassVar, Self

from connectors import mail
from connectors.channels.base import Delivery, Destination, Means, Receipt
from core.errors import Message, Permanent
from core.i18n import _, speaking
from core.settings import Mail, Organisation


class EmailChannel:
    """Hands orders to the organisation's mail server. A mail server does not recognise repeats; people do, by the order number."""

    name: ClassVar[str] = "email"
    recognises_repeats: ClassVar[bool] = False

    def __init__(self, settings: Mail, organisation: Organisation) -> None:
        self.settings = settings
        self.organisation = organisation

    @classmethod
    def ready(cls, means: Means) -> Self:
        """With the installation's settings."""
        return cls(means.mail, means.organisation)

    @staticmethod
    def problem(destination: Destination) -> Message | None:
        """The provider needs an address that can be written to."""
        return mail.address_problem(destination.email)

    def send(self, delivery: Delivery) -> Receipt:
        """Send the letter; the reply is the mail server's last word."""
        recipient = delivery.destination.email
        if recipient is None:
            raise Permanent("There is no e-mail address.")
        message = mail.compose(self.letter(delivery, recipient))
        return Receipt(reply=mail.send(self.settings, recipient=recipient, message=message))

    def letter(self, delivery: Delivery, recipient: str) -> mail.Letter:
        """The letter of an order; a pure function of the stored order, so that a repeat is the same letter."""
        return mail.Letter(
            sender=self.settings.sender,
            recipient=recipient,
            subject=delivery.number,
            text=self._text(delivery),
            message_id=mail.message_id(delivery.number, delivery.document, self.settings.sender),
            written_at=delivery.approved_at,
            attachments=(mail.Attachment(f"{delivery.number}.xml", "application/xml", delivery.document),),
        )

    def _text(self, delivery: Delivery) -> str:
        with speaking(delivery.destination.language):
            return "\n\n".join(
                (
                    _("Hello,"),
                    _(
                        "{organisation} places purchase order {number} with you. The order is attached as XML (UBL 2.1, Peppol BIS Order)."
                    ).format(organisation=self.organisation.name, number=delivery.number),
                    _(
                        "Please quote the order number on the invoice. If you receive the same order number twice, it is one and the same order."
                    ),
                    _("Do not send any information about a client by e-mail."),
                    _("This message was sent automatically.") + "\n",
                )
            )
