"""One module a subject; each has its `pages`. A new one is named in `ALL`."""

from console.pages import (
    access,
    case,
    case_budget,
    case_entries,
    cases,
    home,
)
from console.visit import Pages

ALL: tuple[Pages, ...] = (
    access.pages,
    home.pages,
    cases.pages,
    case.pages,
    case_entries.pages,
    case_budget.pages,
)
