"""Who sells what at which prices: read for all alternatives of a comparison at once, in a number of statements that does not grow.

What is the same for many prices (the list they stand in, the provider, what families thought of it) is read once and joined here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.money import round_half_up
from services.budgets.matching import CITED
from services.compare.pricing import Days, Tariff

#: With fewer answers nothing is told, not even how many: a small number would tell about a family.
ENOUGH_ANSWERS = 5


_NOTHING: Final[Mapping[str, Sequence[Tariff]]] = MappingProxyType({})


class Rating(NamedTuple):
    """What families and young people answered about a provider's service: an average from 1 to 5, one decimal."""

    average: Decimal
    answers: int


class Seller(NamedTuple):
    """A provider with its prices for one service and for what comes beside it, and facts for choosing."""

    service_id: int
    provider_id: int
    provider: str
    facts: Mapping[str, Any]
    tariffs: Sequence[Tariff]
    extras: Mapping[str, Sequence[Tariff]] = _NOTHING
    rating: Rating | None = None

    def within(self, days: Days) -> "Seller":
        """The same with the service's prices of these days only."""
        if all(price.overlaps(days) for price in self.tariffs):
            return self
        return self._replace(tariffs=[price for price in self.tariffs if price.overlaps(days)])


@dataclass(frozen=True)
class Market:
    """The sellers of some services, and our own unit costs of the service that would be replaced."""

    sellers: tuple[Seller, ...]
    own: tuple[Tariff, ...]

    def within(self, days: Days) -> "Market":
        """The same without what is only sold on other days, such as on the day of a decision long ago."""
        kept = (seller.within(days) for seller in self.sellers)
        return Market(tuple(seller for seller in kept if seller.tariffs), self.own)


#: A price with its key and its list's id.
_PRICE = f"""
    price_key.service_id, price_key.provider_id, {CITED} AS cited, price_key.extra, price_key.unit, price.amount, base_quantity, minimum_quantity,
    vat_rate, vat_inclusive, lower(valid), upper(valid), price.position, price.price_list_id
"""

#: Rows in: services, one of them perhaps to be replaced, kinds of extra, a period; perhaps one provider alone. Rows out: the prices
#: of active providers for these services and extras, and our own unit costs of the one, that hold on any of the days.
_PRICES = text(
    f"""
    SELECT {_PRICE}
    FROM price_key
    -- key by key through the index of prices in force: a join would read every price there ever was
    CROSS JOIN LATERAL (
        SELECT * FROM price
        WHERE price_key_id = price_key.id AND superseded_at IS NULL AND valid && daterange(:first, :after) OFFSET 0
    ) AS price
    WHERE service_id = ANY(:services) AND time_class = 'weekday' AND territory = '' AND extra = ANY(:extras)
      AND (provider_id IS NOT NULL OR service_id = :baseline AND extra = '')
      AND (CAST(:provider AS bigint) IS NULL OR provider_id IS NULL OR provider_id = :provider)
    """  # noqa: S608 - our own words
)

#: Rows in: a price. Rows out: the same, in force or not.
_ONE_PRICE = text(
    f"SELECT {_PRICE} FROM price_key JOIN price ON price.price_key_id = price_key.id WHERE price.id = :price"  # noqa: S608 - our own words
)

#: Rows in: price lists. Rows out: where each came from, and whether a newer one of its source waits for approval.
_LISTS = text(
    """
    SELECT price_list.id, price_source.name, file_name, sha256, run_id, EXISTS (
        SELECT FROM price_list AS waiting
        WHERE waiting.source_id = price_list.source_id AND waiting.state = 'held' AND waiting.id > price_list.id
    )
    FROM price_list JOIN price_source ON price_source.id = price_list.source_id
    WHERE price_list.id = ANY(:lists)
    """
)

#: Rows in: providers. Rows out: those that are active.
_PROVIDERS = text("SELECT id, name, facts FROM provider WHERE id = ANY(:providers) AND active")

#: Rows in: services. Rows out: how many answers there are about each provider of them, where they are enough to be told, and their sum.
#: An answer is about the provider that was chosen when it was given (a trigger counts it so, migration 0008).
_RATINGS = text(
    "SELECT provider_id, service_id, answers, total FROM provider_rating WHERE service_id = ANY(:services) AND answers >= :enough"
)


def market_of(
    session: Session,
    services: Collection[int],
    *,
    baseline: int | None,
    extras: Iterable[str],
    first: date,
    after: date,
    provider: int | None = None,
) -> Market:
    """Who offers `services` (ids) and the `extras` beside them at what prices, on any day from `first` to the day before `after`.

    With our own unit costs of `baseline`; `provider`: of this one alone.
    """
    values = {
        "services": list(services),
        "baseline": baseline,
        "extras": ["", *extras],
        "first": first,
        "after": after,
        "provider": provider,
    }
    rows = session.execute(_PRICES, values).all()
    lists = _lists(session, {row[-1] for row in rows})
    known = session.execute(_PROVIDERS, {"providers": list({row[1] for row in rows if row[1]})})
    providers = {row.id: (row.name, row.facts) for row in known}
    ratings = _ratings(session, services)
    own: list[Tariff] = []
    priced: dict[tuple[int, int], list[Tariff]] = {}
    beside: dict[tuple[int, int], dict[str, list[Tariff]]] = {}
    for row in rows:
        tariff, key = _tariff(row, lists), (row[0], row[1])
        if row[1] is None:
            own.append(tariff)
        elif tariff.extra:
            beside.setdefault(key, {}).setdefault(tariff.extra, []).append(tariff)
        else:
            priced.setdefault(key, []).append(tariff)
    return Market(
        tuple(
            Seller(
                service,
                seller,
                *providers[seller],
                tariffs,
                beside.get((service, seller), _NOTHING),
                ratings.get((seller, service)),
            )
            for (service, seller), tariffs in priced.items()
            if seller in providers
        ),
        tuple(own),
    )


def price_version(session: Session, price: int) -> Tariff:
    """One price version by its id, whether it is still in force or not."""
    row = session.execute(_ONE_PRICE, {"price": price}).one()
    return _tariff(row, _lists(session, {row[-1]}))


def _lists(session: Session, ids: Collection[int]) -> dict[int, tuple[Any, ...]]:
    return {row[0]: tuple(row) for row in session.execute(_LISTS, {"lists": list(ids)})}


def _tariff(row: Any, lists: Mapping[int, tuple[Any, ...]]) -> Tariff:
    """A row of _PRICE beside its list."""
    price_id, extra, unit, amount, base, minimum, rate, inclusive, first, before, position, listed = row[2:]
    _, source, file_name, sha256, run, pending = lists[listed]
    return Tariff(
        price_id, extra, unit, amount, base, minimum, rate, inclusive, first, before, source, file_name, position, sha256, run, pending
    )  # fmt: skip


def _ratings(session: Session, services: Collection[int]) -> dict[tuple[int, int], Rating]:
    rows = session.execute(_RATINGS, {"services": list(services), "enough": ENOUGH_ANSWERS})
    return {
        (provider, service): Rating(round_half_up(Decimal(total) / answers, Decimal("0.1")), answers)
        for provider, service, answers, total in rows
    }
