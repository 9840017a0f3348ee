"""Links to "My budget": made by a worker (or, for a support person, by the family itself) and opened with a code that is handed over in person.

A link alone opens nothing: mail scanners and whoever finds it in a history lack the code. The code alone is one of a hundred million, and a few
wrong ones end the link. Of both only digests are kept, the code's with a key outside the database (core/keys.py), bound to its link.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, Message, NotFound
from core.family_settings import Family as Settings
from services import audit
from services.access.non_disclosure import HIDDEN
from services.family import sessions
from services.family.sessions import Holder

#: Crockford's: no letter looks like a digit or like another letter.
_SIGNS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_AS_MEANT: Final = str.maketrans("oil", "011", " -\u2010\u2011\u2012\u2013")
#: 80 bits, in groups of four, so that it can be typed off a paper.
_SECRET_SIGNS: Final = 16
_CODE_DIGITS: Final = 8
#: A case has so many open links of each kind at most: each is a chance to guess.
MOST_OPEN: Final = 10

#: Rows in: a case's number. Rows out: the case, held until the end of the transaction, so that two people cannot pass `MOST_OPEN` together.
_CASE = text(
    f"""
    SELECT client_case.id, client_case.number, client_case.gone_at IS NOT NULL AS gone, {HIDDEN} AS non_disclosure,
           (SELECT count(*) FROM family_link WHERE family_link.case_id = client_case.id AND family_link.holder = :holder
                AND family_link.ended_at IS NULL AND family_link.expires_at > :now) AS opened
    FROM client_case JOIN client ON client.id = client_case.client_id
    WHERE client_case.number = :number FOR NO KEY UPDATE OF client_case
    """  # noqa: S608 - a constant
)
_MAKE = text(
    """
    INSERT INTO family_link (case_id, holder, token, code, made_by, made_at, expires_at)
    VALUES (:case, :holder, :token, :code, :actor, :now, :expires) RETURNING id
    """
)
#: Rows in: the digest of a link. Rows out: the link, held: whoever tries another code for it meanwhile waits.
_TRIED = text(
    f"""
    SELECT family_link.id, family_link.holder, family_link.code, family_link.wrong_codes, client_case.number,
           family_link.ended_at IS NULL AND family_link.expires_at > :now AND client_case.gone_at IS NULL
               AND NOT {HIDDEN} AS living
    FROM family_link JOIN client_case ON client_case.id = family_link.case_id JOIN client ON client.id = client_case.client_id
    WHERE family_link.token = :token FOR UPDATE OF family_link
    """  # noqa: S608 - a constant
)
#: Rows changed: the link (none if there is no such), with what this attempt came to. Run for every attempt alike.
_NOTE = text(
    """
    UPDATE family_link SET wrong_codes = :wrong_codes, used_at = CASE WHEN :opened THEN :now ELSE used_at END,
           ended_at = CASE WHEN :locked THEN :now ELSE ended_at END, ended_by = CASE WHEN :locked THEN 'avain' ELSE ended_by END
    WHERE id = :id
    """
)
#: Rows in: a link of a case. Rows changed: it, and what was handed on by it (a support person's link), if they were open.
_REVOKE = text(
    """
    UPDATE family_link SET ended_at = :now, ended_by = :actor
    WHERE case_id = :case AND ended_at IS NULL
      AND (id = :id OR (made_by = 'family:link-' || CAST(:id AS text)
           AND EXISTS (SELECT FROM family_link AS first WHERE first.id = :id AND first.case_id = :case AND first.ended_at IS NULL)))
    RETURNING id, holder
    """
)
_END_SESSIONS = text(
    "UPDATE family_session SET ended_at = clock_timestamp() WHERE link_id = ANY(:links) AND ended_at IS NULL"
)
#: Rows in: a case, and whose links. Rows out: its links, the newest first.
_LISTED = text(
    """
    SELECT id, holder, made_by, made_at, expires_at, used_at, ended_at, ended_by, ended_at IS NULL AND expires_at > :now AS open
    FROM family_link WHERE case_id = :case AND (CAST(:holder AS text) IS NULL OR holder = :holder) ORDER BY id DESC LIMIT :limit
    """
)
_CASE_ID = text("SELECT id FROM client_case WHERE number = :number")

Came = Literal["in", "over", "wrong"]


@dataclass(frozen=True)
class MadeLink:
    """A fresh link. `secret` and `code` exist nowhere else: shown once, to whoever made it."""

    id: int
    case: str
    holder: Holder
    secret: str
    code: str
    expires_at: datetime


@dataclass(frozen=True)
class Link:
    """A link as those who look after it see it. `state`: open, ended (revoked), locked (wrong codes) or expired."""

    id: int
    holder: Holder
    made_by: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    open: bool

    @property
    def state(self) -> Literal["open", "expired", "ended", "locked"]:
        if self.ended_at is not None:
            return "locked" if self.ended_by == "avain" else "ended"
        return "open" if self.open else "expired"


@dataclass(frozen=True)
class Entered:
    """What trying a link with a code came to: `in` (with the browser's secret), `over` (both are right, and the link opens no more) or `wrong`:
    there is no such link, or this is not its code.
    """

    came: Came
    secret: str = ""


def make_link(
    session: Session, number: str, *, holder: Holder, actor: str, now: datetime, key: bytes, settings: Settings
) -> MadeLink:
    """A link to a case, by the worker or by the family (`actor`), valid as `settings` say for its holder; recorded.

    Raises NotFound, and InputError where no link may be made: turvakielto, a case that is gone, or too many open links already.
    """
    values = {"number": number if number.isprintable() else "", "holder": holder, "now": now}
    row = session.execute(_CASE, values).one_or_none()
    if row is None:
        raise NotFound("There is no case {case}.", case=number)
    refused = refusal(non_disclosure=row.non_disclosure, gone=row.gone)
    if refused is not None:
        raise InputError(refused)
    if row.opened >= MOST_OPEN:
        raise InputError("The case has {count} open links already. Take one back first.", count=MOST_OPEN)
    secret = "".join(secrets.choice(_SIGNS) for _ in range(_SECRET_SIGNS))
    code = f"{secrets.randbelow(10**_CODE_DIGITS):0{_CODE_DIGITS}d}"
    lasts = timedelta(hours=settings.link_hours) if holder == "client" else timedelta(days=settings.support_link_days)
    token, expires = _token(secret), now + lasts
    values |= {
        "case": row.id,
        "token": token,
        "code": _code_digest(key, token, code),
        "actor": actor,
        "expires": expires,
    }
    id_: int = session.execute(_MAKE, values).scalar_one()
    audit.record(
        session, actor, "family.link_made", f"case:{row.number}", now=now, link=id_, holder=holder, until=expires.isoformat()
    )  # fmt: skip
    return MadeLink(id_, row.number, holder, _grouped(secret), f"{code[:4]} {code[4:]}", expires)


def refusal(*, non_disclosure: bool, gone: bool) -> Message | None:
    """Why no link can be made to a case like this; None if one can."""
    if non_disclosure:
        return Message(
            "The client is under non-disclosure (turvakielto): no link to the budget can be made. Show it to the family in person."
        )
    if gone:
        return Message("The client information system no longer has this case: no link to its budget can be made.")
    return None


def enter(session: Session, secret: str, code: str, *, key: bytes, now: datetime, settings: Settings) -> Entered:
    """Try a link with a code, as people type them. To be committed whatever comes of it: wrong codes count, one at a time.

    A wrong code, a link that never was and one whose code is not known are answered alike. Only who holds the right code learns that the link
    is over.
    """
    token = _token(secret)
    row = session.execute(_TRIED, {"token": token, "now": now}).one_or_none()
    right = hmac.compare_digest(_code_digest(key, token, code), bytes(row.code) if row is not None else bytes(32))
    right = right and row is not None
    living = row is not None and row.living
    wrong_codes = 0 if right and living else (row.wrong_codes if row is not None else 0) + (not right)
    locked = living and not right and wrong_codes >= settings.wrong_codes
    values = {
        "id": row.id if row is not None else 0,
        "wrong_codes": min(wrong_codes, 1_000_000),
        "opened": right and living,
        "locked": locked,
        "now": now,
    }
    session.execute(_NOTE, values)
    if row is None or not living:
        return Entered("over" if right else "wrong")
    actor, subject = f"{'support' if row.holder == 'support' else 'family'}:link-{row.id}", f"case:{row.number}"
    if not right:
        stranger = f"stranger:link-{row.id}"  # whoever has no code need not be the family
        audit.record(session, stranger, "family.code_refused", subject, now=now, link=row.id, wrong_codes=wrong_codes)
        if locked:
            audit.record(session, "avain", "family.link_locked", subject, now=now, link=row.id)
        return Entered("wrong")
    _id, cookie = sessions.open_session(session, link_id=row.id, minutes=settings.session_minutes)
    audit.record(session, actor, "family.signed_in", subject, now=now, how="link", link=row.id)
    return Entered("in", cookie)


def revoke(
    session: Session, number: str, link_id: int, *, actor: str, now: datetime, holder: Holder | None = None
) -> list[int]:
    """Take a link of a case back, sign out whoever came in by it, and the same for support persons' links that were made by whoever held it.

    The ids of the links that ended; none if it had ended before. `holder` narrows it to the links its caller looks after. Raises NotFound.
    """
    case = case_id(session, number)
    known = [one for one in listed(session, case, now=now, holder=holder, limit=None) if one.id == link_id]
    if not known:
        raise NotFound("There is no such link.")
    ended = session.execute(_REVOKE, {"case": case, "id": link_id, "actor": actor, "now": now}).all()
    session.execute(_END_SESSIONS, {"links": [one.id for one in ended]})
    audit.record_many(
        session,
        [
            audit.Event(actor, "family.link_revoked", f"case:{number}", details={"link": one.id, "holder": one.holder})
            for one in ended
        ],
        now=now,
    )
    return sorted(one.id for one in ended)


def case_id(session: Session, number: str) -> int:
    """The case of this number. Raises NotFound."""
    found: int | None = session.execute(
        _CASE_ID, {"number": number if number.isprintable() else ""}
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no case {case}.", case=number)
    return found


def listed(
    session: Session, case_id: int, *, now: datetime, holder: Holder | None = None, limit: int | None = 50
) -> list[Link]:
    """The links of a case, the newest first; of one kind of holder, if it is said."""
    rows = session.execute(_LISTED, {"case": case_id, "holder": holder, "now": now, "limit": limit})
    return [Link(**row) for row in rows.mappings()]


def _token(secret: str) -> bytes:
    """What is kept of a link: a digest of its letters as they are meant, however they were typed."""
    return sha256(secret.strip().lower().translate(_AS_MEANT).encode("utf-8", "surrogatepass")).digest()


def is_code(typed: str) -> bool:
    """Whether somebody typed what could be a code at all."""
    digits = _digits(typed)
    return len(digits) == _CODE_DIGITS and digits.isascii() and digits.isdigit()


def _digits(typed: str) -> str:
    return "".join(sign for sign in typed if sign not in " -\u00a0\u202f")


def _code_digest(key: bytes, token: bytes, code: str) -> bytes:
    """What is kept of a code: nothing that can be tried without the key, nor moved to another link."""
    return hmac.digest(key, token + _digits(code).encode("utf-8", "surrogatepass"), "sha256")


def _grouped(secret: str) -> str:
    return "-".join(secret[at : at + 4] for at in range(0, len(secret), 4))
