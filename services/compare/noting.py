"""That somebody compared for a case, or printed the comparison, in the audit trail, as the law on access logs wants."""

from datetime import datetime
from hashlib import sha256

from sqlalchemy.orm import Session

from core.i18n import language
from services import audit


def note_compared(session: Session, actor: str, case: str, *, now: datetime, printed: bytes | None = None) -> None:
    """Record that `actor` compared alternatives for a case (number); `printed`: the annex made of it, in the present language."""
    audit.record(session, actor, "case.compared", f"case:{case}", now=now)
    if printed is not None:
        digest = sha256(printed).hexdigest()
        audit.record(session, actor, "case.annexed", f"case:{case}", now=now, sha256=digest, language=language())
