"""The tasks, one module per subject; importing this package registers them all."""

from workers import signs_of_life
from workers.tasks import (
    budgets,
    cases,
    incoming,
    order_generation,
    orders,
    price_letters,
    price_mail,
    price_uploads,
    prices,
    reminders,
    sources,
    statements,
)

__all__ = [
    "budgets",
    "cases",
    "incoming",
    "order_generation",
    "orders",
    "price_letters",
    "price_mail",
    "price_uploads",
    "prices",
    "reminders",
    "signs_of_life",
    "sources",
    "statements",
]
