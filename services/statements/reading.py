"""What statements are made from: the current budgets of cases, read for a whole chunk of cases at once.

Read are the case's number, its goals and who answers for it; never who the client is, nor anything of files, runs and their sha256.
There is no `as it was known on a day`: plans and goals have no earlier versions, and half a statement of an earlier day would mislead.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.unit_conversion import exactly
from services.access.non_disclosure import HIDDEN

ZERO = Decimal(0)


@dataclass(frozen=True)
class Share:
    """One line of a budget: `kind` as in models/budget.py, days both included, gross euros (None: no price). `price` holds VAT."""

    kind: str
    extra: str
    first: date
    last: date
    gross: Decimal | None
    price: Decimal | None
    price_unit: str | None
    price_base_quantity: Decimal | None


@dataclass(frozen=True)
class Planned:
    """A planned service: who gives it, how much of it, how much of that is used, and its lines of the budget by day.

    `id` is its row's, `item` what its source calls it.
    """

    service: str
    free_of_charge: bool
    quantity: Decimal
    unit: str
    first: date
    last: date
    ended: bool
    provider: str | None
    chosen_by: str | None
    reason: str
    used: Decimal
    lines: tuple[Share, ...] = ()
    id: int = 0
    item: str = ""

    @property
    def left(self) -> Decimal:
        """What has been neither delivered nor invoiced, in the item's unit."""
        return max(ZERO, self.quantity - self.used)

    @property
    def settled(self) -> bool:
        """Whether everything of it was ordered and nothing more of that comes: the rest of the order was closed, or its money is used."""
        return bool(self.lines) and all(line.kind == "invoiced" for line in self.lines)

    @property
    def money_left(self) -> Decimal | None:
        """What is ordered and planned of it less what was delivered, with all that comes beside it; None while a share has no price."""
        if any(line.kind == "unpriced" for line in self.lines):
            return None
        sign = {"ordered": 1, "planned": 1, "delivered": -1}
        return sum((sign.get(line.kind, 0) * (line.gross or ZERO) for line in self.lines), ZERO)


@dataclass(frozen=True)
class Section:
    """One decision: its budget's figures (gross euros, None: not known), what makes its ceiling, and its planned services.

    `closed`: so is the case, and nothing more comes of it, whatever the decision says.
    """

    decision: str
    decided_on: date | None
    valid_from: date | None
    valid_to: date | None
    ceiling: Decimal | None
    granted_amount: Decimal | None
    baseline: str | None
    baseline_quantity: Decimal | None
    baseline_unit: str | None
    invoiced: Decimal
    delivered: Decimal
    ordered: Decimal
    planned: Decimal
    free: Decimal | None
    state: str
    items: tuple[Planned, ...] = ()
    closed: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.closed or self.state == "ended"

    @property
    def not_used(self) -> Decimal | None:
        """What is free, and what was planned but never ordered, once it is over."""
        return None if self.free is None else self.free + (self.planned if self.over else ZERO)


@dataclass(frozen=True)
class Statement:
    """One case. `sections` are its live decisions, oldest first, or else the last one that ended; none where no budget exists."""

    case_id: int
    case: str
    open: bool
    non_disclosure: bool
    worker: str | None
    unit: str | None
    goals: tuple[str, ...]
    sections: tuple[Section, ...] = field(default=())

    @property
    def live(self) -> bool:
        """Whether the case is open and one of its budgets is."""
        return self.open and any(section.state != "ended" for section in self.sections)


#: Rows in: case numbers or ids. Rows out: the cases, with whom the family turns to.
_CASES = text(
    f"""
    SELECT client_case.id, number, status = 'open' AND gone_at IS NULL AS open, {HIDDEN} AS non_disclosure, worker.name AS worker,
           unit.name AS unit, goals
    FROM client_case
    JOIN client ON client.id = client_id
    LEFT JOIN worker ON worker.id = responsible_worker_id AND worker.active
    LEFT JOIN unit ON unit.id = coalesce(client_case.unit_id, worker.unit_id)
    WHERE number = ANY(:numbers) OR client_case.id = ANY(:ids)
    ORDER BY client_case.id
    """  # noqa: S608 - our own words
)

