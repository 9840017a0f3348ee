"""Reports that an e-mail could not be delivered (RFC 3464, within multipart/report of RFC 6522), as mail servers of all kinds write them.

They come from strangers, and anybody can write one. So each is bounded before it is parsed, nothing in it is shown to anybody, and what
it says is told as it stands: of which message, for which recipients. Whether it is to be believed is for who knows what was sent.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.message import Message as Part
from email.parser import BytesHeaderParser
from email.policy import compat32
from itertools import islice
from typing import Final

from documents.mail_parsing import parse_mail

MEBIBYTE: Final = 1024 * 1024
#: A report brings back the message, or its headers; reminders are small.
_LARGEST: Final = MEBIBYTE
LARGEST_FILE: Final = 32 * MEBIBYTE
#: So many mails of one mbox are read.
MOST_MAILS: Final = 2_000
_MOST_RECIPIENTS: Final = 100
_MOST_PARTS: Final = 20
_MOST_BOUNDARIES: Final = 16
_FROM_LINE: Final = re.compile(rb"^From [^\r\n]*\r?\n", re.MULTILINE)
_MESSAGE_ID: Final = re.compile(r"<[!-;=?-~]{1,300}@[A-Za-z0-9.-]{1,253}>")
_STATUS: Final = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})\b")
_ADDRESS: Final = re.compile(r"[!-;=?-~]{1,64}@[A-Za-z0-9.-]{1,253}")

_STATUS_PARTS: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_WHOLE_PARTS: Final = frozenset({"message/rfc822", "message/global"})
_HEADER_PARTS: Final = frozenset({"text/rfc822-headers", "message/global-headers"})


@dataclass(frozen=True)
class Undelivered:
    """What became of it for one recipient: the addresses it may be known by (small letters), the action (`failed`, `delayed`, …) and the
    status (`5.1.1`; RFC 3463), '' where there is none.
    """

    addresses: frozenset[str]
    action: str
    status: str

    @property
    def for_good(self) -> bool:
        """Whether nothing more will be tried."""
        return self.action == "failed" and self.status.startswith("5.")


@dataclass(frozen=True)
class DeliveryReport:
    """A report on one message. `message_id` with its angle brackets, as the message that came back states it."""

    message_id: str
    recipients: tuple[Undelivered, ...]


def read_reports(content: bytes) -> Iterator[DeliveryReport | None]:
    """The reports in a file, which is an e-mail or an mbox of them; None for each mail that is none, or none that can be understood."""
    if not content.startswith(b"From "):
        yield _read(content)
        return
    lines = [found.span() for found in islice(_FROM_LINE.finditer(content), MOST_MAILS + 1)]
    if not lines:  # a line that never ends
        yield None
        return
    ends = [start for start, _ in lines[1:]] + [len(content)]
    for (_, start), end in list(zip(lines, ends, strict=True))[:MOST_MAILS]:
        yield _read(content[start:end])


def _read(content: bytes) -> DeliveryReport | None:
    if len(content) > _LARGEST:
        return None
    try:
        return _report(parse_mail(content, boundaries=_MOST_BOUNDARIES))
    except (MessageError, RecursionError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _report(message: Part) -> DeliveryReport | None:
    if message.get_content_type() != "multipart/report":
        return None
    parts = _inner(message)
    if len(parts) > _MOST_PARTS:
        return None
    message_id: str | None = None
    recipients: list[Undelivered] = []
    for part in parts:
        kind = part.get_content_type()
        if kind in _STATUS_PARTS and not recipients:
            recipients = _recipients(part)
        elif kind in _WHOLE_PARTS | _HEADER_PARTS and message_id is None:
            message_id = _message_id(part, whole=kind in _WHOLE_PARTS)
    if message_id is None or not recipients:
        return None
    return DeliveryReport(message_id, tuple(recipients))


def _recipients(part: Part) -> list[Undelivered]:
    """The groups of fields of a delivery-status part: the first is about the message, each other about one recipient."""
    found = []
    for group in _inner(part)[1 : _MOST_RECIPIENTS + 1]:
        addresses = {
            address for name in ("Final-Recipient", "Original-Recipient") if (address := _address(group.get(name)))
        }
        status = _STATUS.search(str(group.get("Status", ""))[:200])
        if addresses:
            action = str(group.get("Action", "")).strip().lower()[:20]
            found.append(Undelivered(frozenset(addresses), action, status[0] if status else ""))
    return found


def _address(field: object) -> str:
    """`rfc822; somebody@example.fi`, with or without angle brackets."""
    _, _, said = str(field or "")[:500].partition(";")
    address = said.strip().strip("<>").lower()
    return address if _ADDRESS.fullmatch(address) else ""


def _message_id(part: Part, *, whole: bool) -> str | None:
    original: Part | None = next(iter(_inner(part)), None)
    if not whole:  # nothing but headers is looked for: what is encoded here was not bounded before
        text = part.get_payload(decode=True)
        original = BytesHeaderParser(policy=compat32).parsebytes(text) if isinstance(text, bytes) else None
    if original is None:
        return None
    said = str(original.get("Message-ID", "")).strip()
    return said if _MESSAGE_ID.fullmatch(said) else None


def _inner(part: Part) -> list[Part]:
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Part)] if isinstance(payload, list) else []
