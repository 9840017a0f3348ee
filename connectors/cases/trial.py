"""A first look at what a connector makes of a source's files: how many of the first records are valid, what is wrong with the others, and
which fields never hold anything. Nothing is written, and no code is looked up: that is what a plan is for.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, get_args

from pydantic import BaseModel

from connectors.cases.base import CaseConnector, IdentityMode
from connectors.cases.record import CaseRecord, FoundRecord
from connectors.rejection import Rejection
from connectors.transports.base import SourceFile
from core.errors import Message

#: Said by the format, not by a source.
_NOT_A_SOURCES = frozenset({"version"})


@dataclass(frozen=True)
class Fault:
    """Equal faults as one: the field, the sentence of the first and where it stands."""

    count: int
    field: str | None
    reason: Message
    file: str
    position: str


@dataclass(frozen=True)
class Trial:
    """What came of the first records. `empty` are fields of the record (`plan_items.provider`) that no valid record filled."""

    read: int
    valid: int
    faults: tuple[Fault, ...]
    empty: tuple[str, ...]


def try_records(connector: CaseConnector, files: Sequence[SourceFile], *, identity: IdentityMode, limit: int) -> Trial:
    """Read the first `limit` records of the files. Raises RefusedFile when what was read up to there is malformed."""
    bad: list[tuple[str, Rejection]] = []
    filled: set[str] = set()
    valid = 0
    for file, found in islice(connector.read(files, identity=identity), limit):
        if isinstance(found, Rejection):
            bad.append((file.name, found))
        else:
            valid += 1
            if isinstance(found, FoundRecord):
                filled.update(_filled(found.record.model_dump(exclude_unset=True, exclude_none=True)))
    every = [one for one in _fields(CaseRecord) if identity == "sealed" or not one.startswith("client.identity")]
    empty = tuple(one for one in every if one not in filled) if valid else ()
    return Trial(valid + len(bad), valid, group_faults(bad), empty)


def group_faults(rejections: Iterable[tuple[str, Rejection]]) -> tuple[Fault, ...]:
    """Rejections, each with its file's name, equal ones as one, the most frequent first."""
    counted: Counter[tuple[str | None, str]] = Counter()
    first: dict[tuple[str | None, str], tuple[str, Rejection]] = {}
    for file, one in rejections:
        kind = (one.field, one.reason.msgid)
        counted[kind] += 1
        first.setdefault(kind, (file, one))
    return tuple(
        Fault(number, kind[0], first[kind][1].reason, first[kind][0], first[kind][1].position)
        for kind, number in counted.most_common()
    )


def _fields(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Every field that a record can hold, by the names rejections use."""
    for name, field in model.model_fields.items():
        if not above and name in _NOT_A_SOURCES:
            continue
        part = _part(field.annotation)
        if part is None:
            yield above + name
        else:
            yield from _fields(part, f"{above}{name}.")


def _part(annotation: Any) -> type[BaseModel] | None:
    """The part of a record an annotation speaks of: `BaselinePart | None`, `tuple[DecisionPart, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((part for one in get_args(annotation) if (part := _part(one)) is not None), None)


def _filled(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _filled(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _filled(inner, path)
    else:
        yield path
