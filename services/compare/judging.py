"""Offers beside the ceiling: total, difference, what the money buys, whether it fits, which is the cheapest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from core.errors import Message
from core.i18n import N_
from services.compare.pricing import Priced, Tariff, price_period
from services.compare.reading import Seller, ServiceName, Wanted, step_for

NO_QUANTITY = N_("Priced in another unit than {unit} and not in the plan: only what the money buys can be told.")
NOT_FOR_ALL_DAYS = N_("No price is known from {date} on.")
NOT_FOR_SO_LITTLE = N_("No price is known for so small a quantity.")


@dataclass(frozen=True)
class Question:
    """What is compared: a quantity of the baseline over days (`after`: the day after the last), or a case's plan; the ceiling."""

    baseline: ServiceName | None
    quantity: Decimal | None
    unit: str | None
    first: date
    after: date
    ceiling: Decimal | None
    wanted: tuple[Wanted, ...] = ()


@dataclass(frozen=True)
class Offer:
    """One provider's service: gross figures in euros, None where they cannot be told (`reason` says why).

    `verdict` is fits, within_tolerance, over or unknown. `buys` is how many units the ceiling pays for. `valid_until` is the last
    day the (last) price is known for; None: without end. `prices` are the price versions behind the total, by days.
    """

    service: str
    service_name: str
    provider: str
    provider_id: int
    unit: str
    quantity: Decimal | None
    total: Decimal | None
    difference: Decimal | None
    buys: Decimal | None
    verdict: str
    valid_until: date | None
    cheapest: bool
    chosen: bool
    reason: Message | None
    facts: dict[str, Any]
    prices: tuple[Tariff, ...]


@dataclass(frozen=True)
class Comparison:
    """The offers, cheapest first, beside the service they would replace. `reference` is our own unit cost of that service.

    `limit` is the ceiling with the tolerance. `reason` says why there is no ceiling.
    """

    case: str | None
    decision: str | None
    baseline: str | None
    baseline_name: str | None
    quantity: Decimal | None
    unit: str | None
    first: date
    last: date
    ceiling: Decimal | None
    limit: Decimal | None
    reference: Tariff | None
    reason: Message | None
    offers: tuple[Offer, ...]


def judge(
    question: Question, sellers: Sequence[Seller], rules: dict[str, Decimal], limit: Decimal | None
) -> tuple[Offer, ...]:
    """Price every seller's service for the question; cheapest first, those without a total last."""
    offers = [_offer(question, seller, rules, limit) for seller in sellers]
    cheapest = min((one.total for one in offers if one.total is not None), default=None)
    if cheapest is not None and limit is not None and cheapest <= limit:
        offers = [replace(one, cheapest=one.total == cheapest) for one in offers]
    return tuple(sorted(offers, key=lambda one: (one.total is None, one.total or 0, one.service, one.provider)))


def _offer(question: Question, seller: Seller, rules: dict[str, Decimal], limit: Decimal | None) -> Offer:
    planned = next(
        (one for one in question.wanted if one.service_id == seller.service.id and one.unit == seller.unit), None
    )
    first, after = (planned.first, planned.after) if planned else (question.first, question.after)
    quantity = planned.quantity if planned else question.quantity if seller.unit == question.unit else None
    step = step_for(seller.unit, rules)
    priced = price_period(seller.tariffs, quantity, first, after, step) if quantity is not None else Priced(None, ())
    tariff = _at_first(seller, quantity, first)
    total, ceiling = priced.total, question.ceiling
    shown = priced.used or ((tariff,) if tariff else ())
    return Offer(
        service=seller.service.code,
        service_name=seller.service.name,
        provider=seller.provider or "",
        provider_id=seller.provider_id or 0,
        unit=seller.unit,
        quantity=quantity,
        total=total,
        difference=None if total is None or ceiling is None else ceiling - total,
        buys=None if ceiling is None or tariff is None else tariff.affordable(ceiling, step),
        verdict=_verdict(total, ceiling, limit),
        valid_until=_last_day(shown),
        cheapest=False,
        chosen=any(
            one.service_id == seller.service.id and one.provider_id == seller.provider_id for one in question.wanted
        ),
        reason=_reason(question, quantity, priced, tariff),
        facts=seller.facts,
        prices=shown,
    )


def _at_first(seller: Seller, quantity: Decimal | None, first: date) -> Tariff | None:
    """The price that tells what the money buys: the one of the first day, else the next to come into force."""
    fitting = [one for one in seller.tariffs if quantity is None or one.minimum_quantity <= quantity]
    if quantity is None:
        smallest = min((one.minimum_quantity for one in fitting), default=None)
        fitting = [one for one in fitting if one.minimum_quantity == smallest]
    return min(
        fitting,
        key=lambda one: (
            not one.covers(first),
            one.valid_from if not one.covers(first) else first,
            -one.minimum_quantity,
            one.base_quantity,
            one.price_id,
        ),
        default=None,
    )


def _verdict(total: Decimal | None, ceiling: Decimal | None, limit: Decimal | None) -> str:
    if total is None or ceiling is None or limit is None:
        return "unknown"
    if total <= ceiling:
        return "fits"
    return "within_tolerance" if total <= limit else "over"


def _last_day(prices: Sequence[Tariff]) -> date | None:
    ends = [one.valid_before for one in prices]
    return None if not ends or ends[-1] is None else ends[-1] - timedelta(days=1)


def _reason(question: Question, quantity: Decimal | None, priced: Priced, tariff: Tariff | None) -> Message | None:
    if quantity is None:
        return Message(NO_QUANTITY, unit=question.unit or "–")
    if tariff is None:
        return Message(NOT_FOR_SO_LITTLE)
    if priced.first_unpriced is not None:
        return Message(NOT_FOR_ALL_DAYS, date=priced.first_unpriced.isoformat())
    return None
