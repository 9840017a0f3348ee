"""One module a subject; each has its `pages`. A new one is named in `ALL`."""

from console.pages import (
    access,
    case,
    case_budget,
    case_entries,
    cases,
    home,
    price_lists,
    price_mails,
    price_uploads,
    prices,
)
from console.visit import Pages

ALL: tuple[Pages, ...] = (
    access.pages,
    home.pages,
    cases.pages,
    case.pages,
    case_entries.pages,
    case_budget.pages,
    prices.pages,
    price_uploads.pages,
    price_lists.pages,
    price_mails.pages,
)
