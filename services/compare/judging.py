"""Offers beside the ceiling: total with extras, difference, what the money buys, whether it fits, which is the cheapest."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from core.budget_settings import ExtraRule
from core.errors import Message
from core.i18n import N_
from core.money import ZERO
from core.unit_conversion import conversion
from core.units import EXTRAS
from services.budgets.ceiling import IMPLAUSIBLE as TOO_MUCH
from services.compare.market import Rating, Seller
from services.compare.pricing import (
    Days,
    ExtraCost,
    Fit,
    Share,
    Tariff,
    affordable,
    fitting,
    price_on,
    shares,
    total_of,
)
from services.compare.reading import ServiceName, Services

NO_QUANTITY = N_("Priced in another unit than {unit} and not in the plan: only what the money buys can be told.")
NOT_FOR_ALL_DAYS = N_("No price is known from {date} on.")
NO_EXTRA_PRICE = N_("An extra charge, {extra}, has no price from {date} on.")
NOTHING_FALLS = N_("No part of it falls on the days compared.")
NOT_FOR_SO_LITTLE = N_("No price is known for so small a quantity.")
ONE = Decimal(1)
IMPLAUSIBLE = N_("It comes to more than can be true. Check the quantity and the price.")


@dataclass(frozen=True)
class Asked:
    """How much of a service, spread over the days `whole`; what falls on `days`, within them, is what is compared."""

    quantity: Decimal | None
    unit: str | None
    whole: Days
    days: tuple[Days, ...]


@dataclass(frozen=True)
class Question:
    """What is compared: so much of the planned services, by id, and so much of any other; the money there is for it (None: not known).

    `room` is the ceiling less what else the budget has to pay, `limit` the same with the tolerance. `chosen`: provider by service.
    """

    planned: Mapping[int, Asked]
    other: Asked
    room: Decimal | None
    limit: Decimal | None
    chosen: Mapping[int, int | None]


class Bought(NamedTuple):
    """What the money buys, counted in another unit than the plan's."""

    quantity: Decimal
    unit: str


class Offer(NamedTuple):
    """One provider's service: gross figures in euros, None where they cannot be told (`reason` says why).

    `total` is the service with its `extras`. `verdict` is fits, within_tolerance, over or unknown. `buys` is how many units the
    ceiling pays for, extras included, `also_buys` the same in other units the provider has prices in. `valid_until` is the last day
    the (last) price is known for; None: without end. `prices` are the price versions behind the service, by days. A tuple, as `Tariff`.
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
    also_buys: tuple[Bought, ...]
    verdict: str
    valid_until: date | None
    cheapest: bool
    chosen: bool
    reason: Message | None
    facts: Mapping[str, Any]
    rating: Rating | None
    extras: tuple[ExtraCost, ...]
    prices: tuple[Tariff, ...]

    @property
    def pending(self) -> bool:
        """Whether a newer list of one of its prices waits for approval."""
        return any(price.pending for price in self.every_price)

    @property
    def every_price(self) -> tuple[Tariff, ...]:
        """The prices of the service and of what comes beside it."""
        return self.prices + tuple(price for extra in self.extras for price in extra.prices)


@dataclass(frozen=True)
class Scale:
    """What all offers of a comparison are measured with: services with the steps of units, rules of extras.

    `known` keeps what holds for every provider of a service in a unit: the rules of its extras, and its step.
    """

    services: Services
    extras: Sequence[ExtraRule]
    known: dict[tuple[str, str], tuple[list[ExtraRule], Decimal]] = field(default_factory=dict)

    def sale(self, seller: Seller, unit: str | None) -> "_Sale":
        """A provider's service counted in `unit`, or in what it is sold in where it is not sold so."""
        service = self.services.all[seller.service_id]
        counted, fits = unit, fitting(seller.tariffs, unit) if unit else []
        if not fits or counted is None:
            counted = _unit_of(seller.tariffs, service)
            fits = fitting(seller.tariffs, counted)
        rules = self.known.get((service.code, counted))
        if rules is None:
            rules = self.extras_of(service.code, counted), self.services.step(counted)
            self.known[service.code, counted] = rules
        return _Sale(seller, counted, fits, *rules)

    def extras_of(self, service: str, unit: str | None) -> list[ExtraRule]:
        """What belongs to the price of a service planned in `unit`; a rule that names the service beats one that names none."""
        rules = [
            rule for rule in self.extras if rule.for_unit == unit and (not rule.services or service in rule.services)
        ]
        own = {(rule.extra, rule.unit) for rule in rules if rule.services}
        return [rule for rule in rules if rule.services or (rule.extra, rule.unit) not in own]


