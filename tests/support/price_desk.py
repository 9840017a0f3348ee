"""The price manager's desk: the console over a database of the test's own, with the demo's providers, and a worker at hand."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from console.app import create_app
from core.embedded import Embedded
from core.settings import settings
from tests.support.browsing import Browser, Opener, Page
from tests.support.price_mail import County, csv, made_county

#: Invented providers of the demo (demo/data/providers.toml) that offer TUKIHENKILO.
TUKIPOLKU, KAVERIPAJA = "9999997-6", "9999998-4"


@dataclass
class Desk:
    """Browsers of people with different roles; `manager` is the price manager's."""

    county: County
    stack: ExitStack
    browsers: dict[str, Browser] = field(default_factory=dict)

    def browser(self, role: str) -> Browser:
        """Somebody with one role."""
        if role not in self.browsers:
            app = create_app(settings(), transaction=self.county.process.transaction)
            with self.county.process.transaction() as session:
                opener = self.stack.enter_context(Opener(app, session))
                self.browsers[role] = opener.sign_in(role)
        return self.browsers[role]

    @property
    def manager(self) -> Browser:
        return self.browser("price_manager")

    def send(self, content: bytes, name: str = "hinnasto.csv", **fields: str) -> Page:
        """Fill in the form and send a file; the page that follows."""
        form = self.manager.get("/prices/upload")
        return self.manager.submit(form, "/prices/upload", fields, files={"file": (name, content)})

    def bring(self, content: bytes, name: str = "hinnasto.csv", **fields: str) -> Page:
        """The same, and a worker reads it."""
        page = self.send(content, name, **fields)
        assert page.status == 200, page.text
        self.county.work()
        return self.manager.get(page.answer.url.path)

    def price(self, provider: str = TUKIPOLKU, service: str = "TUKIHENKILO") -> str | None:
        """The price in force."""
        return self.county.amounts().get(f"{provider} {service}")

    def events(self) -> list[str]:
        """What the audit trail says was done to price lists, in order."""
        rows = self.county.process.rows("SELECT action FROM audit_event WHERE action LIKE 'price%' ORDER BY id")
        return [row.action for row in rows]


@pytest.fixture
def desk(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """See Desk."""
    with made_county(database, tmp_path, monkeypatch) as county, ExitStack() as stack:
        yield Desk(county, stack)


def number_of(page: Page) -> int:
    """The number of the list or upload that a page is about."""
    return int(str(page.answer.url.path).rstrip("/").rsplit("/", 1)[1])


def listed(*rows: str, provider: str = TUKIPOLKU, **over: Any) -> bytes:
    """A list whose letterhead says whose it is."""
    return csv(*rows, above=f"Hinnasto, Y-tunnus {provider}\n", **over)


__all__ = ["KAVERIPAJA", "TUKIPOLKU", "Desk", "csv", "desk", "listed", "number_of"]
