"""Rows as they are, for many budgets at once: one statement for each table, none of which calculates anything but days as numbers."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from services.consistency.figures.said import (
    Billed,
    Days,
    Decided,
    Figures,
    Item,
    Kept,
    Line,
    Order,
    OrderedLine,
    Tariff,
)


def _days(column: str) -> str:
    """SQL: where a range of days begins and ends, counted from 2000-01-01."""
    return f"lower({column}) - date '2000-01-01' AS first, upper({column}) - date '2000-01-01' AS after"


#: Rows in: budgets. Rows out: each with its decision, case, and the version in force.
_BUDGETS: Final = text(
    f"""
    SELECT budget.id, budget.ceiling, budget.ceiling_price_id, client_case.number AS case,
           coalesce(decision.number, decision.external_id) AS decision, decision.id AS decision_id,
           client_case.status = 'open' AND client_case.gone_at IS NULL AS goes_on, decision.ended_at IS NOT NULL AS ended,
           {_days("decision.valid")}, coalesce(isempty(decision.valid), false) AS never, decision.granted_amount,
           decision.decided_on - date '2000-01-01' AS decided_on, baseline_service_id, baseline_quantity, baseline_unit,
           budget.ceiling_basis ? 'said' AS froze, CAST(budget.ceiling_basis #>> '{{said,granted_amount}}' AS numeric) AS froze_amount,
           CAST(budget.ceiling_basis #>> '{{said,decided_on}}' AS date) - date '2000-01-01' AS froze_on,
           CAST(budget.ceiling_basis #>> '{{said,service_id}}' AS bigint) AS froze_service,
           CAST(budget.ceiling_basis #>> '{{said,quantity}}' AS numeric) AS froze_quantity, budget.ceiling_basis #>> '{{said,unit}}' AS froze_unit,
           version.id AS version_id, version.ceiling AS kept_ceiling, invoiced, delivered, ordered, planned, free, state,
           jsonb_array_length(reasons) > 0 AS explained,
           CAST(version.recorded_at AT TIME ZONE 'Europe/Helsinki' AS date) - date '2000-01-01' AS recorded_on
    FROM budget
    JOIN decision ON decision.id = budget.decision_id
    JOIN client_case ON client_case.id = decision.case_id
    LEFT JOIN budget_version AS version ON version.budget_id = budget.id AND version.superseded_at IS NULL
    WHERE budget.id = ANY(:ids) ORDER BY budget.id
    """  # noqa: S608 - our own words
)

#: Rows in: decisions. Rows out: what they plan, and who was chosen for it.
_ITEMS: Final = text(
    f"""
    SELECT plan_item.id, plan_item.decision_id, plan_item.service_id, service.code AS service, plan_item.quantity, plan_item.unit,
           {_days("plan_item.period")}, choice.provider_id
    FROM plan_item
    JOIN service ON service.id = plan_item.service_id
    LEFT JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
    WHERE plan_item.decision_id = ANY(:ids) AND plan_item.ended_at IS NULL ORDER BY plan_item.id
    """  # noqa: S608 - our own words
)

#: Rows in: decisions. Rows out: days of what they plan, and of what is ordered on them, that live orders hold.
_COVERED: Final = text(
    f"""
    SELECT order_id, plan_item_id, {_days("period")} FROM order_coverage
    WHERE live AND (plan_item_id IN (SELECT id FROM plan_item WHERE decision_id = ANY(:ids))
                    OR order_id IN (SELECT id FROM purchase_order WHERE decision_id = ANY(:ids)))
    """  # noqa: S608 - our own words
)

_TARIFF: Final = (
    "price.id, coalesce(price.original_id, price.id) AS cited, price_key.provider_id, price_key.service_id, price_key.unit, price_key.base_quantity,"
    f" price_key.minimum_quantity, price_key.extra, {_days('price.valid')}, price.amount, price.vat_rate, price.vat_inclusive"
)
_ORDINARY: Final = "price_key.time_class = 'weekday' AND price_key.territory = ''"

#: Rows in: pairs of a provider (0: ourselves) and a service. Rows out: their prices in force.
_TARIFFS: Final = text(
    f"""
    SELECT {_TARIFF}
    FROM unnest(CAST(:providers AS bigint[]), CAST(:services AS bigint[])) AS wanted(provider_id, service_id)
    JOIN price_key ON price_key.provider_id IS NOT DISTINCT FROM nullif(wanted.provider_id, 0) AND price_key.service_id = wanted.service_id
    JOIN price ON price.price_key_id = price_key.id AND price.superseded_at IS NULL
    WHERE {_ORDINARY} ORDER BY price.id
    """  # noqa: S608 - our own words
)

#: Rows in: prices. Rows out: what they are, in force or not; `own`: whether one is an ordinary unit cost of our own.
_CITED: Final = text(
    f"""
    SELECT {_TARIFF}, price_key.provider_id IS NULL AND price_key.extra = '' AND {_ORDINARY} AS own
    FROM price JOIN price_key ON price_key.id = price.price_key_id WHERE price.id = ANY(:ids)
    """  # noqa: S608 - our own words
)

_ORDERS: Final = text(
    "SELECT id, decision_id, state, upper(period) - date '2000-01-01' AS after FROM purchase_order WHERE decision_id = ANY(:ids) ORDER BY id"
)
_LINES: Final = text(
    f"""
    SELECT id, order_id, plan_item_id, price_id, extra, {_days("period")}, quantity, unit, amount, vat_rate, net, vat, gross
    FROM order_line WHERE order_id = ANY(:ids) ORDER BY id
    """  # noqa: S608 - our own words
)
_BILLS: Final = text(
    """
    SELECT order_line_id, number, kind, final, net, gross, quantity
    FROM invoice_line JOIN invoice ON invoice.id = invoice_line.invoice_id WHERE order_line_id = ANY(:ids)
    """
)
_DELIVERED: Final = text(
    "SELECT order_line_id, quantity FROM delivered WHERE order_line_id = ANY(:ids) AND superseded_at IS NULL"
)
#: Rows in: versions of budgets. Rows out: their lines.
_KEPT_LINES: Final = text(
    f"""
    SELECT version_id, plan_item_id, kind, extra, {_days("period")}, quantity, unit, price_id, order_line_id, amount, net, vat, gross, invoices
    FROM budget_line WHERE version_id = ANY(:ids)
    """  # noqa: S608 - our own words
)
_STEPS: Final = text("SELECT unit, step FROM unit_rule")


def steps_of_units(session: Session) -> dict[str, Decimal]:
    """How finely each unit may be divided."""
    return {row.unit: row.step for row in session.execute(_STEPS)}


def read(session: Session, budget_ids: Sequence[int]) -> list[Kept]:
    """Budgets, with all that they are made of. A constant number of statements."""
    rows = session.execute(_BUDGETS, {"ids": list(budget_ids)}).all()
    decisions = [row.decision_id for row in rows]
    covered = _rows(session, _COVERED, decisions)
    items = _items(session, decisions, covered)
    orders = _orders(session, decisions, covered)
    lines = _by(_rows(session, _KEPT_LINES, [row.version_id for row in rows]), "version_id")
    own = _tariffs(session, {(0, row.baseline_service_id) for row in rows if row.baseline_service_id})
    cited = {row.id: row for row in _rows(session, _CITED, [row.ceiling_price_id for row in rows])}
    found = []
    for row in rows:
        kept = _kept(row, own, lines[row.version_id])
        kept.items, kept.orders = items[row.decision_id], orders[row.decision_id]
        price = cited.get(row.ceiling_price_id)
        if price is not None:
            kept.rests_on, kept.rests_on_own = _tariff(price), price.service_id if price.own else None
        found.append(kept)
    return found


def _kept(row: Any, own: dict[tuple[int, int], tuple[Tariff, ...]], lines: list[Any]) -> Kept:
    decided = Decided(
        days=Days(row.first, row.after),
        never=row.never,
        ended=row.ended,
        goes_on=row.goes_on,
        granted=row.granted_amount,
        decided_on=row.decided_on,
        service=row.baseline_service_id,
        quantity=row.baseline_quantity,
        unit=row.baseline_unit,
        own_costs=own.get((0, row.baseline_service_id), ()),
    )
    froze = {
        "granted_amount": row.froze_amount,
        "decided_on": row.froze_on,
        "service_id": row.froze_service,
        "quantity": row.froze_quantity,
        "unit": row.froze_unit,
    }
    figures = None
    if row.version_id is not None:
        figures = Figures(
            row.kept_ceiling,
            row.invoiced,
            row.delivered,
            row.ordered,
            row.planned,
            row.free,
            row.state,
            tuple(_kept_line(one) for one in lines),
        )
    return Kept(
        id=row.id,
        case=row.case,
        decision=row.decision,
        decided=decided,
        ceiling=row.ceiling,
        froze=froze if row.froze else None,
        figures=figures,
        explained=bool(row.explained),
        recorded_on=row.recorded_on or 0,
    )


def _kept_line(row: Any) -> Line:
    invoices = None if row.invoices is None else tuple(sorted(row.invoices))
    return Line(
        row.plan_item_id, row.kind, row.extra, row.first, row.after, row.quantity, row.unit, row.price_id, row.order_line_id, row.amount,
        row.net, row.vat, row.gross, invoices,
    )  # fmt: skip


def _items(session: Session, decisions: Sequence[int], covered: Iterable[Any]) -> dict[int, list[Item]]:
    rows = _rows(session, _ITEMS, decisions)
    tariffs = _tariffs(session, {(row.provider_id, row.service_id) for row in rows if row.provider_id})
    held = _by(covered, "plan_item_id")
    found: dict[int, list[Item]] = defaultdict(list)
    for row in rows:
        found[row.decision_id].append(
            Item(
                row.id,
                row.service,
                row.quantity,
                row.unit,
                row.first,
                row.after,
                tariffs.get((row.provider_id, row.service_id), ()) if row.provider_id else None,
                [Days(one.first, one.after) for one in held[row.id]],
            )
        )
    return found


def _orders(session: Session, decisions: Sequence[int], covered: Iterable[Any]) -> dict[int, list[Order]]:
    rows = _rows(session, _ORDERS, decisions)
    live = {(one.order_id, one.plan_item_id) for one in covered}
    lines = _rows(session, _LINES, [row.id for row in rows])
    ids = [row.id for row in lines]
    bills, delivered = (_by(_rows(session, one, ids), "order_line_id") for one in (_BILLS, _DELIVERED))
    of_order: dict[int, list[OrderedLine]] = defaultdict(list)
    for row in lines:
        of_order[row.order_id].append(
            OrderedLine(
                row.id, row.plan_item_id, row.price_id, row.extra, row.first, row.after, row.quantity, row.unit, row.amount, row.vat_rate,
                row.net, row.vat, row.gross,
                live=(row.order_id, row.plan_item_id) in live,
                bills=[_billed(one) for one in bills[row.id]],
                delivered=[one.quantity for one in delivered[row.id]],
            )
        )  # fmt: skip
    found: dict[int, list[Order]] = defaultdict(list)
    for row in rows:
        found[row.decision_id].append(Order(row.state, row.after, of_order[row.id]))
    return found


def _billed(row: Any) -> Billed:
    sign = -1 if row.kind == "credit" else 1
    quantity = None if row.quantity is None else sign * row.quantity
    return Billed(row.number, sign * row.net, sign * row.gross, quantity, row.final)


def _tariffs(session: Session, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], tuple[Tariff, ...]]:
    pairs = sorted(wanted)
    values = {"providers": [one[0] for one in pairs], "services": [one[1] for one in pairs]}
    found: dict[tuple[int, int], list[Tariff]] = defaultdict(list)
    for row in session.execute(_TARIFFS, values):
        found[row.provider_id or 0, row.service_id].append(_tariff(row))
    return {pair: tuple(tariffs) for pair, tariffs in found.items()}


def _tariff(row: Any) -> Tariff:
    return Tariff(
        row.id, row.cited, row.unit, row.base_quantity, row.minimum_quantity, row.extra, Days(row.first, row.after), row.amount, row.vat_rate,
        row.vat_inclusive,
    )  # fmt: skip


def _rows(session: Session, statement: TextClause, ids: Iterable[int | None]) -> list[Any]:
    return list(session.execute(statement, {"ids": [one for one in ids if one is not None]}).all())


def _by(rows: Iterable[Any], column: str) -> "defaultdict[int, list[Any]]":
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, column)].append(row)
    return found
