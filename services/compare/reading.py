"""What a comparison has to know beside prices: the decision and its plan, services and which may stand in for which, units."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import DATEMULTIRANGE
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.i18n import language
from services.budgets.quantities import DEFAULT_STEP
from services.compare.pricing import Days
from services.labels import SERVICE_NAME
from services.names import check_case


@dataclass(frozen=True)
class ServiceName:
    """A service: its code, its name in the reader's language, its usual unit."""

    id: int
    code: str
    name: str
    unit: str


@dataclass(frozen=True)
class Wanted:
    """A planned service: how much, on which days, from whom if that is chosen already.

    `open` are the days of `period` that lie in the decision and that no order covers, `within` all that lie in the decision,
    `outside` those that do not. `orders` are the numbers of the orders that cover some. `bound` is what these cost, `planned` what
    the rest does, as the budget has it; `unpriced`: some of it has no price.
    """

    id: int
    item: str
    service_id: int
    quantity: Decimal
    unit: str
    period: Days
    open: tuple[Days, ...]
    within: tuple[Days, ...]
    outside: tuple[Days, ...]
    provider_id: int | None
    orders: tuple[str, ...]
    bound: Decimal
    planned: Decimal
    unpriced: bool


@dataclass(frozen=True)
class Stated:
    """What a decision says; `ceiling` is that of its budget, with the price it came from, where it has been calculated.

    `bound` is what the budget has to pay for orders, those of services no longer planned too.
    """

    decision_id: int
    number: str
    decided_on: date | None
    ends_before: date | None
    granted_amount: Decimal | None
    baseline_id: int | None
    quantity: Decimal | None
    unit: str | None
    ceiling: Decimal | None
    ceiling_price_id: int | None
    bound: Decimal
    touched: bool
    ended_at: datetime | None
    status: str
    gone_at: datetime | None


#: Rows in: a case number. Rows out: its decisions, those that have ended too. `touched`: its budget is about to be calculated anew.
_DECISIONS = text(
    """
    SELECT decision.id AS decision_id, coalesce(decision.number, decision.external_id) AS number, decision.decided_on,
           upper(decision.valid) AS ends_before, decision.granted_amount, decision.baseline_service_id AS baseline_id,
           decision.baseline_quantity AS quantity, decision.baseline_unit AS unit, budget.ceiling, budget.ceiling_price_id,
           coalesce(invoiced + ordered, 0) AS bound,
           EXISTS (SELECT FROM budget_dirty WHERE budget_id = budget.id) AS touched,
           decision.ended_at, client_case.status, client_case.gone_at
    FROM client_case
    JOIN decision ON decision.case_id = client_case.id
    LEFT JOIN budget ON budget.decision_id = decision.id
    LEFT JOIN budget_version ON budget_version.budget_id = budget.id AND budget_version.superseded_at IS NULL
    WHERE client_case.number = :case
    ORDER BY decision.id
    """
)

#: Rows in: decisions. Rows out: what is planned on them, ended or not, with the provider chosen now, the days that are still open and
#: the money the budget has on it.
_WANTED = text(
    """
    SELECT plan_item.id, plan_item.decision_id, plan_item.external_id AS item, plan_item.ended_at, plan_item.service_id,
           plan_item.quantity, plan_item.unit, lower(plan_item.period) AS first, upper(plan_item.period) AS after,
           validity.days - coalesce(covered.days, '{}') AS open, validity.days AS within,
           datemultirange(plan_item.period) - validity.days AS outside, choice.provider_id, covered.orders,
           coalesce(known.bound, 0) AS bound, coalesce(known.planned, 0) AS planned, coalesce(known.unpriced, true) AS unpriced
    FROM plan_item
    JOIN decision ON decision.id = plan_item.decision_id
    CROSS JOIN LATERAL (
        SELECT datemultirange(plan_item.period) * datemultirange(coalesce(decision.valid, '(,)')) AS days
    ) AS validity
    LEFT JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
    LEFT JOIN LATERAL (
        SELECT range_agg(order_coverage.period) AS days,
               array_agg(DISTINCT number) FILTER (WHERE order_coverage.period && plan_item.period) AS orders
        FROM order_coverage JOIN purchase_order ON purchase_order.id = order_coverage.order_id
        WHERE plan_item_id = plan_item.id AND live
    ) AS covered ON true
    LEFT JOIN LATERAL (
        SELECT coalesce(sum(gross) FILTER (WHERE kind IN ('invoiced', 'ordered')), 0) AS bound,
               coalesce(sum(gross) FILTER (WHERE kind = 'planned'), 0) AS planned, bool_or(kind = 'unpriced') AS unpriced
        FROM budget
        JOIN budget_version ON budget_version.budget_id = budget.id AND superseded_at IS NULL
        JOIN budget_line ON budget_line.version_id = budget_version.id AND budget_line.plan_item_id = plan_item.id
        WHERE budget.decision_id = decision.id
    ) AS known ON true
    WHERE plan_item.decision_id = ANY(:decisions)
    ORDER BY plan_item.id
    """
).columns(open=DATEMULTIRANGE, within=DATEMULTIRANGE, outside=DATEMULTIRANGE)

