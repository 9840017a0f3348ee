"""Signed links in the letters to providers: who holds one may answer that order, or report on it, and nothing else.

A link says the order's number, what it is for, its last day and the order's epoch, signed with a key of this installation. Nothing about it
is stored, and the same order has the same link in every repeat of its letter. It is a bearer's key: who gets the letter may answer. So it
ends on a day, and with the order's `link_epoch`, which rises when the letter goes to another address.
"""

from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any, Final, Literal

from itsdangerous import BadData, URLSafeSerializer

from core.errors import InputError

Purpose = Literal["reply", "delivered"]
#: No link of ours is longer; what is longer is cut, and so does not open.
_LONGEST: Final = 400


class EndedLinkError(InputError):
    """A link whose last day is over, or that another letter has replaced."""


@dataclass(frozen=True)
class Opened:
    """What a link says. `expires`: the last day it opens on, in Helsinki."""

    number: str
    purpose: Purpose
    expires: date
    epoch: int

    def must_open(self, *, purpose: Purpose, today: date, epoch: int) -> None:
        """Raises InputError where the link is for something else, EndedLinkError where it opens no more."""
        if self.purpose != purpose:
            raise InputError(
                "The link does not open: it is not complete, or it was changed. Copy it whole from the letter."
            )
        if today > self.expires:
            raise EndedLinkError(
                "The link opened until {date}. Answer to whoever ordered, or ask for a new link.",
                date=self.expires.isoformat(),
            )
        if epoch != self.epoch:
            raise EndedLinkError("The link does not open any more: a newer letter has a new one.")


def link(secret: bytes, base_url: str, number: str, purpose: Purpose, *, expires: date, epoch: int) -> str:
    """The address that opens an order's page until `expires`, that day included. `secret`: core/keys.link_secret."""
    token = _serializer(secret).dumps([number, purpose, expires.isoformat(), epoch])
    return f"{base_url.rstrip('/')}/{purpose}/{token}"


def opened(secret: bytes, token: str) -> Opened:
    """What a link's token says. Raises InputError if it was not made here, or was changed or cut."""
    try:
        return _read(_serializer(secret).loads(token[:_LONGEST]))
    except (BadData, ValueError) as error:
        raise InputError(
            "The link does not open: it is not complete, or it was changed. Copy it whole from the letter."
        ) from error


def _read(said: Any) -> Opened:
    match said:
        case [str(number), "reply" | "delivered" as purpose, str(expires), int(epoch)]:
            return Opened(number, purpose, date.fromisoformat(expires), epoch)
    raise ValueError


def _serializer(secret: bytes) -> URLSafeSerializer:
    signing = {"key_derivation": "hmac", "digest_method": sha256}
    return URLSafeSerializer(secret, salt="avain reply link", signer_kwargs=signing)
