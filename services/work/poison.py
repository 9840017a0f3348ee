"""Queue messages that could not be read, kept as dead Work so that an operator sees and acknowledges them."""

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

#: Rows in: a digest and a reason. Rows out: one dead Work per digest and a failed Run per arrival.
_RECORD = text(
    """
    WITH dead AS (
        INSERT INTO work (kind, key, arguments, queue, dead_at, last_error)
        VALUES ('poison', :key, '{}', 'default', clock_timestamp(), :reason)
        ON CONFLICT (key) DO UPDATE SET attempts = work.attempts + 1, dead_at = clock_timestamp(), acknowledged = NULL
        RETURNING id, attempts
    )
    INSERT INTO run (work_id, kind, attempt, token, host, finished_at, outcome, counts, message)
    SELECT id, 'poison', attempts + 1, :token, '', clock_timestamp(), 'failed', jsonb_build_object('bytes', CAST(:size AS bigint)), :reason FROM dead
    """
).bindparams(bindparam("reason", type_=JSONB))


def record_poison(session: Session, digest: str, what: str, *, size: int) -> None:
    """Note one unreadable message by its sha256; equal ones share a row."""
    reason = Message(_REASONS[what]).to_json()
    session.execute(_RECORD, {"key": f"poison:{what}:{digest}", "reason": reason, "token": uuid4(), "size": size})
