"""What a rule does to the text it found: codes, dates, decimal commas, defaults. The result is text in a form that CaseRecord accepts.

Nothing is judged here that the record judges itself.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from connectors.cases.profile.rules import ANY_OTHER, FieldRule
from connectors.faults import FaultError
from connectors.rejection import quote_code, quote_figure
from core.errors import Message

_SHOWN_CODES: Final = 20
_SPACES: Final = re.compile(r"\s")
#: `1.234,50` and `1234,5`; a point groups thousands only where a comma follows.
_COMMA_NUMBER: Final = re.compile(r"([-+]?)(\d{1,3}(?:\.\d{3})+|\d+),(\d+)", re.ASCII)
_NUMBER: Final = re.compile(r"[-+]?\d+(?:\.\d+)?", re.ASCII)
_EITHER_WAY: Final = re.compile(r"[-+]?\d{1,3}(?:\.\d{3})+", re.ASCII)
#: Parts of a record that are left out where the source says nothing of them.
_OPTIONAL_PARTS: Final = frozenset({("baseline",), ("follow_up",), ("client", "identity")})


class FieldFaultError(FaultError):
    """A text that its rule cannot convert; `field` is the field's name in its group."""

    def __init__(self, field: str, message: Message) -> None:
        self.field = field
        super().__init__(message)


def convert(rule: FieldRule, raw: str | None) -> str | None:
    """The value of a field that is not repeated, from the text found (None: nothing was). None: the record has no value.

    Raises FaultError.
    """
    if rule.constant is not None:
        return rule.constant
    text = raw.strip() if raw else ""
    if text and rule.codes is not None:
        text = _decoded(rule.codes, text)
    if not text:
        return rule.default
    if rule.date_format is not None:
        day = rule.date_format.read(text)
        if isinstance(day, Message):
            raise FaultError(day)
        return day
    return _with_point(text) if rule.decimal_comma else text


def convert_all(rule: FieldRule, raws: Iterable[str | None]) -> list[str]:
    """The values of a repeated field, from all texts found; empty ones are left out. Raises FaultError."""
    if rule.constant is not None:
        return [rule.constant]
    pieces = (piece for raw in raws if raw for piece in (raw.split(rule.split) if rule.split else (raw,)))
    return [value for value in (convert(rule, piece) for piece in pieces) if value is not None]


def read_part(rules: Sequence[FieldRule], find: Callable[[FieldRule], Sequence[str | None]]) -> dict[str, Any]:
    """A case, decision or plan item under the canonical names, nested as the record is; absent values are absent.

    `find` gives the texts of a rule in the source's order. A baseline, rhythm or identity of which only constants and defaults are known
    is left out. Raises FieldFaultError.
    """
    part: dict[str, Any] = {}
    said: set[tuple[str, ...]] = set()
    for rule in rules:
        raws = () if rule.constant is not None else find(rule)
        try:
            value = convert_all(rule, raws) if rule.repeated else convert(rule, raws[0] if raws else None)
        except FaultError as fault:
            raise FieldFaultError(rule.name, fault.message) from None
        if value is None:
            continue
        if any(raw and raw.strip() for raw in raws):
            said.add(rule.target[:-1])
        within = part
        for name in rule.target[:-1]:
            within = within.setdefault(name, {})
        within[rule.target[-1]] = value
    for path in _OPTIONAL_PARTS - said:
        _leave_out(part, path)
    return part


def _leave_out(part: dict[str, Any], path: tuple[str, ...]) -> None:
    for name in path[:-1]:
        part = part.get(name, {})
    part.pop(path[-1], None)


def _decoded(codes: Any, text: str) -> str:
    found = codes.get(text, codes.get(ANY_OTHER))
    if found is not None:
        return str(found)
    known = sorted(codes)
    shown = ", ".join([*known[:_SHOWN_CODES], *(["…"] if len(known) > _SHOWN_CODES else [])])
    raise FaultError(
        Message("The code {value} is not in the profile; known are: {known}", value=quote_code(text), known=shown)
    )


def _with_point(text: str) -> str:
    """`1 234,50` as `1234.50`. What is no number stays as it is, for the record to refuse. Raises FaultError for `1.234`."""
    plain = _SPACES.sub("", text).replace("\N{MINUS SIGN}", "-")
    if found := _COMMA_NUMBER.fullmatch(plain):
        return f"{found[1]}{found[2].replace('.', '')}.{found[3]}"
    if _EITHER_WAY.fullmatch(plain):
        raise FaultError(
            Message(
                "{value} can be read in two ways: does its point group thousands or decimals?", value=quote_figure(text)
            )
        )
    return plain if _NUMBER.fullmatch(plain) else text
