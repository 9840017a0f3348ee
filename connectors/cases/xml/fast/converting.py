"""From a text in a document to a value of a row, where that is beyond doubt; None where only the record's own model can say.

Whatever a converter accepts, the model accepts with the same meaning (a test compares them); a converter may refuse what the model
takes. Values repeat (days, codes, quantities), so each is converted once. This module imports nothing heavy: children load it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final

from connectors.cases.rows import NULL

#: A text to a row's value; None: not sure.
Converter = Callable[[str | None], str | None]

_MOST_REMEMBERED: Final = 20_000
_SHORTEST_SUSPECT: Final = 11
#: Texts that are an id as they stand.
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9._/-]{1,64}")
#: What could be a henkilötunnus among plain ids (core/logging.py has the exact form).
_SUSPECT: Final = re.compile(r"(?<![0-9A-Za-z])[0-9]{6}[-A-FU-Y][0-9]{3}[0-9A-Y](?![0-9A-Za-z])", re.IGNORECASE)
#: The same in any text, where other dashes and + may stand in it. No wider than that: numbers such as `HB-100000/2026` are everywhere.
_SUSPECT_TEXT: Final = re.compile(
    r"[0-9]{6} ?(?:[-+\u2010-\u2015\u2212A-FU-Y]|%2[BD]|%E2%8[08]%9[0-5]|\\u2[0-9]{3}) ?[0-9]{3}[0-9A-Y]", re.IGNORECASE
)
_UNIT: Final = re.compile(r"[A-Z0-9]{2,3}")
_ISO_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FINNISH_DAY: Final = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_NUMBER: Final = re.compile(r"[0-9]{1,10}(\.[0-9]{1,4})?")
_COMMA_NUMBER: Final = re.compile(r"([0-9]{1,10}),([0-9]{1,4})")
_GROUPED: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{3})+")
_SHORT_TEXT: Final = re.compile(r"[^\s\\](?:[^\\\t\n\r]{0,62}[^\s\\])?")
_BUSINESS_ID: Final = re.compile(r"[0-9]{7}-[0-9]")
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1)  # Y-tunnus: the sum modulo 11 is 0
_NO_END: Final = frozenset({"9999-12-31", "31.12.9999"})
_DAYS: Final = re.compile(r"0|[1-9][0-9]{0,3}")  # more digits than 4,300 Python does not even convert
_DAYS_LIMIT: Final = 3650
_MONTHS_LIMIT: Final = 120


def converter(spec: Mapping[str, Any]) -> Converter:
    """The converter of a field. `spec` as compiling.py writes it: kind, and constant, codes, default, date, comma, required, strict."""
    check = _CHECKS[spec["kind"]]
    if spec["constant"] is not None:
        value = check(spec["constant"])
        return lambda _raw: value
    nothing = None if spec["required"] else NULL
    absent = nothing if spec["default"] is None else check(spec["default"])
    # the canonical format says nothing by leaving out; an empty text in it is a text, and what blanks around one mean is for the model to judge
    strict = spec["strict"]
    prepare = _preparation(spec)

    def convert(raw: str | None) -> str | None:
        text = raw.strip() if raw else ""
        if strict and raw is not None and (not text or text != raw):
            return None
        prepared = prepare(text) if text else ""
        return absent if prepared == "" else None if prepared is None else check(prepared)

    return convert


def _preparation(spec: Mapping[str, Any]) -> Callable[[str], str | None]:
    """What is done to a text before it is judged: codes, then the form of a day or a number. None: not sure; empty: nothing said."""
    codes = spec["codes"]
    shape: Callable[[str], str | None] | None = None
    if spec["date"]:
        shape = partial(_reshaped_day, re.compile(spec["date"], re.ASCII))
    elif spec["comma"]:
        shape = _with_point

    def prepare(text: str) -> str | None:
        found = text if codes is None else codes.get(text, codes.get("*"))
        return shape(found) if shape is not None and found else found

    return prepare


def _reshaped_day(form: re.Pattern[str], text: str) -> str | None:
    found = form.fullmatch(text)
    return None if found is None else f"{found['Y']}-{found['m']:0>2}-{found['d']:0>2}"


def _with_point(text: str) -> str | None:
    found = _COMMA_NUMBER.fullmatch(text)
    if found is not None:
        return f"{found[1]}.{found[2]}"
    return None if _GROUPED.fullmatch(text) else text


def is_plain_id(text: str | None) -> bool:
    """Whether a text is an id as it stands, beyond doubt."""
    return (
        text is not None
        and _PLAIN_ID.fullmatch(text) is not None
        and (len(text) < _SHORTEST_SUSPECT or not _SUSPECT.search(text))
    )


def is_short_text(text: str | None) -> bool:
    """Whether a text is a short one as it stands, beyond doubt."""
    return text is not None and _SHORT_TEXT.fullmatch(text) is not None and are_harmless((text,))


def are_harmless(texts: Sequence[str]) -> bool:
    """Whether none of the texts can hold a henkilötunnus, or a URL with a password, which are told from others the slow way."""
    together = "\n".join(texts)
    return _SUSPECT_TEXT.search(together) is None and "://" not in together and "psycopg" not in together


class Remembered(dict[str | None, str]):
    """Values that a converter was sure of. Forgets all when there are too many: what never repeats is not worth keeping."""

    def __init__(self, convert: Converter) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, raw: str | None) -> str | None:
        value = self._convert(raw)
        if value is not None:
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[raw] = value
        return value


def _plain_id(text: str) -> str | None:
    return text if is_plain_id(text) else None


def _short_text(text: str) -> str | None:
    return text if is_short_text(text) else None


def _unit(text: str) -> str | None:
    return text if _UNIT.fullmatch(text) else None


def _status(text: str) -> str | None:
    return text if text in {"open", "closed"} else None


def _flag(text: str) -> str | None:
    return {"true": "t", "1": "t", "false": "f", "0": "f"}.get(text)


def _day(text: str) -> str | None:
    finnish = _FINNISH_DAY.fullmatch(text)
    if finnish is not None:
        text = f"{finnish[3]}-{finnish[2]:0>2}-{finnish[1]:0>2}"
    if not _ISO_DAY.fullmatch(text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return text if 1900 <= day.year < 2200 else None


def _last_day(text: str) -> str | None:
    return NULL if text in _NO_END else _day(text)


def _euros(text: str) -> str | None:
    return _number(text, decimals=2)


def _quantity(text: str) -> str | None:
    value = _number(text, decimals=4)
    return None if value is None or Decimal(value) == 0 else value


def _number(text: str, *, decimals: int) -> str | None:
    found = _NUMBER.fullmatch(text)
    if found is None or len(found[1] or ".") - 1 > decimals:
        return None
    value = Decimal(text)
    return f"{value:f}" if value < Decimal(10) ** (12 - decimals) else None


def _days(text: str) -> str | None:
    return text if _DAYS.fullmatch(text) and int(text) <= _DAYS_LIMIT else None


def _interval(text: str) -> str | None:
    return None if text == "0" else _days(text)


def _months(text: str) -> str | None:
    return text if _interval(text) and int(text) <= _MONTHS_LIMIT else None


def _business_id(text: str) -> str | None:
    if not _BUSINESS_ID.fullmatch(text):
        return None
    digits = [int(one) for one in text if one != "-"]
    return text if sum(map(int.__mul__, _WEIGHTS, digits)) % 11 == 0 else None


_CHECKS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "id": _plain_id,
    "text": _short_text,
    "unit": _unit,
    "status": _status,
    "flag": _flag,
    "day": _day,
    "last_day": _last_day,
    "euros": _euros,
    "quantity": _quantity,
    "days": _days,
    "interval": _interval,
    "months": _months,
    "business_id": _business_id,
}
