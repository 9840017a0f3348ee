"""How often one address may try what a guesser would try often: signing in, one-time links, signed links.

Counted in Redis, so that several console processes count together, and in this process's memory while Redis is away: a queue that is
down must neither shut people out nor let guessers in. Addresses are kept as a digest, for as long as the window lasts.
"""

import time
from collections.abc import Callable
from hashlib import sha256
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Final

import structlog
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from core.redis import redis_client_url

log = structlog.get_logger()

#: So long Redis is left alone after it did not answer.
_PAUSE_SECONDS: Final = 30.0
_TIMEOUT_SECONDS: Final = 0.5
#: Bits of an IPv6 address that a household or office shares.
_ONE_COMPUTERS: Final = 64


class Limiter:
    """Counts attempts in moving windows. `redis_url` is asked when the first attempt is counted; None: memory only."""

    def __init__(self, redis_url: Callable[[], str] | None = None) -> None:
        self._redis_url = redis_url
        self._memory = MovingWindowRateLimiter(MemoryStorage())
        self._redis: MovingWindowRateLimiter | None = None
        self._away_until = 0.0

    def wait(self, what: str, who: str, at_most: str) -> int:
        """Count one attempt at `what` by `who` (an address); 0 if it may go on, else how many seconds to wait.

        `at_most` is written like `10/minute`.
        """
        limit, keys = parse(at_most), (what, sha256(_neighbourhood(who).encode()).hexdigest()[:32])
        if self._redis_url is not None and time.monotonic() >= self._away_until:
            try:
                return _wait(self._shared(), limit, keys)
            except (RedisError, OSError):
                log.warning("rate_limits_without_redis")
                self._away_until = time.monotonic() + _PAUSE_SECONDS
        return _wait(self._memory, limit, keys)

    def _shared(self) -> MovingWindowRateLimiter:
        if self._redis is None and self._redis_url is not None:
            url = redis_client_url(self._redis_url())
            storage = RedisStorage(
                url.replace("unix://", "redis+unix://", 1),
                key_prefix="avain-limits",
                socket_timeout=_TIMEOUT_SECONDS,
                socket_connect_timeout=_TIMEOUT_SECONDS,
            )
            self._redis = MovingWindowRateLimiter(storage)
        if self._redis is None:
            raise OSError
        return self._redis


def _neighbourhood(who: str) -> str:
    """An address; of IPv6 the network it stands in, for one computer is given as many addresses there as it likes."""
    try:
        address = ip_address(who.partition("%")[0])
    except ValueError:
        return who
    if isinstance(address, IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, _ONE_COMPUTERS), strict=False))


def _wait(limiter: MovingWindowRateLimiter, limit: RateLimitItem, keys: tuple[str, str]) -> int:
    if limiter.hit(limit, *keys):
        return 0
    return max(1, round(limiter.get_window_stats(limit, *keys).reset_time - time.time()))
