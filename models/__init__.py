"""The tables, one aggregate per file. `models.metadata` knows them all once this package is imported."""

from models import (
    audit,
    budget,
    case,
    follow_up,
    order,
    price,
    price_mail,
    provider,
    service,
    source,
    system,
    work,
    worker,
)
from models.base import metadata

__all__ = [
    "audit",
    "budget",
    "case",
    "follow_up",
    "metadata",
    "order",
    "price",
    "price_mail",
    "provider",
    "service",
    "source",
    "system",
    "work",
    "worker",
]
