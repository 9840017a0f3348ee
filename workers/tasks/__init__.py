"""The tasks, one module per subject; importing this package registers them all."""

from workers import signs_of_life
from workers.app import app
from workers.tasks import (
    absences,
    audit,
    bounces,
    budgets,
    cases,
    consistency,
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
    retention,
    sealing,
    sources,
    statements,
)

__all__ = [
    "absences",
    "audit",
    "bounces",
    "budgets",
    "cases",
    "consistency",
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
    "retention",
    "sealing",
    "signs_of_life",
    "sources",
    "statements",
]

# Made here and now, not when one is first looked up: there a time limit may break in, and Celery does not make the rest afterwards.
app.finalize()
