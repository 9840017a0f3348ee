"""The page /health: what `avain doctor` finds, the worst first, with what to do; when the database is away that is said."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from console.app import create_app
from core.database import make_engine
from core.errors import Message, Permanent
from services.health import Check, Finding, Ground, examining
from services.heartbeats import beat_heart
from tests.support.browsing import Browser, settings_for


def test_findings_with_what_to_do(session: Session, sign_in: Any) -> None:
    """Redis is away in these tests, nobody works, no mail server answers; migrations and the beat are in order."""
    beat_heart(session, "beat@test", "beat")
    operator = sign_in("operator")
    page = operator.get("/health?lang=en")
    assert page.status == 200
    headings = [one.text_content() for one in page.all("//main//h2")]
    assert [heading.split(" (")[0] for heading in headings] == ["Broken", "To be looked at", "In order"]
    rows = {row.xpath("th")[0].text_content(): row for row in page.all("//main//tr[th[@scope='row']]")}
    assert rows["Redis"].xpath("td")[0].text_content() == "does not answer"
    assert "Nothing is lost meanwhile" in rows["Redis"].xpath("td")[1].text_content()
    assert "avain up, or avain worker" in rows["Worker processes"].text_content()
    assert rows["Beat"].xpath("td")[1].text_content() == "–"
    (event,) = session.execute(text("SELECT action, subject FROM audit_event WHERE action = 'health.viewed'")).all()
    assert event.subject == "health"

    session.execute(text("DELETE FROM heartbeat"))
    in_finnish = operator.get("/health?lang=fi")
    assert "sitten" in in_finnish.text
    assert "Kunnossa" in in_finnish.all("//main//h2")[-1].text_content()
    in_order = in_finnish.all("//main//table")[-1].xpath(".//th[@scope='row']")
    assert "Ajastin (beat)" in [one.text_content() for one in in_order], "found before, and shown again"


def test_a_check_that_fails_or_hangs_does_not_take_the_page_with_it(sign_in: Any, monkeypatch: Any) -> None:
    def refuse(_: Ground) -> list[Finding]:
        raise Permanent("The source {source} did not answer in time.", source="lc")

    monkeypatch.setattr(examining, "checks", lambda _: [Check(Message("Work"), refuse)])
    page = sign_in("auditor").get("/health?lang=en")
    assert page.status == 200
    assert "The source lc did not answer in time." in page.text


@pytest.mark.parametrize(("path", "more"), [("/health", True), ("/runs", False)])
def test_without_the_database_that_is_said(path: str, more: bool) -> None:
    engine = make_engine("postgresql://nobody@127.0.0.1:1/none")
    app = create_app(settings_for(), transaction=lambda: Session(engine))
    page = Browser(app, "a cookie").get(f"{path}?lang=en")
    assert page.status == 503
    assert "Avain cannot reach its database just now." in page.text
    assert ("avain doctor" in page.text) == more
