"""One module a subject; each has its `pages`. A new one is named in `ALL`."""

from console.pages import access, home
from console.visit import Pages

ALL: tuple[Pages, ...] = (
    access.pages,
    home.pages,
)
