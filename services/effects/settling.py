"""Recording as sent what left elsewhere, or what a person knows to have left: as if the record had been written when it did.

In sets, whatever their number. What was about to leave and may not have stands as being sent, as after a crash: a channel that recognises
repeats is simply used again, of the others the known rules decide (services/orders/sending/delivery.py, services/reminders/sending.py).
"""

import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from core.errors import Message
from core.i18n import N_
from services import audit
from services.orders.sending import placing


def _of_gone(statement: str) -> TextClause:
    """A statement about things that left: rows `gone` of `key`, `sent_at` (machine time), `at` (business time) and `sha256`."""
    given = """
        WITH gone AS (
            SELECT key, sent_at, sent_at + make_interval(secs => coalesce((SELECT offset_seconds FROM business_clock), 0)) AS at, sha256
            FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS gone(key text, sent_at timestamptz, sha256 text)
        )
    """
    return text(given + statement)


#: Orders that were to be sent; rows out: them.
_ORDERS: Final = _of_gone(
    """
    UPDATE purchase_order SET state = 'sent', sent_at = gone.at, unclear_sends = 0
    FROM gone WHERE number = gone.key AND state IN ('approved', 'sending', 'failed')
    RETURNING purchase_order.id, number AS key, channel
    """
)
#: Cancellations: their doubts are over.
_CANCELLATIONS: Final = _of_gone(
    """
    UPDATE purchase_order SET unclear_sends = 0
    FROM gone WHERE gone.key LIKE '%/cancelled' AND number = split_part(gone.key, '/', 1) AND state = 'cancelled'
    RETURNING purchase_order.id, gone.key
    """
)
#: Daily e-mails. One that was composed anew is not the one that left: what it tells beside follow-ups, which are repeated anyway, waits for
#: the next.
_DIGESTS: Final = _of_gone(
    """
    , settled AS (
        UPDATE digest SET state = 'sent', sent_at = gone.at
        FROM gone WHERE message_id = gone.key AND state IN ('composed', 'sending', 'repeated')
        RETURNING digest.id, message_id AS key, items,
                  gone.sha256 IS NOT NULL AND gone.sha256 <> encode(sha256(convert_to(document, 'UTF8')), 'hex') AS anew
    ), untold AS (
        UPDATE notice SET told_at = NULL
        FROM settled WHERE anew AND notice.id IN (SELECT jsonb_array_elements_text(settled.items -> 'news')::bigint)
    )
    SELECT id, key FROM settled
    """
)
_LETTERS: Final = _of_gone(
    """
    UPDATE letter SET state = 'sent', sent_at = gone.at FROM gone WHERE message_id = gone.key AND state <> 'sent'
    RETURNING letter.id, message_id AS key
    """
)
#: Rows in: what may have left. Rows changed: what was to leave then stands as being sent.
_DOUBTFUL: Final = (
    _of_gone("UPDATE purchase_order SET state = 'sending' FROM gone WHERE number = gone.key AND state = 'approved'"),
    _of_gone(
        """
        UPDATE purchase_order SET unclear_sends = 1
        FROM gone WHERE gone.key LIKE '%/cancelled' AND number = split_part(gone.key, '/', 1) AND state = 'cancelled' AND unclear_sends = 0
        """
    ),
    _of_gone("UPDATE digest SET state = 'sending' FROM gone WHERE message_id = gone.key AND state = 'composed'"),
    _of_gone("UPDATE letter SET state = 'sending' FROM gone WHERE message_id = gone.key AND state = 'composed'"),
)
#: Rows in: kinds and what they are about. Rows changed: their Work, done; also what was given up. Rows made: a Run that says who knew it.
_DONE: Final = text(
    """
    WITH ended AS (
        UPDATE work SET done_at = clock_timestamp(), dead_at = NULL, last_error = NULL, dead_reason = '', acknowledged = NULL, enqueued_at = NULL,
            attempts = attempts + 1
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS settled(kind text, subject_id bigint, key text)
        WHERE work.kind = settled.kind AND token IS NULL AND done_at IS NULL
          AND CASE WHEN settled.subject_id IS NULL THEN coalesce(arguments ->> 'number', work.key) = settled.key ELSE work.subject_id = settled.subject_id END
        RETURNING work.id, work.kind, work.subject_id, attempts
    )
    INSERT INTO run (work_id, kind, subject_id, attempt, token, host, finished_at, outcome, counts, message)
    SELECT id, kind, subject_id, attempts, gen_random_uuid(), :host, clock_timestamp(), 'succeeded', '{}', :message FROM ended
    RETURNING work_id
    """
).bindparams(bindparam("message", type_=JSONB))

#: Kinds whose Work is all that says whether they left.
_KEPT_BY_WORK_ALONE: Final = ("send_test_order", "put_away_files")

BY_JOURNAL: Final = N_("Recorded as sent, and not sent again: the journal says that it left.")
BY_PERSON: Final = N_("Recorded as sent, and not sent again: {actor} knows that it left.")


@dataclass(frozen=True)
class Left:
    """Something that left: by key, when (machine time), perhaps the sha256 of what left."""

    key: str
    kind: str
    sent_at: datetime
    sha256: str | None = None


def settle(session: Session, gone: Sequence[Left], *, why: Message, actor: str, now: datetime) -> list[str]:
    """Record as sent what left, where this database still has it to send. The keys of what was recorded; audited, orders one by one."""
    if not gone:
        return []
    values = {"rows": _rows(gone)}
    ended: list[dict[str, Any]] = [
        {"kind": one.kind, "subject_id": None, "key": one.key} for one in gone if one.kind in _KEPT_BY_WORK_ALONE
    ]
    orders = session.execute(_ORDERS, values).all()
    for row in orders:
        if row.channel == placing.EXTERNAL:
            placing.ask(session, row.id, row.key)
    ended += [{"kind": "deliver_order", "subject_id": row.id, "key": row.key} for row in orders]
    for kind, statement in (("tell_cancelled", _CANCELLATIONS), ("send_digest", _DIGESTS), ("send_letter", _LETTERS)):
        ended += [{"kind": kind, "subject_id": row.id, "key": row.key} for row in session.execute(statement, values)]
    if ended:
        session.execute(_DONE, {"rows": json.dumps(ended), "host": socket.gethostname(), "message": why.to_json()})
    events = [audit.Event(actor, "order.recorded_sent", f"order:{row.key}", why.text("en")) for row in orders]
    audit.record_many(session, events, now=now)
    return sorted({one["key"] for one in ended})


def doubt(session: Session, gone: Sequence[Left]) -> None:
    """Treat what may have left as being sent, as after a crash."""
    values = {"rows": _rows(gone)}
    for statement in _DOUBTFUL if gone else ():
        session.execute(statement, values)


def _rows(gone: Sequence[Left]) -> str:
    return json.dumps([{"key": one.key, "sent_at": one.sent_at.isoformat(), "sha256": one.sha256} for one in gone])
