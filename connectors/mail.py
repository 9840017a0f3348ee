"""Outgoing e-mail over SMTP: composing bytes that never vary, handing them over, and saying what the server's answer means.

`compose` gives the same bytes for the same letter, and `send` transmits exactly those, so a message that is sent again after a crash
is the same message under the same Message-ID and can be recognised as a repeat. Between the end of DATA and the server's answer
nobody can know whether the message was taken (RFC 1047): that one case is raised as `Unclear`, and the caller decides how often
to try again.
"""

import hashlib
import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from core.errors import Message, Permanent, Transient, Unclear
from core.i18n import N_
from core.reasons import os_reason
from core.settings import Mail

#: Deliberately narrow: one ASCII mailbox, no display name, no quoting, no address literal. What it refuses, people can correct.
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+>")
_LONGEST_REPLY = 300


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a letter. `media_type` such as `application/xml`; `content` is encoded as base64."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """One e-mail to one recipient. `message_id` with its angle brackets; `written_at` is stated as the letter's date.

    `html` is the same content once more for readers that prefer it; `list_id` (RFC 2919) lets people filter a series of mails.
    """

    sender: str
    recipient: str
    subject: str
    text: str
    message_id: str
    written_at: datetime
    attachments: tuple[Attachment, ...] = ()
    html: str | None = None
    list_id: str | None = None


def address_problem(address: str | None) -> Message | None:
    """Why an address cannot be written to; None when it can. The sentence does not repeat what might be hostile."""
    if not address:
        return Message(N_("There is no e-mail address."))
    if not _ADDRESS.fullmatch(address) or ".." in address or len(address) > 254:
        return Message(
            N_("The e-mail address is not one that can be written to (name@example.fi, one address, ASCII only).")
        )
    return None


def message_id(number: str, content: bytes, sender: str) -> str:
    """The Message-ID of a document: its number and the beginning of its sha256, at the sender's host. Never varies."""
    return f"<{number}.{hashlib.sha256(content).hexdigest()[:16]}@{sender.rpartition('@')[2]}>"


def compose(letter: Letter) -> bytes:
    """The message as it will travel: 7-bit, CRLF, same bytes for the same letter.

    Raises Permanent for an address or header that could smuggle in another header.
    """
    for address in (letter.sender, letter.recipient):
        problem = address_problem(address)
        if problem:
            raise Permanent(problem)
    if not _MESSAGE_ID.fullmatch(letter.message_id) or not letter.subject.isprintable():
        raise Permanent("A header of the e-mail holds a character that is not allowed there.")
    message = EmailMessage(policy=SMTP)
    message["Date"] = format_datetime(letter.written_at.astimezone(UTC))
    message["From"] = letter.sender
    message["To"] = letter.recipient
    message["Subject"] = letter.subject
    message["Message-ID"] = letter.message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies, please
    if letter.list_id:
        message["List-Id"] = f"<{letter.list_id}>"
    message.set_content(letter.text, cte="quoted-printable")  # not every server takes 8-bit
    if letter.html is not None:
        message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    for attachment in letter.attachments:
        main, _, sub = attachment.media_type.partition("/")
        message.add_attachment(attachment.content, maintype=main, subtype=sub, filename=attachment.name)
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        # The library would draw a random one each time.
        part.set_boundary(f"=_{hashlib.sha256(letter.message_id.encode()).hexdigest()[:32]}{number or ''}")
    return message.as_bytes()


def send(settings: Mail, *, recipient: str, message: bytes) -> str:
    """Hand `message` over to the organisation's mail server; returns the server's answer.

    Raises Transient (not taken, may be later), Unclear (perhaps taken) or Permanent (refused).
    """
    problem = address_problem(recipient)
    if problem:
        raise Permanent(problem)
    with _connected(settings) as server:
        try:
            _expect(server.mail(settings.sender))
            _expect(server.rcpt(recipient))
        except smtplib.SMTPServerDisconnected as error:
            raise _unreachable(settings, error) from error
        except OSError as error:
            raise _unreachable(settings, error) from error
        try:
            reply = server.data(message)
        except smtplib.SMTPDataError as error:  # the server did not even want to hear it
            raise reply_error(error.smtp_code, error.smtp_error) from error
        except OSError as error:  # includes disconnection and timeout
            silence = Message(
                N_(
                    "The mail server fell silent ({error}) after the message was handed over; it may or may not have taken it."
                ),
                error=_reason(error),
            )
            raise Unclear(silence) from error
        return _expect(reply)


def check_server(settings: Mail) -> str:
    """Greet the mail server and leave, for `avain doctor`: its answer. Raises Transient with what is wrong."""
    with _connected(settings) as server:
        try:
            return _expect(server.noop())
        except OSError as error:
            raise _unreachable(settings, error) from error


def reply_error(code: int, answer: bytes | str) -> Transient | Permanent:
    """What a refusal means (RFC 5321, 4.2.1): 4xx passes by itself, everything else needs a person."""
    said = _readable(answer)
    if 400 <= code < 500:
        return Transient("The mail server put the message off: {code} {answer}", code=code, answer=said)
    return Permanent("The mail server refused the message: {code} {answer}", code=code, answer=said)


def _expect(reply: tuple[int, bytes]) -> str:
    code, answer = reply
    if not 200 <= code < 300:
        raise reply_error(code, answer)
    return f"{code} {_readable(answer)}"


@contextmanager
def _connected(settings: Mail) -> Iterator[smtplib.SMTP]:
    """A server that has greeted us and, where configured, trusts us.

    Whatever goes wrong here is between us and our own server and no fault of the message: always Transient.
    """
    host = settings.sender.rpartition("@")[2]  # stated, since looking up our own name can hang
    server: smtplib.SMTP | None = None
    try:
        if settings.security == "tls":
            server = smtplib.SMTP_SSL(
                settings.host,
                settings.port,
                host,
                timeout=settings.timeout_seconds,
                context=ssl.create_default_context(),
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, host, timeout=settings.timeout_seconds)
        server.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if settings.username and settings.password:
            server.login(settings.username, settings.password.get_secret_value())
    except OSError as error:  # SMTPException is one, so are TLS and socket errors
        if server is not None:
            server.close()
        raise _unreachable(settings, error) from error
    try:
        yield server
    finally:
        with suppress(OSError):  # it has answered already; a failed farewell changes nothing
            server.quit()
        server.close()


def _unreachable(settings: Mail, error: OSError) -> Transient:
    return Transient(
        "The mail server {host}:{port} could not be used: {error}",
        host=settings.host,
        port=settings.port,
        error=_reason(error),
    )


def _reason(error: OSError) -> Message | str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_readable(error.smtp_error)}"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return Message("the connection was cut")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Message("it does not offer the security or login asked for")
    return os_reason(error)


def _readable(answer: bytes | str) -> str:
    """One line of what the server said, short enough to keep."""
    said = answer.decode("ascii", "replace") if isinstance(answer, bytes) else answer
    return " ".join(said.split())[:_LONGEST_REPLY]
