"""Logins that were sent to the organisation's provider and are awaited back: each belongs to one browser and is taken once."""

import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.access.sessions import digest

#: So long a person may take at the login provider.
MINUTES: Final = 10

_SWEEP = text("DELETE FROM login_request WHERE created_at < clock_timestamp() - interval '1 hour'")
_BEGIN = text(
    "INSERT INTO login_request (state, nonce, verifier, return_to) VALUES (:state, :nonce, :verifier, :return_to)"
)
#: Rows in: the digest of a state with its browser. Rows out: the login, which is gone from now on.
_TAKE = text(
    f"""
    DELETE FROM login_request WHERE state = :state
    RETURNING nonce, verifier, return_to, created_at > clock_timestamp() - interval '{MINUTES} min' AS in_time
    """  # noqa: S608 - a constant
)


@dataclass(frozen=True)
class LoginBegun:
    """What the provider is sent with the browser."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class LoginTaken:
    """A login that came back. `in_time`: it did not take too long."""

    nonce: str
    verifier: str
    return_to: str
    in_time: bool


def begin(session: Session, *, browser: str, return_to: str) -> LoginBegun:
    """Note a login of the browser that holds the secret `browser`. `return_to` is a path of ours."""
    begun = LoginBegun(*(secrets.token_urlsafe(48) for _ in range(3)))
    session.execute(_SWEEP)
    session.execute(
        _BEGIN,
        {
            "state": _tied(begun.state, browser),
            "nonce": begun.nonce,
            "verifier": begun.verifier,
            "return_to": return_to,
        },
    )
    return begun


def take(session: Session, *, state: str, browser: str) -> LoginTaken | None:
    """The login of this state, if it was begun in this browser and has not been taken before."""
    row = session.execute(_TAKE, {"state": _tied(state, browser)}).one_or_none()
    return None if row is None else LoginTaken(row.nonce, row.verifier, row.return_to, row.in_time)


def _tied(state: str, browser: str) -> bytes:
    return digest(f"{state}.{browser}")
