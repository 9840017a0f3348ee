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

#: With answers of fewer families nothing is told, not even how many: a small number would tell about a family, and one family may give
#: five answers by itself (of two services, by three voices).
ENOUGH_FAMILIES = 5


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


@dataclass(frozen=True)
class Market:
    """The sellers of some services, and our own unit costs of the service that would be replaced."""

    sellers: tuple[Seller, ...]
    own: tuple[Tariff, ...]


#: A price with its key and its list's id.
_PRICE = f"""
    price_key.service_id, price_key.provider_id, {CITED} AS cited, price_key.extra, price_key.unit, price.amount, base_quantity, minimum_quantity,
    vat_rate, vat_inclusive, lower(valid), upper(valid), price.position, price.price_list_id
"""

#: Rows in: services, one of them perhaps to be replaced, kinds of extra, a period, a day; perhaps one provider alone. Rows out: the prices
#: of providers for these services and extras that hold on any day of the period, our own unit costs of the one on the day, and
#: the price `:frozen`, in force or not.
_PRICES = text(
    f"""
    SELECT {_PRICE}
    FROM price_key
    -- key by key through the index of prices in force: a join would read every price there ever was
    CROSS JOIN LATERAL (
        SELECT * FROM price
        WHERE price_key_id = price_key.id AND superseded_at IS NULL
          AND valid && CASE WHEN provider_id IS NULL THEN daterange(:day, :day, '[]') ELSE daterange(:first, :after) END
        OFFSET 0
    ) AS price
    WHERE service_id = ANY(:services) AND time_class = 'weekday' AND territory = '' AND extra = ANY(:extras)
      AND (provider_id IS NOT NULL OR service_id = :baseline AND extra = '')
      AND (CAST(:provider AS bigint) IS NULL OR provider_id IS NULL OR provider_id = :provider)
    UNION ALL
    SELECT {_PRICE} FROM price JOIN price_key ON price_key.id = price.price_key_id WHERE price.id = :frozen
    """  # noqa: S608 - our own words
)

#: Rows in: price lists. Rows out: where each came from, and whether a newer one of its source waits for approval.
_LISTS = text(
    """
    SELECT price_list.id, price_source.name, file_name, sha256, run_id, EXISTS (
        SELECT FROM price_list AS waiting
        WHERE waiting.source_id = price_list.source_id AND waiting.state = 'held' AND waiting.id > price_list.id
    )
    FROM price_list JOIN price_source ON price_source.id = price_list.source_id
    WHERE price_list.id = ANY(CAST(:lists AS bigint[]))
    """
)

#: Rows in: providers, services. Row out, one, because reading JSON for each of hundreds takes longer: those providers that are active, with the answers about each of the services (`[how many,
#: their sum]` by its id) where there are enough to be told. An answer is about the provider that was chosen when it was given: a
#: job counts it so by night (services/follow_ups/ratings.py).
_PROVIDERS = text(
    """
    SELECT coalesce(jsonb_agg(jsonb_build_array(id, name, facts, rated.answers)), '[]')
    FROM provider
    LEFT JOIN (
        SELECT provider_id, jsonb_object_agg(service_id, jsonb_build_array(answers, total)) AS answers
        FROM provider_rating WHERE service_id = ANY(:services) AND families >= :enough GROUP BY provider_id
    ) AS rated ON rated.provider_id = provider.id
    WHERE id = ANY(CAST(:providers AS bigint[])) AND active
    """
)


def market_of(
    session: Session,
    services: Collection[int],
    *,
    baseline: int | None,
    extras: Iterable[str],
    days: Days,
    reference_day: date,
    frozen: int | None = None,
    provider: int | None = None,
) -> Market:
    """Who offers `services` (ids) and the `extras` beside them at what prices, on any of the `days`.

    With our own unit costs of `baseline` on `reference_day`, and that with the id `frozen`; `provider`: of this one alone.
    """
    values = {
        "services": list(services),
        "baseline": baseline,
        "extras": ["", *extras],
        "first": days[0],
        "after": days[1],
        "day": reference_day,
        "frozen": frozen,
        "provider": provider,
    }
    rows = session.execute(_PRICES, values).all()
    lists = _lists(session, {row[-1] for row in rows})
    providers = _providers(session, {row[1] for row in rows if row[1]}, services)
    own: list[Tariff] = []
    priced: dict[tuple[int, int], list[Tariff]] = {}
    beside: dict[tuple[int, int], dict[str, list[Tariff]]] = {}
    for row in rows:
        tariff, seller = _tariff(row, lists), row[1]
        if seller is None:
            own.append(tariff)
        elif tariff.extra:
            beside.setdefault((row[0], seller), {}).setdefault(tariff.extra, []).append(tariff)
        else:
            priced.setdefault((row[0], seller), []).append(tariff)
    return Market(
        tuple(
            Seller(
                service,
                seller,
                *providers[seller][:2],
                tariffs,
                beside.get((service, seller), _NOTHING),
                providers[seller][2].get(service),
            )
            for (service, seller), tariffs in priced.items()
            if seller in providers
        ),
        tuple(own),
    )


def _array(ids: Iterable[int]) -> str:
    """Many ids as one value, which the driver has not to write one by one."""
    return f"{{{','.join(map(str, ids))}}}"


def _lists(session: Session, ids: Collection[int]) -> dict[int, tuple[Any, ...]]:
    """Of each list what `Tariff` tells of it."""
    return {row[0]: tuple(row[1:]) for row in session.execute(_LISTS, {"lists": _array(ids)}).all()}


def _tariff(row: Any, lists: Mapping[int, tuple[Any, ...]]) -> Tariff:
    """A row of _PRICE beside its list."""
    return Tariff._make((*row[2:13], *lists[row[13]]))


def _providers(
    session: Session, ids: Collection[int], services: Collection[int]
) -> dict[int, tuple[str, dict[str, Any], dict[int, Rating]]]:
    """Name, facts, and ratings by service, of the active ones."""
    values = {"providers": _array(ids), "services": list(services), "enough": ENOUGH_FAMILIES}
    return {
        id: (name, facts, {int(service): _rating(*told) for service, told in answers.items()} if answers else {})
        for id, name, facts, answers in session.execute(_PROVIDERS, values).scalar_one()
    }


def _rating(answers: int, total: int) -> Rating:
    return Rating(round_half_up(Decimal(total) / answers, Decimal("0.1")), answers)
