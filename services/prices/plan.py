"""From what a list says and what is in force to what would change. Pure: reading and writing are elsewhere.

How a statement is read:
- with dates it holds for exactly those days, an open end until further notice: what was announced beyond its first day gives way;
- without a first day it says what the price is today: the same price is no change, another one begins today and gives way to
  prices already announced for later;
- a new price ends the earlier one the day before. A key that a complete list does not mention has vanished: it ends today, and so
  does what a list removes.
A price that ends is never extended by itself. Days of the past on which nothing was in force may be priced; what was in force then
stays, unless the source allows backdating or a person says so.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from core.errors import Message
from services.prices.rises import (
    contract_for,
    falls_too_far,
    gross,
    percent_of_change,
    rise_not_allowed,
    rule_in_words,
)
from services.prices.values import OPEN, Change, Ending, InForce, Key, New, Plan, PriceRule, Removed, Stated

#: So many reasons to wait are told one by one.
_REASONS: Final = 100


@dataclass(frozen=True)
class World:
    """What a plan is made against. `codes`: service id → code, for sentences.

    `in_use`: (service id, unit) of open plans that need a price; `spared`: services of rejected rows, whose prices stay as they are;
    `unsure`: some rejected row cannot be told to be of which service, so what seems to have vanished may be that row, and stays too.
    `contracts` None: own unit costs, which no contract binds. `complete`: what the list leaves out has vanished; `removed`: what it
    says is offered no more. `alert_fall`: a larger fall (a share of one) waits for a person; None: none does.
    """

    today: date
    codes: Mapping[int, str]
    contracts: Sequence[PriceRule] | None = None
    in_use: Collection[tuple[int, str]] = ()
    spared: Collection[int] = ()
    unsure: bool = False
    complete: bool = True
    removed: Collection[Removed] = ()
    alert_fall: Decimal | None = None
    allow_backdating: bool = False

    def removes(self, key: Key) -> bool:
        """Whether the list says that a key is offered no more."""
        return Removed(key.service_id, None) in self.removed or Removed(key.service_id, key.unit) in self.removed

    def lost(self, key: Key) -> bool:
        """Whether a key that the list does not price is to end: removed, or left out of a whole."""
        return self.removes(key) or (self.complete and key.service_id not in self.spared)


@dataclass
class _Making:
    world: World
    new: list[New] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    held: list[Message] = field(default_factory=list)
    unheard: int = 0
    unchanged: int = 0
    missing: int = 0

    def hold(self, reason: Message) -> None:
        """The list must wait for a person, who reads the first reasons and how many more there are."""
        if len(self.held) < _REASONS:
            self.held.append(reason)
        else:
            self.unheard += 1


def make_plan(
    provider_id: int | None, stated: Iterable[Stated], in_force: Iterable[InForce], world: World, *, unchanged: int = 0
) -> Plan:
    """The plan for one provider's (or our own) list. `stated` holds no two of one key that overlap.

    `unchanged`: how many statements were set aside already because what is in force says the same (unchanged.py).
    """
    making = _Making(world, unchanged=unchanged)
    before: dict[Key, list[InForce]] = defaultdict(list)
    for price in in_force:
        before[price.key].append(price)
    said: dict[Key, list[Stated]] = defaultdict(list)
    for one in stated:
        said[one.key].append(one)
    for key, statements in said.items():
        _plan_key(making, statements, sorted(before.pop(key, []), key=lambda price: price.first))
    for key, prices in before.items():
        if world.lost(key):
            _plan_vanished(making, key, sorted(prices, key=lambda price: price.first))
    if making.unheard:
        making.held.append(Message("{count} more prices must wait for such reasons.", count=making.unheard))
    return Plan(
        provider_id,
        making.new,
        making.endings,
        making.changes,
        making.unchanged,
        making.missing,
        [reason.to_json() for reason in making.held],
        world.today,
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
    endings = [
        Ending(price.price_id, price.price_key_id, min(cuts) if min(cuts) > price.first else None)
        for price in prices
        if (cuts := [new.first for new in fresh if new.overlaps(price)])
    ]
    if not making.world.allow_backdating:
        _judge_past(making, fresh, endings, prices)
    making.new += fresh
    making.endings += endings


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
    rule = None
    if old is not None:
        if world.contracts is not None and gross(new) > gross(old):
            contract, allowed = contract_for(world.contracts, new, prices)
            rule = rule_in_words(contract).to_json() if contract else None
            if not allowed:
                making.hold(rise_not_allowed(new, old, contract, service))
        fall = falls_too_far(new, old, world.alert_fall, service) if world.alert_fall is not None else None
        if fall is not None:
            making.hold(fall)
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
            new.key.extra,
            rule,
            *_terms(new.key),
        )
    )


def _terms(key: Key) -> tuple[Decimal, Decimal, str]:
    """What tells a price from another of the same service, unit and time."""
    return key.base_quantity, key.minimum_quantity, key.territory


def _judge_past(making: _Making, fresh: list[New], endings: list[Ending], prices: list[InForce]) -> None:
    """Hold a list that would change what was in force on past days: give it another price, or none."""
    keep_until = {ending.price_id: ending.keep_until for ending in endings}
    changed: list[tuple[date, New]] = []
    for price in prices:
        if price.price_id not in keep_until:
            continue
        day = keep_until[price.price_id] or price.first
        causes = [new for new in fresh if new.overlaps(price)]
        same = sorted((new for new in causes if price.says(new)), key=lambda new: new.first)
        for new in same:  # days on which the same price goes on
            if new.first <= day < new.until:
                day = new.until
        if day < min(price.until, making.world.today):
            changed.append((day, next((new for new in causes if new.first <= day < new.until), causes[0])))
    if changed:
        day, new = min(changed, key=lambda each: each[0])
        making.hold(
            Message(
                "{service} (row {position}) would change the price of past days, from {date}.",
                service=making.world.codes[new.key.service_id],
                position=new.position,
                date=day.isoformat(),
            )
        )


def _plan_vanished(making: _Making, key: Key, prices: list[InForce]) -> None:
    """A key the list does not price any more: it ends today; one that open plans need holds the whole list."""
    world = making.world
    alive = [price for price in prices if price.until > world.today]
    needed = not key.extra and (key.service_id, key.unit) in world.in_use
    if not alive or (world.unsure and not needed and not world.removes(key)):
        return
    service = world.codes[key.service_id]
    making.endings += [
        Ending(price.price_id, price.price_key_id, world.today if price.first < world.today else None)
        for price in alive
    ]
    making.changes.append(
        Change(
            "-",
            service,
            key.unit,
            key.time_class,
            alive[0].amount,
            None,
            None,
            world.today,
            "",  # no row says so
            key.extra,
            None,
            *_terms(key),
        )
    )
    if needed:
        making.missing += 1
        making.hold(
            Message(
                "{service} ({unit}) is in use but the list ends it; without a price it could not be ordered.",
                service=service,
                unit=key.unit,
            )
            if world.removes(key)
            else Message(
                "{service} ({unit}) is in use but missing from the list; without a price it could not be ordered.",
                service=service,
                unit=key.unit,
            )
        )
