"""What waits for approval: services whose provider is chosen and that nobody has ordered, approved by the month or declined."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.i18n import language
from core.order_settings import Orders
from services.access.cases import AMONG, VISIBLE, tied_cases, visible_cases
from services.access.people import Person
from services.labels import SERVICE_NAME
from services.orders.weighing.limits import Bounds

#: So many are read at once.
PAGE = 100


@dataclass(frozen=True)
class Waiting:
    """A service that waits. `gross`: what is to be ordered, as its budget has it, None where that has no price or was not calculated yet;
    `committed`: what the decision would be bound to with it. `declined`: why it was declined, None if it was not.
    """

    plan_item_id: int
    case_number: str
    item: str
    service: str
    provider: str
    order_period: str
    first_day: date
    last_day: date
    quantity: Decimal
    unit: str
    chosen_by: str
    chooser: str
    chosen_at: datetime
    gross: Decimal | None
    ceiling: Decimal | None
    committed: Decimal | None
    budget_state: str | None
    declined: str | None
    declined_by: str | None

    def over(self, budgets: Budgets) -> bool:
        """Whether approving it needs a reason."""
        if self.ceiling is None or self.committed is None:
            return True
        return self.budget_state == "over" or self.committed > self.ceiling * (1 + budgets.tolerance)

    def above(self, bounds: Bounds, approver: str) -> bool:
        """Whether somebody with these bounds may not approve it."""
        if self.committed is None:
            return False
        beyond = bounds.at_most is not None and self.committed > bounds.at_most
        return beyond or (self.committed > bounds.alone and approver == self.chooser)


#: SQL for choices with all that tells whether they wait, and a condition on it: one does. Of a service ordered whole all days count as
#: covered once any are.
WAITS_FROM = """
    FROM choice
    JOIN plan_item ON plan_item.id = choice.plan_item_id
    JOIN decision ON decision.id = plan_item.decision_id
    JOIN client_case ON client_case.id = plan_item.case_id
    JOIN service ON service.id = plan_item.service_id
    JOIN provider ON provider.id = choice.provider_id
    LEFT JOIN order_decline ON order_decline.choice_id = choice.id AND order_decline.withdrawn_at IS NULL
"""
WAITS = """
    choice.ended_at IS NULL AND plan_item.ended_at IS NULL AND decision.ended_at IS NULL AND client_case.status = 'open'
    AND client_case.gone_at IS NULL AND upper(plan_item.period) > :today
    AND CASE coalesce(provider.order_period, :order_period)
        WHEN 'monthly' THEN
            NOT EXISTS (SELECT FROM order_approval WHERE order_approval.plan_item_id = plan_item.id AND order_approval.ended_at IS NULL
                        AND order_approval.choice_id = choice.id)
            AND NOT plan_item.period <@ coalesce((
                SELECT range_agg(period) FROM order_coverage WHERE order_coverage.plan_item_id = plan_item.id AND live), '{}')
        ELSE NOT EXISTS (SELECT FROM order_coverage WHERE order_coverage.plan_item_id = plan_item.id AND live)
    END
