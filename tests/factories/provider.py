"""Rows of models/provider.py with sensible defaults: invented providers, VAT exempt, contract 2026–2027."""

from datetime import date
from decimal import Decimal
from itertools import count

from stdnum.fi import ytunnus

from models.base import days
from models.provider import Contract, Provider, ProviderService

_numbers = count(1)


def _business_ids():
    """Invented business ids (99…) with right check digits."""
    for number in count(9900000):
        if ytunnus.is_valid(candidate := f"{number}{-_weighted_sum(number) % 11}"):
            yield ytunnus.format(candidate)


def _weighted_sum(number):
    """The weighted sum behind the check digit."""
    return sum(int(digit) * weight for digit, weight in zip(str(number), (7, 9, 10, 5, 8, 4, 2), strict=True))


_ids = _business_ids()


def make_provider(session, *, services=(), **over):
    """A provider that offers `services`; no contract yet."""
    number, business_id = next(_numbers), next(_ids)
    provider = Provider(
        **{
            "business_id": business_id,
            "name": f"Esimerkki {number} Oy (keksitty)",
            "endpoint_scheme": "0216",
            "endpoint_id": f"0037{business_id.replace('-', '')}",
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
