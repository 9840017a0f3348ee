"""A budget as people read it: the figures, each line, and for every price the file, row, sha256 and run it came from.

`at` asks for what was known at the end of a day in Helsinki; without it the current version is read.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import HELSINKI
from services.names import check_case


@dataclass(frozen=True)
class Provenance:
    """The price version behind a figure, down to the row of the file. `pending`: a newer list waits for approval (never of the past)."""

    price_id: int
    amount: Decimal
    base_quantity: Decimal
    unit: str
    valid_from: date
    valid_until: date | None
    source: str
    file_name: str
    position: str
    sha256: str
    run_id: int
    pending: bool


@dataclass(frozen=True)
class Line:
    """A share of a planned service: planned, ordered, delivered (a part of what is ordered), invoiced or unpriced.

    Amounts are None while it has no price. `extra`: what comes beside the service, such as travel. `invoices` are numbers.
    """

    item: str
    service: str
    extra: str
    provider: str | None
    kind: str
    first: date
    last: date
    quantity: Decimal
    unit: str
    net: Decimal | None
    vat: Decimal | None
    gross: Decimal | None
    order: str | None
    invoices: tuple[str, ...]
    price: Provenance | None


@dataclass(frozen=True)
class Ceiling:
    """Where the ceiling comes from: a granted amount, or a quantity of a replaced service at one price version."""

    granted_amount: Decimal | None
    service: str | None
    quantity: Decimal | None
    unit: str | None
    decided_on: date | None
    price: Provenance | None


@dataclass(frozen=True)
class BudgetView:
    """One version of the budget of one decision; figures gross, in euros.

    `touched`: it is about to be calculated anew. `case_status`: open, closed or gone (from its source). Neither is known of the past.
    """

    case: str
    decision: str
    decision_id: int
    ceiling: Decimal | None
    invoiced: Decimal
    delivered: Decimal
    ordered: Decimal
    planned: Decimal
    free: Decimal | None
    state: str
    reasons: tuple[Message, ...]
    cause: str
    recorded_at: datetime
    run_id: int | None
    touched: bool
    case_status: str | None
    ceiling_from: Ceiling
    lines: tuple[Line, ...] = field(default=())


#: Columns of a Provenance under the names `price_*`, for a relation that has a `price_id`.
_PRICE = """
    price.id AS price_id, price.amount AS price_amount, price_key.base_quantity AS price_base_quantity,
    price_key.unit AS price_unit, lower(price.valid) AS price_valid_from, price_ends.day AS price_valid_until,
    price_source.name AS price_source, price_list.file_name AS price_file_name, price.position AS price_position,
    price_list.sha256 AS price_sha256, price_list.run_id AS price_run_id,
    CAST(:present AS boolean) AND EXISTS (
        SELECT FROM price_list AS waiting
        WHERE waiting.source_id = price_list.source_id AND waiting.state = 'held' AND waiting.id > price_list.id
    ) AS price_pending
"""
_PRICE_JOINS = """
    LEFT JOIN price ON price.id = {price_id}
    LEFT JOIN price_key ON price_key.id = price.price_key_id
    LEFT JOIN price_list ON price_list.id = price.price_list_id
    LEFT JOIN price_source ON price_source.id = price_list.source_id
    LEFT JOIN LATERAL (
        -- at present a copy may hold in its place, and end sooner; what is in force no more keeps the end its list gave it
        SELECT upper(valid) - 1 AS day
        FROM (
            SELECT holding.valid, true AS in_force FROM price AS holding
            WHERE CAST(:present AS boolean) AND holding.price_key_id = price.price_key_id AND holding.superseded_at IS NULL
              AND coalesce(holding.original_id, holding.id) = price.id
            UNION ALL
            SELECT price.valid, false
        ) AS stated
        ORDER BY in_force DESC, upper(valid) DESC NULLS FIRST LIMIT 1
    ) AS price_ends ON true
