"""Providers and services as the console lists them: contract, lists in force, what is missing. A constant number of statements."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import language
from services.prices.rises import rule_in_words
from services.prices.values import OPEN, PriceRule
from services.prices.watching import ASKED_FROM

#: A contract that ends within so many days is said to end soon.
_SOON: Final = timedelta(days=60)

#: Rows in: a day. Rows out: providers by name with their contracts, how many services they offer, how many prices are in force that day,
#: the newest list they come from, and how many lists wait.
_PROVIDERS: Final = text(
    """
    SELECT provider.id, business_id, name, active, channel,
           coalesce((SELECT jsonb_agg(jsonb_build_object('number', number, 'first', lower(valid), 'until', upper(valid), 'rule', price_rule)
                                      ORDER BY lower(valid)) FROM contract WHERE provider_id = provider.id), '[]') AS contracts,
           (SELECT count(*) FROM provider_service WHERE provider_id = provider.id) AS services,
           coalesce(priced.prices, 0) AS prices, latest.id AS list_id, latest.file_name,
           latest.recorded_at, coalesce(waiting.lists, 0) AS waiting
    FROM provider
    LEFT JOIN (
        SELECT price_key.provider_id, count(*) AS prices, max(price_list_id) AS list_id
        FROM price
        JOIN price_key ON price_key.id = price_key_id
        WHERE superseded_at IS NULL AND valid @> CAST(:today AS date)
        GROUP BY price_key.provider_id
    ) AS priced ON priced.provider_id = provider.id
    LEFT JOIN price_list AS latest ON latest.id = priced.list_id
    LEFT JOIN (
        SELECT provider_id, count(*) AS lists FROM price_list JOIN price_source ON price_source.id = source_id
        WHERE state = 'held' GROUP BY provider_id
    ) AS waiting ON waiting.provider_id = provider.id
    ORDER BY name, business_id
    """
)

#: Rows in: a provider and a day. Rows out: the lists its prices in force that day come from, the newest first.
_LISTS: Final = text(
    """
    SELECT price_list.id, price_source.name AS source, file_name, price_list.recorded_at, run_id, count(*) AS prices
    FROM price
    JOIN price_key ON price_key.id = price_key_id
    JOIN price_list ON price_list.id = price_list_id
    JOIN price_source ON price_source.id = source_id
    WHERE price_key.provider_id = :id AND superseded_at IS NULL AND valid @> CAST(:today AS date)
    GROUP BY price_list.id, price_source.name ORDER BY price_list.id DESC LIMIT 20
    """
)

#: Rows in: a day, the first of the next year, perhaps a provider. Rows out: active providers whose contract goes on into that year, with
#: the codes of services that are priced today and not on its first day.
_WITHOUT: Final = text(
    """
    SELECT business_id, array_agg(DISTINCT service.code ORDER BY service.code) AS services
    FROM (
        SELECT price_key.provider_id, service_id FROM price JOIN price_key ON price_key.id = price_key_id
        WHERE superseded_at IS NULL AND extra = '' AND (CAST(:provider_id AS bigint) IS NULL OR price_key.provider_id = :provider_id)
        GROUP BY price_key.provider_id, service_id
        HAVING bool_or(valid @> CAST(:today AS date)) AND NOT bool_or(valid @> CAST(:first AS date))
    ) AS ending
    JOIN provider ON provider.id = ending.provider_id AND active
    JOIN service ON service.id = ending.service_id
    WHERE EXISTS (SELECT FROM contract WHERE contract.provider_id = provider.id AND valid @> CAST(:first AS date))
    GROUP BY business_id
    """
)

#: Rows out: services by code, with the codes of those that may stand in for each, and how many providers offer it.
_SERVICES: Final = text(
    """
    SELECT code, name_fi, name_sv, name_en, unit, accounting_cost, cpv, free_of_charge,
           coalesce((SELECT array_agg(other.code ORDER BY other.code) FROM service_alternative
                     JOIN service AS other ON other.id = alternative_id WHERE baseline_id = service.id), '{}') AS alternatives,
           (SELECT count(*) FROM provider_service JOIN provider ON provider.id = provider_id AND active WHERE service_id = service.id) AS providers
    FROM service ORDER BY code
    """
)

State = Literal["valid", "ends_soon", "begins", "ended", "none"]


@dataclass(frozen=True)
class ContractState:
    """How a provider stands by contract on a day: `number` of the one that counts, in words what it is and what it says of prices."""

    state: State
    said: Message
    rule: Message | None = None

    @property
    def tag(self) -> str:
        """How it is marked: good, care or bad."""
        return {"valid": "good", "ends_soon": "care", "begins": "care"}.get(self.state, "bad")


def providers(session: Session, today: date) -> list[dict[str, Any]]:
    """Providers by name, as the list shows them. Keys as in the statement, and `contract` (ContractState)."""
    rows = session.execute(_PROVIDERS, {"today": today}).mappings()
    return [{**row, "contract": contract_state(_rules(row["contracts"]), today)} for row in rows]


def lists_in_force(session: Session, provider_id: int, today: date) -> list[dict[str, Any]]:
    """The lists a provider's prices come from today: `id, source, file_name, recorded_at, run_id, prices`."""
    return [dict(row) for row in session.execute(_LISTS, {"id": provider_id, "today": today}).mappings()]


