"""A table of a TOML file, read key by key; what is wrong is told with the file and the key's path."""

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from core.errors import ConfigurationError, Message


@dataclass(frozen=True)
class Section:
    """The table `data` at `path` of `file`; the path of the whole file is empty."""

    file: str
    path: str
    data: dict[str, Any]

    def fail(self, key: str, reason: Message) -> NoReturn:
        """Raise ConfigurationError about one of this table's keys ("": about the table)."""
        where = ".".join(part for part in (self.path, key) if part)
        raise ConfigurationError("{file}: {key}: {reason}", file=self.file, key=where, reason=reason)

    def allow(self, keys: Collection[str]) -> None:
        """Refuse keys beside these."""
        for key in self.data:
            if key not in keys:
                self.fail(key, not_known(key, keys))

    def table(self, key: str) -> "Section":
        """The table under `key`; an empty one where there is none."""
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            self.fail(key, Message("A table is expected."))
        return Section(self.file, ".".join(part for part in (self.path, key) if part), value)

    def text(self, key: str) -> str:
        """A text that must be there."""
        value = self.text_or_none(key)
        if value is None:
            self.fail(key, Message("A value that must be there is missing."))
        return value

    def text_or_none(self, key: str) -> str | None:
        """A text, which may not be empty; None where the key is absent."""
        value = self.data.get(key)
        if value is not None and (not isinstance(value, str) or value == ""):
            self.fail(key, Message("A text is expected."))
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A text or a list of texts, at least one."""
        value = self.data.get(key)
        listed = value if isinstance(value, list) else [value]
        if not listed or not all(isinstance(one, str) and one for one in listed):
            self.fail(key, Message("A text or a list of texts is expected."))
        return tuple(listed)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            self.fail(key, Message("true or false is expected."))
        return value


def not_known(name: str, allowed: Iterable[str]) -> Message:
    """That a name is not known, and what was meant or what there is."""
    known = sorted(allowed)
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return Message("{name} is not known. Did you mean {near}?", name=name, near=near[0])
    return Message("{name} is not known. There are: {known}", name=name, known=", ".join(known) or "–")
