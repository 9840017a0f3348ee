"""Prices: what a list says, matched to our services, planned against what is in force, then applied or held.

`preparing` puts a list (`matching`) beside the world and has it planned (`unchanged`, `plan`, `rises`); `importing` takes one file
through, `apply` writes, `basis` asks whether what a plan rests on is still so, `effect` what it does to budgets; `approval` hears people,
`rollback` undoes, `listing` and `watching` show. The rules: DESIGN.md "Prices". Which of several prices holds for a plan:
services/budgets/lines.py.
"""

from services.prices.approval import approve, discard, hold_provider_of_run, list_of_run
from services.prices.basis import WORLD_MOVED
from services.prices.importing import ImportResult, import_price_list, is_applied
from services.prices.preparing import Prepared, prepare
from services.prices.rollback import RolledBack, Undoing, look_at_rollback, rollback
from services.prices.values import Change, Plan

__all__ = [
    "WORLD_MOVED",
    "Change",
    "ImportResult",
    "Plan",
    "Prepared",
    "RolledBack",
    "Undoing",
    "approve",
    "discard",
    "hold_provider_of_run",
    "import_price_list",
    "is_applied",
    "list_of_run",
    "look_at_rollback",
    "prepare",
    "rollback",
]
