"""What editing reference data on a page has in common: the version a form was made from, what differs, what needs a person's yes.

Two people may edit the same thing at once: a form carries the version it showed. Where that is no longer what is kept, nothing is
written, and both are shown.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, Final

from core.errors import InputError, Message
from core.i18n import N_
from services.reference_data.reading import Imported

#: What stands for a secret wherever one is shown, compared or recorded.
HIDDEN: Final = "•••"


class ChangedMeanwhileError(InputError):
    """Somebody else saved the same thing after the form was made; `kept` is what is kept now, `version` its version."""

    def __init__(self, kept: Mapping[str, Any], version: str) -> None:
        super().__init__(N_("Somebody has changed this while you were editing. Nothing of yours was saved yet."))
        self.kept, self.version = kept, version


class NeedsYesError(InputError):
    """What would be done has consequences that somebody must have read; `consequences` says them."""

    def __init__(self, consequences: list[Message]) -> None:
        super().__init__(N_("Read what hangs on it, and say that you want it all the same."))
        self.consequences = consequences


class FieldInputError(InputError):
    """A value that cannot be accepted; `field` is its place in the entry, such as `contract.S-1`."""

    def __init__(self, field: str, message: str | Message, **params: Any) -> None:
        super().__init__(message, **params)
        self.field = field


class AddedMeanwhileError(Exception):
    """What was to be added is there already, by somebody who was quicker; what was written over it has to be undone."""


@contextmanager
def adding(*, new: bool) -> Iterator[Imported]:
    """Counts what is written. Of something `new` nothing is there to hold: all of its rows must be added, and none found (then
    AddedMeanwhileError; two of the same moment meet in a unique index instead).
    """
    imported = Imported()
    yield imported
    if new and (imported.changed or imported.unchanged):
        raise AddedMeanwhileError


def version_of(values: Mapping[str, Any]) -> str:
    """A short word that is another one whenever the values are others."""
    return sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:24]


def flat(values: Any, path: str = "") -> dict[str, Any]:
    """Nested values by their path: `{"facts.languages": ["fi"]}`; lists of plain values stay whole."""
    if not isinstance(values, Mapping):
        return {path: values}
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= flat(value, f"{path}.{name}" if path else str(name))
    return found


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What differs, by path: what was and what is, None for what is not there."""
    was, becomes = flat(before), flat(after)
    return {
        path: [was.get(path), becomes.get(path)]
        for path in dict.fromkeys([*was, *becomes])
        if was.get(path) != becomes.get(path)
    }
