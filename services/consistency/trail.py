"""The audit trail: its newest months, or all of it, verified against its seals and the anchor file (services/audit_seals).

Not in the snapshot of the other checks: sealing goes on meanwhile, and the file beside the database cannot be seen as of a moment ago.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import AvainError, Message
from core.i18n import N_
from core.reasons import os_reason
from services.audit_seals.findings import Verified
from services.audit_seals.sealing import look
from services.audit_seals.verifying import verify
from services.consistency.findings import Looked, Sort, Thing

BROKEN: Final = Sort(
    "audit_broken",
    N_("The audit trail is not as it was sealed"),
    N_("Keep the database and the anchor file as they are, and look: avain audit verify (docs/audit.md)."),
)
#: On the first day of a month the one before is looked at as well.
_YOUNG: Final = timedelta(days=1)


def trail(session: Session, anchors: Path, *, whole: bool, tell: Callable[[Message, int], None]) -> Looked:
    """Verify the trail; each statement of `session` is a transaction of its own."""
    looked = Looked(Message("Audit trail"))
    try:
        first = None if whole else local_date(look(session).moment - _YOUNG).replace(day=1)
        found = verify(session, anchors, first=first, told=lambda count: tell(looked.name, count))
    except OSError as error:
        why = Message("The anchor file {path} cannot be read: {error}", path=str(anchors), error=os_reason(error))
        looked.found(BROKEN, [Thing("anchors", why)])
    except AvainError as error:  # such as a row of its own that is gone
        looked.found(BROKEN, [Thing("trail", error.message)])
    else:
        _note(looked, found)
    return looked


def _note(looked: Looked, found: Verified) -> None:
    looked.examined, looked.left_out = found.events, found.waiting
    if found.broken is not None:
        where = found.broken.event_id or f"{found.broken.month}/{found.broken.position}"
        looked.found(BROKEN, [Thing(f"{found.broken.kind} {where}", found.broken.message)])
