"""Work: everything that must be done, as rows; claimed, performed and recorded under a lease.

`kinds` is the table of what can be done, `calling` writes rows, `lease` moves them, `batch` several at once, `queueing` picks what the queue should hold,
`history` shows them to people. The rules and why they are so: docs/adr/0001-the-database-is-the-truth.md.
"""

from services.work.batch import claim_more, renew_all, spread
from services.work.calling import Call, call, call_again, call_many
from services.work.kinds import EFFECTS, KINDS, NUMBERING, QUEUES, Kind, kind_of
from services.work.lease import (
    Claimed,
    Ended,
    check,
    claim,
    close,
    expire_leases,
    fail,
    give_back,
    holds,
    leave,
    postpone,
)

__all__ = [
    "EFFECTS",
    "KINDS",
    "NUMBERING",
    "QUEUES",
    "Call",
    "Claimed",
    "Ended",
    "Kind",
    "call",
    "call_again",
    "call_many",
    "check",
    "claim",
    "claim_more",
    "close",
    "expire_leases",
    "fail",
    "give_back",
    "holds",
    "kind_of",
    "leave",
    "postpone",
    "renew_all",
    "spread",
]
