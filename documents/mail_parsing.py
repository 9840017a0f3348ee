"""The door for e-mails of others: Python's parser, kept from what costs it minutes.

It looks for every open boundary on every line, and reads a header's parameters (`name="…"; filename=…`) in time that grows with the square of their
number: a Content-Type of 100 KB takes ten seconds, a mail may have many. So boundaries are counted before it begins, and a header with more
parameters than any mail program writes has none.
"""

import email
import re
from email.errors import HeaderParseError, MessageError
from email.header import decode_header, make_header
from email.message import Message as Part
from email.policy import compat32  # the newer policies' header parsers break on some nonsense, and are slow on other
from email.utils import getaddresses
from typing import Any, Final

_BOUNDARY: Final = re.compile(rb"boundary[*0-9]*\s*=", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"""(?![^@]*[<>()\[\],;:"])[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,253}""")
#: Parameters times length. Long file names are written in pieces (RFC 2231), each a parameter: this is one of some 20,000 letters.
_MOST_WORK: Final = 5_000_000
#: So many letters of a name, or of a sender, are looked through for encoded words and comments.
_LONGEST_NAME: Final = 10_000
_LONGEST_SENDER: Final = 2_000


class NotMailError(ValueError):
    """What is given is no e-mail that is taken apart. `too_deep`: it may be one, of more parts within parts than agreed."""

    def __init__(self, *, too_deep: bool = False) -> None:
        super().__init__("too deep" if too_deep else "no e-mail")
        self.too_deep = too_deep


class _Bounded(Part):
    """A part whose parameters cost little. All of the library's own look-ups (boundary, file name, character set) come through here."""

    def get_param(self, param: str, failobj: Any = None, header: str = "content-type", unquote: bool = True) -> Any:  # noqa: FBT001, FBT002 - the library's signature
        written = str(self.get(header, ""))
        if len(written) * written.count(";") > _MOST_WORK:
            return failobj
        return super().get_param(param, failobj, header, unquote)


def parse_mail(content: bytes, *, boundaries: int) -> Part:
    """The mail in `content`, whose size the caller has bounded, with at most so many `boundaries` in all. Raises NotMailError."""
    if len(_BOUNDARY.findall(content)) > boundaries:
        raise NotMailError(too_deep=True)
    try:
        return email.message_from_bytes(content, _Bounded, policy=compat32)
    except (MessageError, RecursionError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise NotMailError from error


def file_name(part: Part) -> str:
    """The name as people see it, encoded by RFC 2231 or, as many programs do, by RFC 2047; '' where there is none that can be read."""
    try:
        name = part.get_filename() or ""
        return printable(str(make_header(decode_header(name))) if "=?" in name and len(name) <= _LONGEST_NAME else name)
    except (HeaderParseError, ValueError, LookupError, TypeError, RecursionError):
        return ""


def printable(name: str) -> str:
    """A name as it goes on from here: into rows, sentences and terminals, which take no NUL and no half characters, or obey them."""
    return "".join(sign for sign in name if sign.isprintable())


def sender(message: Part) -> str | None:
    """The one address in the one From, in small letters; several, or none that is one, say nothing.

    Addresses are ASCII: what only looks like a provider's address is none.
    """
    headers = [str(one) for one in message.get_all("From", [])]
    if len(headers) != 1 or len(headers[0]) > _LONGEST_SENDER:
        return None
    try:
        addresses = [address for _, address in getaddresses(headers)]
    except (ValueError, IndexError, TypeError, RecursionError):  # comments within comments
        return None
    return addresses[0].casefold() if len(addresses) == 1 and _ADDRESS.fullmatch(addresses[0]) else None
