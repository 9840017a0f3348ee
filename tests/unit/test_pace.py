"""How fast a source is asked: no real second passes here."""

from connectors.pace import Pace, unhurried


class Clock:
    """A clock that moves only when somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def pace(self, requests: float = 5, rows: float = 1_000) -> Pace:
        return Pace(requests_per_second=requests, rows_per_second=rows, wait=self.wait, clock=lambda: self.now)


def test_requests_go_out_evenly_and_the_first_at_once() -> None:
    clock = Clock()
    pace = clock.pace(requests=4)
    for _ in range(5):
        pace.before_request()
    assert clock.waits == [0.25] * 4
    assert pace.requests == 5


def test_rows_are_paid_for_after_they_came() -> None:
    clock = Clock()
    pace = clock.pace(rows=1_000)
    pace.after_rows(500)
    pace.after_rows(250)
    assert clock.waits == [0.5, 0.25]
    assert pace.rows == 750


def test_what_took_long_by_itself_is_not_waited_for_again() -> None:
    clock = Clock()
    pace = clock.pace(requests=1)
    pace.before_request()
    clock.now += 60
    pace.before_request()
    assert clock.waits == []
    pace.before_request()
    assert clock.waits == [1.0], "idle time is not saved up for a burst"


def test_rows_and_requests_share_the_time() -> None:
    clock = Clock()
    pace = clock.pace(requests=2, rows=100)
    pace.before_request()
    pace.after_rows(100)
    assert sum(clock.waits) == 1.5


def test_an_unhurried_pace_never_waits() -> None:
    pace = unhurried()
    for _ in range(1_000):
        pace.before_request()
        pace.after_rows(1_000_000)
    assert (pace.requests, pace.rows) == (1_000, 1_000_000_000)


def test_a_host_that_others_ask_too_is_waited_for():
    waited: list[float] = []
    asked: list[float] = []

    def turns(seconds):
        asked.append(seconds)
        return 7.0 if len(asked) > 1 else 0.0

    pace = Pace(requests_per_second=2, rows_per_second=1, wait=waited.append, clock=lambda: 0.0, turns=turns)
    pace.before_request()
    pace.before_request()
    assert asked == [0.5, 0.5]
    assert waited == [0.5, 7.0]
