"""How many daily e-mails leave in a minute, by all processes together: counted in Redis, so that no mail server takes us for a storm.

Without Redis mails go on: each process then keeps to its share by itself.
"""

import time
from functools import lru_cache
from typing import Final

import structlog
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from core.database import redis_url
from core.redis import redis_client_url
from workers.groups import GROUPS

log = structlog.get_logger()

_KEY: Final = "reminders"
#: Redis that could not be asked is left alone for so long.
_LEFT_ALONE_SECONDS: Final = 30.0


class MailPace:
    """Turns to send a mail."""

    def __init__(self, shared: MovingWindowRateLimiter | None, *, processes: int) -> None:
        """`shared` counts for all processes; None: this one counts for itself, as one of so many."""
        self._shared, self._processes = shared, processes
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._ask_again_at = 0.0

    def turn(self, per_minute: int) -> float:
        """Take a turn: 0.0 when a mail may go now, else how many seconds until one might."""
        if self._shared is not None and time.monotonic() >= self._ask_again_at:
            try:
                return _turn(self._shared, RateLimitItemPerMinute(per_minute))
            except StorageError as error:
                log.warning("mail_pace_unshared", error=type(error.storage_error).__name__)
                self._ask_again_at = time.monotonic() + _LEFT_ALONE_SECONDS
        return _turn(self._own, RateLimitItemPerMinute(max(1, per_minute // self._processes)))


def _turn(limiter: MovingWindowRateLimiter, limit: RateLimitItemPerMinute) -> float:
    if limiter.hit(limit, _KEY):
        return 0.0
    return max(0.05, limiter.get_window_stats(limit, _KEY).reset_time - time.time())


@lru_cache(maxsize=1)
def mail_pace() -> MailPace:
    """This process's. Made in the child, after the fork: it holds a connection."""
    url = redis_client_url(redis_url())
    storage = RedisStorage(
        url.replace("unix://", "redis+unix://", 1) if url.startswith("unix://") else url,
        wrap_exceptions=True,
        socket_timeout=2,
        socket_connect_timeout=2,
    )
    return MailPace(MovingWindowRateLimiter(storage), processes=GROUPS["outside"].concurrency)
