"""A provider as a page edits it: read whole, written whole by the same entries and the same statements as an import.

Other than a file, which only adds and corrects, a page shows everything there is: what it leaves out is taken away. A contract that an order
cites stays. What hangs on a provider that is put out of use, or on a service it shall no longer offer, is said first.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.channel_settings import Connections
from core.errors import Message
from core.i18n import N_
from models.service import Service
from services import audit
from services.reference_data.editing import (
    HIDDEN,
    AddedMeanwhileError,
    ChangedMeanwhileError,
    FieldInputError,
    NeedsYesError,
    adding,
    differences,
    version_of,
)
from services.reference_data.providers import ProviderEntry, write_providers
from services.reference_data.reading import rows_by

#: Rows in: a business id. Rows out: the provider with all that belongs to it, shaped like an entry of `providers.toml`.
_STORED: Final = """
    SELECT provider.id, jsonb_build_object(
        'business_id', business_id, 'name', name, 'endpoint_scheme', endpoint_scheme, 'endpoint_id', endpoint_id, 'country', country,
        'email', email, 'language', language, 'channel', channel, 'channel_settings', channel_settings,
        'order_period', order_period, 'facts', facts, 'active', active,
        'contract', coalesce((
            SELECT jsonb_agg(jsonb_build_object('number', number, 'first', lower(valid), 'last', upper(valid) - 1, 'price_rule', price_rule,
                                                'no_show_terms', no_show_terms, 'cancellation_terms', cancellation_terms)
                             ORDER BY lower(valid), number)
            FROM contract WHERE provider_id = provider.id), '[]'),
        'service', coalesce((
            SELECT jsonb_agg(jsonb_build_object('service', code, 'provider_code', provider_code, 'vat_category', vat_category,
                                                'vat_rate', CAST(trim_scale(vat_rate) AS text), 'vat_basis', vat_basis) ORDER BY code)
            FROM provider_service JOIN service ON service.id = service_id WHERE provider_id = provider.id), '[]')
    ) AS entry
    FROM provider WHERE business_id = :business_id
"""
_READ: Final = text(_STORED)
#: The same, and nobody else changes it until the transaction ends.
_HOLD: Final = text(f"{_STORED} FOR NO KEY UPDATE OF provider")

#: Rows in: a provider and a day. Rows out: by service what hangs on it: open plans that chose it, live orders, prices in force or to come.
_USAGE: Final = text(
    """
    SELECT service.code, sum(choices) AS choices, sum(orders) AS orders, sum(prices) AS prices
    FROM (
        SELECT plan_item.service_id, 1 AS choices, 0 AS orders, 0 AS prices
        FROM choice JOIN plan_item ON plan_item.id = plan_item_id
        WHERE choice.provider_id = :id AND choice.ended_at IS NULL AND plan_item.ended_at IS NULL AND upper(plan_item.period) > :today
        UNION ALL
        SELECT DISTINCT ON (order_coverage.order_id, plan_item.service_id) plan_item.service_id, 0, 1, 0
        FROM purchase_order
        JOIN order_coverage ON order_coverage.order_id = purchase_order.id AND live
        JOIN plan_item ON plan_item.id = order_coverage.plan_item_id
        WHERE purchase_order.provider_id = :id AND state <> 'closed'
        UNION ALL
        SELECT service_id, 0, 0, 1 FROM price_key JOIN price ON price.price_key_id = price_key.id
        WHERE provider_id = :id AND superseded_at IS NULL AND (upper_inf(valid) OR upper(valid) > :today)
    ) AS used
    JOIN service ON service.id = service_id
    GROUP BY service.code ORDER BY service.code
    """
)

#: Rows in: a provider and numbers of contracts. Rows out: how many orders cite each that is cited.
_CITED: Final = text(
    """
    SELECT contract.number, count(*) AS orders FROM contract JOIN purchase_order ON purchase_order.contract_id = contract.id
    WHERE contract.provider_id = :id AND contract.number = ANY(:numbers) GROUP BY contract.number ORDER BY contract.number
    """
)
_DROP_CONTRACTS: Final = text("DELETE FROM contract WHERE provider_id = :id AND number = ANY(:numbers)")
_DROP_SERVICES: Final = text(
    "DELETE FROM provider_service WHERE provider_id = :id AND service_id IN (SELECT id FROM service WHERE code = ANY(:codes))"
)

_SECRET: Final = re.compile("pass|secret|token|key|credential|salasana", re.IGNORECASE)


#: Where a channel's problem is shown.
_UNREACHABLE_BY: Final = {
    "email": "email",
    "sftp": "channel_settings.connection",
    "https": "channel_settings.connection",
    "file": "channel_settings.folder",
}


@dataclass(frozen=True)
class StoredProvider:
    """A provider as it is kept: `entry` shaped like `[[provider]]` of the file, with secrets; `shown` without them."""

    id: int
    entry: dict[str, Any]

    @property
    def shown(self) -> dict[str, Any]:
        """The entry as people may see it."""
        return without_secrets(self.entry)

    @property
    def version(self) -> str:
        """What a form made from it carries."""
        return version_of(self.shown)


@dataclass(frozen=True)
class Usage:
    """What hangs on a service of a provider."""

    service: str
    choices: int
    orders: int
    prices: int


def is_secret(setting: str) -> bool:
    """Whether a channel setting of this name is not shown to anybody."""
    return _SECRET.search(setting) is not None


def without_secrets(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which secrets of the channel are only said to be there."""
    shown = deepcopy(dict(entry))
    settings = shown.get("channel_settings", {})
    shown["channel_settings"] = {name: HIDDEN if is_secret(name) else value for name, value in settings.items()}
    return shown


