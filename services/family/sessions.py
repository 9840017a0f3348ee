"""Who of a family is at the browser: on the server, short, ended at once when the link is, or when turvakielto comes.

Times of sessions are the machine's; a link's own end is business time, as people were told a date.
"""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message, NotFound
from services.access.non_disclosure import HIDDEN
from services.access.sessions import digest

Holder = Literal["client", "support"]

#: A click is noted at most this often, so that looking at pages writes little.
_NOTED_EVERY = "30 s"

_OPEN = text(
    """
    INSERT INTO family_session (cookie, link_id, blind_index, csrf, expires_at)
    VALUES (:cookie, :link, :blind_index, :csrf, clock_timestamp() + make_interval(mins => :minutes)) RETURNING id
    """
)

#: Rows in: the digest of a cookie. Rows out: who holds it, and every case they may see now: never one under non-disclosure.
_FIND = text(
    f"""
    SELECT own.id, own.link_id, coalesce(link.holder, 'client') AS holder, own.csrf, own.flash IS NOT NULL AS has_flash,
           own.seen_at < clock_timestamp() - interval '{_NOTED_EVERY}' AS to_note,
           ARRAY(
               SELECT client_case.number FROM client_case JOIN client ON client.id = client_case.client_id
               WHERE client_case.id = ANY(ARRAY(  -- found through indexes: a click must not look at every case
                   SELECT link.case_id UNION ALL
                   SELECT theirs.id FROM client AS known JOIN client_case AS theirs ON theirs.client_id = known.id
                   WHERE known.blind_index = own.blind_index))
                 AND NOT {HIDDEN} AND client_case.gone_at IS NULL
               ORDER BY (client_case.status = 'open') DESC, client_case.id DESC) AS cases
    FROM family_session AS own LEFT JOIN family_link AS link ON link.id = own.link_id
    WHERE own.cookie = :cookie AND own.ended_at IS NULL AND own.expires_at > clock_timestamp()
      AND own.seen_at > clock_timestamp() - make_interval(mins => :idle)
      AND (link.id IS NULL OR (link.ended_at IS NULL AND link.expires_at > :now))
    """  # noqa: S608 - a constant
)
#: Rows in: a case's number. Rows out: the case, unless it came under non-disclosure or left its source.
_CASE = text(
    f"""
    SELECT client_case.id, number, status = 'open' AS open FROM client_case JOIN client ON client.id = client_id
    WHERE number = :number AND NOT {HIDDEN} AND gone_at IS NULL
    """  # noqa: S608 - a constant
)
_NOTE = text("UPDATE family_session SET seen_at = clock_timestamp() WHERE id = :id")
_FLASH = text("UPDATE family_session SET flash = CAST(:flash AS jsonb) WHERE id = :id")
#: Rows in: a session. Rows out: what its next page shall say, which is taken away.
_TAKE_FLASH = text(
    """
    WITH before AS (SELECT id, flash FROM family_session WHERE id = :id AND flash IS NOT NULL FOR UPDATE)
    UPDATE family_session SET flash = NULL FROM before WHERE family_session.id = before.id RETURNING before.flash
    """
)
_END = text("UPDATE family_session SET ended_at = clock_timestamp() WHERE id = :id AND ended_at IS NULL")
#: What is over is kept for a month, then goes.
_SWEEP = text("DELETE FROM family_session WHERE expires_at < clock_timestamp() - interval '30 days'")


@dataclass(frozen=True)
class Family:
    """Somebody of a family who is signed in. `cases`: numbers they may see now, open ones first. A support person only looks.

    `actor` is what the audit trail calls them: `family:link-12`, or `family:login-7` by the session's id; never who they are.
    """

    session_id: int
    holder: Holder
    link_id: int | None
    cases: tuple[str, ...]
    csrf: str
    has_flash: bool = False

    @property
    def actor(self) -> str:
        who = "support" if self.holder == "support" else "family"
        return f"{who}:link-{self.link_id}" if self.link_id is not None else f"{who}:login-{self.session_id}"

    @property
    def may_act(self) -> bool:
        """Whether they may propose, rate, wish and let a support person in."""
        return self.holder == "client"


@dataclass(frozen=True)
class FamilyCase:
    """A case as its family comes to it."""

    case_id: int
    number: str
    open: bool


def open_session(
    session: Session, *, link_id: int | None = None, blind_index: bytes | None = None, minutes: int
) -> tuple[int, str]:
    """Let somebody in by a link, or by the index of who they are: the session's id and what the browser shall hold, a fresh value each time."""
    secret = secrets.token_urlsafe(32)
    values = {
        "cookie": digest(secret),
        "link": link_id,
        "blind_index": blind_index,
        "csrf": secrets.token_urlsafe(32),
        "minutes": minutes,
    }
    id_ = session.execute(_OPEN, values).scalar_one()
    session.execute(_SWEEP)
    return id_, secret


def find(session: Session, secret: str, *, idle_minutes: int, now: datetime) -> Family | None:
    """Who holds this value; None if nobody does any more, or there is nothing left that they may see."""
    row = session.execute(_FIND, {"cookie": digest(secret), "idle": idle_minutes, "now": now}).one_or_none()
    if row is None or not row.cases:
        return None
    if row.to_note:
        session.execute(_NOTE, {"id": row.id})
    return Family(row.id, row.holder, row.link_id, tuple(row.cases), row.csrf, row.has_flash)


def case_of(session: Session, family: Family, number: str) -> FamilyCase:
    """One of the family's cases. Raises NotFound, alike for one that does not exist, one that is not theirs, and one that came under
    non-disclosure since they clicked.
    """
    row = None
    if number in family.cases:
        row = session.execute(_CASE, {"number": number}).one_or_none()
    if row is None:
        raise NotFound("There is no such page.")
    return FamilyCase(row.id, row.number, row.open)


def say_next(session: Session, session_id: int, message: Message, *, kind: str = "done") -> None:
    """Have the next page say something, once. `kind`: done or wrong."""
    session.execute(_FLASH, {"id": session_id, "flash": json.dumps({"kind": kind, "message": message.to_json()})})


def take_flash(session: Session, session_id: int) -> dict[str, Any] | None:
    """What the page shall say: kind and message."""
    flash: dict[str, Any] | None = session.execute(_TAKE_FLASH, {"id": session_id}).scalar_one_or_none()
    return flash


def end_session(session: Session, session_id: int) -> None:
    """Sign out."""
    session.execute(_END, {"id": session_id})
