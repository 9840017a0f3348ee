"""What a plan rests on besides the file: kept with it, and asked again before it is applied.

A plan that was shown is applied exactly or not at all. What it rests on: which lists were applied to its provider, the prices in force of
the keys it touches, the contracts, and what is agreed on its services. Each thing that is another by then is named.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, Message
from core.i18n import N_
from services.prices.values import Plan

#: Rows in: a provider, or none for our own unit costs. Rows out: how many lists were applied to it so far, in the order of applying.
_APPLIED = text(
    """
    SELECT coalesce(max(applied_order), 0) FROM price_list JOIN price_source ON price_source.id = source_id
    WHERE provider_id IS NOT DISTINCT FROM CAST(:provider_id AS bigint)
    """
)

#: Rows in: a provider. Rows out: what its price lists are judged by.
_PROVIDER = text("SELECT business_id, name, active FROM provider WHERE id = :id")
_CONTRACTS = text(
    "SELECT number, CAST(valid AS text) AS valid, CAST(price_rule AS text) AS rule FROM contract WHERE provider_id = :id ORDER BY number"
)
_AGREED = text(
    """
    SELECT service.code, concat_ws(' ', provider_code, vat_category, vat_rate) AS agreed
    FROM provider_service JOIN service ON service.id = service_id
    WHERE provider_id = :id AND service_id = ANY(:services) ORDER BY service.code
    """
)

#: Rows in: a provider and how many lists had been applied to it. Rows out: the lists applied since.
_LISTS_SINCE = text(
    """
    SELECT price_source.name AS source, file_name, rolls_back_list_id IS NOT NULL AS rollback
    FROM price_list JOIN price_source ON price_source.id = source_id
    WHERE provider_id IS NOT DISTINCT FROM CAST(:provider_id AS bigint) AND applied_order > :applied ORDER BY applied_order
    """
)

#: Rows in: versions a plan ends. Rows out: service and unit of those that are not in force any more.
_ENDED_SINCE = text(
    """
    SELECT DISTINCT service.code, price_key.unit FROM price
    JOIN price_key ON price_key.id = price_key_id JOIN service ON service.id = service_id
    WHERE price.id = ANY(:ids) AND superseded_at IS NOT NULL ORDER BY service.code, price_key.unit
    """
)

#: The sentence of a plan that cannot be applied any more, although nobody decided anything about it.
WORLD_MOVED = N_("What this plan rests on has changed since it was made: {what}. Read the source again for a new plan.")
#: So many things are named in a sentence.
_NAMED = 5


@dataclass(frozen=True)
class Basis:
    """What a plan rests on. `applied`: the order of the last list applied; the others: what was so, in plain words by name."""

    applied: int
    provider: str = ""
    contracts: dict[str, str] = field(default_factory=dict)
    agreed: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As a JSON document."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Basis":
        """Read back what `to_json` wrote, also by an earlier version."""
        return cls(
            int(data.get("applied", 0)), data.get("provider", ""), data.get("contracts", {}), data.get("agreed", {})
        )


def basis_of(session: Session, plan: Plan) -> Basis:
    """What a plan rests on as things are now."""
    applied = int(session.execute(_APPLIED, {"provider_id": plan.provider_id}).scalar_one())
    if plan.provider_id is None:
        return Basis(applied)
    provider = session.execute(_PROVIDER, {"id": plan.provider_id}).one_or_none()
    services = sorted({new.key.service_id for new in plan.new})
    contracts = session.execute(_CONTRACTS, {"id": plan.provider_id})
    agreed = session.execute(_AGREED, {"id": plan.provider_id, "services": services})
    return Basis(
        applied,
        f"{provider.business_id} {provider.active}" if provider else "",
        {row.number: f"{row.valid} {row.rule}" for row in contracts},
        {row.code: row.agreed for row in agreed},
    )


def must_still_hold(session: Session, plan: Plan, basis: Basis | None) -> None:
    """Raise InputError, naming what, if anything a plan rests on has changed. Without a basis (an earlier version's plan) only the
    prices it ends are asked for.
    """
    changed = _prices_since(session, plan)
    if basis is not None:
        now = basis_of(session, plan)
        changed += _lists_since(session, plan, basis)
        changed += _differing(basis.contracts, now.contracts, "contract")
        changed += _differing(basis.agreed, now.agreed, "agreed")
        if basis.provider != now.provider:
            changed.append(Message("the provider's own data"))
    if changed:
        raise InputError(
            WORLD_MOVED,
            what="; ".join(one.text() for one in changed),
        )


def _prices_since(session: Session, plan: Plan) -> list[Message]:
    rows = session.execute(_ENDED_SINCE, {"ids": [ending.price_id for ending in plan.endings]}).all()
    return [
        Message("the price of {service} per {unit} in force", service=row.code, unit=row.unit) for row in rows[:_NAMED]
    ]


def _lists_since(session: Session, plan: Plan, basis: Basis) -> list[Message]:
    rows = session.execute(_LISTS_SINCE, {"provider_id": plan.provider_id, "applied": basis.applied}).all()
    return [
        Message("a list of {source} was rolled back ({file})", source=row.source, file=row.file_name)
        if row.rollback
        else Message("another list of {source} was applied ({file})", source=row.source, file=row.file_name)
        for row in rows[:_NAMED]
    ]


def _differing(before: dict[str, str], now: dict[str, str], what: str) -> list[Message]:
    names: Iterable[str] = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    return [
        Message("contract {contract}", contract=name)
        if what == "contract"
        else Message("what is agreed with the provider on {service}", service=name)
        for name in list(names)[:_NAMED]
    ]
