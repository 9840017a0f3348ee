"""E-mails that a person reads, changes and sends: an .eml file that mail programs open as unsent (`X-Unsent: 1`)."""

from email.message import EmailMessage
from email.policy import SMTP

from connectors.mail import address_problem
from core.errors import Permanent


def draft(*, sender: str, recipient: str | None, subject: str, text: str) -> bytes:
    """The draft's bytes (7-bit, CRLF). Without a `recipient` the person fills it in.

    Raises Permanent for an address or subject that could smuggle in another header.
    """
    for address in filter(None, (sender, recipient)):
        if problem := address_problem(address):
            raise Permanent(problem)
    if not subject.isprintable():
        raise Permanent("A header of the e-mail holds a character that is not allowed there.")
    message = EmailMessage(policy=SMTP)
    message["X-Unsent"] = "1"
    message["From"] = sender
    if recipient:
        message["To"] = recipient
    message["Subject"] = subject
    message.set_content(text, cte="quoted-printable")
    return message.as_bytes()