_DEFAULT_STEP = Decimal(DEFAULT_STEP)
_NAMED = f"service.id, service.code, {SERVICE_NAME} AS name, service.unit"

#: Rows in: a service that may be replaced, by its code or its id; services that are wanted anyway. Rows out: these, and every
#: alternative to the first, with `asked`: that it is the first; and in each row the steps of all units.
_SERVICES = text(
    f"""
    WITH baseline AS (SELECT id FROM service WHERE id = :baseline OR lower(code) = lower(CAST(:code AS text)))
    SELECT {_NAMED}, service.id IN (SELECT id FROM baseline) AS asked,
           (SELECT jsonb_object_agg(unit, CAST(step AS text)) FROM unit_rule) AS steps
    FROM service
    WHERE service.id = ANY(:wanted) OR service.id IN (
        SELECT id FROM baseline
        UNION ALL SELECT alternative_id FROM service_alternative JOIN baseline ON baseline_id = baseline.id
    )
    ORDER BY service.code
    """  # noqa: S608 - our own words
)

#: Rows out: services that have alternatives or an own unit cost, by name.
_BASELINES = text(
    f"""
    SELECT {_NAMED} FROM service
    WHERE EXISTS (SELECT FROM service_alternative WHERE baseline_id = service.id)
       OR EXISTS (SELECT FROM price_key WHERE service_id = service.id AND provider_id IS NULL)
    ORDER BY 3, 2
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class Services:
    """The services a comparison is about, by id: the one that may be replaced, what may stand in for it, and what is wanted anyway.

    `steps`: the smallest part of each unit that has a rule.
    """

    baseline: ServiceName | None
    all: dict[int, ServiceName]
    steps: dict[str, Decimal]

    def step(self, unit: str) -> Decimal:
        """The smallest part a unit can be divided into."""
        return self.steps.get(unit, _DEFAULT_STEP)


def services_called(session: Session, code: str) -> tuple[ServiceName, Services]:
    """A service by its code, in any case of letters; and with what may stand in for it. Raises NotFound."""
    found = _services(session, code=code)
    if found.baseline is None:
        raise NotFound("There is no service {code}. Show all with: avain service list", code=code)
    return found.baseline, found


def baselines(session: Session) -> list[ServiceName]:
    """The services that a comparison may begin with, by name: those that others may stand in for, and those whose own unit cost is kept."""
    return [ServiceName(*row) for row in session.execute(_BASELINES, {"language": language()})]


def services_of(session: Session, baseline: int | None, wanted: Collection[int]) -> Services:
    """The services by the id of the one that may be replaced, and of those that are wanted."""
    return _services(session, baseline=baseline, wanted=wanted)


def _services(
    session: Session, *, baseline: int | None = None, code: str | None = None, wanted: Collection[int] = ()
) -> Services:
    values = {"baseline": baseline, "code": code, "wanted": list(wanted), "language": language()}
    rows = session.execute(_SERVICES, values).all()
    services = {row.id: ServiceName(*row[:4]) for row in rows}
    return Services(
        next((services[row.id] for row in rows if row.asked), None),
        services,
        {unit: Decimal(step) for unit, step in ((rows and rows[0].steps) or {}).items()},
    )


def decisions_of(session: Session, case: str) -> list[Stated]:
    """What the decisions of a case say, ended ones too. Raises NotFound for a case number that does not exist."""
    found = [Stated(**row) for row in session.execute(_DECISIONS, {"case": case}).mappings().all()]
    if not found:
        check_case(session, case)
    return found


def wanted_on(session: Session, decisions: Collection[int]) -> tuple[dict[int, list[Wanted]], set[str]]:
    """What is planned, by decision; and the names of planned services that have ended."""
    wanted: dict[int, list[Wanted]] = {decision: [] for decision in decisions}
    ended = set()
    for row in session.execute(_WANTED, {"decisions": list(decisions)}):
        if row.ended_at is not None:
            ended.add(row.item)
            continue
        wanted[row.decision_id].append(
            Wanted(
                id=row.id,
                item=row.item,
                service_id=row.service_id,
                quantity=row.quantity,
                unit=row.unit,
                period=(row.first, row.after),
                open=_days(row.open),
                within=_days(row.within),
                outside=_days(row.outside),
                provider_id=row.provider_id,
                orders=tuple(row.orders or ()),
                bound=row.bound,
                planned=row.planned,
                unpriced=row.unpriced,
            )
        )
    return wanted, ended


def _days(ranges: list[object]) -> tuple[Days, ...]:
    return tuple((one.lower, one.upper) for one in ranges)  # type: ignore[attr-defined]
