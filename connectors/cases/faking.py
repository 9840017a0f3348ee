"""Invented values in the shape of real ones, so that an export can be shown to others without anything of anybody in it.

Everything is replaced but the words that cannot be a client's: those the reader itself knows (statuses, units, what stands in the profile).
Equal values become equal ones and different values different ones, so references between records still hold; dates move together, so what
ends after it starts still does; a number becomes a smaller one where it can, so limits are kept.
"""

import random
import re
import string
from collections.abc import Callable, Collection
from datetime import date, timedelta
from typing import Final

from stdnum.exceptions import ValidationError
from stdnum.fi import ytunnus

from core.logging import CHECK_MARKS, redact
from core.units import UNITS

#: Words that the canonical record or any table knows, and that say nothing of anybody.
_WORDS: Final = frozenset({"open", "closed", "true", "false", "yes", "no", "0", "1", "9999-12-31", "31.12.9999", "eur"})
_HENKILOTUNNUS: Final = re.compile(r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]", re.IGNORECASE)
_BUSINESS_ID: Final = re.compile(r"\d{7}-?\d")
_YEAR_FIRST: Final = re.compile(r"(?P<y>\d{4})(?P<s>[-/.]?)(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})(?P<rest>[T ].*)?")
_DAY_FIRST: Final = re.compile(r"(?P<d>\d{1,2})(?P<s>[./-])(?P<m>\d{1,2})(?P=s)(?P<y>\d{4})(?P<rest>[T ].*)?")
_CLOCK: Final = re.compile(r"\d{1,2}[:.]\d{2}([:.]\d{2}([.,]\d+)?)?")
_NUMBER: Final = re.compile(r"(?P<sign>[-+]?)(?P<whole>\d{1,15})(?P<rest>[.,]\d{1,10})?")
#: `1 500,00`, `1.234,50`: thousands in groups.
_GROUPED: Final = re.compile(r"[-+]?\d{1,3}(?:[ \u00a0\u202f.]\d{3})+(?:,\d{1,10})?")
_E_MAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_ADDRESS: Final = re.compile(
    r"(?P<scheme>https?://)(?P<host>[^/]*)(?P<path>.*)|(?P<urn>urn:\w+:)(?P<name>.*)", re.DOTALL
)
_LOREM: Final = [
    "lorem",
    "ipsum",
    "dolor",
    "sit",
    "amet",
    "consectetur",
    "adipiscing",
    "elit",
    "sed",
    "do",
    "eiusmod",
    "tempor",
    "incididunt",
    "ut",
    "labore",
    "et",
    "dolore",
    "magna",
    "aliqua",
]
#: The day that stands for none, also with a time of day.
_NO_END: Final = ("9999", "12", "31")
_YEARS: Final = range(1900, 2200)
_TRIES: Final = 200


