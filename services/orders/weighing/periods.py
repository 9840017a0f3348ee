"""How much of a planned service one order holds: all of it, or what falls on a calendar month. Pure."""

from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy.dialects.postgresql import Range

from services.orders.weighing.items import Item

MONTHLY = "monthly"


def cut(item: Item, *, begun_by: date | None) -> list[tuple["Range[date]", date | None]]:
    """The days each order of an item is to hold, and for an order of a month that month's first day.

    A service ordered whole is one piece, whatever is ordered already. One ordered by the month is cut where months begin, days that a
    live order covers left out; only the months that begin by `begun_by`, None for all.
    """
    if item.order_period != MONTHLY:
        return [(item.period, None)]
    pieces = [piece for days in item.open for piece in _months(days)]
    return [(days, month) for days, month in pieces if begun_by is None or _first(days) <= begun_by]


def ordered_on(days: "Range[date]", ahead_days: int) -> date:
    """The day from which on a month may be ordered."""
    return _first(days) - timedelta(days=ahead_days)


def _months(days: "Range[date]") -> Iterator[tuple["Range[date]", date]]:
    first = _first(days)
    after = days.upper
    if after is None:
        raise ValueError(days)
    while first < after:
        month = first.replace(day=1)
        following = (month + timedelta(days=32)).replace(day=1)
        yield Range(first, min(following, after)), month
        first = following


def _first(days: "Range[date]") -> date:
    if days.lower is None:
        raise ValueError(days)
    return days.lower
