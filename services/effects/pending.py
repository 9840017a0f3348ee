"""What waits to leave: every piece of Work that has an effect and is not done, with what a journal says of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.effects.keys import CANCELLED
from services.effects.taking_in import Gone
from services.work.kinds import EFFECTS

#: How far it is known whether something left before: certainly, perhaps, certainly not, or nobody can tell.
Fate = Literal["left", "perhaps", "waits", "unknown"]

#: Rows in: kinds, perhaps keys. Rows out: their Work that is not done, with the key the other side knows; what was given up only where it is
#: asked for by its key.
_PENDING: Final = text(
    f"""
    WITH keyed AS (
        SELECT work.id, work.kind, work.subject_id, work.next_at, work.created_at, work.dead_at IS NOT NULL AS dead,
               work.token IS NOT NULL AS under_way, let_go.work_id IS NOT NULL AS let_go,
               CASE work.kind
                   WHEN 'deliver_order' THEN purchase_order.number
                   WHEN 'tell_cancelled' THEN purchase_order.number || '{CANCELLED}'
                   WHEN 'send_digest' THEN digest.message_id
                   WHEN 'send_letter' THEN letter.message_id
                   WHEN 'send_test_order' THEN work.arguments ->> 'number'
                   ELSE work.key END AS key,
               CASE work.kind WHEN 'deliver_order' THEN purchase_order.channel WHEN 'put_away_files' THEN '' WHEN 'send_test_order' THEN ''
                              ELSE 'email' END AS way,
               CASE work.kind WHEN 'deliver_order' THEN purchase_order.state WHEN 'send_digest' THEN digest.state
                              WHEN 'send_letter' THEN letter.state END IN ('sending', 'repeated') AS begun
        FROM work
        LEFT JOIN purchase_order ON work.kind IN ('deliver_order', 'tell_cancelled') AND purchase_order.id = work.subject_id
        LEFT JOIN digest ON work.kind = 'send_digest' AND digest.id = work.subject_id
        LEFT JOIN letter ON work.kind = 'send_letter' AND letter.id = work.subject_id
        LEFT JOIN let_go ON let_go.work_id = work.id
        WHERE work.kind = ANY(:kinds) AND work.done_at IS NULL
          AND (work.dead_at IS NULL OR CAST(:keys AS text[]) IS NOT NULL)
    )
    SELECT id, kind, key, way, next_at, created_at, dead, under_way, let_go, coalesce(begun, false) AS begun FROM keyed
    WHERE CAST(:keys AS text[]) IS NULL OR key = ANY(:keys)
    ORDER BY kind, key
    """  # noqa: S608 - a constant
)


@dataclass(frozen=True)
class Pending:
    """One thing that waits to leave. `key`: what the other side knows it by; `begun`: it was being sent when the copy was made.

    Times are the machine's. `sent_at`: when it left before, as far as it is known.
    """

    work_id: int
    kind: str
    key: str
    way: str
    since: datetime
    under_way: bool
    let_go: bool
    begun: bool
    dead: bool
    fate: Fate = "waits"
    sent_at: datetime | None = None


def pending(session: Session, *, gone: Mapping[str, Gone] | None, keys: Iterable[str] | None = None) -> list[Pending]:
    """What waits, by kind and key. `gone`: what a journal says left, or may have; None where there is none, and nobody can tell."""
    rows = session.execute(_PENDING, {"kinds": list(EFFECTS), "keys": None if keys is None else list(keys)})
    found = []
    for row in rows:
        before = None if gone is None else gone.get(row.key)
        fate: Fate = "unknown" if gone is None else "waits"
        if before is not None:
            fate = "left" if before.sure else "perhaps"
        elif row.begun:
            fate = "perhaps"
        elif row.kind == "put_away_files":
            fate = "waits"
        found.append(
            Pending(
                row.id,
                row.kind,
                row.key or "",
                row.way,
                row.created_at,
                row.under_way,
                row.let_go,
                row.begun,
                row.dead,
                fate,
                None if before is None else before.sent_at,
            )
        )
    return found
