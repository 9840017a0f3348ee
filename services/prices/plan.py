"""From what a list says and what is in force to what would change. Pure: reading and writing are elsewhere.

How a statement is read:
- with dates it holds for exactly those days, an open end until further notice: what was announced beyond its first day gives way;
- without a first day it says what the price is today: the same price is no change, another one begins today and gives way to
  prices already announced for later;
- a new price ends the earlier one the day before. A key the list does not mention has vanished: it ends today.
A price that ends is never extended by itself.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from core.errors import Message
from services.prices.rises import percent_of_change, rise_not_allowed
from services.prices.values import OPEN, Change, Ending, InForce, Key, New, Plan, PriceRule, Stated


@dataclass(frozen=True)
class World:
    """What a plan is made against. `codes`: service id → code, for sentences.

    `in_use`: (service id, unit) of open plans that need a price; `spared`: services of rejected rows, whose prices stay as they are;
    `unsure`: some rejected row cannot be told to be of which service, so what seems to have vanished may be that row, and stays too.
    `contracts` None: own unit costs, which no contract binds.
    """

    today: date
    codes: Mapping[int, str]
    contracts: list[PriceRule] | None = None
    in_use: Collection[tuple[int, str]] = ()
    spared: Collection[int] = ()
    unsure: bool = False


@dataclass
class _Making:
    world: World
    new: list[New] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    held: list[Message] = field(default_factory=list)
    unchanged: int = 0
    missing: int = 0


def make_plan(provider_id: int | None, stated: Iterable[Stated], in_force: Iterable[InForce], world: World) -> Plan:
    """The plan for one provider's (or our own) list. `stated` holds no two of one key that overlap."""
    making = _Making(world)
    before: dict[Key, list[InForce]] = defaultdict(list)
    for price in in_force:
        before[price.key].append(price)
    said: dict[Key, list[Stated]] = defaultdict(list)
    for one in stated:
        said[one.key].append(one)
    for key, statements in said.items():
        _plan_key(making, statements, sorted(before.pop(key, []), key=lambda price: price.first))
    for key, prices in before.items():
        if key.service_id not in world.spared:
            _plan_vanished(making, key, prices)
    return Plan(
        provider_id,
        making.new,
        making.endings,
        making.changes,
        making.unchanged,
        making.missing,
        [reason.to_json() for reason in making.held],
    )


def _plan_key(making: _Making, statements: list[Stated], prices: list[InForce]) -> None:
    fresh: list[New] = []
    for one in statements:
        new = _resolve(one, prices, making.world.today)
        if new is None:
            making.unchanged += 1
            continue
        fresh.append(new)
        _judge(making, new, prices)
    for price in prices:
        cuts = [new.first for new in fresh if new.overlaps(price)]
        if cuts:
            making.endings.append(
                Ending(price.price_id, price.price_key_id, min(cuts) if min(cuts) > price.first else None)
            )
    making.new += fresh


def _resolve(one: Stated, prices: list[InForce], today: date) -> New | None:
    """The version a statement asks for, or None when what is in force says so already."""
    first, until = one.first, one.until
    if first is None:
        current = next((price for price in prices if price.first <= today < price.until), None)
        if current is not None and current.says(one) and until in (OPEN, current.until):
            return None
        first = today
        if until == OPEN:
            until = min((price.first for price in prices if price.first > today), default=OPEN)
    elif any(price.says(one) and price.first <= first and price.until == until for price in prices):
        return None
    return New(one.key, first, until, one.amount, one.vat_category, one.vat_rate, one.vat_inclusive, one.position)


def _judge(making: _Making, new: New, prices: list[InForce]) -> None:
    """Note a new version for people to read, and what about it must wait for them."""
    world = making.world
    earlier = [price for price in prices if price.first < new.first] or [one for one in prices if new.overlaps(one)]
    old = earlier[-1] if earlier else None
    service = world.codes[new.key.service_id]
    making.changes.append(
        Change(
            "~" if old else "+",
            service,
            new.key.unit,
            new.key.time_class,
            old.amount if old else None,
            new.amount,
            percent_of_change(old, new) if old else None,
            new.first,
            new.position,
        )
    )
    if old is not None and world.contracts is not None:
        reason = rise_not_allowed(new, old, prices, world.contracts, service)
        if reason is not None:
            making.held.append(reason)
    past = [
        price
        for price in prices
        if new.overlaps(price) and not price.says(new) and _shares_past(new, price, world.today)
    ]
    if past:
        making.held.append(
            Message(
                "{service} (row {position}) would change the price of past days, from {date}.",
                service=service,
                position=new.position,
                date=new.first.isoformat(),
            )
        )


def _shares_past(new: New, price: InForce, today: date) -> bool:
    return max(new.first, price.first) < min(new.until, price.until, today)


def _plan_vanished(making: _Making, key: Key, prices: list[InForce]) -> None:
    """A key the list no longer has: it ends today; one that open plans need holds the whole list."""
    world = making.world
    alive = [price for price in prices if price.until > world.today]
    needed = (key.service_id, key.unit) in world.in_use
    if not alive or (world.unsure and not needed):
        return
    service = world.codes[key.service_id]
    making.endings += [
        Ending(price.price_id, price.price_key_id, world.today if price.first < world.today else None)
        for price in alive
    ]
    making.changes.append(Change("-", service, key.unit, key.time_class, alive[0].amount, None, None, world.today, ""))
    if needed:
        making.missing += 1
        making.held.append(
            Message(
                "{service} ({unit}) is in use but missing from the list; without a price it could not be ordered.",
                service=service,
                unit=key.unit,
            )
        )
