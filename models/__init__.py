"""The tables, one aggregate per file. `models.metadata` knows them all once this package is imported."""

from models import (
    access,
    audit,
    budget,
    case,
    follow_up,
    order,
    price,
    price_mail,
    price_upload,
    provider,
    service,
    source,
    system,
    work,
    worker,
)
from models.base import metadata

__all__ = [
    "access",
    "audit",
    "budget",
    "case",
    "follow_up",
    "metadata",
    "order",
    "price",
    "price_mail",
    "price_upload",
    "provider",
    "service",
    "source",
    "system",
    "work",
    "worker",
]
