"""Why the operating system or a TOML parser refused, in words of ours: theirs are English whatever the reader's language.

Only what an operator meets and can act on has a sentence; the rest keeps the number, which any search finds.
"""

import errno
import re
import socket
import ssl
import tomllib
from typing import Final

from core.errors import Message
from core.i18n import N_
from core.toml import TooMuchError, UnfitTextError

_ERRORS: Final = {
    errno.ENOENT: N_("there is no such file or directory"),
    errno.ENOTDIR: N_("a part of the path is not a directory"),
    errno.EISDIR: N_("it is a directory"),
    errno.EEXIST: N_("it exists already"),
    errno.EACCES: N_("no permission"),
    errno.EPERM: N_("no permission"),
    errno.EROFS: N_("the file system can only be read"),
    errno.ENOSPC: N_("the disk is full"),
    errno.EDQUOT: N_("the quota of disk space is used up"),
    errno.EFBIG: N_("the file is too large"),
    errno.ENAMETOOLONG: N_("the name is too long"),
    errno.ELOOP: N_("its links go round in a circle"),
    errno.EMFILE: N_("too many files are open"),
    errno.ENFILE: N_("too many files are open"),
    errno.ESTALE: N_("the network drive has gone away"),
    errno.EIO: N_("the disk or network drive does not work"),
    errno.ECONNREFUSED: N_("nothing answers there"),
    errno.ECONNRESET: N_("the connection was cut"),
    errno.EPIPE: N_("the connection was cut"),
    errno.EHOSTUNREACH: N_("the network does not lead there"),
    errno.ENETUNREACH: N_("the network does not lead there"),
    errno.EADDRINUSE: N_("the port is in use already"),
}
_KINDS: Final[tuple[tuple[type[OSError], str], ...]] = (
    (ssl.SSLCertVerificationError, N_("the server's certificate is not trusted")),
    (ssl.SSLError, N_("the encrypted connection could not be made")),
    (socket.gaierror, N_("the server's name is not known")),
    (TimeoutError, N_("no answer in time")),
)
_PLACE: Final = re.compile(r"at line (\d+), column (\d+)")


def os_reason(error: OSError) -> Message:
    """What stands behind an OSError, as the end of a sentence: `the disk is full`."""
    for kind, reason in _KINDS:
        if isinstance(error, kind):
            return Message(reason)
    if error.errno in _ERRORS:
        return Message(_ERRORS[error.errno])
    if error.errno is None:
        return Message("the operating system refused")
    return Message("the operating system refused (error {number})", number=error.errno)


def toml_reason(error: tomllib.TOMLDecodeError | UnicodeDecodeError) -> Message:
    """Where a TOML file stops making sense."""
    if isinstance(error, UnicodeDecodeError):
        return Message("byte {position} is not UTF-8", position=error.start + 1)
    if isinstance(error, TooMuchError):
        return Message("it has brackets in brackets by the hundred, or a number of thousands of digits")
    if isinstance(error, UnfitTextError):
        return Message("it holds a control character, written by its number")
    place = _PLACE.search(str(error))
    if place is None:
        return Message("it ends in the middle")
    return Message("line {line}, column {column}", line=int(place[1]), column=int(place[2]))
