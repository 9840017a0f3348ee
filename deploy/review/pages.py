"""Pages that people write, with tables in them that are made from lists: between `<!-- begin NAME -->` and `<!-- end NAME -->`."""

import re
from collections.abc import Callable
from typing import Final

from deploy.review import flows, stored

DRAWING: Final = "data-flow.svg"
#: By page: what makes each table of it.
PAGES: Final[dict[str, dict[str, Callable[[], str]]]] = {
    "stored-data.md": {"tables": stored.tables_block, "kept": stored.kept_block, "beside": stored.beside_block},
    "data-flow.md": {"flows": flows.flows_block},
}


def filled(text: str, page: str) -> str:
    """The page with its tables made anew. Raises ValueError where it lacks the place for one."""
    for name, made in PAGES[page].items():
        place = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        if not place.search(text):
            raise ValueError(f"{page} has no place for {name}")
        text = place.sub(lambda found, made=made: f"{found[1]}{made()}\n{found[2]}", text)  # type: ignore[misc]
    return text
