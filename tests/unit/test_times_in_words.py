"""Times in words: what is said is read back by a reader of its own, and means the same moments."""

import random
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from cronsim import CronSim, CronSimError

from core.errors import InputError
from core.i18n import LANGUAGES, speaking
from schedules.in_words import in_words
from schedules.jobs import Job
from schedules.slots import to_utc
from schedules.typed import as_typed, cron_of, moment_of
from schedules.working_days import WorkingDays

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")  # fmt: skip
WHICH = ("first", "second", "third", "fourth", "fifth")
YEAR = [date(2027, 1, 1) + timedelta(days=n) for n in range(365)]


def said(cron: str, only_on: WorkingDays | None = None) -> str:
    with speaking("en"):
        return in_words(Job("job", "nightly_cases", cron, "a job", only_on))


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("10 2 * * *", "every day at 2.10"),
        ("*/15 6-20 * * *", "every 15 minutes between 6.00 and 20.45"),
        ("*/15 * * * *", "every 15 minutes"),
        ("* * * * *", "every minute"),
        ("0 * * * *", "every hour"),
        ("10 */2 * * *", "every 2 hours between 0.10 and 22.10"),
        ("0 8 * * 1-5", "Monday to Friday at 8.00"),
        ("0 8 * * 0,6", "on Saturdays and on Sundays at 8.00"),
        ("0 8 * * 7", "on Sundays at 8.00"),
        ("0 7,12,17 * * MON", "on Mondays at 7.00, 12.00 and 17.00"),
        ("30 7 1 1,7 *", "on day 1 of the month in January and in July at 7.30"),
        ("0 8 L * *", "on the last day of the month at 8.00"),
        ("0 8 LW * *", "on the last weekday (Monday to Friday) of the month at 8.00"),
        ("0 8 * * 1#1,5L", "on the first Monday of the month and on the last Friday of the month at 8.00"),
        ("0 8 1 * 1", "at 8.00; days: on day 1 of the month and on Mondays"),
        ("0 8 */10 * 1", "at 8.00; days: on days 1, 11, 21 and 31 of the month, but only on Mondays"),
        ("*/7 1-3,9 * 2 *", "minutes: 0, 7, 14, 21, 28, 35, 42, 49, 56; hours: 1-3, 9; months: in February"),
        ("every night", "at times that cannot be read: every night"),
        ("0 0 0 1 1 *", "at times that cannot be read: 0 0 0 1 1 *"),
    ],
)
def test_examples(cron, words):
    assert said(cron) == words


def test_working_days_are_said():
    assert said("0 8 * * *", only_on=WorkingDays()) == "working days at 8.00"
    assert said("0 8 * * 1", only_on=WorkingDays()) == "on Mondays (working days only) at 8.00"
    assert said("0 8 1 * 1", only_on=WorkingDays()).endswith("; on working days only")
    assert said("*/20 * * * *", only_on=WorkingDays()) == "working days every 20 minutes"


def read_back(sentence: str) -> tuple[set[int], set[date]] | None:
    """Minutes of the day and days of the year that a sentence names; None for one that goes field by field."""
    if "minutes:" in sentence:
        return None
    return times_of(sentence), {day for day in YEAR if names_month(sentence, day) and names_day(sentence, day)}


def minute_of(time: str) -> int:
    hour, minute = time.split(".")
    return int(hour) * 60 + int(minute)


def times_of(sentence: str) -> set[int]:
    if found := re.search(r"at ([\d., and]+?)(;|$)", sentence):
        return {minute_of(one) for one in re.findall(r"\d+\.\d\d", found[1])}
    found = re.search(r"every (\d+ )?(minute|hour)s?(?: between ([\d.]+) and ([\d.]+))?(?:;|$)", sentence)
    assert found is not None, sentence
    step = int(found[1] or 1) * (60 if found[2] == "hour" else 1)
    first, last = (minute_of(found[3]), minute_of(found[4])) if found[3] else (0, 24 * 60 - 1)
    return set(range(first, last + 1, step))


def names_month(sentence: str, day: date) -> bool:
    months = re.findall(rf"in ({'|'.join(MONTHS)})", sentence)
    return not months or MONTHS[day.month - 1] in months