def without_next_year(session: Session, today: date, provider_id: int | None = None) -> dict[str, list[str]]:
    """Services whose prices of next year are not there yet, by business id; asked from 1 November on, as the alarms do.

    The alarms (services/prices/watching.py) look at every open plan as well, once a day; this is quick enough for every look at a list.
    """
    if (today.month, today.day) < ASKED_FROM:
        return {}
    values = {"today": today, "first": date(today.year + 1, 1, 1), "provider_id": provider_id}
    return {row.business_id: row.services for row in session.execute(_WITHOUT, values)}


def services(session: Session) -> list[dict[str, Any]]:
    """Services by code, as the list shows them. Keys as in the statement."""
    return [dict(row) for row in session.execute(_SERVICES).mappings()]


def service_name(names: Any) -> str:
    """A service's name in the reader's language, in Finnish where it has none. `names` holds `name_fi, name_sv, name_en`."""
    return str(names[f"name_{language()}"] or names["name_fi"])


def rules_of(contracts: Iterable[dict[str, Any]]) -> list[PriceRule]:
    """Contracts of an entry (`number, first, last, price_rule`) as price planning knows them."""
    return [
        PriceRule(
            one["number"],
            _day(one["first"], date.min),
            _day(one["last"], OPEN - timedelta(days=1)) + timedelta(days=1),
            one["price_rule"],
        )
        for one in contracts
    ]


def contract_state(contracts: list[PriceRule], today: date) -> ContractState:
    """Of several contracts the one that counts today; else the next, else the last."""
    current = [one for one in contracts if one.first <= today < one.until]
    if current:
        one = max(current, key=lambda each: each.until)
        if one.until == OPEN:
            return ContractState("valid", Message("valid until further notice"), rule_in_words(one))
        last = one.until - timedelta(days=1)
        soon = last - today <= _SOON and not any(each.first <= one.until < each.until for each in contracts)
        said = Message("valid until {last}", last=last.isoformat())
        return ContractState("ends_soon" if soon else "valid", said, rule_in_words(one))
    coming = [one for one in contracts if one.first > today]
    if coming:
        one = min(coming, key=lambda each: each.first)
        return ContractState("begins", Message("begins on {first}", first=one.first.isoformat()), rule_in_words(one))
    if contracts:
        one = max(contracts, key=lambda each: each.until)
        last = one.until - timedelta(days=1)
        return ContractState("ended", Message("ended on {last}", last=last.isoformat()), rule_in_words(one))
    return ContractState("none", Message("no contract"))


def _rules(contracts: list[dict[str, Any]]) -> list[PriceRule]:
    return [
        PriceRule(one["number"], _day(one["first"], date.min), _day(one["until"], OPEN), one["rule"])
        for one in contracts
    ]


def _day(written: str | None, otherwise: date) -> date:
    return date.fromisoformat(written) if written else otherwise
