"""`make screenshots`: docs/screenshots anew. In Finnish, from the demo's invented county; what changes with the day is the demo's day.

Not collected by pytest unless named: pictures differ a little with fonts and chromium's versions, so they are made by hand.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import pytest

from core.settings import ROOT
from tests.browser.conftest import PHONE, WIDE
from tests.browser.town import Town

FOLDER: Final = ROOT / "docs" / "screenshots"
MOST_BYTES: Final = 150_000


class Picture(NamedTuple):
    """A page to show; `worker`: an external id; `family`: of which case, as the source calls it."""

    name: str
    role: str
    worker: str | None
    make: Callable[[Town], str]
    phone: bool = False
    family: tuple[str, ...] = ()


PICTURES: Final = (
    Picture("tanaan", "worker", "W-101", lambda _: "/"),
    Picture("vertailu", "worker", "W-101", lambda _: "/compare?baseline=PERHETYO&quantity=24&unit=C62&months=3"),
    Picture("asiakkuus", "worker", "W-101", lambda town: f"/cases/{town.cases['LC-1001']}"),
    Picture("asiakkuus-puhelimessa", "worker", "W-101", lambda town: f"/cases/{town.cases['LC-1001']}", phone=True),
    Picture("oma-budjetti", "", None, lambda town: f"/my/{town.cases['LC-1002']}", phone=True, family=("LC-1002",)),
    Picture("hinnasto", "price_manager", None, lambda town: f"/prices/lists/{town.list_in('held')}"),
    Picture("lahteet", "operator", None, lambda _: "/sources"),
)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_picture(browser, county, picture: Picture):
    size = PHONE if picture.phone else WIDE
    watched = browser(picture.role, worker=picture.worker, width=size["width"], family=picture.family)
    watched.open(picture.make(county))
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / f"{picture.name}.png"
    height = min(watched.page.evaluate("document.documentElement.scrollHeight"), 1200 if picture.phone else 860)
    watched.page.set_viewport_size({"width": size["width"], "height": height})
    watched.page.screenshot(path=file, animations="disabled")
    assert file.stat().st_size < MOST_BYTES, f"{file.name}: {file.stat().st_size} bytes"
