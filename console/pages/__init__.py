"""One module a subject; each has its `pages`. A new one is named in `ALL`."""

from console.pages import choose, compare, home
from console.visit import Pages

ALL: tuple[Pages, ...] = (home.pages, compare.pages, choose.pages)
