"""What a ceiling rests on. It is fixed once and stays, whatever prices do later: it is not looked up anew, but asked whether it can be what it is."""

from decimal import Decimal, localcontext

from core.errors import Message
from services.consistency.figures.pricing import TOO_MUCH, best_first, cost
from services.consistency.figures.said import Decided, Kept, Tariff
from services.consistency.figures.whole import DIGITS


def objection(kept: Kept) -> Message | None:
    """Why a ceiling cannot be right; None when nothing speaks against it."""
    decided = kept.decided
    if kept.froze != _said(decided):
        return Message("the decision says something else than when the ceiling was fixed")
    with localcontext(prec=DIGITS):
        if kept.ceiling is None:
            known = decided.granted if decided.granted is not None else _found(decided)
            return None if known is None else Message("it is not known, but {euros} would be found", euros=str(known))
        if decided.granted is not None:
            wanted: Decimal | None = decided.granted
        else:
            wanted = _by_price(kept, decided)
    if wanted is None:
        return Message("it rests on no own unit cost of the day of the decision")
    if wanted != kept.ceiling:
        return Message("kept {euros}, found {of_euros}", euros=str(kept.ceiling), of_euros=str(wanted))
    return None


def _said(decided: Decided) -> dict[str, object]:
    """What the decision says of money, in the words in which a ceiling keeps it."""
    return {
        "granted_amount": decided.granted,
        "decided_on": decided.decided_on,
        "service_id": decided.service,
        "quantity": decided.quantity,
        "unit": decided.unit,
    }


def _by_price(kept: Kept, decided: Decided) -> Decimal | None:
    """What the replaced quantity comes to at the price that the ceiling cites, if that one held on the day."""
    price, quantity, unit, day = kept.rests_on, decided.quantity, decided.unit, decided.decided_on
    if price is None or quantity is None or unit is None or day is None or kept.rests_on_own != decided.service:
        return None
    if not price.days.holds(day) or not best_first([price], quantity, unit):
        return None
    return _gross(quantity, unit, price)


def _found(decided: Decided) -> Decimal | None:
    """What would be found today where nothing was."""
    quantity, unit, day = decided.quantity, decided.unit, decided.decided_on
    if quantity is None or unit is None or day is None:
        return None
    holding = [one for one in best_first(decided.own_costs, quantity, unit) if one.days.holds(day)]
    return _gross(quantity, unit, holding[0]) if holding else None


def _gross(quantity: Decimal, unit: str, price: Tariff) -> Decimal | None:
    figures = cost(quantity, unit, price)
    return figures[2] if figures and figures[2] < TOO_MUCH else None
