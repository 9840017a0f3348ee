"""Quantities and units in words: UN/ECE codes are for documents, people read visits and hours."""

from decimal import Decimal

from cli.price import UNITS
from core.i18n import _, money, ngettext, number


def amount(quantity: Decimal | None, unit: str | None) -> str:
    """`12 visits`, `7,5 hours`; a unit without a word keeps its code. None is `–`: not known."""
    if quantity is None:
        return "–"
    return _template(unit or "", 1 if quantity == 1 else 2).format(quantity=number(quantity), unit=unit)


def per(unit: str, base_quantity: Decimal) -> str:
    """What a price is for: `visit`, or `0,75 hours`."""
    return _(UNITS.get(unit, unit)) if base_quantity == 1 else amount(base_quantity, unit)


def unit_price(price: Decimal, unit: str, base_quantity: Decimal) -> str:
    """`88,00 €/visit`; fractions of a cent are shown where a price has them."""
    shown = money(price) if price == round(price, 2) else f"{number(price)} €"
    return f"{shown}/{per(unit, base_quantity)}"


def _template(unit: str, count: int) -> str:
    match unit:
        case "C62":
            return ngettext("{quantity} visit", "{quantity} visits", count)
        case "HUR":
            return ngettext("{quantity} hour", "{quantity} hours", count)
        case "DAY":
            return ngettext("{quantity} day", "{quantity} days", count)
        case "WEE":
            return ngettext("{quantity} week", "{quantity} weeks", count)
        case "MON":
            return ngettext("{quantity} month", "{quantity} months", count)
        case _:
            return "{quantity} {unit}"
