"""One module a subject; each has its `pages`. A new one is named in `ALL`."""

from console.pages import audit, home, rejected, runs, sources
from console.visit import Pages

ALL: tuple[Pages, ...] = (home.pages, sources.pages, runs.pages, rejected.pages, audit.pages)
