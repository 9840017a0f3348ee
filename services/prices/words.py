"""Prices and plans in words, as the command line and the console both say them."""

from decimal import Decimal
from typing import Any, Final, NamedTuple

from core.errors import Message
from core.i18n import N_, _, day, money, ngettext, number
from core.units import amount, per, what_is_priced
from services.labels import field_name
from services.prices.values import Change

TIME_CLASSES: Final = {
    "weekday": N_("weekday"),
    "evening": N_("evening"),
    "night": N_("night"),
    "saturday": N_("Saturday"),
    "sunday": N_("Sunday or holiday"),
}
#: Columns of a list that no field of a price is called by, and what a column of another time holds.
_COLUMNS: Final = {
    "service_code": N_("service's code"),
    "vat_basis": N_("basis of the VAT exemption"),
    "travel": N_("travel, per kilometre"),
    "no_show": N_("visit that was not cancelled"),
    "supplement": N_("supplement"),
    "multiplier": N_("multiplier"),
}


class ChangeInWords(NamedTuple):
    """A line of a plan; what it does not say is empty."""

    sign: str
    what: str
    per: str
    old: str
    new: str
    percent: str
    first: str
    position: str
    rule: str


def column_name(column: str) -> str:
    """One of the columns a title may mean (connectors/prices/table/words.py): `service's code`, `supplement (evening)`."""
    kind, _sign, time_class = column.partition("_")
    if time_class in TIME_CLASSES:
        return f"{column_name(kind)} ({_(TIME_CLASSES[time_class])})"
    return _(_COLUMNS[column]) if column in _COLUMNS else field_name(column)


def change_in_words(one: Change, service: str | None = None) -> ChangeInWords:
    """A line of a plan as people read it; `service` is what they call the service, else its code."""
    return ChangeInWords(
        one.sign,
        what_is_priced(service or one.service, one.extra),
        per_what(one.unit, one.base_quantity, one.time_class, one.minimum_quantity, one.territory),
        amount_in_words(one.old) if one.old is not None else "",
        amount_in_words(one.new) if one.new is not None else "",
        f"{'+' if one.percent > 0 else ''}{number(one.percent)} %" if one.percent is not None else "",
        day(one.first),
        one.position,
        Message.from_json(one.rule).text() if one.rule else "",
    )


def effect_in_words(effect: dict[str, Any]) -> list[str]:
    """What a plan does to budgets, and that it leaves orders alone. `effect` as effect.py writes it."""
    told, count = [], effect["budgets"]
    if effect["counted"]:
        told.append(_("It touches {count} budgets: too many to calculate for a look.").format(count=count))
    elif count:
        said = ngettext("{count} budget changes", "{count} budgets change", count).format(count=count)
        planned = f"{money(Decimal(effect['planned_before']))} → {money(Decimal(effect['planned']))}"
        over = _("{count} go over the ceiling").format(count=effect["over"])
        unpriced = _("{count} lose a price").format(count=effect["unpriced"])
        told.append(f"{said} ({_('planned')} {planned}); {over}; {unpriced}.")
    else:
        told.append(_("No budget changes."))
    if effect["orders"]:
        orders = ngettext(
            "{count} live order was made at these prices and stays as it is.",
            "{count} live orders were made at these prices and stay as they are.",
            effect["orders"],
        )
        told.append(orders.format(count=effect["orders"]))
    return told


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
