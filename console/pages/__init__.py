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
    price_lists,
    price_mails,
    price_uploads,
    prices,
    providers,
    rejected,
    runs,
    services,
    sources,
    unit_costs,
    workers,
)
from console.visit import Pages

#: In the order of the menu (console/menu.py).
ALL: tuple[Pages, ...] = (
    access.pages,
    home.pages,
    cases.pages,
    case.pages,
    case_entries.pages,
    case_budget.pages,
    choose.pages,
    compare.pages,
    prices.pages,
    price_uploads.pages,
    price_lists.pages,
    price_mails.pages,
    providers.pages,
    services.pages,
    unit_costs.pages,
    sources.pages,
    runs.pages,
    rejected.pages,
    workers.pages,
    audit.pages,
)