#: Rows in: cases. Rows out: the current budget of each of their decisions.
_SECTIONS = text(
    """
    SELECT decision.case_id, decision.id AS decision_id, coalesce(decision.number, decision.external_id) AS decision,
           decision.decided_on, lower(decision.valid) AS valid_from, upper(decision.valid) - 1 AS valid_to,
           version.id AS version_id, version.ceiling, version.invoiced, version.delivered, version.ordered, version.planned,
           version.free, version.state, CAST(version.ceiling_basis -> 'said' ->> 'granted_amount' AS numeric) AS granted_amount,
           CAST(version.ceiling_basis -> 'said' ->> 'quantity' AS numeric) AS baseline_quantity, version.ceiling_basis -> 'said' ->> 'unit' AS baseline_unit,
           service.code AS baseline
    FROM decision
    JOIN budget ON budget.decision_id = decision.id
    JOIN budget_version AS version ON version.budget_id = budget.id AND version.superseded_at IS NULL
    LEFT JOIN service ON service.id = CAST(version.ceiling_basis #>> '{said,service_id}' AS bigint)
    WHERE decision.case_id = ANY(:ids)
    ORDER BY decision.id
    """
)

#: Rows in: decisions. Rows out: their planned services with the provider chosen now; those that ended only while the budget knows them.
_ITEMS = text(
    """
    SELECT plan_item.id, plan_item.external_id AS item, plan_item.decision_id, service.code AS service, service.free_of_charge, plan_item.quantity, plan_item.unit,
           lower(plan_item.period) AS first, upper(plan_item.period) - 1 AS last, plan_item.ended_at IS NOT NULL AS ended,
           provider.name AS provider, choice.chosen_by, coalesce(choice.reason, '') AS reason
    FROM plan_item
    JOIN service ON service.id = plan_item.service_id
    LEFT JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
    LEFT JOIN provider ON provider.id = choice.provider_id
    WHERE plan_item.decision_id = ANY(:decisions) AND (plan_item.ended_at IS NULL OR EXISTS (
        SELECT FROM budget_line WHERE budget_line.plan_item_id = plan_item.id AND budget_line.version_id = ANY(:versions)
    ))
    ORDER BY plan_item.id
    """
)

#: Rows in: planned services. Rows out: for each unit they were ordered in, how much was delivered and how much billed of the service itself.
#: An invoice that says no quantity bills as much as its money buys at the price of the order.
_USED = text(
    """
    SELECT order_line.plan_item_id, order_line.unit, sum(coalesce(reported.quantity, 0)) AS delivered, sum(coalesce(billed.quantity, 0)) AS invoiced
    FROM order_line
    LEFT JOIN LATERAL (
        SELECT sum(delivered.quantity) AS quantity FROM delivered
        WHERE delivered.order_line_id = order_line.id AND delivered.superseded_at IS NULL
    ) AS reported ON true
    LEFT JOIN LATERAL (
        SELECT sum(CASE invoice.kind WHEN 'credit' THEN -stated.quantity ELSE stated.quantity END) AS quantity
        FROM invoice_line JOIN invoice ON invoice.id = invoice_line.invoice_id
        LEFT JOIN unit_rule ON unit_rule.unit = order_line.unit
        CROSS JOIN LATERAL (SELECT coalesce(invoice_line.quantity, round(
            order_line.quantity * invoice_line.gross / nullif(order_line.gross, 0) / coalesce(unit_rule.step, 0.01)
        ) * coalesce(unit_rule.step, 0.01)) AS quantity) AS stated
        WHERE invoice_line.order_line_id = order_line.id
    ) AS billed ON true
    WHERE order_line.plan_item_id = ANY(:items) AND order_line.extra = ''
    GROUP BY order_line.plan_item_id, order_line.unit
    """
)

