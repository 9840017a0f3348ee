"""What will be missing: services agreed with a provider that have no price for a year, and prices that end with none after them."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Lists for a year are due by the first of this month of the year before.
_LISTS_DUE_IN: Final = 10

#: Rows in: a day. Rows out: services agreed with an active provider whose contract is in force that day, without a price then.
_MISSING = text(
    """
    SELECT provider.name AS provider, business_id, service.code AS service
    FROM provider_service
    JOIN provider ON provider.id = provider_id AND active
    JOIN service ON service.id = service_id
    WHERE EXISTS (SELECT FROM contract WHERE contract.provider_id = provider.id AND valid @> CAST(:day AS date))
      AND NOT EXISTS (
          SELECT FROM price JOIN price_key ON price_key.id = price_key_id
          WHERE price_key.provider_id = provider.id AND price_key.service_id = service.id AND extra = '' AND superseded_at IS NULL
            AND valid @> CAST(:day AS date))
    ORDER BY provider.name, provider.id, service.code
    """
)

#: Rows in: two days. Rows out: services at providers (none: our own cost) with a key whose last price ends within them.
_ENDING = text(
    """
    SELECT provider, business_id, service, min(last) AS last
    FROM (
        SELECT coalesce(provider.name, '') AS provider, coalesce(business_id, '') AS business_id, service.code AS service,
               max(coalesce(upper(valid) - 1, 'infinity')) AS last
        FROM price
        JOIN price_key ON price_key.id = price_key_id
        JOIN service ON service.id = service_id
        LEFT JOIN provider ON provider.id = price_key.provider_id
        WHERE superseded_at IS NULL AND extra = '' AND coalesce(provider.active, true)
        GROUP BY price_key.id, provider.name, business_id, service.code
    ) AS of_key
    WHERE last BETWEEN CAST(:today AS date) AND CAST(:until AS date)
    GROUP BY provider, business_id, service ORDER BY provider, business_id, service
    """
)


@dataclass(frozen=True)
class MissingYear:
    """A service of a provider (name, business id) without a price in a year, though a contract is in force then."""

    provider: str
    business_id: str
    service: str
    year: int


@dataclass(frozen=True)
class Ending:
    """A service of a provider ('' for our own cost) whose price ends; `last` is its last day."""

    provider: str
    business_id: str
    service: str
    last: date


def missing_years(session: Session, today: date) -> list[MissingYear]:
    """What has no price today, and from October on what has none on the first day of the coming year."""
    days = [today] + ([date(today.year + 1, 1, 1)] if today.month >= _LISTS_DUE_IN else [])
    return [
        MissingYear(row.provider, row.business_id, row.service, day.year)
        for day in days
        for row in session.execute(_MISSING, {"day": day})
    ]


def ending_soon(session: Session, today: date, days: int) -> list[Ending]:
    """Prices that end within so many days, the first of each service, where no later price of the same key is known."""
    values = {"today": today, "until": today + timedelta(days=days)}
    return [Ending(row.provider, row.business_id, row.service, row.last) for row in session.execute(_ENDING, values)]