"""

#: Rows in: a case number and a moment (NULL: now). Rows out: for each decision of it the version that was known then.
_VERSIONS = text(
    f"""
    SELECT DISTINCT ON (version.budget_id)
           version.*, client_case.number AS case_number, coalesce(decision.number, decision.external_id) AS decision_number, decision.id AS decision_id,
           CAST(:present AS boolean) AND EXISTS (SELECT FROM budget_dirty WHERE budget_dirty.budget_id = budget.id) AS touched,
           CASE WHEN NOT CAST(:present AS boolean) THEN NULL WHEN gone_at IS NULL THEN status ELSE 'gone' END AS case_status,
           service.code AS baseline, {_PRICE}
    FROM client_case
    JOIN decision ON decision.case_id = client_case.id
    JOIN budget ON budget.decision_id = decision.id
    JOIN budget_version AS version ON version.budget_id = budget.id
    LEFT JOIN service ON service.id = CAST(version.ceiling_basis #>> '{{said,service_id}}' AS bigint)
    {_PRICE_JOINS.format(price_id="version.ceiling_price_id")}
    WHERE client_case.number = :case AND CASE WHEN CAST(:before AS timestamptz) IS NULL THEN version.superseded_at IS NULL
                                              ELSE version.recorded_at < :before END
    ORDER BY version.budget_id, version.recorded_at DESC, version.id DESC
    """  # noqa: S608 - our own words
)

#: Rows in: versions. Rows out: their lines in the order of the plan, with what each price rests on.
_LINES = text(
    f"""
    SELECT line.*, plan_item.external_id AS item, service.code AS service, provider.name AS provider,
           purchase_order.number AS order_number, {_PRICE}
    FROM budget_line AS line
    JOIN plan_item ON plan_item.id = line.plan_item_id
    {_PRICE_JOINS.format(price_id="line.price_id")}
    -- what was priced then: the plan may name another service by now
    JOIN service ON service.id = coalesce(price_key.service_id, plan_item.service_id)
    LEFT JOIN provider ON provider.id = price_key.provider_id
    LEFT JOIN order_line ON order_line.id = line.order_line_id
    LEFT JOIN purchase_order ON purchase_order.id = order_line.order_id
    WHERE line.version_id = ANY(:versions)
    ORDER BY line.plan_item_id, line.extra, lower(line.period), line.id
    """  # noqa: S608 - our own words
)


def budgets_of_case(session: Session, case: str, *, at: date | None = None) -> list[BudgetView]:
    """The budgets of a case, one for each decision, oldest first; as known at the end of `at` in Helsinki, or now.

    A decision whose budget did not exist yet is left out. Raises NotFound for a case number that does not exist.
    """
    check_case(session, case)
    # The last day of the calendar has no day after it: what is known then is what is known now.
    before = None if at in (None, date.max) else datetime.combine(at + timedelta(days=1), time(), HELSINKI)
    versions = session.execute(_VERSIONS, {"case": case, "before": before, "present": before is None}).all()
    lines: dict[int, list[Line]] = {}
    asked = {"versions": [version.id for version in versions], "present": before is None}
    for row in session.execute(_LINES, asked):
        lines.setdefault(row.version_id, []).append(_line(row))
    return [_view(version, tuple(lines.get(version.id, ()))) for version in versions]


def _view(row: Row[Any], lines: tuple[Line, ...]) -> BudgetView:
    said = row.ceiling_basis.get("said", {})
    return BudgetView(
        case=row.case_number,
        decision=row.decision_number,
        decision_id=row.decision_id,
        ceiling=row.ceiling,
        invoiced=row.invoiced,
        delivered=row.delivered,
        ordered=row.ordered,
        planned=row.planned,
        free=row.free,
        state=row.state,
        reasons=tuple(Message.from_json(reason) for reason in row.reasons),
        cause=row.cause,
        recorded_at=row.recorded_at,
        run_id=row.run_id,
        touched=row.touched,
        case_status=row.case_status,
        ceiling_from=Ceiling(
            granted_amount=_cents(said.get("granted_amount")),
            service=row.baseline,
            quantity=_decimal(said.get("quantity")),
            unit=said.get("unit"),
            decided_on=date.fromisoformat(said["decided_on"]) if said.get("decided_on") else None,
            price=_provenance(row),
        ),
        lines=lines,
    )


def _line(row: Row[Any]) -> Line:
    return Line(
        item=row.item,
        service=row.service,
        extra=row.extra,
        provider=row.provider,
        kind=row.kind,
        first=row.period.lower,
        last=row.period.upper - timedelta(days=1),
        quantity=row.quantity,
        unit=row.unit,
        net=row.net,
        vat=row.vat,
        gross=row.gross,
        order=row.order_number,
        invoices=tuple(row.invoices or ()),
        price=_provenance(row),
    )


def _provenance(row: Row[Any]) -> Provenance | None:
    if row.price_id is None:
        return None
    return Provenance(
        price_id=row.price_id,
        amount=row.price_amount,
        base_quantity=row.price_base_quantity,
        unit=row.price_unit,
        valid_from=row.price_valid_from,
        valid_until=row.price_valid_until,
        source=row.price_source,
        file_name=row.price_file_name,
        position=row.price_position,
        sha256=row.price_sha256,
        run_id=row.price_run_id,
        pending=row.price_pending,
    )


def _decimal(value: float | str | None) -> Decimal | None:
    """A number of `ceiling_basis`, where JSON may have made a float of it; four decimals at most."""
    return None if value is None else Decimal(str(value))


def _cents(value: float | str | None) -> Decimal | None:
    """An amount of `ceiling_basis`, with its cents as every other one."""
    return None if value is None else Decimal(str(value)).quantize(Decimal("0.01"))
