"""An e-mail as somebody else wrote it (.eml, RFC 5322 and MIME): who sent it, when, and the files that came with it.

Whatever a stranger writes must neither cost much nor be believed: the whole is bounded before the parser sees it, the body is never
read, and attachments are bytes with a name. A mail forwarded as an attachment is looked into, so deep as is usual.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message as Part
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from typing import Final

from core.errors import RefusedInput
from documents.mail_parsing import NotMailError, file_name, parse_mail, printable, sender

MEBIBYTE: Final = 1024 * 1024
#: What may hold a table of prices, by the end of its name or by its type; pictures of a signature and calendars are none.
_ENDINGS: Final = frozenset({".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods", ".xml", ".json"})
_TYPES: Final = re.compile(
    r"text/(csv|tab-separated-values|xml)|application/(json|xml|csv|vnd\.ms-excel.*|vnd\.openxmlformats-officedocument\.spreadsheet.*"
    r"|vnd\.oasis\.opendocument\.spreadsheet.*)"
)
#: So many letters of a name are kept: its end, which says of what kind the file is.
_LONGEST_NAME: Final = 200


@dataclass(frozen=True)
class MailLimits:
    """What one mail may be: `size` and `attachment` in bytes, `depth` of parts within parts, `parts` and `attachments` in number."""

    size: int = 48 * MEBIBYTE
    attachment: int = 32 * MEBIBYTE
    depth: int = 8
    parts: int = 200
    attachments: int = 20


@dataclass(frozen=True)
class Attached:
    """A file that came with a mail: the name its sender gave it (what can be printed of it; nothing to open files by), and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True)
class ReceivedMail:
    """`senders`: addresses in small letters, of the mail itself first, then of those forwarded within it; `sender`: that of the mail itself alone,
    the only one a mail server can have checked. `sent_at`: as the sender says, UTC.
    `tables`: attachments that may hold a table; `others`: the names of those that cannot.
    """

    senders: tuple[str, ...]
    sent_at: datetime | None
    tables: tuple[Attached, ...]
    others: tuple[str, ...]
    sender: str | None = None


DEFAULT_LIMITS: Final = MailLimits()


@dataclass
class _Taking:
    limits: MailLimits
    parts: int = 0
    senders: list[str] = field(default_factory=list)
    tables: list[Attached] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def read_mail(content: bytes, *, limits: MailLimits = DEFAULT_LIMITS) -> ReceivedMail:
    """Take a mail apart. Raises RefusedInput for what is no mail, or larger, deeper or more than `limits`."""
    if len(content) > limits.size:
        raise RefusedInput("The e-mail is larger than the accepted {limit} bytes.", limit=limits.size)
    try:
        message = parse_mail(content, boundaries=4 * limits.depth)
    except NotMailError as error:
        raise _too_deep(limits) if error.too_deep else RefusedInput("The file is not an e-mail.") from error
    if not message.keys():
        raise RefusedInput("The file is not an e-mail.")
    taking = _Taking(limits)
    for part in _leaves(message, taking, 0):
        _take(part, taking)
    return ReceivedMail(
        tuple(dict.fromkeys(taking.senders)),
        _sent_at(message),
        tuple(taking.tables),
        tuple(taking.others),
        sender(message),
    )


def _leaves(part: Part, taking: _Taking, depth: int) -> Iterator[Part]:
    """The parts that hold something, in order; notes the sender of every mail on the way."""
    taking.parts += 1
    if depth > taking.limits.depth:
        raise _too_deep(taking.limits)
    if taking.parts > taking.limits.parts:
        raise RefusedInput("The e-mail has more than {limit} parts.", limit=taking.limits.parts)
    if depth == 0 or part.get("From"):
        found = sender(part)
        taking.senders.extend([found] if found else [])
    if part.is_multipart():
        for inner in part.get_payload():
            if isinstance(inner, Part):
                yield from _leaves(inner, taking, depth + 1)
    else:
        yield part


def _take(part: Part, taking: _Taking) -> None:
    name, disposition = file_name(part)[-_LONGEST_NAME:], str(part.get("Content-Disposition", "")).strip().lower()
    if not name and not disposition.startswith("attachment"):
        return  # the body
    kind = printable(part.get_content_type())[:_LONGEST_NAME]
    if kind.startswith("image/"):
        return  # a logo under a signature
    if PurePosixPath(name.lower()).suffix not in _ENDINGS and not _TYPES.fullmatch(kind):
        taking.others.append(name or kind)
        return
    if len(taking.tables) == taking.limits.attachments:
        raise RefusedInput("The e-mail has more than {limit} attachments.", limit=taking.limits.attachments)
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        content = None
    if not isinstance(content, bytes):
        taking.others.append(name or kind)
        return
    if len(content) > taking.limits.attachment:
        raise RefusedInput(
            "The attachment has {size} bytes; at most {limit} are accepted.",
            size=len(content),
            limit=taking.limits.attachment,
        )
    taking.tables.append(Attached(name or kind.replace("/", "."), content))


def _sent_at(message: Part) -> datetime | None:
    try:
        said = parsedate_to_datetime(str(message.get("Date", "")))
        return said.astimezone(UTC) if said.tzinfo else said.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError, RecursionError):
        return None


def _too_deep(limits: MailLimits) -> RefusedInput:
    return RefusedInput("The e-mail has parts within parts deeper than {limit}.", limit=limits.depth)
