"""One module a subject; each has its `pages`. A new one is named in `ALL`."""

from console.pages import (
    access,
    audit,
    case,
    case_budget,
    case_entries,
    cases,
    choose,
    compare,
    home,
    providers,
    rejected,
    runs,
    services,
    sources,
    unit_costs,
)
from console.visit import Pages

ALL: tuple[Pages, ...] = (
    access.pages,
    home.pages,
    compare.pages,
    choose.pages,
    cases.pages,
    case.pages,
    case_entries.pages,
    case_budget.pages,
    sources.pages,
    runs.pages,
    rejected.pages,
    audit.pages,
    providers.pages,
    services.pages,
    unit_costs.pages,
)
