"""Rows of models/provider.py with sensible defaults: invented providers, VAT exempt, contract 2026–2027."""

from datetime import date
from decimal import Decimal
from itertools import count

from models.base import days
from models.provider import Contract, Provider, ProviderService

_numbers = count(1)


def make_provider(session, *, services=(), **over):
    """A provider that offers `services`; no contract yet."""
    number = next(_numbers)
    provider = Provider(
        **{
            "business_id": f"99{number:05d}-0",
            "name": f"Esimerkki {number} Oy (keksitty)",
            "endpoint_scheme": "0216",
            "endpoint_id": f"003799{number:05d}0",
            "email": f"tilaukset-{number}@esimerkki.invalid",
            **over,
        }
    )
    session.add(provider)
    session.flush()
    for service in services:
        make_provider_service(session, provider, service)
    return provider


def make_contract(session, provider, *, first=date(2026, 1, 1), last=date(2027, 12, 31), rule=None, **over):
    """A contract; its price rule allows anything unless told otherwise."""
    number = over.pop("number", f"S-{next(_numbers)}")
    contract = Contract(
        provider_id=provider.id, number=number, valid=days(first, last), price_rule=rule or {"kind": "free"}, **over
    )
    session.add(contract)
    session.flush()
    return contract


def make_provider_service(session, provider, service, **over):
    """What the provider offers: VAT exempt unless told otherwise."""
    row = ProviderService(
        provider_id=provider.id,
        service_id=service.id,
        **{"vat_category": "E", "vat_rate": Decimal(0), "vat_basis": "Soteri (keksitty)", **over},
    )
    session.add(row)
    session.flush()
    return row
