"""The kinds of failure Avain knows, each carrying a sentence a person can act on.

Three kinds matter to work that touches the outside: `Transient` (try again), `Permanent` (record it and tell somebody),
`AlreadyDone` (count it as success). What people read is a `Message`: a text known to the Babel catalogues plus the values
that go into it, so that it can be stored once, shown in the reader's language and grouped by its text.
"""

from dataclasses import dataclass
from typing import Any

from core.i18n import translate


@dataclass(frozen=True, init=False)
class Message:
    """A sentence in the catalogues (`msgid`, English) and its values.

    `Message("{count} rows rejected", count=3)`. Values must survive JSON: text, numbers, booleans, None, or another Message,
    which is then read in the same language.
    """

    msgid: str
    params: dict[str, Any]

    def __init__(self, msgid: str, /, **params: Any) -> None:
        object.__setattr__(self, "msgid", msgid)
        object.__setattr__(self, "params", params)

    def text(self, language: str | None = None) -> str:
        """The sentence in `language` (`fi`, `sv`, `en`; None: the process's own)."""
        params = {name: _spoken(value, language) for name, value in self.params.items()}
        return translate(self.msgid, language).format_map(params)

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


def _spoken(value: Any, language: str | None) -> Any:
    return value.text(language) if isinstance(value, Message) else value


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


class Permanent(AvainError):
    """Trying again cannot help; a person has to act."""


class AlreadyDone(AvainError):
    """The other side has it already (same idempotency key): success."""


class LeaseLost(AvainError):
    """This process no longer holds the Work it is doing: whatever it was about to write must not be written."""
