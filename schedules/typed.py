"""What people type about times: a time of day or a cron, and the moment at which a pause ends. Pure."""

import re
from datetime import datetime
from typing import Final

from core.errors import InputError
from schedules.slots import to_utc

_TIME: Final = re.compile(r"(?P<hour>[01]?\d|2[0-3])[.:](?P<minute>[0-5]\d)", re.ASCII)
_DAY: Final = (
    re.compile(r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})", re.ASCII),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})", re.ASCII),
)


def cron_of(typed: str) -> str:
    """A cron of five fields from what a person typed: `8.00` or `08:00` is every day at that time; anything else is taken for a cron."""
    words = typed.split()
    found = _TIME.fullmatch(words[0]) if len(words) == 1 else None
    return f"{int(found['minute'])} {int(found['hour'])} * * *" if found else " ".join(words)


def moment_of(typed: str) -> datetime:
    """A moment on Helsinki's clocks, in UTC: `1.12.2026 8.00`, `2026-12-01T08:00`, or a day, which begins at midnight.

    A time that clocks skip is the end of the hour they skip, one they show twice the first. Raises InputError.
    """
    day, _, time = " ".join(typed.replace("T", " ").split()).rpartition(" ")
    if not _TIME.fullmatch(time) or not day:
        day, time = f"{day} {time}".strip(), "0.00"
    found_day, found_time = next((one for form in _DAY if (one := form.fullmatch(day))), None), _TIME.fullmatch(time)
    try:
        if found_day is None or found_time is None:
            raise ValueError  # noqa: TRY301 - told below with those that no calendar has
        year, month, number = (int(found_day[name]) for name in ("year", "month", "day"))
        hour, minute = int(found_time["hour"]), int(found_time["minute"])
        return to_utc(datetime(year, month, number, hour, minute))  # noqa: DTZ001 - wall time
    except (ValueError, OverflowError):
        raise InputError(
            "{value}: that is not a moment. Write it for example so: 1.12.2026 8.00", value=typed.strip()[:40]
        ) from None


def as_typed(cron: str) -> str:
    """A cron as a field shows it: `8.00` where that is every day at that time, else as it is."""
    minute, hour, *days = cron.split() if len(cron.split()) == 5 else ("", "", "")
    plain = days == ["*", "*", "*"] and minute.isascii() and minute.isdigit() and hour.isascii() and hour.isdigit()
    shown = f"{hour}.{int(minute):02d}" if plain else cron
    return shown if cron_of(shown) == " ".join(cron.split()) else cron
