"""What a plan would do to budgets: it is done, the budgets are calculated before and after, and all of it is undone.

So the figures are those the budgets will have, to the cent. Only what open plans can be priced by is written for it, which is little of a
long list. Orders keep the prices they were made at; how many there are is said, so that nobody looks for them.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.clock import local_date
from core.unit_conversion import conversion
from services.budgets.recompute import recompute_now
from services.prices.apply import hold_provider, write_versions
from services.prices.values import Plan

#: So many budgets are calculated for a look; of more the number alone is told.
_MOST: Final = 1_000
#: So many are shown one by one.
_SHOWN: Final = 50

#: Rows in: a provider and services, a day. Rows out: decisions with a planned service that was chosen from it, and what of it is in use.
_CHOSEN: Final = text(
    """
    SELECT DISTINCT decision_id, service_id, unit
    FROM plan_item JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
    WHERE plan_item.ended_at IS NULL AND choice.provider_id = :provider_id AND service_id = ANY(:services)
    """
)
#: Rows in: services. Rows out: decisions that wait for our own unit cost of one to know their ceiling.
_UNKNOWN_CEILINGS: Final = text(
    """
    SELECT decision.id AS decision_id, baseline_service_id AS service_id, baseline_unit AS unit
    FROM decision LEFT JOIN budget ON budget.decision_id = decision.id
    WHERE decision.ended_at IS NULL AND granted_amount IS NULL AND baseline_service_id = ANY(:services) AND budget.ceiling IS NULL
    """
)
#: Rows in: a provider and services. Rows out: how many orders are live on prices of theirs.
_ORDERS: Final = text(
    """
    SELECT count(DISTINCT order_line.order_id)
    FROM order_coverage
    JOIN order_line ON order_line.order_id = order_coverage.order_id AND order_line.plan_item_id = order_coverage.plan_item_id
    JOIN price ON price.id = order_line.price_id
    JOIN price_key ON price_key.id = price.price_key_id
    WHERE order_coverage.live AND price_key.provider_id = :provider_id AND price_key.service_id = ANY(:services)
    """
)
#: Rows in: decisions. Rows out: the figures of their budgets.
_FIGURES: Final = text(
    """
    SELECT budget.decision_id, client_case.number AS case, coalesce(decision.number, decision.external_id) AS decision,
           version.state, version.planned, version.ceiling, version.free
    FROM budget
    JOIN budget_version AS version ON version.budget_id = budget.id AND version.superseded_at IS NULL
    JOIN decision ON decision.id = budget.decision_id
    JOIN client_case ON client_case.id = decision.case_id
    WHERE budget.decision_id = ANY(:ids) ORDER BY client_case.number, decision.id
    """
)


@dataclass(frozen=True)
class Moved:
    """A budget whose figures would change: what is planned, the ceiling and the state, before and after."""

    case: str
    decision: str
    state_before: str
    state: str
    planned_before: Decimal
    planned: Decimal
    ceiling: Decimal | None


@dataclass(frozen=True)
class Effect:
    """What a plan does: how many budgets change, how many of them go over and lose their price, euros planned before and after in all of
    them, and how many live orders stay as they are. `counted`: there were too many to calculate; `budgets` are those it touches.
    """

    budgets: int = 0
    over: int = 0
    unpriced: int = 0
    planned_before: Decimal = Decimal("0.00")
    planned: Decimal = Decimal("0.00")
    orders: int = 0
    counted: bool = False
    moved: tuple[Moved, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As a JSON document, amounts as text."""
        return {
            name: str(value) if isinstance(value, Decimal) else value
            for name, value in asdict(replace(self, moved=())).items()
        } | {
            "moved": [
                {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(one).items()}
                for one in self.moved
            ]
        }


def effect_of(session: Session, plan: Plan, *, now: datetime, settings: Budgets) -> dict[str, Any]:
    """The `Effect` of a plan as JSON; nothing is left behind. What the plan rests on must still be so."""
    return calculate(session, plan, now=now, settings=settings).to_json()


