"""Coming in by logging in, and going out. (By a link: links.py.)"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from services import audit
from services.access.non_disclosure import HIDDEN
from services.family import sessions
from services.family.sessions import Family

#: Rows in: a blind index. Rows out: the cases of whoever has it, as sessions.py shows them: none under non-disclosure.
_CASES: Final = text(
    f"""
    SELECT client_case.number FROM client_case JOIN client ON client.id = client_case.client_id
    WHERE client.blind_index = :index AND NOT {HIDDEN} AND client_case.gone_at IS NULL ORDER BY client_case.id
    """  # noqa: S608 - a constant
)


def come_in(session: Session, blind_index: bytes, *, minutes: int, now: datetime) -> str | None:
    """Sign in whoever has this blind index: what the browser shall hold. None if there is nothing for them to see, for whatever reason;
    then nothing is kept of them. Recorded for each case.
    """
    cases = list(session.scalars(_CASES, {"index": blind_index}))
    if not cases:
        return None
    id_, secret = sessions.open_session(session, blind_index=blind_index, minutes=minutes)
    _record(session, f"family:login-{id_}", "family.signed_in", cases, now=now, how="oidc")
    return secret


def leave(session: Session, family: Family, *, now: datetime) -> None:
    """Sign out. Recorded for each case."""
    sessions.end_session(session, family.session_id)
    _record(session, family.actor, "family.signed_out", family.cases, now=now)


def _record(session: Session, actor: str, action: str, cases: Any, *, now: datetime, **details: Any) -> None:
    audit.record_many(
        session, [audit.Event(actor, action, f"case:{case}", details=dict(details)) for case in cases], now=now
    )
