"""Euros against what was granted, month by month: is it cost-neutral?

Counted are decisions whose budget is known in full (services/budgets): what is invoiced, what orders still bind and what is planned, each
line spread evenly over its days; against it the ceiling, spread evenly from the first to the last day of these lines. A month's part is the
difference of two sums rounded to the cent, so that the months add up to the line, and those of all ceilings to what was granted.
"""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.oversight.blocks import ENOUGH, Block, Cell, Group, blocks
from services.oversight.months import FIRST_MONTH
from services.oversight.units import UNIT_CASE

#: The parts of the costs, told where each is of no case or of enough.
PARTS: Final = ("invoiced", "ordered", "planned")


def _share(amount: str, first: str, after: str) -> str:
    """SQL of the part of an amount spread over the days [first, after) that falls on the month `month`."""
    until = f"least(greatest(CAST(month + interval '1 month' AS date) - {first}, 0), {after} - {first})"
    before = f"least(greatest(CAST(month AS date) - {first}, 0), {after} - {first})"
    return f"round({amount} * {until} / ({after} - {first}), 2) - round({amount} * {before} / ({after} - {first}), 2)"


_MONTHS = """
    CROSS JOIN LATERAL generate_series(
        date_trunc('month', greatest({first}, CAST(:first AS date))::timestamp), least({after} - 1, CAST(:last AS date))::timestamp, interval '1 month'
    ) AS month
"""

#: Rows in: the first and the last day that are told. Rows out: for each unit and month costs and ceilings (euros), how many cases they are of,
#: and these where they are too few; each part of the costs where it may stand beside the others. A case with nothing on one of the two
#: sides hides nobody, and is not counted as one of the five.
_COUNT = text(
    f"""
    WITH {UNIT_CASE}, known AS (
        SELECT unit_case.unit_id, unit_case.case_id, version.id AS version_id, version.ceiling
        FROM budget_version AS version
        JOIN budget ON budget.id = version.budget_id
        JOIN decision ON decision.id = budget.decision_id
        JOIN unit_case ON unit_case.case_id = decision.case_id
        WHERE version.superseded_at IS NULL AND version.free IS NOT NULL
    ), line AS (
        SELECT known.unit_id, known.case_id, known.version_id, known.ceiling, budget_line.kind, budget_line.gross,
               lower(budget_line.period) AS first, upper(budget_line.period) AS after
        FROM known JOIN budget_line ON budget_line.version_id = known.version_id
        WHERE budget_line.kind IN ('invoiced', 'ordered', 'planned')
    ), granted AS (
        SELECT unit_id, case_id, ceiling, min(first) AS first, max(after) AS after
        FROM line GROUP BY unit_id, case_id, version_id, ceiling
    ), spread AS (
        SELECT unit_id, case_id, month, kind, {_share("gross", "first", "after")} AS euros FROM line {_MONTHS.format(first="first", after="after")}
        UNION ALL
        SELECT unit_id, case_id, month, 'ceiling', {_share("ceiling", "first", "after")} FROM granted {_MONTHS.format(first="first", after="after")}
    ), of_case AS (
        SELECT unit_id, case_id, CAST(month AS date) AS month,
               coalesce(sum(euros) FILTER (WHERE kind <> 'ceiling'), 0) AS cost,
               coalesce(sum(euros) FILTER (WHERE kind = 'ceiling'), 0) AS ceiling,
               coalesce(sum(euros) FILTER (WHERE kind = 'invoiced'), 0) AS invoiced,
               coalesce(sum(euros) FILTER (WHERE kind = 'ordered'), 0) AS ordered,
               coalesce(sum(euros) FILTER (WHERE kind = 'planned'), 0) AS planned
        FROM spread GROUP BY unit_id, case_id, month
    )
    SELECT unit_id, month, sum(cost) AS cost, sum(ceiling) AS ceiling, count(*) FILTER (WHERE cost <> 0 AND ceiling <> 0) AS cases,
           CASE WHEN count(*) FILTER (WHERE cost <> 0 AND ceiling <> 0) < {ENOUGH}
                THEN array_agg(case_id) FILTER (WHERE cost <> 0 AND ceiling <> 0) END AS few,
           sum(invoiced) AS invoiced, sum(ordered) AS ordered, sum(planned) AS planned,
           count(*) FILTER (WHERE invoiced <> 0) BETWEEN 1 AND {ENOUGH - 1} OR count(*) FILTER (WHERE ordered <> 0) BETWEEN 1 AND {ENOUGH - 1}
               OR count(*) FILTER (WHERE planned <> 0) BETWEEN 1 AND {ENOUGH - 1} AS hidden
    FROM of_case WHERE cost <> 0 OR ceiling <> 0 GROUP BY unit_id, month
    """  # noqa: S608 - our own words
)

#: Rows out: for each unit the cases with a decision whose budget is not known in full, where they are enough to be told.
_LEFT_OUT = text(
    f"""
    WITH {UNIT_CASE}
    SELECT unit_case.unit_id, count(DISTINCT unit_case.case_id) AS cases
    FROM budget_version AS version
    JOIN budget ON budget.id = version.budget_id
    JOIN decision ON decision.id = budget.decision_id
    JOIN unit_case ON unit_case.case_id = decision.case_id
    WHERE version.superseded_at IS NULL AND version.free IS NULL
    GROUP BY unit_case.unit_id HAVING count(DISTINCT unit_case.case_id) >= {ENOUGH}
    """  # noqa: S608 - our own words
)


def count_euros(session: Session, last: date) -> dict[int, list[Block]]:
    """The blocks of every unit, up to the day `last`."""
    cells: dict[int, list[Cell]] = defaultdict(list)
    for row in session.execute(_COUNT, {"first": FIRST_MONTH, "last": last}):
        sums: dict[str, Decimal] = {"cost": row.cost, "ceiling": row.ceiling}
        if not row.hidden:
            sums |= {name: getattr(row, name) for name in PARTS}
        few = None if row.cases >= ENOUGH else frozenset(row.few or ())
        cells[row.unit_id].append(Cell(row.month, few, row.cases, sums))
    group: Group = ()
    return {unit: blocks(group, own, only_alone=PARTS) for unit, own in cells.items()}


def count_left_out(session: Session, today: date) -> dict[int, list[Block]]:
    """How many cases of each unit have a budget that is not known in full, as one block of today's month; none where they are few."""
    month = today.replace(day=1)
    return {row.unit_id: [Block((), month, month, row.cases, {})] for row in session.execute(_LEFT_OUT)}
