"""Which lines of which orders an invoice bills, and what speaks against taking it.

Orders are found by their number (or our reference on them), a credit note's also by the invoice it gives back from; else by provider,
contract and days, where exactly one order fits. Lines are found by the order line's number, else because there is only one, else by unit,
price, days and rate of VAT. Whatever is not certain is held for a person: a wrong guess would show one family another's costs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Final

from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import N_
from core.money import ZERO, round_half_up
from core.unit_conversion import exactly
from documents.invoice.values import Invoice, Line
from services.invoices import reading
from services.invoices.reading import Billed, Ordered, OrderedLine
from services.orders.show import STATE_NAMES

#: Orders in these states are not what a provider should bill.
UNBILLABLE: Final = ("approved", "cancelled", "rejected")
#: What a price may be above the ordered one before it counts, euros a line: rounding.
_SLACK: Final = Decimal("0.02")
#: Of NUMERIC(12,4).
_MOST_UNITS: Final = 10**8


@dataclass(frozen=True)
class Hold:
    """What speaks against taking a document as it is. `code`: what a person can do about it (services/invoices/deciding.py)."""

    code: str
    reason: Message


@dataclass(frozen=True)
class Share:
    """What a document bills of one order line, or gives back. Never below zero."""

    line: OrderedLine
    quantity: Decimal | None
    net: Decimal
    vat: Decimal
    gross: Decimal


@dataclass(frozen=True)
class Assigned:
    """What a person said: the order, and lines of orders (order number, line number) by line of the document."""

    order: str | None = None
    lines: Mapping[int, tuple[str, int]] = field(default_factory=dict)

    @property
    def orders(self) -> set[str]:
        return {*([self.order] if self.order else []), *(order for order, _ in self.lines.values())}


@dataclass(frozen=True)
class Match:
    """What was found. `shares` are complete only where nothing speaks against it; `before` is what was billed of each order so far, by id."""

    orders: tuple[Ordered, ...] = ()
    shares: tuple[Share, ...] = ()
    holds: tuple[Hold, ...] = ()
    before: Mapping[int, Decimal] = field(default_factory=dict)

    @property
    def covers(self) -> bool:
        """Whether, with this invoice, nothing of its orders is left to be billed."""
        return all(one.gross <= self.billed(one) for one in self.orders)

    def billed(self, order: Ordered) -> Decimal:
        """What was billed of an order, with this invoice."""
        return self.before[order.id] + sum((one.gross for one in self.shares if one.line.order_id == order.id), ZERO)


def match(session: Session, invoice: Invoice, provider_id: int, said: Assigned | None = None) -> Match:
    """The orders and lines of an invoice; what cannot be told, and what it may not bill, is told as holds."""
    said = said or Assigned()
    found = _orders(session, invoice, provider_id, said)
    if isinstance(found, Hold):
        return Match(holds=(found,))
    strangers = [one for one in found.all if one.provider_id != provider_id]
    if strangers:
        reason = Message(N_("Order {order} is another provider's."), order=strangers[0].number)
        return Match(tuple(found.all), holds=(Hold("seller", reason),))
    lines = reading.lines_of(session, found.all)
    shares, doubts = _shares(invoice, lines, found, said)
    if doubts and not said.lines:
        shares = _all_of_it(invoice, lines, found)
    if doubts and not shares:
        return Match(tuple(found.all), holds=tuple(doubts))
    touched = {share.line.order_id for share in shares}
    orders = tuple(one for one in found.all if one.id in touched)
    before = {one.id: sum((line.billed_gross for line in lines if line.order_id == one.id), ZERO) for one in orders}
    made = Match(orders, tuple(shares), before=before)
    return replace(made, holds=(*_unbillable(orders), *_too_much(invoice, made)))


@dataclass(frozen=True)
class _Found:
    """Orders by the names a document calls them; `default` are those that lines without an order of their own bill."""

    all: list[Ordered]
    by_name: dict[str, Ordered]
    default: list[Ordered]
    credited: tuple[Billed, ...] = ()


def _orders(session: Session, invoice: Invoice, provider_id: int, said: Assigned) -> _Found | Hold:
    """The orders a document is about. One that names orders of ours names no others."""
    names = {invoice.order, invoice.client_reference, *(line.order for line in invoice.lines)} - {None}
    named = reading.orders_named(session, {str(name) for name in names} | said.orders)
    by_name = {name: one for one in named for name in (one.number, one.client_reference)}
    missing = sorted(said.orders - by_name.keys())
    if missing:
        return Hold("unknown", Message(N_("There is no purchase order {order}."), order=missing[0]))
    header = next(
        (by_name[one] for one in (said.order, invoice.order, invoice.client_reference) if one in by_name), None
    )
    credited = reading.orders_billed_by(session, provider_id, invoice.credits) if invoice.kind == "credit" else []
    billed = reading.lines_billed_by(session, provider_id, invoice.credits) if credited and invoice.credits else []
    if header is not None:
        default = [header]
    elif credited:
        default = credited
    else:
        default = reading.orders_under(session, provider_id, invoice.contract, invoice.period)
        if len(default) > 1:
            return Hold(
                "unknown", Message(N_("It names no order, and several orders of the contract have those days."))
            )
    every = {one.id: one for one in (*named, *default)}
    if not every:
        return Hold("unknown", _why_unknown(invoice))
    return _Found(sorted(every.values(), key=lambda one: one.id), by_name, default, tuple(billed))


def _why_unknown(invoice: Invoice) -> Message:
    if invoice.kind == "credit" and invoice.credits:
        return Message(N_("It gives back from invoice {invoice}, which is not known here."), invoice=invoice.credits)
    if invoice.order:
        return Message(N_("It bills order {order}, which is not known here."), order=invoice.order)
    return Message(N_("It names no order, and by contract and days none can be told."))


def _shares(
    invoice: Invoice, lines: Sequence[OrderedLine], found: _Found, said: Assigned
) -> tuple[list[Share], list[Hold]]:
    """What each order line is billed, or the first line of the document of which that cannot be told."""
    picked: dict[int, list[Line]] = {}
    by_id = {line.id: line for line in lines}
    for line in _billing(invoice):
        candidates = _candidates(line, lines, found, said)
        if len(candidates) != 1:
            reason = Message(N_("Of line {line} it cannot be told which line of the order it bills."), line=line.number)
            return [], [Hold("lines", reason)]
        picked.setdefault(candidates[0].id, []).append(line)
    shares = [_share(by_id[key], mine) for key, mine in sorted(picked.items())]
    for share in shares:
        if min(share.net, share.vat, share.gross) < 0:
            reason = Message(
                N_("It comes to less than nothing for line {line} of the order."), line=share.line.line_number
            )
            return [], [Hold("lines", reason)]
    return shares, []


def _billing(invoice: Invoice) -> Sequence[Line]:
    """The lines that cost something: some systems print texts as lines of nothing."""
    return [line for line in invoice.lines if line.gross or line.net] or invoice.lines


def _all_of_it(invoice: Invoice, lines: Sequence[OrderedLine], found: _Found) -> list[Share]:
    """The lines that a credit note gives back which gives back its whole invoice, however few lines it has itself."""
    by_id = {line.id: line for line in lines}
    sums = (sum((one.net for one in found.credited), ZERO), sum((one.vat for one in found.credited), ZERO))
    if (
        not found.credited
        or sums != (invoice.net, invoice.vat)
        or not {one.order_line_id for one in found.credited} <= by_id.keys()
    ):
        return []
    return [Share(by_id[one.order_line_id], one.quantity, one.net, one.vat, one.gross) for one in found.credited]


def _candidates(line: Line, lines: Sequence[OrderedLine], found: _Found, said: Assigned) -> list[OrderedLine]:
    """The order lines that a line of a document may bill: one, where it can be told."""
    if line.number in said.lines:
        order, number = said.lines[line.number]
        of = found.by_name[order].id
        return [one for one in lines if one.order_id == of and one.line_number == number]
    own = found.by_name.get(line.order or "")
    if own is not None and said.order is None:
        orders = {own.id}
    else:
        orders = {one.id for one in found.default} or {one.id for one in found.all}
    mine = [one for one in lines if one.order_id in orders]
    named = [one for one in mine if line.order_line == str(one.line_number)]
    if len(named) == 1:
        return named
    if found.credited:
        credited = {one.order_line_id for one in found.credited}
        mine = [one for one in mine if one.id in credited] or mine
    for fits in _CHECKS:
        if len(mine) > 1:
            mine = [one for one in mine if fits(line, one)] or mine
    return mine


def _same_unit(line: Line, one: OrderedLine) -> bool:
    return (
        line.quantity is not None and line.unit is not None and exactly(line.quantity, line.unit, one.unit) is not None
    )


def _same_price(line: Line, one: OrderedLine) -> bool:
    """Whether the line costs what so much of the order line would, to the cent or nearly."""
    units = _units(line, one)
    return units is not None and abs(line.net - _cost(units, one.net, one)) <= _SLACK


def _same_days(line: Line, one: OrderedLine) -> bool:
    return line.period is not None and one.first <= line.period.first and line.period.last <= one.last


def _same_rate(line: Line, one: OrderedLine) -> bool:
    return line.vat_rate == one.vat_rate


#: What tells order lines apart, the surest first. One that fits none of them tells nothing.
_CHECKS: Final[tuple[Callable[[Line, OrderedLine], bool], ...]] = (_same_unit, _same_price, _same_days, _same_rate)


def _units(line: Line, one: OrderedLine) -> Fraction | None:
    """The line's quantity in the unit of the order line."""
    if line.quantity is None or line.unit is None:
        return None
    return exactly(line.quantity, line.unit, one.unit)


