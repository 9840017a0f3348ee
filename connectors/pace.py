"""How fast a source may be asked: Avain is a guest in other people's systems.

One run reads a source at a time, by one connection (the source's lane), so a pace kept in the process is the source's pace. Several
sources on one host share that host's: each request takes its turn there (`turns`, services/gentleness.py).
"""

import time
from collections.abc import Callable


class Pace:
    """At most so many requests and rows a second, evenly: each waits until the time its forerunners were worth has passed."""

    def __init__(
        self,
        *,
        requests_per_second: float,
        rows_per_second: float,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        turns: Callable[[float], float] | None = None,
    ) -> None:
        """`turns`: asked before each request, for so many seconds of the host's time; says how many seconds to wait for them."""
        self._seconds_per_request, self._seconds_per_row = 1 / requests_per_second, 1 / rows_per_second
        self._wait, self._clock, self._turns = wait, clock, turns
        self._free_at = clock()
        #: What was asked and what came so far: progress for whoever looks on.
        self.requests = self.rows = 0

    def before_request(self) -> None:
        """Wait until the next request may be sent."""
        self.requests += 1
        self._take(self._seconds_per_request)
        if self._turns is not None and (ahead := self._turns(self._seconds_per_request)) > 0:
            self._wait(ahead)

    def after_rows(self, rows: int) -> None:
        """Wait until so many rows more may have come."""
        self.rows += rows
        self._take(rows * self._seconds_per_row)
        self._sleep()

    def _take(self, seconds: float) -> None:
        self._sleep()
        self._free_at = max(self._free_at, self._clock()) + seconds

    def _sleep(self) -> None:
        ahead = self._free_at - self._clock()
        if ahead > 0:
            self._wait(ahead)


#: For what costs the source nothing: files of this machine, tests.
def unhurried() -> Pace:
    """A pace that never waits."""
    return Pace(requests_per_second=float("inf"), rows_per_second=float("inf"))
