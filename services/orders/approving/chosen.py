"""Who is chosen for the planned services of a case: what a page shows beside a comparison, and what a choice is checked against."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.i18n import language
from services.labels import SERVICE_NAME

#: Rows in: a case. Rows out: its planned services in force, with the choice made now and an order that covers them.
_CHOSEN = text(
    f"""
    SELECT plan_item.id AS plan_item_id, plan_item.external_id AS item, service.code AS service,
           {SERVICE_NAME} AS service_name,
           coalesce(choice.id, 0) AS choice_id, provider.name AS provider, choice.chosen_by, choice.chosen_at,
           choice.actor AS recorded_by, coalesce(choice.reason, '') AS why,
           (SELECT number FROM purchase_order JOIN order_coverage ON order_coverage.order_id = purchase_order.id
            WHERE order_coverage.plan_item_id = plan_item.id AND order_coverage.live LIMIT 1) AS order_number
    FROM plan_item
    JOIN service ON service.id = plan_item.service_id
    LEFT JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
    LEFT JOIN provider ON provider.id = choice.provider_id
    WHERE plan_item.case_id = :case AND plan_item.ended_at IS NULL ORDER BY plan_item.id
    """  # noqa: S608 - our own words
)

#: Rows in: a case and what its source calls a planned service. Rows out: that planned service, ended or not.
_ITEM = text("SELECT id FROM plan_item WHERE case_id = :case AND external_id = :item")


@dataclass(frozen=True)
class Chosen:
    """A planned service and its choice (`choice_id` 0: nobody is chosen yet): who chose, who wrote it down, when and why.

    `order_number`: it is ordered, so nobody else can be chosen.
    """

    plan_item_id: int
    item: str
    service: str
    service_name: str
    choice_id: int
    provider: str | None
    chosen_by: str | None
    chosen_at: datetime | None
    recorded_by: str | None
    why: str
    order_number: str | None

    @property
    def label(self) -> str:
        """What people call it: `ADHD coaching (I-1)`."""
        return f"{self.service_name} ({self.item})"

    @property
    def chosen_on(self) -> date | None:
        """The day of the choice in Helsinki."""
        return None if self.chosen_at is None else local_date(self.chosen_at)


def chosen_in(session: Session, case_id: int) -> dict[str, Chosen]:
    """The planned services of a case that are in force, by what the source calls them."""
    rows = session.execute(_CHOSEN, {"case": case_id, "language": language()}).mappings()
    return {row["item"]: Chosen(**row) for row in rows}


def plan_item_called(session: Session, case_id: int, item: str) -> int | None:
    """The id of a planned service of a case."""
    found: int | None = session.execute(_ITEM, {"case": case_id, "item": item}).scalar()
    return found
