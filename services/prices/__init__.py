"""Prices: what a list says, matched to our services, planned against what is in force, then applied or held.

`importing` takes one file through; `matching` and `plan` think, `apply` writes, `approval` hears people, `lookup` answers which
price holds on a day. The rules: DESIGN.md "Prices".
"""

from services.prices.approval import approve, discard, list_of_run
from services.prices.importing import ImportResult, Prepared, import_price_list, prepare
from services.prices.lookup import PriceInForce, own_price, price_in_force, prices_in_force, prices_of
from services.prices.values import Change, Plan

__all__ = [
    "Change",
    "ImportResult",
    "Plan",
    "Prepared",
    "PriceInForce",
    "approve",
    "discard",
    "import_price_list",
    "list_of_run",
    "own_price",
    "prepare",
    "price_in_force",
    "prices_in_force",
    "prices_of",
]
