"""What tells one price from another, in words: the plan of a list and the prices in force say it alike."""

from decimal import Decimal
from typing import Final

from core.i18n import N_, _, money, number
from core.units import amount, per

TIME_CLASSES: Final = {
    "weekday": N_("weekday"),
    "evening": N_("evening"),
    "night": N_("night"),
    "saturday": N_("Saturday"),
    "sunday": N_("Sunday or holiday"),
}


def per_what(unit: str, base_quantity: Decimal, time_class: str, minimum_quantity: Decimal, territory: str) -> str:
    """`0,75 hours, evening, from 10 hours on, Espoo`; what is ordinary is not said."""
    said = [per(unit, base_quantity)]
    if time_class != "weekday":
        said.append(_(TIME_CLASSES.get(time_class, time_class)))
    if minimum_quantity > 0:
        said.append(_("from {quantity} on").format(quantity=amount(minimum_quantity, unit)))
    if territory:
        said.append(territory)
    return ", ".join(said)


def amount_in_words(price: Decimal) -> str:
    """Euros; fractions of a cent are shown where a price has them."""
    return money(price) if price == round(price, 2) else f"{number(price)} €"
