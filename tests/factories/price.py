"""Rows of models/price.py with sensible defaults, each with its provenance: source, list, run."""

from datetime import date
from decimal import Decimal
from itertools import count
from uuid import uuid4

from models.base import days
from models.price import Price, PriceKey, PriceList, PriceSource
from models.work import Run, Work

_numbers = count(1)


def make_run(session, kind="import_prices"):
    """A Run under way, with its Work."""
    work = Work(kind=kind, key=f"{kind}:test:{next(_numbers)}", queue="prices")
    session.add(work)
    session.flush()
    run = Run(work_id=work.id, kind=kind, attempt=1, token=uuid4(), host="test")
    session.add(run)
    session.flush()
    return run


def make_price_source(session, provider=None, **over):
    """A source of a provider's lists, or of our own unit costs."""
    source = PriceSource(
        **{
            "name": f"source-{next(_numbers)}",
            "kind": "own" if provider is None else "provider",
            "provider_id": provider.id if provider else None,
            **over,
        }
    )
    session.add(source)
    session.flush()
    return source


def make_price_list(session, source, *, run=None, **over):
    """An applied list."""
    number = next(_numbers)
    price_list = PriceList(
        **{
            "source_id": source.id,
            "run_id": (run or make_run(session)).id,
            "file_name": f"hinnasto-{number}.csv",
            "sha256": f"{number:064d}",
            "state": "applied",
            **over,
        }
    )
    session.add(price_list)
    session.flush()
    return price_list


def make_price_key(session, service, provider=None, **over):
    """What is priced: a service at a provider, or at our own cost, in the service's unit."""
    key = PriceKey(
        **{
            "provider_id": provider.id if provider else None,
            "service_id": service.id,
            "unit": service.unit,
            "base_quantity": Decimal(1),
            "minimum_quantity": Decimal(0),
            **over,
        }
    )
    session.add(key)
    session.flush()
    return key


def make_price(
    session,
    service,
    provider=None,
    amount="60.00",
    *,
    first=date(2026, 1, 1),
    last=None,
    key=None,
    price_list=None,
    **over,
):
    """A price in force from `first` to `last`; key, source, list and run are made where none is given."""
    key = key or make_price_key(session, service, provider)
    price_list = price_list or make_price_list(session, make_price_source(session, provider))
    price = Price(
        **{
            "price_key_id": key.id,
            "valid": days(first, last),
            "amount": Decimal(amount),
            "vat_category": "E",
            "vat_rate": Decimal(0),
            "vat_inclusive": False,
            "price_list_id": price_list.id,
            "position": "2",
            **over,
        }
    )
    session.add(price)
    session.flush()
    return price
