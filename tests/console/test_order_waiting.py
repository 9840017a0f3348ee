"""What waits for approval: whose, previewed, approved and declined in bulk, and how each refusal is said."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from core.budget_settings import Budgets
from core.i18n import LANGUAGES
from core.order_settings import Limit, Limits, Orders
from models.case import PlanItem
from services.budgets.recompute import recompute_now
from tests.factories.case import make_choice
from tests.support.ordering import NOW, World, add_item, make_orderable_provider, make_world
from tests.support.queries import recording

WAITING = "/orders/waiting"


@pytest.fixture(autouse=True)
def _a_day_in_november(monkeypatch):
    """Business time: 16 November 2026; no worker is told of work."""
    monkeypatch.setattr("console.visit.business_now", lambda _session: NOW)
    monkeypatch.setattr("console.visit.hint", lambda _ids: 0)


@pytest.fixture
def world(session) -> World:
    return named(session, make_world(session))


@pytest.fixture
def worker(world, sign_in):
    return sign_in("worker", worker=world.worker.external_id)


def named(session, world: World) -> World:
    """Its worker reads English."""
    world.worker.language = "en"
    session.flush()
    calculated(session, world)
    return world


def calculated(session, world: World) -> None:
    """Its budget as it is by now."""
    recompute_now(session, [world.decision.id], cause="cases", now=NOW, settings=Budgets())


def cases(page) -> list[str]:
    return [one.text_content() for one in page.all("//tbody/tr/td[2]/a")]


def ticked(page, *items: PlanItem, **more: str) -> dict[str, Any]:
    """The form's fields with these services ticked."""
    return {**page.form(f"{WAITING}/approve"), "item": [str(one.id) for one in items], **more}


def orders(session) -> list[tuple[str, str, str]]:
    return [
        tuple(row) for row in session.execute(text("SELECT state, approved_by, approval_reason FROM purchase_order"))
    ]


def test_a_worker_sees_what_waits_of_their_cases(session, world, worker, sign_in):
    other = named(session, make_world(session))
    page = worker.get(WAITING)
    assert cases(page) == [world.case.number]
    for part in (world.provider.name, "12 visits", "€1,056.00", "€1,056.00 of €2,000.00", "nothing"):
        assert part in page.text, part
    page = sign_in(everything=True).get(WAITING)
    assert set(cases(page)) == {world.case.number, other.case.number}
    assert cases(sign_in(everything=True).get(f"{WAITING}?case={other.case.number}")) == [other.case.number]
    (seen,) = session.execute(
        text("SELECT details FROM audit_event WHERE action = 'orders.waiting_listed' AND actor LIKE 'worker:%'")
    ).scalars()
    assert seen == {"count": 1, "cases": [world.case.number]}


def test_what_stands_against_it_is_said_before_anybody_asks(session, world, worker):
    add_item(session, world, quantity="60")
    calculated(session, world)
    session.execute(text("DELETE FROM contract"))
    page = worker.get(WAITING)
    assert "cannot be ordered" in page.text
    assert f"No contract with {world.provider.name} covers the whole period." in page.text


def test_over_the_ceiling_needs_a_reason_and_all_that_was_typed_stays(session, world, worker):
    dear = add_item(session, world, quantity="60")
    page = worker.get(WAITING)
    after = worker.post(f"{WAITING}/approve", ticked(page, dear))
    assert after.status == 422
    assert f"{world.case.number}/{dear.external_id}: The budget goes over its ceiling" in after.text
    assert after.all("//input[@name='item'][@checked]/@value") == [str(dear.id)]
    assert orders(session) == []
    page = worker.get(WAITING)
    assert "over the ceiling: say why" in page.text
    assert "budget not calculated yet" not in page.text
    after = worker.post(f"{WAITING}/approve", ticked(after, dear, note="sovittu esihenkilön kanssa"))
    assert "Ordered: T-2026-" in after.text
    assert orders(session) == [("approved", f"worker:{world.worker.external_id}", "sovittu esihenkilön kanssa")]
    assert cases(after) == [world.case.number], "the other one still waits"


