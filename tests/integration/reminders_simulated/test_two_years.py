"""Two years of an office, day by day, and weeks of smaller ones: held against an oracle that knows nothing of the product's queries.

Every follow-up that is due is told on a working day to whoever is there to hear it, nobody has two mails a day, nothing is lost over days on
which nothing ran, nothing is told after it was settled, and supervisors hear of it exactly when that was promised.
"""

import os
from datetime import date
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from core.follow_up_settings import Storm
from tests.support.reminder_play import NO_STORM, Play, some_settings

#: Lives of two years, a minute each; a night has time for more of them.
LIVES = int(os.environ.get("REMINDER_LIVES", "1"))
#: Mails are few here: so few are not held, and what is three times as many as usual is.
STORM = Storm(max_factor=2.5, max_first=4, max_percent=60, never_below=3)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")


def lived(session: Session, chance: Random, first: date, days: int, *, size: int, pace: float, storm: Storm) -> Play:
    """An office of `size` units, after so many days; nothing of it stays."""
    with session.begin_nested() as life:
        play = Play(session, chance, some_settings(chance, storm=storm), first)
        play.begin(size)
        play.live(days, pace=pace)
        life.rollback()
    return play


@settings(
    max_examples=LIVES,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 2**32), storm=st.sampled_from([STORM, NO_STORM]))
def test_nothing_is_forgotten_in_two_years(session, seed, storm):
    """Across both changes of the clocks, twice, and every eve and holiday."""
    play = lived(session, Random(seed), date(2026, 11, 16), 731, size=2, pace=0.8, storm=storm)
    assert play.counts["announced"] > 100
    assert play.counts["escalated"] > 0


class Tape(Random):
    """Chance that can be made small: what a tape says, byte by byte, and after its end that nothing happens."""

    def __init__(self, tape: bytes) -> None:
        super().__init__(0)
        self._bytes = iter(tape)

    def random(self) -> float:
        """The next byte as a share."""
        return next(self._bytes, 0) / 256

    def randint(self, a: int, b: int) -> int:
        """So far between both."""
        return a + int(self.random() * (b - a + 1))


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    first=st.sampled_from([date(2026, 12, 14), date(2027, 3, 15), date(2027, 6, 14), date(2027, 10, 18)]),
    tape=st.binary(min_size=600, max_size=1200),
    storm=st.sampled_from([NO_STORM, STORM]),
)
def test_any_weeks_of_a_small_office(session, first, tape, storm):
    """Christmas, the changes of the clocks with Easter, Midsummer; what fails is made small."""
    lived(session, Tape(tape), first, 20, size=1, pace=3, storm=storm)
