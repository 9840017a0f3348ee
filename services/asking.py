"""What a person asks of a source: to have it read, to have it looked at, to have rejected records of it tried again. Each is recorded.

It is only called for here; workers do it, in the source's lane and by its rules. The `request` names what was asked for, and is how it is
followed (services/sources.progress).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from core.errors import NotFound
from core.source_settings import Sources
from services import audit, rejected
from services.sources import Source, call_fetch, call_look, find_source


@dataclass(frozen=True)
class Asked:
    """What was called for: its source, the name it is followed by, and its first Work."""

    source: Source
    request: str
    work_id: int


def read_now(
    session: Session,
    source: Source,
    *,
    actor: str,
    now: datetime,
    by: str,
    at_any_hour: bool = False,
    anew: bool = False,
    retry: Mapping[str, Any] | None = None,
) -> Asked:
    """Have a source read and what it says applied. `by` begins the request's name (`cli`, `page`); `at_any_hour`: even while it is left
    alone; `anew`: also what was applied before; `retry`: the chosen rejected records alone (rejected.Choice).

    Raises InputError for a provider's share of a mail source.
    """
    said = {"now": at_any_hour, "anew": anew, "retry": retry}
    asked = {name: value for name, value in said.items() if value}
    request = _request(by)
    work_id = call_fetch(session, source, request, **asked)
    options = sorted(name for name, value in asked.items() if value is True)
    audit.record(
        session, actor, "source.run_called", f"source:{source.name}", now=now, request=request, options=options
    )
    return Asked(source, request, work_id)


def look_now(
    session: Session, source: Source, *, actor: str, now: datetime, by: str, at_any_hour: bool = False
) -> Asked:
    """Have the first records of a source looked at (services/looked.py); nothing of it is applied. Raises InputError for a provider's share."""
    request = _request(by)
    asked = {"now": True} if at_any_hour else {}
    work_id = call_look(session, source, request, **asked)
    options = sorted(asked)
    audit.record(
        session, actor, "source.look_called", f"source:{source.name}", now=now, request=request, options=options
    )
    return Asked(source, request, work_id)


def retry_rejected(
    session: Session,
    configured: Sources,
    rejected_id: int | None,
    *,
    actor: str,
    now: datetime,
    by: str,
    source: str | None = None,
    whole_group: bool = False,
    at_any_hour: bool = False,
) -> Asked:
    """Have rejected records tried again: one, its group, or (without an id) all open ones of a source.

    Only the source has a record's content: it is read anew, and of cases the chosen records alone are applied. A price list is one whole:
    it is read again from its beginning to its end. Raises NotFound.
    """
    name = rejected.members(session, rejected_id, 1)[0].source if rejected_id is not None else source
    if name is None:
        raise NotFound("There is no rejected record {id}.", id=0)
    found = find_source(configured, name)
    subject = f"rejected:{rejected_id}" if rejected_id is not None else f"source:{name}"
    details: dict[str, Any] = {"source": name, "group": whole_group, "all": rejected_id is None}
    audit.record(session, actor, "rejected.retried", subject, now=now, **details)
    choice = {"id": rejected_id, "whole_group": whole_group}
    of_cases = found.kind == "cases"
    return read_now(
        session,
        found,
        actor=actor,
        now=now,
        by=by,
        at_any_hour=at_any_hour,
        anew=not of_cases,
        retry=choice if of_cases else None,
    )


def _request(by: str) -> str:
    return f"{by}-{uuid4().hex[:12]}"