def judge(question: Question, sellers: Iterable[Seller], scale: Scale) -> tuple[Offer, ...]:
    """Price every seller's service for the question; cheapest first, those without a total last. What people thought of them and
    other facts never move one: choosing is the family's.
    """
    offers = [_offer(question, seller, scale) for seller in sellers]
    cheapest = min((one.total for one in offers if one.total is not None), default=None)
    if cheapest is not None and question.limit is not None and cheapest <= question.limit:
        offers = [one._replace(cheapest=True) if one.total == cheapest else one for one in offers]
    return tuple(sorted(offers, key=lambda one: (one.total is None, one.total or 0, one.service, one.provider)))


def shortened(offers: Sequence[Offer], count: int) -> tuple[Offer, ...]:
    """The first `count` offers; the chosen one in the last place if it comes later."""
    later = [offer for offer in offers[count:] if offer.chosen]
    return (*offers[: count - 1], later[0]) if later and count > 1 else tuple(offers[:count])


class _Priced(NamedTuple):
    """What came of pricing one service: the total, or why there is none. `varies`: not all of it has one price."""

    total: Decimal | None
    quantity: Decimal
    used: tuple[Tariff, ...]
    extras: tuple[ExtraCost, ...]
    reason: Message | None
    varies: bool


class _Sale(NamedTuple):
    """One provider's service counted in one unit, with the rules of what belongs to its price."""

    seller: Seller
    unit: str
    fits: Sequence[Fit]
    rules: Sequence[ExtraRule]
    step: Decimal

    def price(self, asked: Asked, quantity: Decimal) -> _Priced:
        """The service on the days asked for, and what comes beside it, as the lines of a budget would have it."""
        fits = [fit for fit in self.fits if fit.allows(quantity)]
        if fits and not self.rules and asked.days == (asked.whole,) and fits[0].tariff.spans(asked.whole):
            figure, gross = fits[0].figure(quantity)  # one share: by far the most common
            if figure < TOO_MUCH:
                return _Priced(gross, quantity, (fits[0].tariff,), (), None, varies=False)
        parts = shares(fits, quantity, asked.whole, asked.days, self.step)
        falls = sum([part.quantity for part in parts], start=ZERO)
        total, reason = _sum(fits, parts, ONE, None) if parts else (None, Message(NOTHING_FALLS))
        extras, varies = [], len(parts) > 1
        for rule in self.rules:
            beside = self._extra(rule, quantity)
            if not any(fit.tariff.overlaps(days) for fit in beside for days in asked.days):
                continue  # the provider does not charge it
            pieces = shares(beside, quantity, asked.whole, asked.days, self.step)
            cost, missing = _sum(beside, pieces, rule.quantity, rule.extra)
            varies = varies or len(pieces) > 1
            if cost is None:
                total, reason = None, reason or missing
                continue
            total = None if total is None else total + cost
            extras.append(ExtraCost(rule.extra, falls * rule.quantity, rule.unit, cost, _used(pieces)))
        return _Priced(total, falls, _used(parts), tuple(extras), reason, varies=varies)

    def shown(self, quantity: Decimal | None, first: date) -> tuple[Tariff, ...]:
        """The price to show where none made a total: the one of the first day, else the next to come into force."""
        fits = [fit for fit in self.fits if quantity is None or fit.allows(quantity)]
        if quantity is None:  # the smallest quantity is what anybody can have
            fits.sort(key=lambda fit: (fit.tariff.unit != self.unit, fit.tariff.minimum_quantity))
        found = price_on(fits, first) or min(fits, key=lambda fit: fit.tariff.valid_from, default=None)
        return () if found is None else (found.tariff,)

    def buys(self, money: Decimal, day: date, quantity: Decimal, priced: _Priced | None) -> Decimal | None:
        """How much an amount pays for: at the average where prices change on the way, else at the prices of a day.

        A price for large quantities counts if the money reaches them; what comes beside is charged as for a plan of `quantity`.
        """
        if priced is not None and priced.varies and priced.total:
            return max(ZERO, money) * priced.quantity / priced.total // self.step * self.step
        beside = [
            (extra, rule.quantity)
            for rule in self.rules
            if (extra := price_on(self._extra(rule, quantity), day)) is not None
        ]
        for fit in self.fits:
            if fit.tariff.covers(day):
                units = affordable(money, fit, beside, self.step)
                if fit.allows(units):
                    return units
        return None

    def _extra(self, rule: ExtraRule, quantity: Decimal) -> list[Fit]:
        """The prices of what comes beside so much of the service: in the rule's unit, nothing converted."""
        tariffs = [price for price in self.seller.extras.get(rule.extra, ()) if price.unit == rule.unit]
        return [fit for fit in fitting(tariffs, rule.unit) if fit.allows(quantity * rule.quantity)]


