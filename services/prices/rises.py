"""Whether a price may rise, which its contract decides, or fall so far, which may be a slip of somebody's keyboard."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from core.errors import Message
from services.prices.values import InForce, New, PriceRule


def gross(price: InForce | New) -> Decimal:
    """What the buyer pays per base quantity, VAT in it, not rounded: the figure in which prices are compared."""
    return price.amount if price.vat_inclusive else price.amount * (1 + price.vat_rate)


def percent_of_change(old: InForce, new: New) -> Decimal:
    """By how many percent the gross price changes, one decimal."""
    return round((gross(new) / gross(old) - 1) * 100, 1)


def contract_for(contracts: Sequence[PriceRule], new: New, history: Iterable[InForce]) -> tuple[PriceRule | None, bool]:
    """The contract a rise rests on, and whether it allows it; of several in force on its first day one that does. None: none is."""
    in_force = [contract for contract in contracts if contract.first <= new.first < contract.until]
    allowing = [contract for contract in in_force if _allows(contract.rule, new, history)]
    return next(iter(allowing or in_force), None), bool(allowing)


def rise_not_allowed(new: New, old: InForce, contract: PriceRule | None, service: str) -> Message:
    """Why a rise must wait for a person."""
    values = {
        "service": service,
        "percent": str(percent_of_change(old, new)),
        "date": new.first.isoformat(),
        "position": new.position,
    }
    if contract is None:
        return Message(
            "{service} (row {position}) would rise {percent} per cent from {date}: no contract is in force then.",
            **values,
        )
    return Message(
        "{service} (row {position}) would rise {percent} per cent from {date}: contract {contract} does not allow it.",
        contract=contract.number,
        **values,
    )


def falls_too_far(new: New, old: InForce, limit: Decimal, service: str) -> Message | None:
    """Why a fall by more than `limit` (a share of one) must wait for a person; None for a smaller one."""
    if gross(new) >= gross(old) * (1 - limit):
        return None
    return Message(
        "{service} (row {position}) would fall {percent} per cent from {date}: more than the agreed {limit} per cent.",
        service=service,
        position=new.position,
        percent=str(-percent_of_change(old, new)),
        date=new.first.isoformat(),
        limit=f"{(limit * 100).normalize():f}",
    )


def rule_in_words(contract: PriceRule) -> Message:
    """What a contract says of rises."""
    rule, number = contract.rule, contract.number
    kind = rule.get("kind")
    if kind == "free":
        return Message("contract {contract}: prices are free", contract=number)
    if kind == "fixed" and rule.get("until"):
        return Message("contract {contract}: fixed until {date}", contract=number, date=str(rule["until"]))
    if kind == "fixed":
        return Message("contract {contract}: fixed", contract=number)
    if kind == "percent":
        return Message(
            "contract {contract}: at most {percent} per cent a year",
            contract=number,
            percent=str(rule.get("percent", 0)),
        )
    return Message("contract {contract}: no rule for prices", contract=number)


def _allows(rule: dict[str, Any], new: New, history: Iterable[InForce]) -> bool:
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
