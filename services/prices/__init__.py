"""Prices: what a list says, matched to our services, planned against what is in force, then applied or held.

`importing` takes one file through; `matching` and `plan` think, `apply` writes, `approval` hears people, `listing` shows what
is in force and what waits. The rules: DESIGN.md "Prices". Which of several prices holds for a plan: services/budgets/lines.py.
"""

from services.prices.approval import approve, discard, list_of_run
from services.prices.importing import ImportResult, Prepared, import_price_list, is_applied, prepare
from services.prices.values import Change, Plan

__all__ = [
    "Change",
    "ImportResult",
    "Plan",
    "Prepared",
    "approve",
    "discard",
    "import_price_list",
    "is_applied",
    "list_of_run",
    "prepare",
]