#: Rows in: versions of budgets. Rows out: their lines by day. A price without VAT is told with it, as every other figure is.
_LINES = text(
    """
    SELECT line.version_id, line.plan_item_id, line.kind, line.extra, lower(line.period) AS first, upper(line.period) - 1 AS last, line.gross,
           CASE WHEN price.vat_inclusive THEN line.amount ELSE round(line.amount * (1 + price.vat_rate), 4) END AS price,
           price_key.unit AS price_unit, price_key.base_quantity AS price_base_quantity
    FROM budget_line AS line
    LEFT JOIN price ON price.id = line.price_id
    LEFT JOIN price_key ON price_key.id = price.price_key_id
    WHERE line.version_id = ANY(:versions)
    ORDER BY line.plan_item_id, lower(line.period), line.id
    """
)


def statements(session: Session, *, numbers: Collection[str] = (), ids: Collection[int] = ()) -> list[Statement]:
    """What is to be told of cases, by id; five queries, however many cases there are."""
    cases = session.execute(_CASES, {"numbers": list(numbers), "ids": list(ids)}).all()
    sections: dict[int, list[Section]] = {}
    closed = {case.id for case in cases if not case.open}
    rows = [dict(row) for row in session.execute(_SECTIONS, {"ids": [case.id for case in cases]}).mappings()]
    versions = {row["decision_id"]: row.pop("version_id") for row in rows}
    items = _items(session, versions)
    for row in rows:
        case_id, own = row.pop("case_id"), items.get(row.pop("decision_id"), ())
        sections.setdefault(case_id, []).append(Section(**row, items=own, closed=case_id in closed))
    return [
        Statement(
            case_id=case.id,
            case=case.number,
            open=case.open,
            non_disclosure=case.non_disclosure,
            worker=case.worker,
            unit=case.unit,
            goals=tuple(case.goals),
            sections=_worth_telling(sections.get(case.id, [])),
        )
        for case in cases
    ]


def _worth_telling(sections: list[Section]) -> tuple[Section, ...]:
    """The live ones; where all have ended, the last."""
    return tuple(one for one in sections if one.state != "ended") or tuple(sections[-1:])


def _items(session: Session, versions: dict[int, int]) -> dict[int, tuple[Planned, ...]]:
    """Planned services by decision. `versions`: the current one of each decision's budget."""
    lines: dict[tuple[int, int], list[Share]] = {}
    for row in session.execute(_LINES, {"versions": list(versions.values())}).mappings():
        values = dict(row)
        lines.setdefault((values.pop("version_id"), values.pop("plan_item_id")), []).append(Share(**values))
    rows = session.execute(_ITEMS, {"decisions": list(versions), "versions": list(versions.values())}).mappings().all()
    used = _used(session, {row["id"]: row["unit"] for row in rows})
    found: dict[int, tuple[Planned, ...]] = {}
    for row in rows:
        values = dict(row)
        item, decision = values["id"], values.pop("decision_id")
        own = tuple(lines.get((versions[decision], item), ()))
        found[decision] = (*found.get(decision, ()), Planned(**values, used=used.get(item, ZERO), lines=own))
    return found


def _used(session: Session, units: dict[int, str]) -> dict[int, Decimal]:
    """How much of each planned service is used, in its own unit: what was delivered, or what was billed where that is more."""
    delivered: dict[int, Fraction] = {}
    invoiced: dict[int, Fraction] = {}
    for row in session.execute(_USED, {"items": list(units)}):
        unit = units[row.plan_item_id]
        for sums, quantity in ((delivered, row.delivered), (invoiced, row.invoiced)):
            counted = exactly(quantity, row.unit, unit)  # None: ordered in what cannot be counted in the plan's unit
            sums[row.plan_item_id] = sums.get(row.plan_item_id, Fraction(0)) + (counted or 0)
    return {item: _rounded(max(sum_, invoiced[item], Fraction(0))) for item, sum_ in delivered.items()}


def _rounded(quantity: Fraction) -> Decimal:
    return round(Decimal(quantity.numerator) / Decimal(quantity.denominator), 2)