class Faker:
    """Replaces values. `kept` are left as they are (beside the words every reader knows); no value of `real` ever comes out."""

    def __init__(self, kept: Collection[str], real: Collection[str], draw: random.Random | None = None) -> None:
        self._draw = draw or random.SystemRandom()
        self._kept = {*_WORDS, *UNITS, *kept}
        self._real = set(real)
        self._made: dict[str, str] = {}
        self._taken: set[str] = set()
        self._shift = timedelta(days=-7 * self._draw.randint(8, 60))

    def value(self, real: str) -> str:
        """The invented value for a real one; the white space around it stays."""
        core = real.strip()
        if not core or core.casefold() in _WORDS or core in self._kept:
            return real
        before, _, after = real.partition(core)
        return before + self._one(core) + after

    def reference(self, real: str) -> str:
        """As `value` for what may be a reference to another record: `Patient/17` goes with `17`, an address keeps its form."""
        address = _ADDRESS.fullmatch(real)
        if address is not None and address["urn"]:
            return address["urn"] + self.value(address["name"])
        if address is not None:
            return f"{address['scheme']}esimerkki.invalid" + self._segments(address["path"])
        return self._segments(real) if "/" in real and not any(map(str.isspace, real)) else self.value(real)

    def number(self, real: float) -> int | float:
        """The invented number for a real one."""
        written = f"{real:.10g}" if isinstance(real, float) else str(real)
        made = self.value(f"{real:f}" if "e" in written else written)
        return type(real)(made)

    def _segments(self, path: str) -> str:
        return "/".join(one if re.fullmatch("[A-Z][A-Za-z]+", one) else self.value(one) for one in path.split("/"))

    def _one(self, real: str) -> str:
        if real not in self._made:
            made = self._shaped(real)
            self._made[real] = made
            self._taken.add(made)
        return self._made[real]

    def _shaped(self, real: str) -> str:
        day = self._day(real)
        if day is not None:
            return day
        return self._another(next(make for fits, make in self._shapes() if fits(real)), real)

    def _shapes(self) -> list[tuple[Callable[[str], object], Callable[[str], str]]]:
        """What a value may look like, the more particular first, and how another of the kind is made."""
        return [
            (_HENKILOTUNNUS.fullmatch, self._henkilotunnus),
            (_is_business_id, self._business_id),
            (_E_MAIL.fullmatch, lambda real: f"{self._token(real.partition('@')[0])}@esimerkki.invalid"),
            (_CLOCK.fullmatch, lambda _: f"{self._draw.randint(0, 23):02}:{self._draw.randint(0, 59):02}"),
            (_NUMBER.fullmatch, self._smaller),
            (_GROUPED.fullmatch, self._grouped),
            (lambda real: any(map(str.isspace, real)), self._prose),
            (lambda _: True, self._token),
        ]

    def _another(self, make: Callable[[str], str], real: str) -> str:
        """One that is nobody's: not real, not given out yet, and not by chance in the shape of a henkilötunnus it should not have."""
        for attempt in range(_TRIES):
            made = make(real)
            if make == self._smaller and attempt > _TRIES // 2:  # all smaller ones are taken
                made = self._token(real + str(self._draw.randint(1, 9)))
            meant = make == self._henkilotunnus or redact(made) == made
            if meant and made not in self._real and made not in self._taken:
                return made
        return self._token(real + "".join(self._draw.choice(string.digits) for _ in range(6)))

    def _day(self, real: str) -> str | None:
        """The date moved as all are, in the same writing; None when it is no date."""
        found = _YEAR_FIRST.fullmatch(real) or _DAY_FIRST.fullmatch(real)
        if found is not None and (found["y"], found["m"], found["d"]) == _NO_END:
            return real
        if found is None or int(found["y"]) not in _YEARS or (len(found["d"] + found["m"]) < 4 and not found["s"]):
            return None
        try:
            day = date(int(found["y"]), int(found["m"]), int(found["d"])) + self._shift
        except ValueError:
            return None
        parts = {"y": f"{day.year}", "m": f"{day.month:0{len(found['m'])}}", "d": f"{day.day:0{len(found['d'])}}"}
        written = found["s"].join(parts[name] for name in ("ymd" if real.startswith(found["y"]) else "dmy"))
        return written + _CLOCK.sub(lambda clock: re.sub(r"\d", "0", clock[0]), found["rest"] or "", count=1)

    def _henkilotunnus(self, _: str) -> str:
        born = date(self._draw.randint(1940, 1999), self._draw.randint(1, 12), self._draw.randint(1, 28))
        number = self._draw.randint(900, 999)
        digits = f"{born:%d%m%y}{number}"
        return f"{digits[:6]}-{number}{CHECK_MARKS[int(digits) % 31]}"

    def _business_id(self, real: str) -> str:
        while True:
            digits = f"99{self._draw.randint(10_000, 99_999)}"
            for check in string.digits:
                try:
                    ytunnus.validate(digits + check)
                except ValidationError:
                    continue
                return f"{digits}-{check}" if "-" in real else digits + check

    def _smaller(self, real: str) -> str:
        """Another number of the same form, no larger, and never zero."""
        found = _NUMBER.fullmatch(real)
        if found is None:
            return self._token(real)
        whole, rest = found["whole"], found["rest"] or ""
        most, least = max(2, int(whole)), 10 ** (len(whole) - 1)
        if most <= least or whole[0] == "0":
            least = 1
        made = str(self._draw.randint(least, most)).zfill(len(whole) if whole[0] == "0" else 0)
        return found["sign"] + made + re.sub(r"\d", lambda _: self._draw.choice(string.digits), rest)

    def _grouped(self, real: str) -> str:
        """Digits for digits, the first no larger and never zero; the groups stay."""
        place = next(at for at, sign in enumerate(real) if sign.isdigit())
        rest = re.sub(r"\d", lambda _: self._draw.choice(string.digits), real[place + 1 :])
        return f"{real[:place]}{self._draw.randint(1, max(1, int(real[place]) - 1))}{rest}"

    def _prose(self, real: str) -> str:
        words = [self._draw.choice(_LOREM) for _ in real.split()]
        return " ".join(words)[: len(real)].strip().capitalize() or words[0][:1]

    def _token(self, real: str) -> str:
        """Letters for letters, digits for digits; what stands between them stays."""
        return "".join(self._sign(sign, first=place == 0) for place, sign in enumerate(real))

    def _sign(self, sign: str, *, first: bool) -> str:
        if sign.isdigit():
            return self._draw.choice("123456789" if first and sign != "0" else string.digits)
        if sign.isalpha():
            return self._draw.choice(string.ascii_uppercase if sign.isupper() else string.ascii_lowercase)
        return sign


def _is_business_id(value: str) -> bool:
    return _BUSINESS_ID.fullmatch(value) is not None and ytunnus.is_valid(value)