def _cost(units: Fraction, whole: Decimal, one: OrderedLine) -> Decimal:
    """What so many units of an order line cost, of its `whole` price."""
    if not one.quantity:
        return ZERO
    exact = units * Fraction(whole) / Fraction(one.quantity)
    return round_half_up(Decimal(exact.numerator) / Decimal(exact.denominator))


def _share(one: OrderedLine, lines: Sequence[Line]) -> Share:
    """All that a document bills of one order line."""
    counted_lines = [
        line for line in lines if line.quantity is not None and (line.quantity < 0) == (line.net < 0)
    ]  # no rebates
    units = [found for line in counted_lines if (found := _units(line, one)) is not None]
    quantity = sum(units, Fraction(0)) if units else None
    counted = None
    if quantity is not None and 0 <= quantity < _MOST_UNITS:
        counted = round_half_up(Decimal(quantity.numerator) / Decimal(quantity.denominator), Decimal("0.0001"))
    net, vat = sum((line.net for line in lines), ZERO), sum((line.vat for line in lines), ZERO)
    return Share(one, counted, net, vat, net + vat)


def _unbillable(orders: Sequence[Ordered]) -> list[Hold]:
    return [
        Hold(
            "order_state",
            Message(N_("Order {order} is {state}."), order=one.number, state=Message(STATE_NAMES[one.state])),
        )
        for one in orders
        if one.state in UNBILLABLE
    ]


