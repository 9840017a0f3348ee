"""Where the links of e-mails lead: a follow-up is of a case, and the case's page tells of it."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import NotFound

#: Rows in: a follow-up's id. Rows out: the number of its case.
_CASE: Final = text(
    """
    SELECT client_case.number FROM follow_up JOIN plan_item ON plan_item.id = plan_item_id
    JOIN client_case ON client_case.id = plan_item.case_id WHERE follow_up.id = :follow_up
    """
)


def case_of_follow_up(session: Session, follow_up: int) -> str:
    """The number of the case that a follow-up is of; whether somebody may see that is asked afterwards. Raises NotFound."""
    found: str | None = session.execute(_CASE, {"follow_up": follow_up}).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no such page.")
    return found
