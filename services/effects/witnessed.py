"""What left although the process that let it leave died before it could record that: its line in the journal says so.

A mail is taken by its server, and the process is killed, or the database crashes and loses the last commits: from the database alone nobody could
tell whether it went. The journal's line was written in between. Where it can be read (on the host the process ran on), the effect is recorded as if it
had been in time, and is not repeated; elsewhere the known rules for doubts decide.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import business_now
from core.errors import Message
from services.effects.journal import gone_by
from services.effects.settling import BY_JOURNAL, Left, settle
from services.work.kinds import EFFECTS

#: Rows out: attempts at an effect that this very transaction has found silent; not of Work that was called for again meanwhile (its attempts are
#: counted anew): there once more is what is wanted.
_LOST: Final = text(
    """
    SELECT work.id, run.token FROM work JOIN run ON run.work_id = work.id
    WHERE work.kind = ANY(:kinds) AND work.done_at IS NULL AND work.token IS NULL AND work.attempts > 0
      AND run.outcome = 'lost' AND run.finished_at >= transaction_timestamp()
    """
)
_DONE: Final = text("SELECT id FROM work WHERE id = ANY(:ids) AND done_at IS NOT NULL")


def settle_witnessed(session: Session, folder: Path) -> set[int]:
    """Record what left in attempts that were found silent in this transaction; the Works that are thereby done. `folder`: the journal's."""
    lost = session.execute(_LOST, {"kinds": list(EFFECTS)}).all()
    if not lost:
        return set()
    lines = gone_by(folder, {str(one.token) for one in lost})
    left = [Left(one.key, one.kind, one.at, one.sha256 or None) for one in lines]
    settle(session, left, why=Message(BY_JOURNAL), actor="avain", now=business_now(session))
    return set(session.execute(_DONE, {"ids": [one.id for one in lost]}).scalars())
