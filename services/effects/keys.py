"""By what the journal knows what left: what the other side sees of it too."""

import re
from typing import Final

_MESSAGE_ID: Final = re.compile(rb"^Message-ID:\s*(<[^>\s]+>)", re.IGNORECASE | re.MULTILINE)
#: After an order's number: the letter that cancels it. Also in SQL.
CANCELLED: Final = "/cancelled"


def message_id_of(message: bytes) -> str:
    """The Message-ID of a whole message, from its headers; empty if it has none."""
    found = _MESSAGE_ID.search(message[: message.find(b"\r\n\r\n")])
    return found[1].decode("ascii", "replace") if found else ""


def cancelled_key(number: str) -> str:
    """Of the letter that tells a provider that an order is cancelled."""
    return f"{number}{CANCELLED}"
