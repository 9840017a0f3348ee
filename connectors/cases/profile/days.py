"""Dates in the form an export writes them, such as `%d.%m.%Y`: compiled once, read into the ISO form the canonical record takes.

Not `datetime.strptime`: it is ten times slower, and takes two-digit years for this century.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from connectors.rejection import quote_figure
from core.errors import Message
from core.i18n import HELSINKI

_ISO_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DIRECTIVE: Final = re.compile(r"%(.)", re.DOTALL)
_PARTS: Final = {
    "Y": r"(?P<Y>\d{4})",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "H": r"(?P<H>\d{1,2})",
    "M": r"(?P<M>\d{2})",
    "S": r"(?P<S>\d{2})",
    "f": r"(?P<f>\d{1,9})",
    "z": r"(?P<z>Z|[+-]\d{2}:?\d{2})",
    "%": "%",
}
#: What a form may be made of, for people.
DIRECTIVES: Final = "%d %m %Y %H %M %S %f %z"


class UnknownFormError(ValueError):
    """A form that is no date, or has directives that are not read."""


@dataclass(frozen=True)
class DateFormat:
    """A form of dates. A time of day in it is passed over; with an offset (`%z`) the day is Helsinki's at that moment."""

    form: str
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises UnknownFormError."""
        object.__setattr__(self, "_pattern", _compile(self.form))

    @property
    def pattern(self) -> str:
        """What the form looks like, as a regular expression with the groups Y, m and d."""
        return self._pattern.pattern

    def read(self, text: str) -> str | Message:
        """The day as `2026-11-16`, whether or not there is such a day (the record judges that), or what is wrong with the text."""
        found = self._pattern.fullmatch(text)
        if found is None and _ISO_DAY.fullmatch(text):  # a workbook's or a database's own day
            return text
        if found is None:
            return Message("{value} is not a date of the form {form}.", value=quote_figure(text), form=self.form)
        parts = found.groupdict()
        day = f"{parts['Y']}-{parts['m']:0>2}-{parts['d']:0>2}"
        if parts.get("z") is None or parts.get("H") is None:
            return day
        try:
            clock = f"{parts['H']:0>2}:{parts.get('M') or '00'}:{parts.get('S') or '00'}"
            return datetime.fromisoformat(f"{day}T{clock}{parts['z']}").astimezone(HELSINKI).date().isoformat()
        except (ValueError, OverflowError):
            return Message("{value} is not a date of the form {form}.", value=quote_figure(text), form=self.form)


def _compile(form: str) -> re.Pattern[str]:
    directives = _DIRECTIVE.findall(form)
    unknown = [one for one in directives if one not in _PARTS]
    days = [one for one in directives if one in {"Y", "m", "d"}]
    repeated = len([one for one in directives if one != "%"]) != len({*directives} - {"%"})
    if unknown or repeated or sorted(days) != ["Y", "d", "m"] or re.search(r"%$", _DIRECTIVE.sub("", form)):
        raise UnknownFormError(form)
    pattern, at = "", 0
    for found in _DIRECTIVE.finditer(form):
        part = _PARTS[found[1]]
        # In %Y%m%d nothing but their length tells the digits apart.
        beside_another = found.start() == at > 0 or form[found.end() : found.end() + 1] == "%"
        pattern += re.escape(form[at : found.start()]) + (part.replace("{1,2}", "{2}") if beside_another else part)
        at = found.end()
    return re.compile(pattern + re.escape(form[at:]), re.ASCII)
