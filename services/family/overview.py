"""What a family's page is made from: the statement's figures, what has been ordered, what was proposed, and the next talk.

The figures are those of the printed statement, read by the same code and as fresh; what comes beside them is read for the whole case at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.settings import Settings
from services.family.sessions import FamilyCase
from services.names import service_names
from services.statements.freshness import make_fresh_soon
from services.statements.reading import Statement, statements


@dataclass(frozen=True)
class Ordered:
    """What one order holds of a planned service (its id): days both included, the state as models/order.py has it.

    `live`: the service counts as ordered by it. `starts_on`: the first day the provider promised. `handed_over`: how the family is reached.
    """

    item_id: int
    provider: str
    state: str
    live: bool
    handed_over: bool
    starts_on: date | None
    first: date
    last: date
    quantity: Decimal
    unit: str


@dataclass(frozen=True)
class Proposed:
    """The latest proposal for a planned service: open, or declined with the worker's reason and nobody chosen since."""

    provider: str
    state: str
    why: str


@dataclass(frozen=True)
class Overview:
    """All that a family's page tells. `proposed` by planned service. How somebody rated a service is not among it: others look, too.

    `talk`: when the worker next asks how it goes. `fresh`: whether the figures hold everything that is known; `services`: their names by code.
    """

    statement: Statement
    services: Mapping[str, str]
    contact: str
    fresh: bool
    talk: date | None
    ordered: tuple[Ordered, ...] = ()
    proposed: Mapping[int, Proposed] | None = None


@dataclass(frozen=True)
class Listed:
    """One of several cases of a family: what tells them apart, without a name. `services`: codes of those planned in it."""

    number: str
    open: bool
    worker: str | None
    services: tuple[str, ...]


#: Rows in: a case. Rows out: for each order and planned service how much was ordered of the service itself, by its days.
_ORDERED = text(
    """
    SELECT order_line.plan_item_id AS item_id, provider.name AS provider, purchase_order.state,
           EXISTS (
               SELECT FROM order_coverage
               WHERE order_coverage.order_id = purchase_order.id AND order_coverage.plan_item_id = order_line.plan_item_id AND live
           ) AS live,
           handed_over_at IS NOT NULL AS handed_over, starts_on,
           min(lower(order_line.period)) AS first, max(upper(order_line.period)) - 1 AS last, sum(order_line.quantity) AS quantity, order_line.unit
    FROM decision
    JOIN purchase_order ON purchase_order.decision_id = decision.id
    JOIN provider ON provider.id = purchase_order.provider_id
    JOIN order_line ON order_line.order_id = purchase_order.id AND order_line.extra = ''
    WHERE decision.case_id = :case
    GROUP BY purchase_order.id, order_line.plan_item_id, order_line.unit, provider.name
    ORDER BY min(lower(order_line.period)), purchase_order.id
    """
)

#: Rows in: a case. Rows out: the latest proposal of each planned service that is still of interest: open, or declined and nobody chosen since.
_PROPOSED = text(
    """
    SELECT latest.plan_item_id, provider.name AS provider, latest.state, latest.decided_why AS why
    FROM (
        SELECT DISTINCT ON (plan_item_id) * FROM family_proposal WHERE case_id = :case ORDER BY plan_item_id, id DESC
    ) AS latest
    JOIN provider ON provider.id = latest.provider_id
    WHERE latest.state = 'open' OR latest.state = 'declined' AND NOT EXISTS (
        SELECT FROM choice WHERE choice.plan_item_id = latest.plan_item_id AND choice.chosen_at > latest.decided_at
    )
    """
)

#: Rows in: a case. Rows out: the day of the next talk about how it goes, if one is planned.
_TALK = text(
    """
    SELECT min(due) FROM follow_up
    WHERE case_id = :case AND state IN ('open', 'snoozed') AND kind IN ('start', 'interval', 'before_end', 'final', 'plan_review')
    """
)

#: Rows in: case numbers. Rows out: the cases, those that are open first, with what is planned in them.
_LISTED = text(
    """
    SELECT client_case.number, client_case.status = 'open' AS open, worker.name AS worker,
           ARRAY(SELECT DISTINCT service.code FROM plan_item JOIN service ON service.id = service_id
                 WHERE plan_item.case_id = client_case.id AND plan_item.ended_at IS NULL ORDER BY 1) AS services
    FROM client_case LEFT JOIN worker ON worker.id = responsible_worker_id AND worker.active
    WHERE client_case.number = ANY(:numbers)
    ORDER BY client_case.status = 'open' DESC, client_case.id DESC
    """
)


def overview(session: Session, case: FamilyCase, language: str, *, now: datetime, settings: Settings) -> Overview:
    """What there is to tell of a case, in a number of statements that does not grow with it. Raises NotFound where nothing may be told."""
    fresh = make_fresh_soon(session, case.number, now=now, settings=settings.budgets)
    (found,) = statements(session, ids=[case.case_id])
    if found.non_disclosure:
        raise NotFound("There is no such page.")
    asked = {"case": case.case_id}
    return Overview(
        statement=found,
        services=service_names(session),
        contact=settings.statements.contact_in(language),
        fresh=fresh,
        talk=session.execute(_TALK, asked).scalar_one(),
        ordered=tuple(Ordered(**row) for row in session.execute(_ORDERED, asked).mappings()),
        proposed={
            row.plan_item_id: Proposed(row.provider, row.state, row.why) for row in session.execute(_PROPOSED, asked)
        },
    )


def listed(session: Session, numbers: tuple[str, ...]) -> list[Listed]:
    """A family's cases side by side, in one query."""
    rows = session.execute(_LISTED, {"numbers": list(numbers)})
    return [Listed(row.number, row.open, row.worker, tuple(row.services)) for row in rows]
