"""A browser without a screen: follows links and forms of the console's pages in the test process."""

import re
from types import TracebackType
from typing import Any, Self

import httpx2
from fastapi import FastAPI
from lxml import html
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from core.clock import business_now
from core.settings import Settings
from models.worker import Worker
from services.access import sessions

ORIGIN = "http://127.0.0.1:8765"


def settings_for(*, family: dict[str, Any] | None = None, **console: Any) -> Settings:
    """Settings of an installation with an own database; nothing is read from a file. `family`: its page is on, with these settings."""
    return Settings(
        database_url="postgresql://nobody@127.0.0.1:1/none",
        redis_url="redis://127.0.0.1:1/0",
        console=console or {},
        family={} if family is None else {"enabled": True, **family},
    )


class Page:
    """An answer, as somebody reads it."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.answer = answer
        self.status = answer.status_code
        self.tree: Any = html.fromstring(answer.text) if answer.text.strip() else html.fromstring("<p></p>")

    @property
    def text(self) -> str:
        """What stands in the main part, with single spaces."""
        main = self.tree.xpath("//main") or [self.tree]
        return re.sub(r"[ \t\n\r]+", " ", main[0].text_content()).strip()

    def all(self, xpath: str) -> list[Any]:
        """Whatever `xpath` finds."""
        found: list[Any] = self.tree.xpath(xpath)
        return found

    def form(self, action: str) -> dict[str, str]:
        """The fields of the form that goes to `action`, as they stand: name and value, hidden ones too. Buttons are left out."""
        (form,) = [one for one in self.tree.forms if one.action == action]
        return dict(form.form_values())


class Browser:
    """One person's browser. Redirects are followed, as browsers do."""

    def __init__(self, app: FastAPI, secret: str | None = None) -> None:
        self.client = TestClient(app, base_url=ORIGIN, raise_server_exceptions=False, client=("127.0.0.1", 50000))
        if secret is not None:
            self.client.cookies.set(app.state.console.cookie, secret, domain="127.0.0.1")

    def get(self, path: str, **options: Any) -> Page:
        """Open an address."""
        return Page(self.client.get(path, **options))

    def post(self, path: str, fields: dict[str, Any] | None = None, **options: Any) -> Page:
        """Send a form with these fields and no others; see `submit` for one as a page holds it."""
        return Page(self.client.post(path, data=fields, headers={"origin": ORIGIN}, **options))

    def submit(self, page: Page, action: str, fields: dict[str, Any] | None = None, **options: Any) -> Page:
        """Fill in and send the form of `page` that goes to `action`."""
        return self.post(action, {**page.form(action), **(fields or {})}, **options)


class Opener:
    """Signs people in, and closes their browsers after the test."""

    def __init__(self, app: FastAPI, session: Session) -> None:
        self._app, self._session = app, session
        self._opened: list[Browser] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for browser in self._opened:
            browser.client.close()

    def sign_in(
        self, *roles: str, worker: str | None = None, everything: bool = False, subject: str | None = None
    ) -> Browser:
        """A browser in which somebody with these roles is signed in; `worker` is an external id."""
        found = None
        if worker is not None:
            found = self._session.scalars(select(Worker).filter_by(external_id=worker)).one()
        secret = sessions.open_session(
            self._session,
            subject=subject or f"sub-{worker or '-'.join(roles) or 'nobody'}",
            name=found.name if found else "Testi Testinen",
            roles=frozenset(roles),
            worker_id=found.id if found else None,
            everything=everything,
            hours=8,
            now=business_now(self._session),
            actor="test",
            how="test",
        )
        self._session.flush()
        browser = Browser(self._app, secret)
        self._opened.append(browser)
        return browser