def _too_much(invoice: Invoice, made: Match) -> list[Hold]:
    """Where a document bills more than was ordered, at a higher price, or gives back more than was billed."""
    if invoice.kind == "credit":
        return [
            Hold(
                "credit",
                Message(
                    N_("It gives back {euros} of line {line} of the order, of which {of_euros} were billed."),
                    euros=str(one.gross),
                    line=one.line.line_number,
                    of_euros=str(one.line.billed_gross),
                ),
            )
            for one in made.shares
            if one.gross > one.line.billed_gross or one.net > one.line.billed_net or one.vat > one.line.billed_vat
        ][:1]
    holds = [
        Hold(
            "over_price",
            Message(
                N_("With it, {euros} are billed of order {order}, which is for {of_euros}."),
                euros=str(made.billed(one)),
                order=one.number,
                of_euros=str(one.gross),
            ),
        )
        for one in made.orders
        if made.billed(one) > one.gross
    ]
    dearer = [one for one in made.shares if _is_dearer(one)]
    if dearer and not holds:
        one = dearer[0]
        agreed = _cost(Fraction(one.quantity or 0), one.line.gross, one.line)
        holds = [
            Hold(
                "over_price",
                Message(
                    N_(
                        "Line {line} of the order is billed at {euros}; at the price that was ordered it would be {of_euros}."
                    ),
                    line=one.line.line_number,
                    euros=str(one.gross),
                    of_euros=str(agreed),
                ),
            )
        ]
    return holds


def _is_dearer(one: Share) -> bool:
    if not one.quantity:
        return False
    return one.gross > _cost(Fraction(one.quantity), one.line.gross, one.line) + _SLACK
