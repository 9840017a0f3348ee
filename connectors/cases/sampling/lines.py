"""Of a file in lines of JSON, the lines that speak of the first cases, and what these point at."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, BinaryIO, Final

from connectors.cases.sampling.sample import Sample, counting
from connectors.cases.sampling.tables import ROWS_A_CASE
from core.errors import InputError

#: What a reference of FHIR looks like.
_REFERENCE: Final = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]+")


def some_lines(content: BinaryIO, name: str, ids: set[str], records: int) -> Sample:
    """JSON values, one a line, that speak of one of `ids`; the first ones where there are none."""
    limit = records * (ROWS_A_CASE if ids else 1)
    try:
        found = (json.loads(line) for line in content if line.strip())
        first = next(found, None)
        last = counting(first)
        head = None if last is None else first
        values = chain([first], found) if head is None else (one for one in found if not _counts(one, last))
        chosen = list(islice((one for one in values if not ids or _speaks_of(one, ids)), limit))
        return Sample(name, chosen + _pointed_at(content, chosen), head=head)
    except ValueError as error:
        raise InputError(
            "The file is neither a table nor one JSON value a line: no sample can be taken of it."
        ) from error


def _pointed_at(content: BinaryIO, chosen: Sequence[Any]) -> list[Any]:
    """The resources (of FHIR) that the chosen ones point at, and those that these point at: without them no case can be read."""
    found: list[Any] = []
    there = {_key(one) for one in chosen}
    while wanted := {text for one in (*chosen, *found) for text in _texts(one) if _REFERENCE.fullmatch(text)} - there:
        content.seek(0)
        found += (one for line in content if line.strip() and _key(one := json.loads(line)) in wanted)
        there |= wanted
    return found


def _key(line: Any) -> str:
    return f"{line.get('resourceType')}/{line.get('id')}" if isinstance(line, dict) else ""


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, dict | list):
        for one in data.values() if isinstance(data, dict) else data:
            yield from _texts(one)
    elif isinstance(data, str):
        yield data


def _counts(line: Any, name: str | None) -> bool:
    return isinstance(line, dict) and line.keys() == {name}


def _speaks_of(data: Any, ids: set[str]) -> bool:
    if isinstance(data, dict):
        return any(_speaks_of(one, ids) for one in data.values())
    if isinstance(data, list):
        return any(_speaks_of(one, ids) for one in data)
    return str(data).rpartition("/")[2] in ids
