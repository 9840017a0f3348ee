"""Which price holds on a day. Prices in force are those not superseded; a future price is in force for its own days.

Of several keys that fit, one rule decides, here and in services/budgets: the largest minimum quantity that is reached, then the
smallest base quantity. `weekday` and no territory is the ordinary price.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from models.base import table_of
from models.price import Price, PriceKey


@dataclass(frozen=True)
class PriceInForce:
    """A price version: `amount` euros per `base_quantity` units; `vat_rate` a fraction. `provider_id` None: our own unit cost."""

    price_id: int
    provider_id: int | None
    service_id: int
    unit: str
    base_quantity: Decimal
    minimum_quantity: Decimal
    amount: Decimal
    vat_category: str
    vat_rate: Decimal
    vat_inclusive: bool
    valid_from: date
    valid_to: date | None
    price_list_id: int
    position: str


def prices_in_force() -> Select[tuple[object, ...]]:
    """A selectable of all prices in force, one row per key and period, to join and filter: columns of `price_key` and `price`.

    Named `price_id`, `price_key_id`, `provider_id`, `service_id`, `unit`, `base_quantity`, `time_class`, `minimum_quantity`,
    `territory`, `valid`, `amount`, `vat_category`, `vat_rate`, `vat_inclusive`, `price_list_id`, `position`.
    """
    key, price = table_of(PriceKey).c, table_of(Price).c
    return (
        select(
            price.id.label("price_id"),
            price.price_key_id,
            key.provider_id,
            key.service_id,
            key.unit,
            key.base_quantity,
            key.time_class,
            key.minimum_quantity,
            key.territory,
            price.valid,
            price.amount,
            price.vat_category,
            price.vat_rate,
            price.vat_inclusive,
            price.price_list_id,
            price.position,
        )
        .join_from(table_of(Price), table_of(PriceKey), key.id == price.price_key_id)
        .where(price.superseded_at.is_(None))
    )


#: Rows in: providers (or the own unit costs), a service, a unit, a day. Rows out: the preferred price of each that has one.
_IN_FORCE = text(
    """
    SELECT DISTINCT ON (provider_id)
        price.id AS price_id, provider_id, service_id, unit, base_quantity, minimum_quantity, amount, vat_category, vat_rate,
        vat_inclusive, lower(valid) AS valid_from, upper(valid) - 1 AS valid_to, price_list_id, position
    FROM price_key
    JOIN price ON price.price_key_id = price_key.id AND price.superseded_at IS NULL AND price.valid @> CAST(:day AS date)
    WHERE service_id = :service_id AND unit = :unit
      AND (provider_id = ANY(:provider_ids) OR provider_id IS NULL AND :own)
      AND time_class = :time_class AND territory = :territory AND minimum_quantity <= :quantity
    ORDER BY provider_id, minimum_quantity DESC, base_quantity, price.id
    """
)


def price_in_force(
    session: Session,
    provider_id: int | None,
    service_id: int,
    unit: str,
    day: date,
    *,
    quantity: Decimal = Decimal(1_000_000),
    time_class: str = "weekday",
    territory: str = "",
) -> PriceInForce | None:
    """The price of a provider's service on a day, for a plan of `quantity` units; `provider_id` None: our own unit cost."""
    found = prices_of(
        session,
        [] if provider_id is None else [provider_id],
        service_id,
        unit,
        day,
        own=provider_id is None,
        quantity=quantity,
        time_class=time_class,
        territory=territory,
    )
    return found[0] if found else None


def own_price(session: Session, service_id: int, unit: str, day: date) -> PriceInForce | None:
    """The organisation's own unit cost on a day: the baseline price."""
    return price_in_force(session, None, service_id, unit, day)


def prices_of(
    session: Session,
    provider_ids: list[int],
    service_id: int,
    unit: str,
    day: date,
    *,
    own: bool = False,
    quantity: Decimal = Decimal(1_000_000),
    time_class: str = "weekday",
    territory: str = "",
) -> list[PriceInForce]:
    """One service at many providers (and our own cost, if `own`) on a day, in one statement; who has no price is left out."""
    rows = session.execute(
        _IN_FORCE,
        {
            "provider_ids": provider_ids,
            "own": own,
            "service_id": service_id,
            "unit": unit,
            "day": day,
            "quantity": quantity,
            "time_class": time_class,
            "territory": territory,
        },
    )
    return [PriceInForce(**row) for row in rows.mappings()]
