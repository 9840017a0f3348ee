"""What people type into a form's fields: words, numbers and days, as Finnish, Swedish and English write them. What cannot be read is a sentence."""

import re
from datetime import date
from decimal import Decimal
from typing import Final

from core.errors import InputError
from core.i18n import language

#: Spaces that are put between thousands, by hand or by a program.
_SPACES: Final = re.compile("[ \t\u00a0\u2007\u2009\u202f]")
#: Digits in one piece or in groups of three. Between groups stand spaces; a comma or point only where the other one begins the decimals.
_NUMBER: Final = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<whole>\d+|\d{1,3}(?: \d{3})+)(?:[.,](?P<part>\d+))?"
    r"|(?P<commas>\d{1,3}(?:,\d{3})+)\.(?P<after_point>\d+)|(?P<points>\d{1,3}(?:\.\d{3})+),(?P<after_comma>\d+))",
    re.ASCII,
)
_FINNISH_DAY: Final = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})", re.ASCII)
_ISO_DAY: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_LONGEST: Final = 24


def decimal(text: str, label: str) -> Decimal | None:
    """A number: `1 234,50`, `1234.5`, also with `€` behind or the sign for minus that typesetters use. None: the field is empty.

    Point and comma both begin the decimals, so `1,234` is one and a bit, as everywhere in Finland; `1,234.50` and `1.234,50` can be read in
    one way only. Raises InputError, naming the field by its `label` (already in the reader's language).
    """
    typed = _SPACES.sub(" ", text).replace("\u2212", "-").replace("€", "").strip()
    if not typed:
        return None
    found = _NUMBER.fullmatch(typed) if len(typed) <= _LONGEST else None
    if found is None:
        raise InputError("{field}: that is not a number. Write it for example so: 1234,50", field=label)
    whole = found["whole"] or found["commas"] or found["points"]
    part = found["part"] or found["after_point"] or found["after_comma"]
    digits = re.sub("[ ,.]", "", whole) + (f".{part}" if part else "")
    return Decimal(found["sign"] + digits)


def as_typed(value: Decimal | None) -> str:
    """A number as a field shows it, so that it is read again as the same: `1234,5`, in English `1234.5`; '' for none."""
    if value is None:
        return ""
    written = f"{value.normalize():f}"
    return written if language() == "en" else written.replace(".", ",")


def day(text: str, label: str) -> date | None:
    """A day: `21.11.2026`, or `2026-11-21` as browsers send it. None: the field is empty. Raises InputError, naming the field."""
    typed = text.strip()
    if not typed:
        return None
    if found := _FINNISH_DAY.fullmatch(typed):
        d, m, y = found.groups()
    elif found := _ISO_DAY.fullmatch(typed):
        y, m, d = found.groups()
    else:
        raise InputError("{field}: that is not a day. Write it for example so: 21.11.2026", field=label)
    try:
        return date(int(y), int(m), int(d))
    except ValueError:
        raise InputError("{field}: there is no such day. Write it for example so: 21.11.2026", field=label) from None


def words(text: str, label: str) -> str:
    """A few words in one field, without the space around them. Raises InputError for what cannot be printed (PostgreSQL refuses some of it)."""
    typed = text.strip()
    if not " ".join(typed.split()).isprintable():
        raise InputError("{field}: that holds characters that cannot be printed.", field=label)
    return typed
