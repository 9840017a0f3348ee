"""What a worker that stops, and a time limit, do to a process: an exception out of a signal handler, wherever it is just then."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from billiard.exceptions import SoftTimeLimitExceeded

#: Each way to be interrupted.
ENDINGS = [SystemExit(), SoftTimeLimitExceeded()]


@contextmanager
def interrupted(how: BaseException, after: float = 0.3) -> Iterator[None]:
    """Raise `how` in the middle of the block, and see that it comes out of it."""

    def ring(*_: object) -> None:
        raise how

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, after)
    try:
        with pytest.raises(type(how)):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
