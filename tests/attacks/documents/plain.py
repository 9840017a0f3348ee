"""Values that are no days, no numbers and no names: put in place of those of a valid document, whatever its form."""

import re
from typing import Final

from tests.attacks.documents import Attack, Attacks

_DAY: Final = re.compile(rb"\d{4}-\d{2}-\d{2}|\d{1,2}\.\d{1,2}\.\d{4}")
_NUMBER: Final = re.compile(rb"(?<![\w.,:-])(?<!version=.)\d+[.,]?\d*(?![\w.,:-])")
_NAME: Final = re.compile(rb"\b[Vv]almennus\b|(?<=-)valmennus\b|\b[A-Za-z]{8,}\b")

_DAYS: Final = (
    "9999-12-31", "31.12.9999", "0000-00-00", "0001-01-01", "-0001-01-01", "10000-01-01", "99999999999999999999-01-01", "2026-02-30", "2026-11-16Z",
    "2026-11-16+14:00", "٢٠٢٦-١١-١٦", "2026-W47-1", "1e9",
)  # fmt: skip
_NUMBERS: Final = (
    "NaN", "-Infinity", "1e999999999999999999999", "1E400", "9" * 5_000, "-0", "0x10", "1_000", "１２", "٣", "1,2,3", "1" * 20 + "." + "1" * 20, "٪",
)  # fmt: skip
#: What turns letters around, cannot be seen, looks like others, or is no character.
_NAMES: Final = (
    "a\u202eb", "\u2066a", "\u200bval\u200dmennus", "vаlmennus", "\ufeff", "=HYPERLINK('http://x.invalid')", "@SUM(1)", "{date}", "%(x)s", "../../x",
    "\ufffe", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "a\u0300" * 2_000,
)  # fmt: skip


def _instead(pattern: re.Pattern[bytes], value: str, most: int = 3) -> Attack:
    return Attack(lambda seed, _: pattern.sub(lambda _: value.encode(), seed, count=most))


VALUES: Final[Attacks] = {
    **{f"day {value[:20]}": _instead(_DAY, value, 9) for value in _DAYS},
    **{f"number {value[:24]}": _instead(_NUMBER, value, 9) for value in _NUMBERS},
    **{f"name {ascii(value)[:30]}": _instead(_NAME, value) for value in _NAMES},
}