def names_day(sentence: str, day: date) -> bool:
    both = sentence.split(", but only ")
    if len(both) == 2:
        return all(names_day(one, day) for one in both)
    last = (date(day.year + day.month // 12, day.month % 12 + 1, 1) - timedelta(days=1)).day
    named, found = False, list[bool]()
    for days in re.findall(r"on days? ([\d, and]+) of the month", sentence):
        named, found = True, [*found, day.day in map(int, re.findall(r"\d+", days))]
    for name in re.findall(rf"on ({'|'.join(WEEKDAYS)})s", sentence):
        named, found = True, [*found, WEEKDAYS[day.weekday()] == name]
    for which, name in re.findall(rf"on the ({'|'.join(WHICH)}|last) ({'|'.join(WEEKDAYS)}) of", sentence):
        right = day.day + 7 > last if which == "last" else (day.day - 1) // 7 == WHICH.index(which)
        named, found = True, [*found, right and WEEKDAYS[day.weekday()] == name]
    if "last day of the month" in sentence:
        named, found = True, [*found, day.day == last]
    if "last weekday (Monday to Friday)" in sentence:
        end = date(day.year, day.month, last)
        named, found = True, [*found, day == end - timedelta(days=max(0, end.weekday() - 4))]
    if "Monday to Friday" in sentence.replace("(Monday to Friday)", ""):
        named, found = True, [*found, day.weekday() < 5]
    return any(found) if named else True


def a_cron(chance: random.Random) -> str:
    """Any cron a person may set, the usual ones more often."""

    def field(low: int, high: int, special: tuple[str, ...] = ()) -> str:
        first, last = sorted((chance.randint(low, high), chance.randint(low, high)))
        return chance.choice(
            ("*", "*", str(first), str(first), f"{first}-{last}", f"*/{chance.choice((2, 5, 7, 10, 15, 20, 30))}",
             f"{first},{last}", f"{first}-{last}/{chance.randint(1, 6)}", f"{first}/{chance.randint(1, 9)}", *special)
        )  # fmt: skip

    months = ("JAN", "JUN-AUG", "*", "*", "*")
    weekdays = ("1-5", "MON", "SAT,SUN", "1#1", "0#5", "5L", "TUE,4#2", "*", "*")
    return " ".join((field(0, 59), field(0, 23), field(1, 31, ("L", "LW", "1,L", "*")), field(1, 12, months), field(0, 7, weekdays)))  # fmt: skip


def test_what_is_said_of_any_cron_means_its_very_moments():
    chance, plain = random.Random(28), 0
    for _ in range(700):
        cron = a_cron(chance)
        try:
            parsed = CronSim(cron, datetime(2027, 1, 1))  # noqa: DTZ001 - wall time
        except CronSimError:
            continue
        found = read_back(said(cron))
        if found is not None:
            plain += 1
            times = {hour * 60 + minute for hour in parsed.hours for minute in parsed.minutes}
            days = {day for day in YEAR if day.month in parsed.months and parsed.match_day(day)}
            assert found == (times, days), f"{cron}: {said(cron)}"
    assert plain > 250


def test_every_language_says_something():
    for language in LANGUAGES:
        with speaking(language):
            words = in_words(Job("job", "nightly_cases", "*/15 6-20 * * 1#1,5L", "a job"))
        assert "{" not in words
        assert "20.45" in words


@pytest.mark.parametrize(
    ("typed", "cron"),
    [("8.00", "0 8 * * *"), ("08:05", "5 8 * * *"), (" 23.59 ", "59 23 * * *"), ("0  8 * * 1-5", "0 8 * * 1-5"), ("24.00", "24.00")],
)  # fmt: skip
def test_a_time_as_typed(typed, cron):
    assert cron_of(typed) == cron
    assert cron_of(as_typed(cron)) == cron


@pytest.mark.parametrize("cron", ["10 2 * * *", "07 08 * * *", "*/15 6-20 * * *", "rubbish", "", "61 25 * * *"])
def test_a_cron_as_a_field_shows_it_is_read_again_as_the_same(cron):
    assert cron_of(as_typed(cron)).split() == cron_of(cron).split()


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("2026-12-01T08:00", datetime(2026, 12, 1, 6, tzinfo=UTC)),
        ("1.12.2026 8.00", datetime(2026, 12, 1, 6, tzinfo=UTC)),
        ("1. 12. 2026 08:00", datetime(2026, 12, 1, 6, tzinfo=UTC)),
        ("2026-12-01", datetime(2026, 11, 30, 22, tzinfo=UTC)),
        ("1.7.2026", datetime(2026, 6, 30, 21, tzinfo=UTC)),
        ("2027-03-28T03:30", datetime(2027, 3, 28, 1, tzinfo=UTC)),
        ("2026-10-25T03:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_as_typed(typed, moment):
    assert moment_of(typed) == moment
    assert to_utc(datetime(2026, 12, 1, 8)) == datetime(2026, 12, 1, 6, tzinfo=UTC)  # noqa: DTZ001 - wall time


@pytest.mark.parametrize(
    "typed", ["", "tomorrow", "31.2.2026", "8.00", "2026-12-01T25:00", "1.12.2026 8.00 9.00", "0000-01-01"]
)
def test_what_is_no_moment_is_said(typed):
    with pytest.raises(InputError, match=r"not a moment|ole ajankohta"):
        moment_of(typed)
