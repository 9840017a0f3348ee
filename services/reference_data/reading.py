"""TOML to checked values, with every mistake named by its path; and writing rows only where they differ."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import SQLModel

from core.errors import InputError, Message
from core.i18n import N_, translate
from core.reasons import os_reason, toml_reason
from core.toml import parse_toml
from services import audit
from services.reference_data.faults import complaint, place_of

LARGEST_FILE: Final = 5 * 1024 * 1024

File = TypeVar("File", bound=BaseModel)
Row = TypeVar("Row", bound=SQLModel)


class Entry(BaseModel):
    """One table of a reference file: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


@dataclass
class Imported:
    """What an import came to, in rows of all its tables; `warnings`: what it took and somebody should look at."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    codes: list[str] = field(default_factory=list)
    warnings: list[Message] = field(default_factory=list)

    def note(self, what: str, code: str) -> None:
        """Count one row: added, changed or unchanged."""
        setattr(self, what, getattr(self, what) + 1)
        if what != "unchanged" and code not in self.codes:
            self.codes.append(code)

    def to_json(self) -> dict[str, int]:
        """`added, changed, unchanged`."""
        return {"added": self.added, "changed": self.changed, "unchanged": self.unchanged}


def read_file(path: Path, shape: type[File]) -> File:
    """The file's content, checked. Raises InputError with one line for each mistake: its path and what is allowed."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InputError("{path} is larger than the accepted {limit} bytes.", path=str(path), limit=LARGEST_FILE)
        data = parse_toml(path.read_text("utf-8"))
    except OSError as error:
        raise InputError("{path} cannot be read: {error}", path=str(path), error=os_reason(error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError("{path} is not valid TOML: {error}", path=str(path), error=toml_reason(error)) from error
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        lines = "\n".join(f"  {_explain(one, data)}" for one in error.errors())
        raise InputError("{path} cannot be imported:\n{lines}", path=str(path), lines=lines) from error


def unique(entries: Iterable[Any], key: str, table: str) -> None:
    """Raise ValueError, for pydantic to place, when two entries share a key."""
    seen: set[str] = set()
    for entry in entries:
        value = getattr(entry, key)
        if value in seen:
            raise ValueError(
                translate(N_("{key} {value} occurs twice in {table}")).format(key=key, value=value, table=table)
            )
        seen.add(value)


def rows_by(session: Session, model: type[Row], key: str, values: Iterable[Any]) -> dict[Any, Row]:
    """Existing rows by a column, in one statement."""
    column = getattr(model, key)
    return {getattr(row, key): row for row in session.execute(select(model).where(column.in_(list(values)))).scalars()}


def put(session: Session, model: type[Row], existing: Row | None, values: Mapping[str, Any]) -> tuple[Row, str]:
    """Insert a row, or correct the columns that differ; the row and whether it was added, changed or unchanged."""
    if existing is None:
        row = model(**values)
        session.add(row)
        return row, "added"
    differing = {name: value for name, value in values.items() if getattr(existing, name) != value}
    for name, value in differing.items():
        setattr(existing, name, value)
    return existing, "changed" if differing else "unchanged"


def record(session: Session, actor: str, what: str, imported: Imported, *, path: Path, now: datetime) -> Imported:
    """Audit an import that changed something."""
    if imported.added or imported.changed:
        details: dict[str, Any] = {**imported.to_json(), "codes": imported.codes}
        audit.record(session, actor, f"{what}.imported", f"file:{path.name}", now=now, **details)
    return imported


def _explain(error: Any, data: dict[str, Any]) -> str:
    """One mistake as `provider[2] (Tukipolku Oy).email: what is wrong`; a list's entries are counted from 1."""
    path = ""
    place: Any = data
    for part in place_of(error):
        path += f"[{part + 1}]" if isinstance(part, int) else f"{'.' if path else ''}{part}"
        try:
            place = place[part]
        except (KeyError, IndexError, TypeError):
            place = {}
        if isinstance(part, int) and isinstance(place, dict):
            name = place.get("code") or place.get("name") or place.get("id") or place.get("service")
            path += f" ({name})" if name else ""
    if error["type"] == "extra_forbidden":
        return Message("{path}: unknown key", path=path).text()
    if error["type"] == "literal_error":
        return Message(
            "{path}: {value} is not allowed; allowed: {allowed}",
            path=path,
            value=repr(error["input"]),
            allowed=error["ctx"]["expected"],
        ).text()
    return f"{path or '-'}: {complaint(error)}"