def test_several_are_ordered_at_once_and_each_refusal_is_said(session, world, worker):
    second = add_item(session, world, quantity="2")
    stranger = make_world(session)
    page = worker.get(WAITING)
    form = ticked(page, world.item, second, stranger.item)
    session.execute(text("UPDATE plan_item SET ended_at = now() WHERE id = :id"), {"id": second.id})
    after = worker.post(f"{WAITING}/approve", {**form, "note": "kiire"})
    assert after.status == 200
    (number,) = session.execute(text("SELECT number FROM purchase_order")).scalars()
    assert f"/orders/{number}" in after.all("//div[@role='status']//a/@href")
    assert (
        f"{world.case.number}/{second.external_id}: The planned service, its decision or its case has ended."
        in after.text
    )
    assert f"{stranger.item.id}: There is no such planned service." in after.text
    assert stranger.case.number not in after.answer.text
    assert session.execute(text("SELECT count(*) FROM work WHERE kind = 'deliver_order'")).scalar() == 1


def test_who_was_chosen_meanwhile_is_not_ordered_from_by_mistake(session, world, worker):
    page = worker.get(WAITING)
    session.execute(text("UPDATE choice SET ended_at = now()"))
    make_choice(
        session, world.item, make_orderable_provider(session, world.service), chosen_at=NOW + timedelta(hours=1)
    )
    after = worker.post(f"{WAITING}/approve", ticked(page, world.item, note="kiire"))
    assert after.status == 422
    assert "It has been chosen anew since this page was shown." in after.text
    assert after.all("//textarea[@name='note']")[0].text == "kiire"
    assert orders(session) == []


def test_a_budget_that_nobody_has_calculated_says_so(session, world, worker):
    other = make_world(session)
    other.case.responsible_worker_id = world.worker.id
    session.flush()
    assert "budget not calculated yet" in worker.get(f"{WAITING}?case={other.case.number}").text


def test_above_the_limit_it_is_somebody_elses(session, world, worker, sign_in, app):
    strict = Orders(limits=Limits(worker=Limit(at_most=Decimal(500))))
    console = app.state.console
    app.state.console = replace(console, settings=console.settings.model_copy(update={"orders": strict}))
    page = worker.get(WAITING)
    after = worker.post(f"{WAITING}/approve", ticked(page, world.item))
    assert after.status == 422
    assert "above the €500.00 that you may approve" in after.text
    page = worker.get(WAITING)
    assert "above your limit" in page.text
    after = sign_in(everything=True).get(WAITING)
    assert "above your limit" in after.text, "whose role is not known is bound by the strictest limit"


def test_nothing_ticked_is_said(worker):
    page = worker.get(WAITING)
    for act in ("approve", "decline", "preview"):
        after = worker.post(f"{WAITING}/{act}", ticked(page, note="syy"))
        assert after.status == 422
        assert "Tick what you mean." in after.text
        assert after.all("//textarea[@name='note']")[0].text == "syy"
        assert set(after.all("//input[@name='item']/@aria-describedby")) == {"boxes-problem"}


def test_declining_needs_a_reason_and_can_be_taken_back(session, world, worker):
    page = worker.get(WAITING)
    after = worker.post(f"{WAITING}/decline", ticked(page, world.item))
    assert after.status == 422
    assert "Declining needs a reason." in after.text
    after = worker.post(f"{WAITING}/decline", ticked(page, world.item, note="perhe epäröi"))
    assert "Declined: 1" in after.text
    assert "Nothing waits for approval." in after.text
    again = worker.post(f"{WAITING}/decline", ticked(page, world.item, note="perhe epäröi"))
    assert again.status == 422
    assert "It was declined before." in again.text
    page = worker.get(f"{WAITING}?declined=1")
    assert "perhe epäröi" in page.text
    fields = {**page.form(f"{WAITING}/withdraw"), "item": [str(world.item.id)]}
    after = worker.post(f"{WAITING}/withdraw", fields)
    assert "They wait for approval again: 1" in after.text
    assert cases(after) == [world.case.number]
    again = worker.post(f"{WAITING}/withdraw", fields)
    assert "It was not declined." in again.text
    assert again.status == 422


