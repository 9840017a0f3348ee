"""Quantities and units in words: UN/ECE codes are for documents, people read visits and hours."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from core.i18n import N_, _, money, ngettext, number

#: One of each, as after "per" or "in". There is no code for a visit; providers use several, and people one word.
UNITS: Final = {
    **dict.fromkeys(("C62", "H87", "E48", "ACT"), N_("visit")),
    "HUR": N_("hour"),
    "MIN": N_("minute"),
    "DAY": N_("day"),
    "WEE": N_("week"),
    "MON": N_("month"),
    "KMT": N_("kilometre"),
    "LS": N_("lump sum"),
}
#: What providers charge beside a service.
EXTRAS: Final = {"travel": N_("travel"), "no_show": N_("no-show")}
#: So many of them.
_COUNTED: Final[dict[str | None, Callable[[int], str]]] = {
    **dict.fromkeys(
        ("C62", "H87", "E48", "ACT"), lambda count: ngettext("{quantity} visit", "{quantity} visits", count)
    ),
    "HUR": lambda count: ngettext("{quantity} hour", "{quantity} hours", count),
    "MIN": lambda count: ngettext("{quantity} minute", "{quantity} minutes", count),
    "DAY": lambda count: ngettext("{quantity} day", "{quantity} days", count),
    "WEE": lambda count: ngettext("{quantity} week", "{quantity} weeks", count),
    "MON": lambda count: ngettext("{quantity} month", "{quantity} months", count),
    "KMT": lambda count: ngettext("{quantity} kilometre", "{quantity} kilometres", count),
    "LS": lambda count: ngettext("{quantity} lump sum", "{quantity} lump sums", count),
}


def what_is_priced(service: str, extra: str) -> str:
    """What a line is for: the service, or `ADHD-valmennus (travel)`."""
    return f"{service} ({_(EXTRAS.get(extra, extra))})" if extra else service


def unit_name(unit: str) -> str:
    """`visit` for `C62`; a unit without a word keeps its code."""
    return _(UNITS.get(unit, unit))


def amount(quantity: Decimal | None, unit: str | None) -> str:
    """`12 visits`, `7,5 hours`; a unit without a word keeps its code. None is `–`: not known."""
    if quantity is None:
        return "–"
    words = _COUNTED[unit](1 if quantity == 1 else 2) if unit in _COUNTED else "{quantity} {unit}"
    return words.format(quantity=number(quantity), unit=unit or "")


def per(unit: str, base_quantity: Decimal) -> str:
    """What a price is for: `visit`, or `0,75 hours`."""
    return unit_name(unit) if base_quantity == 1 else amount(base_quantity, unit)


def unit_price(price: Decimal, unit: str, base_quantity: Decimal) -> str:
    """`88,00 €/visit`; fractions of a cent are shown where a price has them."""
    shown = money(price) if price == round(price, 2) else f"{number(price)} €"
    return f"{shown}/{per(unit, base_quantity)}"
