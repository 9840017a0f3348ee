"""Outgoing e-mail: composing bytes that never vary.

`compose` gives the same bytes for the same letter, and connectors/mail_server.py transmits exactly those, so a message that is sent again
after a crash is the same message under the same Message-ID and can be recognised as a repeat.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from connectors import mime
from core.errors import Message, Permanent
from core.i18n import N_

#: Deliberately narrow: one ASCII mailbox, no display name, no quoting, no address literal. What it refuses, people can correct.
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+>")


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
    headers = [
        ("Date", format_datetime(letter.written_at.astimezone(UTC))),
        ("From", letter.sender),
        ("To", letter.recipient),
        ("Subject", mime.unstructured(letter.subject)),
        ("Message-ID", letter.message_id),
        ("Auto-Submitted", "auto-generated"),  # RFC 3834: no holiday replies, please
    ]
    if letter.list_id:
        headers.append(("List-Id", f"<{letter.list_id}>"))
    said = [mime.part(letter.text, "plain")]
    if letter.html is not None:
        said.append(mime.part(letter.html, "html"))
    body = mime.together("alternative", said, letter.message_id)
    files = [mime.file_part(one.name, one.media_type, one.content) for one in letter.attachments]
    return mime.message(headers, mime.together("mixed", [body, *files], letter.message_id))
