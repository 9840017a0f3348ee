"""Names in the order in which people count: `cases-9` stands before `cases-10`, as it does wherever numbers have as many digits."""

import re
from typing import Final

_DIGITS: Final = re.compile(r"([0-9]+)")


def in_order(name: str) -> tuple[tuple[str | tuple[int, str], ...], str]:
    """A key to sort names by: text as text, figures as numbers; of `a-1` and `a-01`, which count the same, the text decides."""
    parts = _DIGITS.split(name)
    return tuple(_number(part) if place % 2 else part for place, part in enumerate(parts)), name


def _number(digits: str) -> tuple[int, str]:
    """Figures in the order of the numbers they are, however long: whoever names a file may write more of them than can be converted."""
    plain = digits.lstrip("0")
    return len(plain), plain
