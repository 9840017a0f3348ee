"""Prices and lists as people see them: every price with its provenance."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from services.prices.keeping import Kept, state_in_words

#: Rows in: a day; perhaps a provider and a service. Rows out: prices in force that day, each with list, file, row, sha256 and run.
_PRICES = text(
    """
    SELECT coalesce(provider.name, '') AS provider, provider.business_id, service.code AS service, price_key.unit, base_quantity,
           time_class, minimum_quantity, territory, extra, amount, vat_category, vat_rate, vat_inclusive,
           lower(valid) AS valid_from, upper(valid) - 1 AS valid_to,
           price_source.name AS source, file_name, price.position, sha256, run_id, price.id AS price_id, price_list_id
    FROM price
    JOIN price_key ON price_key.id = price_key_id
    JOIN service ON service.id = service_id
    JOIN price_list ON price_list.id = price_list_id
    JOIN price_source ON price_source.id = source_id
    LEFT JOIN provider ON provider.id = price_key.provider_id
    WHERE superseded_at IS NULL AND valid @> CAST(:day AS date)
      AND (CAST(:service AS text) IS NULL OR service.code = :service)
      AND (CAST(:provider AS text) IS NULL OR provider.business_id = :provider OR price_source.name = :provider)
    ORDER BY service.code, provider.name NULLS FIRST, time_class, minimum_quantity, base_quantity
    """
)

#: Rows out: lists that wait for a person, oldest first.
_HELD = text(
    """
    SELECT price_list.id, price_source.name AS source, file_name, sha256, counts, plan -> 'held' AS reasons, plan -> 'effect' AS effect, recorded_at
    FROM price_list JOIN price_source ON price_source.id = source_id
    WHERE state = 'held' ORDER BY price_list.id
    """
)


#: Rows in: a list. Rows out: it, with the plan it waits with.
_ONE = text(
    """
    SELECT price_source.name AS source, file_name, state, counts, plan
    FROM price_list JOIN price_source ON price_source.id = source_id WHERE price_list.id = :id
    """
)


@dataclass(frozen=True)
class HeldList:
    """A list that waits, and the plan that will be applied if somebody says so."""

    source: str
    file_name: str
    counts: dict[str, int]
    kept: Kept


def list_prices(
    session: Session, day: date, *, service: str | None = None, provider: str | None = None
) -> list[dict[str, Any]]:
    """Prices in force on a day; `provider` is a business id or a source's name. Keys as in the statement."""
    values = {"day": day, "service": service, "provider": provider}
    return [dict(row) for row in session.execute(_PRICES, values).mappings()]


def held_lists(session: Session) -> list[dict[str, Any]]:
    """Lists waiting for a person: `id, source, file_name, sha256, counts, reasons (Messages as JSON), effect (effect.py), recorded_at`."""
    return [dict(row) for row in session.execute(_HELD).mappings()]


def held_list(session: Session, price_list_id: int) -> HeldList:
    """A list that waits. Raises NotFound, InputError when it does not wait."""
    row = session.execute(_ONE, {"id": price_list_id}).one_or_none()
    if row is None:
        raise NotFound("There is no price list {id}.", id=price_list_id)
    if row.state != "held":
        raise InputError(
            "Price list {id} does not wait for anybody: it is {state}.",
            id=price_list_id,
            state=state_in_words(row.state),
        )
    return HeldList(row.source, row.file_name, row.counts, Kept.from_json(row.plan))
