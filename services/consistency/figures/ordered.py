"""What orders bind of a budget: what of them is invoiced, what still ordered, and what of that is delivered already."""

from collections.abc import Iterator
from decimal import Decimal

from services.consistency.figures.pricing import before_vat, cents
from services.consistency.figures.said import By, Line, Order, OrderedLine

_NOTHING = Decimal(0)


def order_lines(orders: list[Order], by: By) -> Iterator[Line]:
    """The lines of a budget that its orders make."""
    for order in orders:
        over = _is_over(order, by)
        for one in order.lines:
            yield from _lines(one, binds=one.live and not over)


def _is_over(order: Order, by: By) -> bool:
    """Whether an order binds nothing any more: closed, billed for the last time, or not to be billed any more."""
    late = order.after is not None and order.after + by.close_after <= by.today
    final = any(bill.final for one in order.lines for bill in one.bills)
    return order.state == "closed" or late or final


def _lines(one: OrderedLine, *, binds: bool) -> Iterator[Line]:
    billed = sum((bill.gross for bill in one.bills), _NOTHING)
    net = sum((bill.net for bill in one.bills), _NOTHING)
    quantity = sum((bill.quantity for bill in one.bills if bill.quantity is not None), _NOTHING)
    if one.bills:
        numbers = tuple(sorted({bill.number for bill in one.bills}))
        yield _line(one, "invoiced", quantity, (net, billed - net, billed), numbers)
    left = max(one.gross - billed, _NOTHING)
    if not binds:
        return
    if left or not one.bills:
        figures = (one.net, one.vat, left) if not billed else _split(left, one.vat_rate)
        yield _line(one, "ordered", min(max(one.quantity - quantity, _NOTHING), one.quantity), figures)
    reported = sum(one.delivered, _NOTHING)
    if reported > 0:
        share = min(reported, one.quantity)
        worth = cents(one.gross * share / one.quantity) - billed if one.quantity else left
        told = min(left, worth)
        if told > 0:
            yield _line(one, "delivered", share, _split(told, one.vat_rate))


def _split(gross: Decimal, rate: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    net = before_vat(gross, rate)
    return net, gross - net, gross


def _line(
    one: OrderedLine,
    kind: str,
    quantity: Decimal,
    figures: tuple[Decimal, Decimal, Decimal],
    invoices: tuple[str, ...] | None = None,
) -> Line:
    net, vat, gross = figures
    return Line(
        item=one.item,
        kind=kind,
        extra=one.extra,
        first=one.first,
        after=one.after,
        quantity=quantity,
        unit=one.unit,
        price=one.price,
        order_line=one.id,
        amount=one.amount,
        net=net,
        vat=vat,
        gross=gross,
        invoices=invoices,
    )
