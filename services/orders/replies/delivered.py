"""What providers say they have delivered: by the signed form or by a file. It moves the budgets' `delivered`, and nothing else.

A report about the same days replaces the former; one that lies around former ones replaces them all. What would make more of a line than
was ordered, or tells of days the line has not, waits for a person.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal

from sqlalchemy import insert, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import Message
from core.i18n import N_
from models.base import table_of
from models.invoice import Delivered
from services.budgets import dirty
from services.orders.show import STATE_NAMES

#: Nothing can be delivered on these.
_DEAD: Final = ("rejected", "cancelled")

#: Rows in: numbers of orders. Rows out: their lines; the orders are held until the transaction ends, in one order, so that two files at
#: once cannot wait for each other.
_LINES: Final = text(
    """
    WITH held AS (
        SELECT purchase_order.id, number, state, provider_id FROM purchase_order
        WHERE number = ANY(:numbers) ORDER BY purchase_order.id FOR NO KEY UPDATE)
    SELECT held.id AS order_id, held.number, held.state, provider.business_id, order_line.id, line_number,
           lower(order_line.period) AS first, upper(order_line.period) - 1 AS last, quantity
    FROM held JOIN provider ON provider.id = held.provider_id JOIN order_line ON order_line.order_id = held.id
    ORDER BY held.id, line_number
    """
)

#: Rows in: lines. Rows out: what was reported of them and stands.
_STANDING: Final = text(
    """
    SELECT id, order_line_id, lower(period) AS first, upper(period) - 1 AS last, quantity FROM delivered
    WHERE order_line_id = ANY(:ids) AND superseded_at IS NULL
    """
)

#: Rows in: reports that later ones replace. Rows changed: they, superseded.
_SUPERSEDE: Final = text("UPDATE delivered SET superseded_at = :now WHERE id = ANY(:ids)")

_UNKNOWN: Final = N_("There is no purchase order {order}.")
_NO_LINE: Final = N_("{order} has no line {line}.")
_WHICH: Final = N_("{order} has several lines; it must be said which.")
_ENDED: Final = N_("{order} is {state}.")
_OTHERS: Final = N_("{order} is another provider's.")
_AHEAD: Final = N_("{order}, line {line}: {date} has not come yet.")
_OUTSIDE: Final = N_("{order}, line {line}: its days are {first} to {last}, and others are told of.")
_ACROSS: Final = N_("{order}, line {line}: some of these days were told of before, together with others.")
_MORE: Final = N_("{order}, line {line}: {quantity} would be delivered in all, and {agreed} were ordered.")


@dataclass(frozen=True)
class Report:
    """That so much of a line was delivered on these days, both included. `line` None: the order's only one. `row`: where a file says it."""

    number: str
    line: int | None
    first: date
    last: date
    quantity: Decimal
    row: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The form kept while a person must decide."""
        days = {"first": self.first.isoformat(), "last": self.last.isoformat()}
        return {"number": self.number, "line": self.line, "quantity": str(self.quantity), "row": self.row, **days}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Report":
        """Read back what `to_json` wrote."""
        first, last = (date.fromisoformat(data[name]) for name in ("first", "last"))
        return cls(data["number"], data["line"], first, last, Decimal(data["quantity"]), data["row"])


@dataclass(frozen=True)
class TakenReport:
    """What became of a report; `reason`: why it was not applied."""

    report: Report
    state: Literal["applied", "held", "refused", "repeated"]
    reason: Message | None = None
    order_id: int | None = None


@dataclass(frozen=True)
class _Told:
    """A report that stands; one of the present call has a number below zero for an id."""

    id: int
    first: date
    last: date
    quantity: Decimal

    def lies_in(self, report: "Report | _Told") -> bool:
        """Whether the other one tells of all its days."""
        return report.first <= self.first and self.last <= report.last


@dataclass
class _Line:
    """A line with what stands of it."""

    row: Any
    standing: list[_Told]

    def replaced_by(self, told: _Told) -> list[_Told]:
        """Let a report stand; those it takes the place of."""
        former = [one for one in self.standing if one.lies_in(told)]
        self.standing = [*(one for one in self.standing if not one.lies_in(told)), told]
        return former


def take_delivered(
    session: Session,
    reports: Sequence[Report],
    *,
    told_by: Literal["form", "csv"],
    now: datetime,
    business_id: str | None = None,
    incoming_id: int | None = None,
    run_id: int | None = None,
    agreed: bool = False,
) -> list[TakenReport]:
    """Take reports in, in their order; what became of each. `business_id`: whose they must be. `agreed`: a person has said that what goes
    beyond the order is so. Four statements, however many reports there are. Commits nothing.
    """
    orders = _ordered(session, {one.number for one in reports})
    taken: list[TakenReport] = []
    fresh: dict[int, dict[str, Any]] = {}
    gone: list[int] = []
    for number, report in enumerate(reports, 1):
        line = _line_of(orders, report, business_id)
        if isinstance(line, Message):
            taken.append(TakenReport(report, "refused", line))
            continue
        taken.append(_judge(line, report, local_date(now), agreed=agreed))
        if taken[-1].state == "applied":
            former = line.replaced_by(_Told(-number, report.first, report.last, report.quantity))
            gone += [one.id for one in former if fresh.pop(one.id, None) is None]
            row = {
                "order_line_id": line.row.id,
                "period": Range(report.first, report.last, bounds="[]"),
                "quantity": report.quantity,
            }
            fresh[-number] = {**row, "told_by": told_by, "incoming_id": incoming_id, "run_id": run_id}
    if gone:
        session.execute(_SUPERSEDE, {"ids": gone, "now": now})
    if fresh:
        session.execute(insert(table_of(Delivered)), list(fresh.values()))
    dirty.mark_orders(session, sorted({one.order_id for one in taken if one.state == "applied" and one.order_id}))
    return taken


def _ordered(session: Session, numbers: Iterable[str]) -> dict[str, dict[int, _Line]]:
    """The lines of orders by number, with what stands of each."""
    rows = session.execute(_LINES, {"numbers": sorted(numbers)}).all()
    standing: dict[int, list[_Told]] = defaultdict(list)
    for one in session.execute(_STANDING, {"ids": [row.id for row in rows]}):
        standing[one.order_line_id].append(_Told(one.id, one.first, one.last, one.quantity))
    orders: dict[str, dict[int, _Line]] = defaultdict(dict)
    for row in rows:
        orders[row.number][row.line_number] = _Line(row, standing[row.id])
    return orders


def _line_of(orders: Mapping[str, dict[int, _Line]], report: Report, business_id: str | None) -> _Line | Message:
    """The line a report is about, or why it is refused."""
    lines = orders.get(report.number)
    if not lines:
        return Message(_UNKNOWN, order=report.number)
    row = next(iter(lines.values())).row
    if business_id is not None and row.business_id != business_id:
        return Message(_OTHERS, order=report.number)
    if row.state in _DEAD:
        return Message(_ENDED, order=report.number, state=Message(STATE_NAMES[row.state]))
    if report.line is None and len(lines) > 1:
        return Message(_WHICH, order=report.number)
    line = next(iter(lines.values())) if report.line is None else lines.get(report.line)
    return line or Message(_NO_LINE, order=report.number, line=report.line)


def _judge(line: _Line, report: Report, today: date, *, agreed: bool) -> TakenReport:
    row = line.row
    named = {"order": row.number, "line": row.line_number}
    if report.first > today:
        ahead = Message(_AHEAD, **named, date=report.first.isoformat())
        return TakenReport(report, "refused", ahead, row.order_id)
    if any(
        (one.first, one.last, one.quantity) == (report.first, report.last, report.quantity) for one in line.standing
    ):
        return TakenReport(report, "repeated", None, row.order_id)
    touched = [one for one in line.standing if one.first <= report.last and report.first <= one.last]
    whole = [one for one in touched if one.lies_in(report)]
    total = report.quantity + sum((one.quantity for one in line.standing if one not in whole), Decimal(0))
    reason = None
    if len(whole) < len(touched):
        reason = Message(_ACROSS, **named)
    elif not agreed and not (row.first <= report.first and report.last <= row.last):
        reason = Message(_OUTSIDE, **named, first=row.first.isoformat(), last=row.last.isoformat())
    elif not agreed and total > row.quantity:
        reason = Message(_MORE, **named, quantity=_figure(total), agreed=_figure(row.quantity))
    return TakenReport(report, "applied" if reason is None else "held", reason, row.order_id)


def _figure(value: Decimal) -> str:
    return f"{value.normalize():f}"
