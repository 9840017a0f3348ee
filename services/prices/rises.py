"""Whether a contract allows a price to rise. Falls need nobody's leave."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from core.errors import Message
from services.prices.values import InForce, New, PriceRule


def gross(price: InForce | New) -> Decimal:
    """What the buyer pays per base quantity, VAT in it, not rounded: the figure in which prices are compared."""
    return price.amount if price.vat_inclusive else price.amount * (1 + price.vat_rate)


def percent_of_change(old: InForce, new: New) -> Decimal:
    """By how many percent the gross price changes, one decimal."""
    return round((gross(new) / gross(old) - 1) * 100, 1)


def rise_not_allowed(
    new: New, old: InForce, history: Iterable[InForce], contracts: Iterable[PriceRule], service: str
) -> Message | None:
    """Why a rise must wait for a person, or None: it is no rise, or a contract in force on its first day allows it.

    `history` are the key's prices in force, for the yearly limit.
    """
    if gross(new) <= gross(old):
        return None
    in_force = [contract for contract in contracts if contract.first <= new.first < contract.until]
    if any(_allows(contract.rule, new, history) for contract in in_force):
        return None
    values = {
        "service": service,
        "percent": str(percent_of_change(old, new)),
        "date": new.first.isoformat(),
        "position": new.position,
    }
    if not in_force:
        return Message(
            "{service} (row {position}) would rise {percent} per cent from {date}: no contract is in force then.",
            **values,
        )
    return Message(
        "{service} (row {position}) would rise {percent} per cent from {date}: contract {contract} does not allow it.",
        contract=in_force[0].number,
        **values,
    )


def _allows(rule: dict[str, object], new: New, history: Iterable[InForce]) -> bool:
    """`free`: always. `fixed`: after its last day. `percent`: from its day on, at most so much above the year's lowest price."""
    kind = rule.get("kind")
    if kind == "free":
        return True
    if kind == "fixed":
        until = rule.get("until")
        return until is not None and new.first > date.fromisoformat(str(until))
    if kind != "percent":
        return False
    since = rule.get("from")
    if since is not None and new.first < date.fromisoformat(str(since)):
        return False
    # The lowest of the year before, so that two small rises do not make one large one.
    year_before = new.first - timedelta(days=365)
    lowest = min((gross(one) for one in history if one.first < new.first and one.until > year_before), default=None)
    return lowest is not None and gross(new) <= lowest * (1 + Decimal(str(rule.get("percent", 0))) / 100)
