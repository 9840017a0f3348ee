"""Languages people read: Finnish first, Swedish, English. Catalogues are Babel's, in locale/.

Texts stand in the code in English and are looked up here; a text without a translation appears in English, never as an error.
Money and dates are written the way each language writes them.
"""

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal
from babel.support import NullTranslations, Translations

from core.toml import parse_toml

LANGUAGES = ("fi", "sv", "en")
HELSINKI = ZoneInfo("Europe/Helsinki")
_CATALOGUES = Path(__file__).resolve().parent.parent / "locale"


def _initial_language() -> str:
    """AVAIN_LANGUAGE, else `language` of avain.toml, else Finnish. Help texts are made at import, long before the settings are."""
    wanted = os.environ.get("AVAIN_LANGUAGE") or _configured_language()
    return wanted[:2].lower() if wanted[:2].lower() in LANGUAGES else "fi"


def _configured_language() -> str:
    try:
        with Path(os.environ.get("AVAIN_CONFIG", "avain.toml")).open("rb") as file:
            return str(parse_toml(file.read().decode("utf-8")).get("language", "fi"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return "fi"  # core.settings says what is wrong with the file


_language: ContextVar[str] = ContextVar("language", default=_initial_language())  # noqa: B039 - a string


@lru_cache(maxsize=len(LANGUAGES))
def _catalogue(language: str) -> NullTranslations:
    return Translations.load(_CATALOGUES, [language], "avain")


def language() -> str:
    """The language of the present reader: `fi`, `sv` or `en`."""
    return _language.get()


@contextmanager
def speaking(wanted: str | None) -> Iterator[None]:
    """Write in `wanted` for the length of a block; an unknown language falls back to Finnish."""
    token = _language.set(wanted if wanted in LANGUAGES else "fi")
    try:
        yield
    finally:
        _language.reset(token)


def translate(msgid: str, wanted: str | None = None) -> str:
    """The text of `msgid` in `wanted` (None: the present reader's language)."""
    return _catalogue(wanted if wanted in LANGUAGES else language()).ugettext(msgid) if msgid else ""


def _(msgid: str) -> str:
    return translate(msgid)


def ngettext(singular: str, plural: str, count: int) -> str:
    """One text or the other, by `count`, in the present reader's language."""
    return _catalogue(language()).ungettext(singular, plural, count)


def N_(msgid: str) -> str:  # noqa: N802 - gettext's own name for "translate later"
    """Mark a text for the catalogues; it is translated where it is shown."""
    return msgid


def money(amount: Decimal | None) -> str:
    """Euros as the language writes them: `1 234,50 €`. None is `–`: not known."""
    return "–" if amount is None else format_currency(amount, "EUR", locale=Locale(language()))


def short_money(amount: Decimal) -> str:
    """Euros for plain language: cents only where there are some: `712 €`, `712,50 €`."""
    if amount != amount.to_integral_value():
        return money(amount)
    locale = Locale(language())
    pattern = locale.currency_formats["standard"].pattern.replace(".00", "")
    return format_currency(amount, "EUR", format=pattern, locale=locale, currency_digits=False)


def number(value: Decimal | int) -> str:
    """A quantity without superfluous zeros: `12`, `7,5`."""
    return format_decimal(value, format="#,##0.####", locale=Locale(language()))


def day(value: date | None) -> str:
    """A date: `21.11.2026`; in English `2026-11-21`, since 11/2 is read in two ways. None is `–`."""
    return "–" if value is None else _day(value, language())


@lru_cache(maxsize=8192)  # a morning's mails hold the same few days a hundred thousand times
def _day(value: date, spoken: str) -> str:
    return format_date(value, "yyyy-MM-dd" if spoken == "en" else "d.M.yyyy", locale=Locale(spoken))


def ago(seconds: float) -> str:
    """How long something lies back: `3 hours ago`, `3 tuntia sitten`."""
    return format_timedelta(timedelta(seconds=-seconds), add_direction=True, locale=language())


def moment(value: datetime | None) -> str:
    """A point in time on Helsinki's clocks. None is `–`."""
    return (
        "–"
        if value is None
        else format_datetime(value, format="d.M.yyyy HH.mm", tzinfo=HELSINKI, locale=Locale(language()))
    )