def _offer(question: Question, seller: Seller, scale: Scale) -> Offer:
    service = scale.services.all[seller.service_id]
    asked = question.planned.get(seller.service_id, question.other)
    sale = scale.sale(seller, asked.unit)
    first = asked.days[0][0] if asked.days else asked.whole[0]
    if asked.quantity is None or asked.unit != sale.unit:
        priced = None
        shown = sale.shown(None, first)
    else:
        priced = sale.price(asked, asked.quantity)
        shown = priced.used or sale.shown(asked.quantity, first)
    total = None if priced is None else priced.total
    extras = () if priced is None else priced.extras
    room = question.room
    day = first if not shown or shown[0].covers(first) else shown[0].valid_from
    return Offer(
        service=service.code,
        service_name=service.name,
        provider=seller.provider,
        provider_id=seller.provider_id,
        unit=sale.unit,
        quantity=None if priced is None else priced.quantity,
        total=total,
        difference=None if total is None or room is None else room - total,
        buys=None if room is None else sale.buys(room, day, asked.quantity or ZERO, priced),
        also_buys=() if room is None else tuple(_also_buys(room, sale, day, scale)),
        verdict=_verdict(total, room, question.limit),
        valid_until=_last_day(shown, extras),
        cheapest=False,
        chosen=question.chosen.get(seller.service_id) == seller.provider_id,
        reason=Message(NO_QUANTITY, unit=asked.unit or "–") if priced is None else priced.reason,
        facts=seller.facts,
        rating=seller.rating,
        extras=extras,
        prices=shown,
    )


def _sum(
    fits: Sequence[Fit], parts: Sequence[Share], times: Decimal, extra: str | None
) -> tuple[Decimal | None, Message | None]:
    """What shares come to, or None and why."""
    gaps = [part for part in parts if part.fit is None]
    if not gaps:
        total = total_of(parts, times)
        return total, Message(IMPLAUSIBLE) if total is None else None
    first = gaps[0].first.isoformat()
    if extra is not None:
        return None, Message(NO_EXTRA_PRICE, extra=Message(EXTRAS[extra]), date=first)
    return None, Message(NOT_FOR_ALL_DAYS, date=first) if fits else Message(NOT_FOR_SO_LITTLE)


def _used(parts: Sequence[Share]) -> tuple[Tariff, ...]:
    """The prices behind shares, each once."""
    if len(parts) == 1 and parts[0].fit is not None:
        return (parts[0].fit.tariff,)
    used = [part.fit.tariff for part in parts if part.fit is not None]
    return tuple({(price.price_id, price.valid_from): price for price in used}.values())


def _sold_in(tariffs: Iterable[Tariff], unit: str) -> bool:
    return any(tariff.unit == unit or conversion(unit, tariff.unit) is not None for tariff in tariffs)


def _unit_of(tariffs: Sequence[Tariff], service: ServiceName) -> str:
    """The unit to tell about where the asked one says nothing: the service's own if it is sold so, else the first there is."""
    return service.unit if _sold_in(tariffs, service.unit) else min(tariff.unit for tariff in tariffs)


def _also_buys(money: Decimal, sale: _Sale, day: date, scale: Scale) -> Iterator[Bought]:
    """What the money buys counted in each other unit the provider sells the service in: hours beside visits."""
    if len(sale.fits) == len(sale.seller.tariffs):
        return
    told = [sale.unit]
    for other in sorted({price.unit for price in sale.seller.tariffs if price.unit != sale.unit}):
        if all(conversion(other, known) is None for known in told):
            told.append(other)
            units = scale.sale(sale.seller, other).buys(money, day, ZERO, None)
            if units is not None:
                yield Bought(units, other)


def _verdict(total: Decimal | None, room: Decimal | None, limit: Decimal | None) -> str:
    if total is None or room is None or limit is None:
        return "unknown"
    if total <= room:
        return "fits"
    return "within_tolerance" if total <= limit else "over"


def _last_day(prices: Sequence[Tariff], extras: Iterable[ExtraCost]) -> date | None:
    """The last day all of it has a price: of each part the last price counts."""
    if not extras:
        return prices[-1].valid_before - timedelta(days=1) if prices and prices[-1].valid_before else None
    ends = [
        used[-1].valid_before
        for used in (prices, *(extra.prices for extra in extras))
        if used and used[-1].valid_before
    ]
    return min(ends) - timedelta(days=1) if ends else None