def test_a_preview_shows_what_would_be_ordered_and_orders_nothing(session, world, worker):
    second = add_item(session, world, quantity="2")
    page = worker.get(WAITING)
    page = worker.post(f"{WAITING}/preview", ticked(page, world.item, second))
    assert str(page.answer.url).endswith(f"/orders/preview?item={world.item.id}&item={second.id}")
    for part in (f"1. To {world.provider.name}", "€1,156.00", "12 visits", f"{world.case.number}/{second.external_id}"):
        assert part in page.text, part
    pdf, xml = page.all("//ul[@class='buttons']//a/@href")
    paper = worker.client.get(pdf)
    assert (paper.status_code, paper.headers["content-type"]) == (200, "application/pdf")
    assert paper.content.startswith(b"%PDF-")
    document = worker.client.get(xml)
    assert document.headers["content-type"] == "application/xml"
    assert b"T-2026-000000" in document.content
    assert orders(session) == []
    after = worker.submit(page, f"{WAITING}/approve", {"item": [str(world.item.id), str(second.id)], "note": ""})
    assert "Ordered: T-2026-000001" in after.text


def test_a_preview_says_what_stands_against_it(session, world, worker):
    session.execute(text("DELETE FROM contract"))
    page = worker.get(f"/orders/preview?item={world.item.id}")
    assert page.status == 200
    assert "not as it is" in page.text
    assert "covers the whole period." in page.text
    assert worker.get(f"/orders/preview/order.xml?item={world.item.id}").status == 404
    assert worker.get(f"/orders/preview/order.xml?item={world.item.id}&n=2").status == 404


@pytest.mark.parametrize("rest", ["", "/order.pdf", "/order.xml"])
def test_others_services_cannot_be_previewed(session, world, worker, rest):
    stranger = make_world(session)
    for query in (f"item={stranger.item.id}", "item=x", "", f"item={2**70}"):
        assert worker.get(f"/orders/preview{rest}?{query}").status == 404, query


@pytest.mark.parametrize("after", ["x", "2026-11-16,1", "2026-11-16T04:00:00+00:00,", "%00,1", "0"])
def test_the_list_goes_on_from_its_own_places_only(worker, after):
    page = worker.get(f"{WAITING}?after={after}")
    assert page.status == 422
    assert "The list cannot go on from there." in page.text


def test_the_list_goes_on_and_costs_the_same(session, world, worker, monkeypatch):
    for _ in range(4):
        add_item(session, world, quantity="1")
    monkeypatch.setattr("console.pages.order_waiting._PAGE", 2)
    page = worker.get(WAITING)
    with recording(session) as few:
        worker.get(WAITING)
    shown = cases(page)
    while links := page.all("//a[@rel='next']/@href"):
        page = worker.get(links[0])
        shown += cases(page)
    assert len(shown) == 5
    monkeypatch.setattr("console.pages.order_waiting._PAGE", 50)
    with recording(session) as many:
        worker.get(WAITING)
    assert len(many) == len(few) <= 16


@pytest.mark.parametrize("asked", ["", "declined=1", "case={case}", "case=HB-0"])
def test_it_is_the_same_of_few_and_of_many_cases(session, world, worker, monkeypatch, asked):
    declined = [add_item(session, world, quantity="1") for _ in range(3)][1]
    named(session, make_world(session))
    worker.post(f"{WAITING}/decline", ticked(worker.get(WAITING), declined, note="perhe epäröi"))
    monkeypatch.setattr("console.pages.order_waiting._PAGE", 2)

    def walked() -> list[str]:
        shown, link = [], f"{WAITING}?{asked.format(case=world.case.number)}"
        while link:
            page = worker.get(link)
            shown += page.all("//input[@name='item']/@value")
            link = next(iter(page.all("//a[@rel='next']/@href")), "")
        return shown

    few = walked()
    monkeypatch.setattr("services.access.cases.MOST", 0)
    assert few == walked()
    assert len(few) == {"": 3, "declined=1": 1, "case={case}": 3, "case=HB-0": 0}[asked]


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_reads_in_every_language(world, worker, language):
    for path in (f"{WAITING}?lang={language}", f"/orders/preview?item={world.item.id}&lang={language}"):
        page = worker.get(path)
        assert page.status == 200
        assert page.all("/html/@lang") == [language]
