"""Queue messages that could not be read, kept as dead Work so that an operator sees and acknowledges them."""

import socket
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from core.errors import Message
from core.i18n import N_

_REASONS = {
    "envelope": N_("A message in the queue was not a message at all. It was thrown away; nothing depends on messages."),
    "shape": N_("A message in the queue named no task. It was thrown away; nothing depends on messages."),
    "task": N_("A message in the queue named a task this version does not know. Its work stays due."),
    "arguments": N_(
        "A message in the queue had arguments of the wrong shape. It was thrown away; nothing depends on messages."
    ),
    "body": N_(
        "A message in the queue had a body of the wrong shape. It was thrown away; nothing depends on messages."
    ),
    "encoding": N_("A message in the queue was not JSON. It was thrown away; nothing depends on messages."),
}

#: Rows in: a reason and its hour, a digest, a size. Rows out: one dead Work per reason and hour with one failed Run, which counts the
#: messages: a queue full of garbage is one line, not a history of its own.
_RECORD = text(
    """
    WITH dead AS (
        INSERT INTO work (kind, key, arguments, queue, attempts, dead_at, last_error, dead_reason)
        VALUES ('poison', :what || date_trunc('hour', clock_timestamp()), '{}', 'default', 1, clock_timestamp(), :reason, :sentence)
        ON CONFLICT (key) DO UPDATE SET attempts = work.attempts + 1, dead_at = clock_timestamp(), acknowledged = NULL
        RETURNING id, attempts
    ), counted AS (
        UPDATE run SET counts = jsonb_build_object('messages', dead.attempts, 'bytes', (counts ->> 'bytes')::bigint + :size),
                       reply = :digest, finished_at = clock_timestamp()
        FROM dead WHERE run.work_id = dead.id
        RETURNING run.id
    )
    INSERT INTO run (work_id, kind, attempt, token, host, finished_at, outcome, counts, message, reply)
    SELECT id, 'poison', 1, :token, :host, clock_timestamp(), 'failed',
           jsonb_build_object('messages', 1, 'bytes', CAST(:size AS bigint)), :reason, :digest
    FROM dead WHERE NOT EXISTS (SELECT FROM counted)
    """
).bindparams(bindparam("reason", type_=JSONB))


def record_poison(session: Session, digest: str, what: str, *, size: int) -> None:
    """Note one unreadable message. Its content may be personal: the Run keeps the sha256 of the latest, and how many there were."""
    values = {
        "what": f"poison:{what}:",
        "reason": Message(_REASONS[what]).to_json(),
        "sentence": _REASONS[what],
        "digest": f"sha256 {digest}",
        "token": uuid4(),
        "host": socket.gethostname(),
        "size": size,
    }
    session.execute(_RECORD, values)
