"""Ways out: the mail server, the connections of orders, the folder of order files. One that fails is left alone for a while, and what is to go
that way waits without spending its attempts.

`breaker` decides whether a way may be used and keeps what came of it, `waiting` puts Work off and lets it go again, `overview` says how the
ways are. What is asked of others, sources, is judged by services/gentleness.py; `telling` writes the operator of both.
"""

from services.ways.breaker import ClosedError, Left, answered, failed, hold_back, permit
from services.ways.names import MAIL, OUTBOX, connection, way_of
from services.ways.waiting import wait_for

__all__ = [
    "MAIL",
    "OUTBOX",
    "ClosedError",
    "Left",
    "answered",
    "connection",
    "failed",
    "hold_back",
    "permit",
    "wait_for",
    "way_of",
]
