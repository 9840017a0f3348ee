"""Which bytes are hashed: docs/audit.md says the same for somebody who verifies without Avain.

Text is JSON as PostgreSQL writes a `jsonb`: one form for one value, down to the zeros at the end of a number.
"""

import hashlib
from datetime import date
from functools import lru_cache
from typing import Final

SALT_BYTES: Final = 16
#: What the very first seal cites.
BEGINNING: Final = bytes(32)

_MOMENT: Final = """to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
#: SQL over `event`: what may be purged one day, as canonical text.
PAYLOAD: Final = "CAST(jsonb_build_array(event.actor, event.subject, event.reason, event.details) AS text)"
#: SQL over `event`: what always stays, as canonical text.
FRAME: Final = (
    f"CAST(jsonb_build_array(event.id, {_MOMENT.format(column='event.recorded_at')}, {_MOMENT.format(column='event.business_at')}, "
    "event.action, event.xid) AS text)"
)


@lru_cache(maxsize=256)
def named(month: date) -> str:
    """A month as it stands in the chain: 2026-11."""
    return f"{month.year:04d}-{month.month:02d}"


def payload_digest(salt: bytes, payload: str) -> bytes:
    """SHA-256 over the salt and the payload: says nothing of the payload once the salt is gone."""
    return hashlib.sha256(salt + payload.encode()).digest()


def link(previous: bytes, payload_sha256: bytes, month: date, position: int, frame: str) -> bytes:
    """The hash of one seal: over the seal before, the payload's digest, and the frame with its place in the chain put in front."""
    placed = f'["{named(month)}", {position}, {frame[1:]}'
    return hashlib.sha256(previous + payload_sha256 + placed.encode()).digest()
