"""An independent budget calculator: DESIGN.md "Budgets" in plain Python, day by day, with exact fractions.

It shares no code with services/ or core/: where it and the SQL agree, two readings of the rules agree. `said` is what decisions, price
lists, orders and invoices say; `prices`, `shares`, `orders` and `ceilings` read the rules; `answer` puts a budget together.
"""

from tests.support.budget_oracle.answer import Answer, calculate
from tests.support.budget_oracle.ceilings import Frozen, freeze
from tests.support.budget_oracle.said import (
    Bill,
    Covered,
    Decided,
    Entry,
    Item,
    Limits,
    Order,
    OrderLine,
    Report,
    Rule,
    Tariff,
)
from tests.support.budget_oracle.shares import Line, quantity_between, quantity_of_first

__all__ = [
    "Answer",
    "Bill",
    "Covered",
    "Decided",
    "Entry",
    "Frozen",
    "Item",
    "Limits",
    "Line",
    "Order",
    "OrderLine",
    "Report",
    "Rule",
    "Tariff",
    "calculate",
    "freeze",
    "quantity_between",
    "quantity_of_first",
]