"""


#: Who sees few cases is served from those: the choices of theirs that are in force, found and put in order from indexes alone, are looked at
#: one after another until a page is full. Each further row is looked up: the database would rather read the plans of the whole organisation.
_FEW: Final = "few"


def _few_from(*, declined: bool) -> str:
    among = "AND choice.id IN (SELECT choice_id FROM order_decline WHERE withdrawn_at IS NULL)" if declined else ""
    return f"""
    FROM (
        SELECT choice.plan_item_id, choice.chosen_at FROM choice
        WHERE choice.ended_at IS NULL {among} AND choice.plan_item_id = ANY(ARRAY(
            SELECT plan_item.id FROM plan_item
            WHERE plan_item.case_id = {AMONG} AND plan_item.ended_at IS NULL AND upper(plan_item.period) > :today
              AND (CAST(:case_number AS text) IS NULL OR plan_item.case_id = (SELECT id FROM client_case WHERE number = :case_number))))
        ORDER BY choice.chosen_at, choice.plan_item_id OFFSET 0
    ) AS oldest
    JOIN LATERAL (SELECT * FROM choice WHERE choice.plan_item_id = oldest.plan_item_id AND choice.ended_at IS NULL OFFSET 0) AS choice ON true
    JOIN LATERAL (SELECT * FROM plan_item WHERE plan_item.id = oldest.plan_item_id OFFSET 0) AS plan_item ON true
    JOIN LATERAL (SELECT * FROM decision WHERE decision.id = plan_item.decision_id OFFSET 0) AS decision ON true
    JOIN LATERAL (SELECT * FROM client_case WHERE client_case.id = plan_item.case_id OFFSET 0) AS client_case ON true
    JOIN LATERAL (SELECT * FROM provider WHERE provider.id = choice.provider_id OFFSET 0) AS provider ON true
    LEFT JOIN LATERAL (
        SELECT * FROM order_decline WHERE order_decline.choice_id = choice.id AND order_decline.withdrawn_at IS NULL OFFSET 0
    ) AS order_decline ON true
    """  # noqa: S608 - our own words


def _from(seen: str, *, declined: bool = False) -> str:
    """What waits of the cases that a condition lets through. Whether it was declined stands in the words: with a value in their place the
    database takes almost everything for declined, and reads all choices there are instead of these cases'.
    """
    return f"""
    {_few_from(declined=declined) if seen == _FEW else WAITS_FROM}
    WHERE {WAITS}
      AND (CAST(:case_number AS text) IS NULL OR client_case.number = :case_number)
      AND order_decline.choice_id IS {"NOT NULL" if declined else "NULL"}
      AND {"true" if seen == _FEW else seen}
    """


def _page(seen: str, *, declined: bool) -> TextClause:
    """Rows in: who looks, what for, and where to go on. Rows out: services that wait, those chosen first before others, with what their
    budget says of them.
    """
    key = "oldest.chosen_at, oldest.plan_item_id" if seen == _FEW else "choice.chosen_at, plan_item.id"
    return text(
        f"""
        WITH waiting AS MATERIALIZED (
            SELECT plan_item.id, plan_item.decision_id, client_case.number AS case_number, plan_item.external_id AS item,
                   plan_item.service_id, provider.name AS provider, coalesce(provider.order_period, :order_period) AS order_period,
                   lower(plan_item.period) AS first_day, upper(plan_item.period) - 1 AS last_day, plan_item.quantity, plan_item.unit,
                   choice.chosen_by, choice.actor AS chooser, choice.chosen_at,
                   order_decline.reason AS declined, order_decline.declined_by
            {_from(seen, declined=declined)}
              AND (CAST(:after_moment AS timestamptz) IS NULL OR ({key}) > (:after_moment, :after_id))
            ORDER BY {key} LIMIT :limit
        )
        SELECT waiting.*, {SERVICE_NAME} AS service, planned.gross, budget_version.ceiling, budget_version.state AS budget_state,
               invoiced + ordered + planned.gross AS committed
        FROM waiting
        JOIN service ON service.id = waiting.service_id
        LEFT JOIN budget ON budget.decision_id = waiting.decision_id
        LEFT JOIN budget_version ON budget_version.budget_id = budget.id AND budget_version.superseded_at IS NULL
        LEFT JOIN LATERAL (
            SELECT sum(gross) AS gross FROM budget_line
            WHERE version_id = budget_version.id AND plan_item_id = waiting.id AND kind = 'planned'
        ) AS planned ON true
        ORDER BY chosen_at, waiting.id
        """  # noqa: S608 - our own words
    )


def _count(seen: str) -> TextClause:
    """Rows in: as above. Rows out: how many wait, counted no further than `most`."""
    return text(f"SELECT count(*) FROM (SELECT plan_item.id {_from(seen)} LIMIT :most) AS waiting")  # noqa: S608 - our own words


#: Who sees few cases is served from those.
_SEEN: Final = {"all": "true", "few": _FEW, "many": VISIBLE}
_PAGES: Final = {
    (how, declined): _page(seen, declined=declined) for how, seen in _SEEN.items() for declined in (False, True)
}
_COUNTS: Final = {how: _count(seen) for how, seen in _SEEN.items()}

#: Who is not named sees everything: the command line.
_EVERYTHING: dict[str, Any] = {
    "me": None,
    "sees_everything": True,
    "as_worker": False,
    "as_supervisor": False,
}


def waiting(
    session: Session,
    *,
    settings: Orders,
    today: date,
    person: Person | None = None,
    case_number: str | None = None,
    declined: bool = False,
    after: tuple[datetime, int] | None = None,
    limit: int = PAGE,
) -> list[Waiting]:
    """Services that wait for approval and whose case `person` may see (None: all), longest first; `declined`: those declined instead.

    The next page goes on `after` the last of the former one: when it was chosen, and its plan item.
    """
    values = _values(session, person, settings, today, case_number) | {
        "after_moment": after[0] if after else None,
        "after_id": after[1] if after else None,
        "limit": limit,
        "language": language(),
    }
    return [_waiting(dict(row)) for row in session.execute(_PAGES[_how(values), declined], values).mappings()]


def count_waiting(
    session: Session, *, settings: Orders, today: date, person: Person | None = None, most: int = 1000
) -> int:
    """How many services wait for approval, counted no further than `most`."""
    values = _values(session, person, settings, today, None) | {"most": most}
    return int(session.execute(_COUNTS[_how(values)], values).scalar_one())


def _values(
    session: Session, person: Person | None, settings: Orders, today: date, case_number: str | None
) -> dict[str, Any]:
    seen = visible_cases(person, today) if person else _EVERYTHING
    return {
        **seen,
        "ids": tied_cases(session, seen),
        "today": today,
        "order_period": settings.period,
        "case_number": case_number,
    }


def _how(values: Mapping[str, Any]) -> str:
    """Which of the statements is for who looks."""
    return "all" if values["sees_everything"] else "many" if values["ids"] is None else "few"


def _waiting(row: dict[str, Any]) -> Waiting:
    del row["decision_id"], row["service_id"]
    return Waiting(plan_item_id=row.pop("id"), **row)
