"""A source's lane for what a person does to it here and now: nothing else of the source is read or applied meanwhile."""

from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from core.errors import InputError
from services.work import Claimed, call, claim


def take_lane(session: Session, kind: str, source: str, what: str, **arguments: Any) -> Claimed:
    """Work of a kind in the lane of a source, called for and claimed; it stands in the source's history. `what` names it (`rollback`).

    Raises InputError when the source is being read.
    """
    request = f"{what}-{uuid4().hex[:12]}"
    work_id = call(
        session,
        kind,
        f"{kind}:{source}:{request}",
        lane=f"source:{source}",
        **{**arguments, "source": source, "request": request},
    )
    claimed = claim(session, work_id) if work_id is not None else None
    if claimed is None:
        raise InputError("The source {source} is being read right now. Try again when it has ended.", source=source)
    return claimed
