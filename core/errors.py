"""The kinds of failure Avain knows, each carrying a sentence a person can act on.

Three kinds matter to work that touches the outside: `Transient` (try again), `Permanent` (record it and tell somebody),
`AlreadyDone` (count it as success). What people read is a `Message`: a text known to the Babel catalogues plus the values
that go into it, so that it can be stored once, shown in the reader's language and grouped by its text.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from core.i18n import LANGUAGES, day, moment, money, number, speaking, translate
from core.i18n import language as present_language
from core.units import unit_name


@dataclass(frozen=True, init=False)
class Message:
    """A sentence in the catalogues (`msgid`, English) and its values.

    `Message("{count} rows rejected", count=3)`. Values must survive JSON: text, numbers, booleans, None, or another Message,
    which is then read in the same language. Dates (ISO), quantities, euros and units (UN/ECE) stand under names of their own (`_READ_AS`)
    and are kept as they are, but read as the language writes them.
    """

    msgid: str
    params: dict[str, Any]

    def __init__(self, msgid: str, /, **params: Any) -> None:
        object.__setattr__(self, "msgid", msgid)
        object.__setattr__(self, "params", {name: _keepable(value) for name, value in params.items()})

    def text(self, language: str | None = None) -> str:
        """The sentence in `language` (`fi`, `sv`, `en`; None: the process's own), with values as its readers write them."""
        with speaking(language if language in LANGUAGES else present_language()):
            params = {name: _spoken(name, value) for name, value in self.params.items()}
            return translate(self.msgid).format_map(params)

    def to_json(self) -> dict[str, Any]:
        """The form kept in the database: `{"msgid": …, "params": {…}}`."""
        return {"msgid": self.msgid, "params": {name: _plain(value) for name, value in self.params.items()}}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Message":
        """Read back what `to_json` wrote, also by an earlier version."""
        params = data.get("params", {}).items()
        return cls(
            data.get("msgid", ""),
            **{name: cls.from_json(value) if isinstance(value, dict) else value for name, value in params},
        )

    def __str__(self) -> str:
        return self.text()

    def __hash__(self) -> int:
        return hash((self.msgid, tuple(sorted((name, str(value)) for name, value in self.params.items()))))


def _keepable(value: Any) -> Any:
    """Quotes of foreign text go into rows and out as UTF-8, which take no NUL and no half characters."""
    if not isinstance(value, str) or (value.isascii() and "\0" not in value):
        return value
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _day(value: str) -> str:
    return day(date.fromisoformat(value))


def _moment(value: str) -> str:
    return moment(datetime.fromisoformat(value))


def _number(value: str) -> str:
    return number(Decimal(value))


def _euros(value: str) -> str:
    return money(Decimal(value))


#: Values that are kept in one way and read in another, by the name they go under in every sentence. A name decides, not a type:
#: SQL writes messages too, and JSON has neither dates nor decimals.
_READ_AS: Final[dict[str, Callable[[str], str]]] = {
    **dict.fromkeys(("date", "first", "last", "start", "end"), _day),
    **dict.fromkeys(("quantity", "percent", "stated", "agreed"), _number),
    **dict.fromkeys(("euros", "of_euros"), _euros),
    **dict.fromkeys(("unit", "priced_unit"), unit_name),
    **dict.fromkeys(("moment", "since"), _moment),
}


def _spoken(name: str, value: Any) -> Any:
    if isinstance(value, Message):
        return value.text()
    try:
        return _READ_AS[name](str(value)) if name in _READ_AS and value is not None else value
    except (ValueError, InvalidOperation):  # another kind of value under the same name
        return value


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return value.to_json()
    return value if isinstance(value, str | int | float | bool | None) else str(value)


class AvainError(Exception):
    """Base of every error Avain raises on purpose. `str()` gives the sentence in the process's language."""

    def __init__(self, message: Message | str, /, **params: Any) -> None:
        self.message = message if isinstance(message, Message) else Message(message, **params)
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message.text()


class ConfigurationError(AvainError):
    """Settings that cannot be used; the sentence names the key's path and what is allowed."""


class InputError(AvainError):
    """A file or record that cannot be accepted, or a request that makes no sense; nothing was changed."""


class RefusedInput(InputError):
    """A whole file that must not be applied: malformed, cut short or an attack. Never approvable."""


class NotFound(InputError):
    """What the user named does not exist."""


class Transient(AvainError):
    """The other side may answer next time. `retry_after` (seconds) is its own wish, where it stated one."""

    def __init__(self, message: Message | str, /, *, retry_after: float | None = None, **params: Any) -> None:
        super().__init__(message, **params)
        self.retry_after = retry_after


class Unclear(Transient):
    """The connection ended after the effect was asked for and before the answer: the other side may have it."""


class Postponed(Transient):
    """Not now, by a rule of ours, and no fault of anybody's: the attempt does not count. `retry_after` says when it may be done."""


class LeftAlone(Transient):
    """The other side fails whoever asks it, and is left alone now: tried again after exactly `retry_after`. Unless it `counts`, the attempt
    is none of those after which work is given up.
    """

    def __init__(self, message: Message, *, retry_after: float, counts: bool = False) -> None:
        super().__init__(message, retry_after=retry_after)
        self.counts = counts


class Permanent(AvainError):
    """Trying again cannot help; a person has to act."""


class AlreadyDone(AvainError):
    """The other side has it already (same idempotency key): success."""


class LeaseLost(AvainError):
    """This process no longer holds the Work it is doing: whatever it was about to write must not be written."""
