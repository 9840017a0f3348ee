"""One module a subject; each has its `pages`. A new one is named in `ALL`."""

from console.pages import home, providers, services, unit_costs
from console.visit import Pages

ALL: tuple[Pages, ...] = (home.pages, providers.pages, services.pages, unit_costs.pages)