def stored_provider(session: Session, business_id: str, *, hold: bool = False) -> StoredProvider | None:
    """The provider of this business id; with `hold` nobody else changes it until the transaction ends."""
    row = session.execute(_HOLD if hold else _READ, {"business_id": business_id}).one_or_none()
    return None if row is None else StoredProvider(row.id, row.entry)


def usage(session: Session, provider_id: int, today: date) -> list[Usage]:
    """What hangs on a provider, by service; services on which nothing hangs are left out."""
    rows = session.execute(_USAGE, {"id": provider_id, "today": today})
    return [Usage(row.code, row.choices, row.orders, row.prices) for row in rows]


def edit_provider(
    session: Session,
    entry: ProviderEntry,
    *,
    version: str | None,
    sure: bool,
    actor: str,
    now: datetime,
    today: date,
    connections: Connections | None = None,
) -> dict[str, list[Any]]:
    """Write a provider as a page states it; what changed, by path. `version` None: it is a new one.

    Raises ChangedMeanwhileError, FieldInputError (a business id there is already, a service nobody knows, a contract that orders cite, a
    channel whose `connections` of avain.toml do not lead to it),
    NeedsYesError when something hangs on what would be put out of use and nobody is `sure`.
    """
    stored = stored_provider(session, entry.business_id, hold=True)
    if version is None and stored is not None:
        raise FieldInputError(
            "business_id", N_("There is a provider of this business id already: {name}."), name=stored.entry["name"]
        )
    if version is not None and (stored is None or stored.version != version):
        kept = stored.shown if stored else {}
        raise ChangedMeanwhileError(kept, stored.version if stored else "")
    services = rows_by(session, Service, "code", {offer.service for offer in entry.service})
    _check(entry, services, connections)
    contracts, offers = _left_out(stored, entry)
    if stored is not None:
        _may_be_taken_away(session, stored, entry, contracts, offers, sure=sure, today=today)
    try:
        with session.begin_nested(), adding(new=stored is None) as imported:
            write_providers(session, [entry], services, imported)
    except (IntegrityError, AddedMeanwhileError) as error:
        raise FieldInputError(
            "business_id", N_("Somebody else has just added this one. Open it from the list.")
        ) from error
    if stored is not None and contracts:
        session.execute(_DROP_CONTRACTS, {"id": stored.id, "numbers": contracts})
    if stored is not None and offers:
        session.execute(_DROP_SERVICES, {"id": stored.id, "codes": offers})
    written = stored_provider(session, entry.business_id)
    changed = differences(_by_key(stored), _by_key(written))
    if changed:
        action = "provider.added" if stored is None else "provider.changed"
        audit.record(session, actor, action, f"provider:{entry.business_id}", now=now, changes=changed)
    return changed


def _check(entry: ProviderEntry, services: Mapping[str, Service], connections: Connections | None) -> None:
    """Raises FieldInputError for a service nobody knows, or a channel that does not lead to the provider."""
    for offer in entry.service:
        if offer.service not in services:
            raise FieldInputError(f"service.{offer.service}", N_("There is no service {code}."), code=offer.service)
    unreachable = None if connections is None else entry.unreachable(connections)
    if unreachable is not None:
        raise FieldInputError(_UNREACHABLE_BY.get(entry.channel, "channel"), unreachable)


def _left_out(stored: StoredProvider | None, entry: ProviderEntry) -> tuple[list[str], list[str]]:
    """Contracts and services that are kept, but not stated any more."""
    if stored is None:
        return [], []
    numbers, codes = {one.number for one in entry.contract}, {one.service for one in entry.service}
    return (
        [one["number"] for one in stored.entry["contract"] if one["number"] not in numbers],
        [one["service"] for one in stored.entry["service"] if one["service"] not in codes],
    )


def _may_be_taken_away(
    session: Session,
    stored: StoredProvider,
    entry: ProviderEntry,
    contracts: list[str],
    offers: list[str],
    *,
    sure: bool,
    today: date,
) -> None:
    if contracts:
        cited = session.execute(_CITED, {"id": stored.id, "numbers": contracts}).first()
        if cited is not None:
            raise FieldInputError(
                f"contract.{cited.number}",
                N_(
                    "Orders cite the contract {contract} ({count}), so it stays under this number. Let it end by its last day."
                ),
                contract=cited.number,
                count=cited.orders,
            )
    ends = bool(stored.entry["active"]) and not entry.active
    if sure or not (ends or offers):
        return
    hangs = [one for one in usage(session, stored.id, today) if ends or one.service in offers]
    if hangs:
        raise NeedsYesError([hangs_in_words(one) for one in hangs])


def hangs_in_words(one: Usage) -> Message:
    """`NEPSY-VALMENNUS: chosen for 3 planned services, 2 live orders, 1 price in force or to come`."""
    return Message(
        "{service}: chosen for {choices} planned services, {orders} live orders, {prices} prices in force or to come",
        service=one.service,
        choices=one.choices,
        orders=one.orders,
        prices=one.prices,
    )


def _by_key(stored: StoredProvider | None) -> dict[str, Any]:
    """Contracts by number and services by code, so that what differs can be told without their order."""
    if stored is None:
        return {}
    shown = stored.shown
    shown["contract"] = {one["number"]: one for one in shown["contract"]}
    shown["service"] = {one["service"]: one for one in shown["service"]}
    return shown
