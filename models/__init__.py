"""The tables, one aggregate per file. `models.metadata` knows them all once this package is imported."""

from models import (
    access,
    answer,
    audit,
    budget,
    case,
    follow_up,
    invoice,
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
    "answer",
    "audit",
    "budget",
    "case",
    "follow_up",
    "invoice",
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
