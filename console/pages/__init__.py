"""One module a subject; each has its `pages`. A new one is named in `ALL`."""

from console.pages import home, price_lists, price_mails, price_uploads, prices
from console.visit import Pages

ALL: tuple[Pages, ...] = (
    home.pages,
    prices.pages,
    price_uploads.pages,
    price_lists.pages,
    price_mails.pages,
)
