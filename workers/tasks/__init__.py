"""The tasks, one module per subject; importing this package registers them all."""

from workers import signs_of_life
from workers.tasks import (
    absences,
    audit,
    bounces,
    budgets,
    cases,
    families,
    incoming,
    letters,
    order_generation,
    orders,
    oversight,
    price_mail,
    price_uploads,
    prices,
    reminders,
    sources,
    statements,
)

__all__ = [
    "absences",
    "audit",
    "bounces",
    "budgets",
    "cases",
    "families",
    "incoming",
    "letters",
    "order_generation",
    "orders",
    "oversight",
    "price_mail",
    "price_uploads",
    "prices",
    "reminders",
    "signs_of_life",
    "sources",
    "statements",
]
