"""Whether documents name settings that exist: `console.public_url`, `[sources.cases.…]`, `AVAIN_DATABASE_URL`, or a bare name such as `proxy`."""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


def setting_exists(root: type[BaseModel], named: str) -> bool:
    """Whether `named` is a setting below `root`; `…` stands for a name that the organisation gives."""
    if named.startswith("AVAIN_"):
        named = named.removeprefix("AVAIN_").lower().replace("__", ".")
    path = named.strip("[]").split(".")
    found: set[type[BaseModel]] = {root}
    if len(path) == 1 and path[0] not in root.model_fields:
        return any(path[0] in group.model_fields for group in _all_below(root))
    for place, part in enumerate(path):
        if part == "…":
            continue  # what it names was reached with the group: groups by name are looked through
        below = [group.model_fields[part].annotation for group in found if part in group.model_fields]
        if not below:
            return False
        found = {one for each in below for one in _groups(each)}
        if not found and place < len(path) - 1:
            return False
    return True


def _groups(annotation: Any) -> set[type[BaseModel]]:
    """The groups of settings inside an annotation: of an optional one, a union, a dictionary by name."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    if get_origin(annotation) in {Annotated, Union, UnionType, dict, list, tuple}:
        return {one for each in get_args(annotation) for one in _groups(each)}
    return set()


def _all_below(root: type[BaseModel]) -> set[type[BaseModel]]:
    found, waiting = set(), {root}
    while waiting:
        group = waiting.pop()
        found.add(group)
        waiting |= {one for field in group.model_fields.values() for one in _groups(field.annotation)} - found
    return found
