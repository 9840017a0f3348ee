"""Allowed hours are Helsinki's: over midnight, and through the nights in which its clocks jump."""

from datetime import UTC, datetime

import pytest

from core.i18n import HELSINKI
from services.gentleness import outside_hours


def helsinki(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HELSINKI).astimezone(UTC)


def opens(hours: tuple[str, ...], now: datetime) -> datetime | None:
    found = outside_hours(hours, now)
    return found.until if found is not None else None


@pytest.mark.parametrize("clock", ["00:00", "03:10", "12:00", "23:59"])
def test_without_hours_it_is_always_open(clock: str) -> None:
    assert outside_hours((), helsinki(f"2026-11-16T{clock}")) is None


@pytest.mark.parametrize(
    ("hours", "clock", "until"),
    [
        (("20:00-06:00",), "20:00", None),
        (("20:00-06:00",), "23:59:59", None),
        (("20:00-06:00",), "00:00", None),
        (("20:00-06:00",), "05:59:59", None),
        (("20:00-06:00",), "06:00", "2026-11-16T20:00"),
        (("20:00-06:00",), "19:59:30", "2026-11-16T20:00"),
        (("08:00-16:00",), "16:00", "2026-11-17T08:00"),
        (("18:00-24:00",), "23:59", None),
        (("18:00-24:00",), "00:00", "2026-11-16T18:00"),
        (("06:00-06:00",), "14:30", None),
        (("05:00-06:00", "12:00-13:00"), "07:00", "2026-11-16T12:00"),
        (("05:00-06:00", "12:00-13:00"), "12:30", None),
        (("05:00-06:00", "12:00-13:00"), "13:00", "2026-11-17T05:00"),
    ],
)
def test_outside_of_them_it_rests_until_they_begin(hours: tuple[str, ...], clock: str, until: str | None) -> None:
    now = helsinki(f"2026-11-16T{clock}")
    assert opens(hours, now) == (helsinki(until) if until is not None else None)


def test_hours_that_begin_in_the_skipped_hour_begin_at_its_end() -> None:
    # 2026-03-29: clocks go from 03:00 to 04:00
    assert opens(("03:30-05:00",), helsinki("2026-03-29T02:59")) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_hours_of_nothing_but_the_skipped_hour_wait_for_the_next_night() -> None:
    for now in ("2026-03-28T03:50", "2026-03-29T02:59"):
        assert opens(("03:10-03:50",), helsinki(now)) == helsinki("2026-03-30T03:10")


def test_hours_in_the_repeated_hour_are_open_twice() -> None:
    # 2026-10-25: clocks go from 04:00 back to 03:00
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert opens(("03:00-03:20",), first) == datetime(2026, 10, 25, 1, 0, tzinfo=UTC)


def test_a_day_of_25_hours_has_an_opening() -> None:
    begun = datetime(2026, 10, 24, 21, 1, tzinfo=UTC)  # 00:01 in Helsinki
    assert opens(("00:00-00:01",), begun) == datetime(2026, 10, 25, 22, 0, tzinfo=UTC)


def test_the_sentence_says_when() -> None:
    found = outside_hours(("20:00-06:00",), helsinki("2026-11-16T12:00"))
    assert found is not None
    assert (
        found.reason.text("en") == "The source may be asked only at 20:00-06:00. It is put off until 16.11.2026 20.00."
    )