def calculate(session: Session, plan: Plan, *, now: datetime, settings: Budgets) -> Effect:
    """Apply, calculate, look, and undo."""
    services = _services(session, plan)
    if not services:
        return Effect()
    values = {"provider_id": plan.provider_id, "services": services}
    orders = 0 if plan.provider_id is None else int(session.execute(_ORDERS, values).scalar_one())
    rows = session.execute(_UNKNOWN_CEILINGS if plan.provider_id is None else _CHOSEN, values).all()
    decisions = sorted({row.decision_id for row in rows})
    if not decisions:
        return Effect(orders=orders)
    if len(decisions) > _MOST:
        return Effect(budgets=len(decisions), orders=orders, counted=True)
    used = {(row.service_id, row.unit) for row in rows}
    called = list(session.info.get("called", []))
    undone = session.begin_nested()
    try:
        recompute_now(session, decisions, cause="prices", now=now, settings=settings)
        before = {row.decision_id: row for row in session.execute(_FIGURES, {"ids": decisions})}
        _write(session, plan, used, now)
        recompute_now(session, decisions, cause="prices", now=now, settings=settings)
        after = session.execute(_FIGURES, {"ids": decisions}).all()
    finally:
        undone.rollback()
        session.info["called"] = called
    return _compared(before, after, orders)


def _services(session: Session, plan: Plan) -> list[int]:
    """The services whose prices a plan touches."""
    keys = sorted({ending.price_key_id for ending in plan.endings})
    ended = session.execute(
        text("SELECT DISTINCT service_id FROM price_key WHERE id = ANY(:ids)"), {"ids": keys}
    ).scalars()
    return sorted({new.key.service_id for new in plan.new}.union(ended if keys else ()))


def _write(session: Session, plan: Plan, used: set[tuple[int, str]], now: datetime) -> None:
    """The part of a plan that can price what is in use, under a list that will not have been."""

    def prices(key: Any) -> bool:
        return any(
            service == key.service_id and (key.extra or conversion(unit, key.unit) is not None)
            for service, unit in used
        )

    keys = sorted({ending.price_key_id for ending in plan.endings})
    in_use = {
        row.id
        for row in session.execute(
            text("SELECT id, service_id, unit, extra FROM price_key WHERE id = ANY(:ids)"), {"ids": keys}
        )
        if prices(row)
    }
    part = replace(
        plan,
        new=[new for new in plan.new if prices(new.key)],
        endings=[ending for ending in plan.endings if ending.price_key_id in in_use],
    )
    values = {"provider_id": plan.provider_id, "name": f"effect {local_date(now).isoformat()}"}
    price_list = session.execute(_ANY_LIST, values).scalar_one()
    if price_list is None:
        price_list = session.execute(_LOOKED_AT, values).scalar_one()
    hold_provider(session, plan.provider_id)
    write_versions(session, part, price_list)


#: Rows in: a provider. Rows out: a list of it that prices can stand under for a moment; none where it is its first.
_ANY_LIST: Final = text(
    """
    SELECT max(price_list.id) FROM price_list JOIN price_source ON price_source.id = source_id
    WHERE provider_id IS NOT DISTINCT FROM CAST(:provider_id AS bigint)
    """
)
_LOOKED_AT: Final = text(
    """
    WITH work AS (
        INSERT INTO work (kind, key, queue, arguments) VALUES ('import_prices', gen_random_uuid()::text, 'prices', '{}') RETURNING id
    ), run AS (
        INSERT INTO run (work_id, kind, attempt, token, host, counts)
        SELECT id, 'import_prices', 1, gen_random_uuid(), '', '{}' FROM work RETURNING id
    )
    INSERT INTO price_list (source_id, run_id, file_name, sha256, state, counts)
    SELECT (SELECT min(id) FROM price_source WHERE provider_id IS NOT DISTINCT FROM CAST(:provider_id AS bigint)), run.id, :name, '', 'applied', '{}'
    FROM run RETURNING id
    """
)


def _compared(before: dict[int, Any], after: Sequence[Any], orders: int) -> Effect:
    moved = []
    for row in after:
        was = before[row.decision_id]
        if (was.state, was.planned, was.ceiling, was.free) != (row.state, row.planned, row.ceiling, row.free):
            moved.append(Moved(row.case, row.decision, was.state, row.state, was.planned, row.planned, row.ceiling))
    return Effect(
        budgets=len(moved),
        over=sum(one.state == "over" and one.state_before != "over" for one in moved),
        unpriced=sum(one.state == "unpriced" and one.state_before != "unpriced" for one in moved),
        planned_before=sum((one.planned_before for one in moved), Decimal("0.00")),
        planned=sum((one.planned for one in moved), Decimal("0.00")),
        orders=orders,
        moved=tuple(moved[:_SHOWN]),
    )
