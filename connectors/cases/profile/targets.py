"""The fields a profile can fill: taken from the record's own models, so that the two cannot disagree."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from connectors.cases.record import CaseRecord, DecisionPart, PlanItemPart

#: The sections of a profile that hold fields, each with the model of its group.
GROUPS: Final[Mapping[str, type[BaseModel]]] = {
    "cases": CaseRecord,
    "decisions": DecisionPart,
    "plan_items": PlanItemPart,
}
_NOT_MAPPED: Final = frozenset({("version",), ("decisions",), ("plan_items",)})


@dataclass(frozen=True)
class Target:
    """A field of the record. `required`: of the part it stands in; a part that may be missing needs it only if it is there."""

    path: tuple[str, ...]
    required: bool
    in_optional_part: bool
    types: frozenset[Any]
    _adapter: TypeAdapter[Any]

    @property
    def repeated(self) -> bool:
        """Whether the field holds several texts."""
        return tuple in self.types

    @property
    def is_date(self) -> bool:
        """Whether the field is a day."""
        return date in self.types

    @property
    def is_number(self) -> bool:
        """Whether the field is a quantity or an amount."""
        return Decimal in self.types

    def accepts(self, text: str) -> bool:
        """Whether a text of the profile itself (a constant, a default, what a code means) can be a value of the field."""
        try:
            self._adapter.validate_python([text] if self.repeated else text)
        except ValidationError:
            return False
        return True


@lru_cache
def targets(group: str) -> Mapping[tuple[str, ...], Target]:
    """The fields of a group by their path."""
    return {target.path: target for target in _targets(GROUPS[group], (), in_optional_part=False)}


def _targets(model: type[BaseModel], above: tuple[str, ...], *, in_optional_part: bool) -> Iterator[Target]:
    for name, field in model.model_fields.items():
        path = (*above, name)
        part = _part(field.annotation)
        if path in _NOT_MAPPED:
            continue
        if part is not None:
            yield from _targets(part, path, in_optional_part=in_optional_part or not field.is_required())
        else:
            yield Target(
                path, field.is_required(), in_optional_part, frozenset(_plain(field.annotation)), _adapter(field)
            )


def _adapter(field: FieldInfo) -> TypeAdapter[Any]:
    kind: Any = field.annotation
    return TypeAdapter(Annotated[kind, *field.metadata] if field.metadata else kind)


def _part(annotation: Any) -> type[BaseModel] | None:
    candidates = [annotation, *get_args(annotation)]
    return next((one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _plain(annotation: Any) -> Iterator[Any]:
    """`{date, NoneType}` of `Annotated[date, …] | None`; `{tuple}` of a tuple of whatever."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _plain(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for one in get_args(annotation):
            yield from _plain(one)
    else:
        yield origin or annotation
