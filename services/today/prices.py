"""What waits about prices: lists and e-mails that wait for a person, providers whose prices of next year are missing, prices that end.

Told by provider, and read from the prices alone, for every look at the first page and at that of prices; the alarms
(services/prices/watching.py) count by service which plans each touches, once a day.
"""

from datetime import date, timedelta
from typing import Final

from sqlalchemy.orm import Session

from services.budgets.matching import PRICES_A_PLAN
from services.prices.watching import ASKED_FROM
from services.today.rows import Section, first_of, section

#: Rows out: lists that wait for a person, the longest first.
_LISTS = first_of(
    """
    SELECT price_list.id, price_source.name AS source, provider.name AS provider, file_name, recorded_at
    FROM price_list
    JOIN price_source ON price_source.id = source_id
    LEFT JOIN provider ON provider.id = price_source.provider_id
    WHERE state = 'held' ORDER BY price_list.id LIMIT :counted
    """
)

#: Rows out: e-mails of which nobody can tell whose list they bring, the longest waiting first.
_MAILS = first_of(
    """
    SELECT id, source, file_name, reason, recorded_at FROM price_mail WHERE state = 'waiting' ORDER BY id LIMIT :counted
    """
)

_TODAYS: Final = f"""
    SELECT price_key.provider_id, price_key.service_id, price_key.unit, price_key.id AS price_key_id, upper(price.valid) AS ends_before
    FROM price_key
    JOIN price ON price.price_key_id = price_key.id AND superseded_at IS NULL AND valid @> CAST(:today AS date)
    LEFT JOIN provider ON provider.id = price_key.provider_id
    WHERE {PRICES_A_PLAN} AND coalesce(provider.active, true)
"""  # noqa: S608 - our own words

#: Rows in: today and the first day of a year. Rows out: providers (none: our own unit costs) with a contract or a plan in that year, and how
#: many of the services they price today have no price on its first day.
_MISSING = first_of(
    f"""
    SELECT provider.business_id, provider.name AS provider, count(DISTINCT todays.service_id) AS services
    FROM ({_TODAYS}) AS todays
    LEFT JOIN provider ON provider.id = todays.provider_id
    WHERE (todays.ends_before <= :first) AND NOT EXISTS (
            SELECT FROM price_key JOIN price ON price.price_key_id = price_key.id AND superseded_at IS NULL AND valid @> CAST(:first AS date)
            WHERE price_key.provider_id IS NOT DISTINCT FROM todays.provider_id AND price_key.service_id = todays.service_id
              AND price_key.unit = todays.unit AND {PRICES_A_PLAN})
      AND (todays.provider_id IS NULL
           OR EXISTS (SELECT FROM contract WHERE contract.provider_id = todays.provider_id AND contract.valid @> CAST(:first AS date))
           OR EXISTS (SELECT FROM choice JOIN plan_item ON plan_item.id = choice.plan_item_id
                      WHERE choice.provider_id = todays.provider_id AND choice.ended_at IS NULL AND plan_item.ended_at IS NULL
                        AND upper(plan_item.period) > :first))
    GROUP BY provider.id ORDER BY provider.name NULLS FIRST LIMIT :counted
    """  # noqa: S608 - our own words
)

#: Rows in: today and the last day to look at. Rows out: providers (none: our own unit costs) with prices that end by then and have none
#: after them: the first of those days, and of how many services.
_ENDING = first_of(
    f"""
    SELECT provider.business_id, provider.name AS provider, min(todays.ends_before) - 1 AS last, count(DISTINCT todays.service_id) AS services
    FROM ({_TODAYS}) AS todays
    LEFT JOIN provider ON provider.id = todays.provider_id
    WHERE todays.ends_before - 1 <= :last AND NOT EXISTS (
        SELECT FROM price AS following
        WHERE following.price_key_id = todays.price_key_id AND following.superseded_at IS NULL AND following.valid @> todays.ends_before)
    GROUP BY provider.id ORDER BY last, provider.name NULLS FIRST LIMIT :counted
    """  # noqa: S608 - our own words
)


def for_price_manager(
    session: Session, today: date, *, ending_days: int, everything: frozenset[str]
) -> dict[str, Section]:
    """The sections of who answers for prices. At most four statements; before November nobody is asked for next year's prices."""
    year = date(today.year + 1, 1, 1)
    asked = {
        "lists": (_LISTS, {}),
        "mails": (_MAILS, {}),
        "missing": (_MISSING, {"today": today, "first": year}),
        "ending": (_ENDING, {"today": today, "last": today + timedelta(days=ending_days)}),
    }
    if (today.month, today.day) < ASKED_FROM:
        del asked["missing"]
    return {
        name: section(session, statement, values, everything=name in everything)
        for name, (statement, values) in asked.items()
    }
