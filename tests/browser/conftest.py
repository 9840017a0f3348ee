"""Chromium, axe-core, and a console over the demo's county (town.py).

One browser process for each pytest process; every test has a context of its own, as another person's browser. A missing chromium or
axe-core fails where CI=true; elsewhere it skips, loudly. `make test-browser` installs both.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Error, ViewportSize, sync_playwright

from console.app import create_app
from core.embedded import Embedded
from core.settings import ROOT
from services.family.sessions import Holder
from tests.browser.looking import Watched
from tests.browser.serving import free_port, serving
from tests.browser.town import Town, town
from tests.conftest import own_database

AXE: Final = ROOT / "var" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
WIDE: Final[ViewportSize] = {"width": 1280, "height": 900}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
SMALLEST: Final[ViewportSize] = {"width": 320, "height": 568}

#: How a story is lived through: each language, wide and on a phone, with and without JavaScript.
WAYS: Final[tuple[dict[str, Any], ...]] = (
    {"language": "fi", "width": 1280, "javascript": True},
    {"language": "sv", "width": 390, "javascript": False},
    {"language": "en", "width": 390, "javascript": True},
)


def _absent(what: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing: run make test-browser, which installs it")
    pytest.skip(f"SKIPPED: {what.upper()} IS MISSING, run make test-browser, which installs it")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's browser, which can reach nothing but this machine."""
    found = shutil.which("chromium")
    if found is None:
        _absent("chromium")
    only_here = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    # chromium's own sandbox refuses to run as root, as CI does
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[only_here, *as_root])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's script."""
    if not AXE.is_file():
        _absent("axe-core")
    return AXE.read_text("utf-8")


@pytest.fixture(scope="module")
def open_town(
    services: Embedded, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], AbstractContextManager[Town]]:
    """To be opened with further settings of the console: the demo's county with its console answering at `county.origin`."""

    @contextmanager
    def opened(console: str = "") -> Iterator[Town]:
        home = tmp_path_factory.mktemp("town")
        home.chmod(0o755)
        listening, port = free_port()
        here = f'port = {port}\npublic_url = "http://127.0.0.1:{port}"\n{console}'
        with own_database(services) as database, town(database, home, console=here) as made:
            made.origin = f"http://127.0.0.1:{port}"
            with serving(create_app(), listening):
                yield made

    return opened


@pytest.fixture(scope="module")
def county(open_town: Callable[[], AbstractContextManager[Town]]) -> Iterator[Town]:
    """A county for each module: pages are looked at in one that no story has changed."""
    with open_town() as made:
        yield made


class Browsers:
    """Opens a browser for each of several people, and closes them with the test."""

    def __init__(self, chromium: Browser, county: Town) -> None:
        self._chromium, self._county = chromium, county
        self.opened: list[Watched] = []

    def __call__(
        self,
        *roles: str,
        worker: str | None = None,
        everything: bool = False,
        width: int = WIDE["width"],
        javascript: bool = True,
        language: str = "fi",
        signed_in: bool = True,
        family: Sequence[str] = (),
        holder: Holder = "client",
    ) -> Watched:
        """A fresh page of somebody with these roles; `worker`: an external id. `family`: cases (the source's ids) whose family has come in."""
        context = self._chromium.new_context(
            base_url=self._county.origin,
            viewport=PHONE if width == PHONE["width"] else WIDE,
            java_script_enabled=javascript,
            locale=language,
            reduced_motion="reduce",
            ignore_https_errors=True,  # the login provider's authority is the test's own
        )
        kept = {}
        if family:
            kept = {"avain-my": self._county.family(*family, holder=holder), "avain_language": language}
        elif signed_in:
            secret = self._county.sign_in(*roles, worker=worker, everything=everything)
            kept = {"avain": secret, "avain_language": language}
        if kept:
            context.add_cookies(
                [{"name": name, "value": value, "url": self._county.origin} for name, value in kept.items()]
            )
        self.opened.append(Watched(context.new_page()))
        return self.opened[-1]

    def close(self) -> list[str]:
        """Close all; what their browsers complained of."""
        for watched in self.opened:
            watched.page.context.close()
        return [complaint for watched in self.opened for complaint in watched.complaints]


@pytest.fixture
def browser(chromium: Browser, county: Town) -> Iterator[Browsers]:
    """`browser("worker", worker="W-101", width=390, javascript=False, language="sv")`: a page of somebody who is signed in.

    What a page complained of (script errors, refused content) fails the test.
    """
    browsers = Browsers(chromium, county)
    yield browsers
    complaints = browsers.close()
    assert not complaints, complaints


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """A test that failed says what stood on its pages."""
    report = yield
    browsers = getattr(item, "funcargs", {}).get("browser")
    if report.when == "call" and report.failed and isinstance(browsers, Browsers):
        for watched in browsers.opened:
            with suppress(Error):
                report.sections.append((watched.page.url, watched.page.inner_text("body")))
    return report
