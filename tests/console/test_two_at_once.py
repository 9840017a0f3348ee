"""Two people who press the same button at the same moment: one of them did it, the other is told so, and nothing happens twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from console.app import create_app
from core.settings import settings
from services.reference_data import provider_editing, service_editing
from tests.console.test_price_lists import FROM_DECEMBER, PRICE, apply
from tests.factories.case import make_case, make_decision
from tests.support.browsing import Browser, Opener, Page
from tests.support.price_desk import desk, listed, number_of

__all__ = ["desk"]


@pytest.fixture
def two(desk, monkeypatch) -> Iterator[list[Browser]]:
    """Two people who may do everything."""
    monkeypatch.setattr("console.visit.hint", lambda _ids: 0)
    app = create_app(settings(), transaction=desk.county.process.transaction)
    with desk.county.process.transaction() as session, Opener(app, session) as opener:
        both = [opener.sign_in(everything=True, subject=f"local-{number}") for number in range(2)]
        session.commit()
        yield both


def together(two: list[Browser], actions: list[str], forms: list[dict[str, str]], **options: Any) -> list[Page]:
    """What each is answered."""
    gate = Barrier(len(two))

    def press(number: int) -> Page:
        gate.wait(10)
        return two[number].post(actions[number], forms[number], **options)

    with ThreadPoolExecutor(len(two)) as pool:
        return list(pool.map(press, range(len(two))))


def same(two, path, action, *typed) -> list[Page]:
    """Both open a page and send its form, each with what they typed (or the same)."""
    forms = [{**browser.get(path).form(action), **typed[number % len(typed)]} for number, browser in enumerate(two)]
    return together(two, [action, action], forms)


def said(pages, sentence) -> int:
    return sum(sentence in page.text for page in pages)


def test_a_price_list_is_decided_once(desk, two):
    apply(desk, listed(PRICE.format("50,00")))
    path = f"/prices/lists/{number_of(desk.bring(listed(FROM_DECEMBER.format('60,00'))))}"
    pages = same(two, path, f"{path}/approve", {"note": "sovittu"})
    assert (said(pages, "Applied."), said(pages, "does not wait for anybody: it is applied")) == (1, 1)
    pages = same(two, f"{path}/rollback", f"{path}/rollback", {"note": "väärin"})
    assert (said(pages, "Rolled back:"), said(pages, "rolled back already") + said(pages, "The list is")) == (1, 1)
    path = f"/prices/lists/{number_of(desk.bring(listed(FROM_DECEMBER.format('61,00'))))}"
    actions = [f"{path}/approve", f"{path}/discard"]
    forms = [{**browser.get(path).form(action), "note": "niin"} for browser, action in zip(two, actions, strict=True)]
    pages = together(two, actions, forms)
    assert said(pages, "does not wait for anybody") == 1
    assert said(pages, "Applied.") + said(pages, "Discarded.") == 1


def test_the_same_file_brought_twice_is_one_list(desk, two):
    content = listed(FROM_DECEMBER.format("62,00"))
    forms = [browser.get("/prices/upload").form("/prices/upload") for browser in two]
    pages = together(two, ["/prices/upload"] * 2, forms, files={"file": ("hinnasto.csv", content)})
    desk.county.work()
    seen = {two[0].get(page.answer.url.path).answer.url.path for page in pages}
    assert len(seen) == 1
    assert seen.pop().startswith("/prices/lists/")


def test_what_is_edited_by_both_is_written_once(desk, two):
    rows = desk.county.process.rows
    with desk.county.process.transaction() as session:
        case = make_case(session)
        decision = make_decision(session, case)
        session.execute(
            text("UPDATE decision SET number_from_source = false, basis_from_source = false, number = NULL")
        )
        session.execute(text("UPDATE client_case SET goals_from_source = false"))
        path, number = f"/cases/{case.number}", decision.id
    for action, field, values in (
        (f"{path}/decisions/{number}/number", "value", ("A", "B")),
        (f"{path}/decisions/{number}/basis", "granted_amount", ("100", "200")),
        (f"{path}/goals", "value", ("yksi", "kaksi")),
    ):
        pages = same(two, path, action, *({field: value} for value in values))
        assert sorted(page.status for page in pages) == [200, 422], action
        assert said(pages, "Nothing was saved") == 1
    pages = same(two, "/unit-costs/new?year=2027&all=on", "/unit-costs/plan", {"cost.0.amount": "91,50"})
    forms = [page.form("/unit-costs/apply") for page in pages]
    pages = together(two, ["/unit-costs/apply"] * 2, forms)
    assert sorted(page.status for page in pages) == [200, 409]
    events = rows("SELECT action, count(*) FROM audit_event WHERE action ~ 'entered$' GROUP BY action")
    assert {row.action: row.count for row in events} == {
        "decision.number_entered": 1, "decision.basis_entered": 1, "case.goals_entered": 1, "unit_costs.entered": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "sent", "event"),
    [
        ("/services/new", {"code": "UUSI", "name_fi": "uusi", "unit": "C62"}, "service.added"),
        (
            "/providers/new",
            {"business_id": "1234567-1", "name": "Uusi Oy", "email": "a@uusi.invalid"},
            "provider.added",
        ),
    ],
)
def test_what_somebody_else_adds_at_this_moment_is_not_written_over(  # noqa: PLR0917 - fixtures
    desk, two, monkeypatch, path, sent, event
):
    """The second one looks, finds nothing, and writes only after the first has saved."""
    module = service_editing if path.startswith("/services") else provider_editing
    write = module.write_services if module is service_editing else module.write_providers
    first, second = ({**browser.get(path).form(path), **sent} for browser in two)
    name = "name_fi" if "name_fi" in sent else "name"

    def late(*arguments):
        monkeypatch.undo()
        monkeypatch.setattr("console.visit.hint", lambda _ids: 0)
        assert "was saved" in two[0].post(path, first).text
        return write(*arguments)

    monkeypatch.setattr(module, write.__name__, late)
    page = two[1].post(path, {**second, name: "Toinen"})
    assert page.status == 422
    assert "Somebody else has just added this one." in page.text
    rows = desk.county.process.rows("SELECT subject FROM audit_event WHERE action = :event", event=event)
    assert len(rows) == 1
