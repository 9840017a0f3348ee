"""Where the links of e-mails lead: an order, a follow-up or a piece of news is of a case, and the case's page tells of it."""

from typing import Final, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import NotFound

What = Literal["order", "follow_up"]

#: Rows in: an order's number, or a follow-up's id. Rows out: the number of its case.
_CASES: Final = {
    "order": text(
        """
        SELECT client_case.number FROM purchase_order JOIN decision ON decision.id = decision_id
        JOIN client_case ON client_case.id = decision.case_id WHERE purchase_order.number = :named
        """
    ),
    "follow_up": text(
        """
        SELECT client_case.number FROM follow_up JOIN plan_item ON plan_item.id = plan_item_id
        JOIN client_case ON client_case.id = plan_item.case_id WHERE follow_up.id = :named
        """
    ),
}


def case_of(session: Session, what: What, named: str | int) -> str:
    """The number of the case that an order or a follow-up is of; whether somebody may see that is asked afterwards. Raises NotFound."""
    unprintable = isinstance(named, str) and not named.isprintable()  # PostgreSQL refuses some characters
    found: str | None = session.execute(_CASES[what], {"named": "" if unprintable else named}).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no such page.")
    return found
