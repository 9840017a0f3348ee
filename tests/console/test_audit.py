"""The audit trail on a page."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from core.clock import business_now, local_date
from models.audit import AuditEvent
from services import audit
from tests.support.queries import recording


@pytest.fixture
def auditor(sign_in):
    return sign_in("auditor")


def note(session, action="case.viewed", subject="case:HB-2026-000001", actor="worker:W-1", ago=0, **details):
    audit.record(session, actor, action, subject, now=business_now(session) - timedelta(days=ago), **details)


def shown(page):
    return [cell.text_content().strip() for cell in page.all("//tbody/tr/th")]


def test_newest_first_and_looking_is_noted(session, auditor):
    note(session)
    note(session, "order.approved", "order:T-2026-000001", reason="fits", limit="500")
    page = auditor.get("/audit")
    assert page.status == 200
    assert shown(page)[:2] == ["approved an order", "looked at a case"]
    assert "fits" in page.text
    assert "limit 500" in page.text
    assert session.scalars(select(AuditEvent).order_by(text("id DESC"))).first().action == "audit.listed"
    assert shown(auditor.get("/audit"))[0] == "looked at the audit trail"


def test_narrowed_down(session, auditor):
    note(session)
    note(session, "order.approved", "order:T-2026-000001", actor="worker:W-2")
    note(session, "choice.made", "case:HB-2026-000002", ago=3)
    day = local_date(business_now(session) - timedelta(days=3)).isoformat()
    for query, found in (
        ("subject=HB-2026-000001", ["looked at a case"]),
        ("subject=hb-2026-000001", ["looked at a case"]),
        ("subject=order:T-2026-000001", ["approved an order"]),
        ("actor=worker:W-2", ["approved an order"]),
        ("action=choice.made", ["chose a provider"]),
        (f"day={day}", ["chose a provider"]),
        (f"day={day}&actor=worker:W-2", []),
    ):
        page = auditor.get(f"/audit?{query}")
        assert page.status == 200
        assert shown(page) == found, query
    last = session.scalars(select(AuditEvent).order_by(text("id DESC"))).first()
    assert last.details == {"count": 0, "of_actor": "worker:W-2", "of_day": day}


@pytest.mark.parametrize("day", ["x", "2026-02-30", "9999-12-31"])
def test_a_day_that_is_none(auditor, day):
    page = auditor.get(f"/audit?day={day}")
    assert page.status == 422
    (field,) = page.all("//input[@name='day']")
    assert field.get("aria-invalid") == "true"
    assert page.all(f"//*[@id='{field.get('aria-describedby')}']")[0].text_content().startswith("Day: ")


def test_pages_go_by_id(session, auditor):
    session.execute(
        text(
            """
            INSERT INTO audit_event (business_at, actor, action, subject, reason, details)
            SELECT clock_timestamp(), 'worker:W-7', 'case.viewed', 'case:HB-2026-000009', '', '{}' FROM generate_series(1, 250)
            """
        )
    )
    seen, path = 0, "/audit?actor=worker:W-7"
    while path:
        page = auditor.get(path)
        seen += len(shown(page))
        path = (page.all("//a[@rel='next']/@href") or [""])[0]
    assert seen == 250


def test_a_constant_number_of_statements(session, auditor):
    def count():
        with recording(session) as statements:
            auditor.get("/audit")
        return len(statements)

    note(session)
    once = count()
    for _ in range(30):
        note(session)
    assert count() == once


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_in_three_languages(session, auditor, language):
    note(session)
    assert auditor.get(f"/audit?lang={language}").all("//html/@lang") == [language]


def test_what_stands_in_it_is_only_text(session, auditor):
    note(session, subject="case:<script>", reason='"><script>alert(1)</script>')
    page = auditor.get("/audit")
    assert page.all("//main//script") == []
    assert "<script>alert(1)" in page.text


@pytest.mark.parametrize("name", ["subject", "actor", "action"])
def test_what_no_event_can_hold_is_said(auditor, name):
    page = auditor.get(f"/audit?{name}=%00")
    assert page.status == 422
    assert "characters that cannot be printed" in page.text


@pytest.mark.parametrize("name", ["subject", "actor"])
def test_nobody_is_looked_for_by_henkilotunnus(session, auditor, name):
    """What was looked for is itself kept in the trail, for ever."""
    answer = auditor.client.get(f"/audit?{name}=100190-999P", follow_redirects=False)
    assert answer.headers["location"] == "/audit"
    assert "Leave it out" in auditor.get("/audit").text
    assert session.scalars(text("SELECT count(*) FROM audit_event WHERE details::text LIKE '%999P%'")).one() == 0
