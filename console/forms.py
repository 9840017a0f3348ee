"""A form whose fields are not known beforehand (a provider has any number of contracts): what was sent, and what is wrong with it.

Names are paths: `contract.0.number`. A page shows the form again with everything that was typed and a sentence beside each field that
cannot be accepted.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Request
from fastapi import Form as Field

from core.errors import InputError

Value = TypeVar("Value")


#: What no field of ours holds, and PostgreSQL's texts cannot (NUL) or mails must not hold.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: The number of a sub-form; a form holds at most a thousand fields.
_ROW: Final = re.compile(r"[0-9]{1,6}")


async def _sent(request: Request) -> dict[str, str]:
    form = await request.form()
    return {name: _CONTROL.sub("", value) for name, value in form.items() if isinstance(value, str)}


#: A field of a form whose fields are known: words, or a box that is ticked.
Typed = Annotated[str, Field()]
Ticked = Annotated[bool, Field()]
#: The fields of the form that was sent, by name; the last of several of one name.
Sent = Annotated[dict[str, str], Depends(_sent)]


@dataclass
class Form:
    """What stands in the fields, and the sentence beside each that is wrong; '' holds what belongs to no field."""

    values: Mapping[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """What stands in a field."""
        return self.values.get(name, "")

    def problem(self, name: str) -> str:
        """What is wrong with it, or ''."""
        return self.problems.get(name, "")

    def checked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return bool(self.values.get(name))

    def wrong(self, name: str, sentence: str) -> None:
        """Note what is wrong with a field; the first word on it stays."""
        self.problems.setdefault(name, sentence)

    def read(self, name: str, how: Callable[[str, str], Value], label: str) -> Value | None:
        """A field read by one of console/fields.py; None, and a sentence beside it, when it cannot be."""
        try:
            return how(self.value(name), label)
        except InputError as error:
            self.wrong(name, str(error))
            return None

    def text(self, name: str) -> str | None:
        """A field's words, or None when there are none."""
        return self.value(name).strip() or None

    def rows(self, group: str) -> list[int]:
        """The numbers of a group's sub-forms that were sent: `contract.0.number` is number 0 of `contract`."""
        parts = [name.split(".") for name in self.values if name.startswith(f"{group}.")]
        return sorted({int(one[1]) for one in parts if len(one) == 3 and _ROW.fullmatch(one[1])})


def spread(values: Any, path: str = "") -> dict[str, str]:
    """Nested values as fields: lists of tables are numbered, other lists written with commas, None and False are empty, True is `on`."""
    if isinstance(values, Mapping):
        found: dict[str, str] = {}
        for name, value in values.items():
            found |= spread(value, f"{path}.{name}" if path else str(name))
        return found
    if isinstance(values, list):
        if any(isinstance(one, Mapping) for one in values):
            return {
                name: value
                for number, one in enumerate(values)
                for name, value in spread(one, f"{path}.{number}").items()
            }
        return {path: ", ".join(map(str, values))}
    if values is None or values is False:
        return {path: ""}
    return {path: "on" if values is True else str(values)}
