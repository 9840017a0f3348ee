"""What orders bind, what of it was delivered and what was billed."""

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction

from tests.support.budget_oracle.prices import cents, without_vat
from tests.support.budget_oracle.said import Decided, Order, OrderLine
from tests.support.budget_oracle.shares import Figures, Line

_NOTHING = Fraction(0)


def order_lines(decided: Decided, *, today: date, close_after: int) -> Iterator[Line]:
    """The lines of a budget that come from its orders."""
    for order in decided.orders:
        closed = _is_closed(decided, order, today, close_after)
        for one in order.lines:
            entries = [(bill, entry) for bill in decided.bills for entry in bill.entries if entry.line == one.name]
            billed = sum((Fraction(entry.gross) * (-1 if bill.credit else 1) for bill, entry in entries), _NOTHING)
            net = sum((Fraction(entry.net) * (-1 if bill.credit else 1) for bill, entry in entries), _NOTHING)
            quantity = sum(
                (Fraction(entry.quantity or 0) * (-1 if bill.credit else 1) for bill, entry in entries), _NOTHING
            )
            if entries:
                yield _line("invoiced", one, quantity, (net, billed - net, billed))
            live = any(cover.live and cover.item == one.item for cover in order.covers)
            if live and not closed:
                yield from _bound(decided, one, billed, quantity, billed_at_all=bool(entries))


def _bound(
    decided: Decided, one: OrderLine, billed: Fraction, quantity: Fraction, *, billed_at_all: bool
) -> Iterator[Line]:
    """What the order still binds of a line, and how much of that is delivered already."""
    ordered = max(_NOTHING, Fraction(one.gross) - billed)
    if not ordered and billed_at_all:
        return
    net = Fraction(one.net) if not billed else without_vat(ordered, one.vat_rate)
    whole = Fraction(one.quantity)
    yield _line("ordered", one, min(whole, max(_NOTHING, whole - quantity)), (net, ordered - net, ordered))
    reports = [Fraction(report.quantity) for report in decided.reports if report.line == one.name and report.in_force]
    if not reports:
        return
    value = cents(Fraction(one.gross) * min(sum(reports, _NOTHING), whole) / whole)
    delivered = min(ordered, max(_NOTHING, value - billed))
    if delivered:
        yield _line("delivered", one, sum(reports, _NOTHING), (_NOTHING, _NOTHING, delivered))


def _is_closed(decided: Decided, order: Order, today: date, close_after: int) -> bool:
    names = {one.name for one in order.lines}
    final = any(bill.final and any(entry.line in names for entry in bill.entries) for bill in decided.bills)
    return order.state == "closed" or final or order.last + timedelta(days=1 + close_after) <= today


def _line(kind: str, one: OrderLine, quantity: Fraction, figures: Figures) -> Line:
    return Line(kind, one.item, one.first, one.last, quantity, one.unit, figures, one.extra, order_line=one.name)
