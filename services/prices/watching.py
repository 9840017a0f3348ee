"""What the price manager should hear of before it is too late: years without prices, prices that end, lists that wait. Pure reads."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.budgets.matching import PRICES_A_PLAN, converts

#: Next year's prices are asked for from this day on (month, day).
ASKED_FROM: Final = (11, 1)

#: Rows in: a day. Rows out: `used`: service and unit that somebody may need at an active provider, or (none) at our own cost: chosen for open plans (`items`, until
#: when), or priced today, so that the next family can choose it.
_USED: Final = f"""
    chosen AS (
        SELECT choice.provider_id, plan_item.service_id, plan_item.unit, count(*) AS items, max(upper(plan_item.period)) AS needed_until
        FROM plan_item
        JOIN decision ON decision.id = plan_item.decision_id AND decision.ended_at IS NULL
        JOIN client_case ON client_case.id = plan_item.case_id AND client_case.status <> 'closed' AND client_case.gone_at IS NULL
        JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL AND choice.provider_id IS NOT NULL
        WHERE plan_item.ended_at IS NULL AND upper(plan_item.period) > :today
        GROUP BY choice.provider_id, plan_item.service_id, plan_item.unit
    ), used AS (
        SELECT provider_id, service_id, unit, coalesce(items, 0) AS items, needed_until
        FROM chosen FULL JOIN (
            SELECT DISTINCT provider_id, service_id, unit
            FROM price_key
            JOIN price ON price.price_key_id = price_key.id AND superseded_at IS NULL AND valid @> CAST(:today AS date)
            LEFT JOIN provider ON provider.id = provider_id
            WHERE {PRICES_A_PLAN} AND coalesce(provider.active, true)
        ) AS priced USING (provider_id, service_id, unit)  -- our own unit costs have no provider, and are never chosen
    )
"""  # noqa: S608 - our own words

#: Rows in: a day and the first of a year. Rows out: service and unit used at providers that go on into that year (by a plan or a
#: contract) and for which no price is in force on its first day.
_MISSING: Final = text(
    f"""
    WITH {_USED}
    SELECT provider.id AS provider_id, coalesce(provider.business_id, '') AS business_id, coalesce(provider.name, '') AS name, service.code,
           used.unit, used.items
    FROM used
    LEFT JOIN provider ON provider.id = used.provider_id
    JOIN service ON service.id = used.service_id
    WHERE (
            used.provider_id IS NULL
            OR EXISTS (SELECT FROM used AS other WHERE other.provider_id = used.provider_id AND other.needed_until > :first)
            OR EXISTS (SELECT FROM contract WHERE contract.provider_id = used.provider_id AND valid @> CAST(:first AS date))
        )
      AND NOT EXISTS (
            SELECT FROM price_key JOIN price ON price.price_key_id = price_key.id AND superseded_at IS NULL AND valid @> CAST(:first AS date)
            WHERE price_key.provider_id IS NOT DISTINCT FROM used.provider_id AND price_key.service_id = used.service_id
              AND {converts("used.unit", "price_key.unit")} AND {PRICES_A_PLAN}
        )
    ORDER BY provider.name, provider.id, service.code, used.unit
    """  # noqa: S608 - our own words
)

#: Rows in: a day and the last to look at. Rows out: service and unit with prices that end by then, and none after them.
_ENDING: Final = text(
    f"""
    WITH {_USED}
    SELECT provider.id AS provider_id, coalesce(provider.business_id, '') AS business_id, coalesce(provider.name, '') AS name, service.code,
           used.unit, used.items, upper(price.valid) - 1 AS last, min(price.amount) AS amount,
           coalesce(used.needed_until > upper(price.valid), false) AS needed_after
    FROM used
    LEFT JOIN provider ON provider.id = used.provider_id
    JOIN service ON service.id = used.service_id
    JOIN price_key ON price_key.provider_id IS NOT DISTINCT FROM used.provider_id AND price_key.service_id = used.service_id
        AND {converts("used.unit", "price_key.unit")} AND {PRICES_A_PLAN}
    JOIN price ON price.price_key_id = price_key.id AND superseded_at IS NULL AND valid @> CAST(:today AS date)
        AND upper(price.valid) - 1 <= :last
    WHERE NOT EXISTS (
        SELECT FROM price AS following
        WHERE following.price_key_id = price.price_key_id AND following.superseded_at IS NULL
          AND following.valid @> upper(price.valid)
    )
    GROUP BY provider.id, service.code, used.unit, used.items, used.needed_until, upper(price.valid)
    ORDER BY last, provider.name, provider.id, service.code, used.unit
    """  # noqa: S608 - our own words
)

#: Rows out: lists that wait for a person, oldest first; the same content read again keeps its list.
_HELD: Final = text(
    """
    SELECT price_list.id, price_source.name AS source, provider.id AS provider_id, provider.name, price_list.run_id, file_name, counts,
           plan -> 'held' AS reasons, plan -> 'effect' AS effect, recorded_at
    FROM price_list
    JOIN price_source ON price_source.id = source_id
    LEFT JOIN provider ON provider.id = price_source.provider_id
    WHERE state = 'held' ORDER BY price_list.id
    """
)


@dataclass(frozen=True)
class MissingYear:
    """A service of a provider ('' for our own unit costs) without a price on 1 January of `year`; `items` open plans have chosen it."""

    provider_id: int | None
    business_id: str
    provider: str
    service: str
    unit: str
    year: int
    items: int


@dataclass(frozen=True)
class EndingPrice:
    """A service of a provider ('' for our own unit costs) whose price (`amount`, of several the lowest) ends on its `last` day, with none after it. `items` open plans have chosen
    it; `needed_after`: one of them goes on beyond that day.
    """

    provider_id: int | None
    business_id: str
    provider: str
    service: str
    unit: str
    amount: Decimal
    last: date
    items: int
    needed_after: bool


@dataclass(frozen=True)
class Waiting:
    """A list that waits for a person since a moment: why (Messages as JSON), and its effect on budgets (effect.py), if known."""

    price_list_id: int
    source: str
    provider_id: int | None
    provider: str | None
    run_id: int
    file_name: str
    counts: dict[str, int]
    reasons: list[dict[str, Any]]
    effect: dict[str, Any] | None
    since: datetime


def missing_years(session: Session, today: date) -> list[MissingYear]:
    """Providers whose prices of next year are not there yet, by service; none before 1 November."""
    if (today.month, today.day) < ASKED_FROM:
        return []
    year = today.year + 1
    rows = session.execute(_MISSING, {"today": today, "first": date(year, 1, 1)})
    return [
        MissingYear(row.provider_id, row.business_id, row.name, row.code, row.unit, year, row.items) for row in rows
    ]


def ending_soon(session: Session, today: date, days: int = 60) -> list[EndingPrice]:
    """Prices whose last day is within so many days, today's included, the nearest first."""
    rows = session.execute(_ENDING, {"today": today, "last": today + timedelta(days=days)})
    return [
        EndingPrice(
            row.provider_id,
            row.business_id,
            row.name,
            row.code,
            row.unit,
            row.amount,
            row.last,
            row.items,
            row.needed_after,
        )
        for row in rows
    ]


def held_since(session: Session) -> list[Waiting]:
    """Lists that wait for a person, oldest first."""
    return [
        Waiting(
            row.id,
            row.source,
            row.provider_id,
            row.name,
            row.run_id,
            row.file_name,
            row.counts,
            row.reasons or [],
            row.effect,
            row.recorded_at,
        )
        for row in session.execute(_HELD)
    ]
