"""Comparing for a case and choosing there: what is shown, what is recorded, and every way in which a choice is refused."""

from datetime import date
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select, text

from models.audit import AuditEvent
from models.base import days
from models.case import Choice, Client
from models.worker import Absence
from tests.factories.case import make_case, make_choice, make_plan_item
from tests.factories.order import make_order, make_order_line
from tests.factories.provider import make_provider, make_provider_service
from tests.factories.worker import make_unit, make_worker
from tests.support.market import NOW, TODAY, Market
from tests.support.pdf import words
from tests.support.queries import recording


@pytest.fixture(autouse=True)
def _a_day_in_november(monkeypatch):
    """Business time: 16 November 2026."""
    monkeypatch.setattr("console.visit.business_now", lambda _session: NOW)


class Scene(Market):
    """A worker's case: twelve visits of coaching planned instead of fourteen of family work (1,253.00 €)."""

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self.unit = make_unit(session)
        self.worker = make_worker(session, external_id="W-1", unit_id=self.unit.id, language="en")
        self.case = make_case(session, number="HB-2026-900001", responsible_worker_id=self.worker.id)
        self.decision = self.decided(self.case)
        self.item = make_plan_item(session, self.decision, self.coaching, external_id="I-1")
        self.dear = self.sold_alone("200.00", provider=make_provider(session, name="Kallis Oy (keksitty)"))
        for provider in (self.one, self.two, self.dear):
            make_provider_service(session, provider, self.coaching)

    @property
    def path(self) -> str:
        return f"/cases/{self.case.number}/compare"

    @property
    def action(self) -> str:
        return f"/cases/{self.case.number}/items/{quote(self.item.external_id)}/choose"

    def form(self, page: Any, provider: Any) -> dict[str, str]:
        """The form of one provider, as the page holds it."""
        (form,) = [
            one
            for one in page.tree.forms
            if one.action == self.action and dict(one.form_values())["provider"] == str(provider.id)
        ]
        return dict(form.form_values())

    def choices(self) -> list[Choice]:
        self.session.expire_all()
        return list(self.session.scalars(select(Choice).filter_by(plan_item_id=self.item.id).order_by(text("id"))))

    def events(self) -> list[str]:
        rows = self.session.scalars(
            select(AuditEvent).filter_by(subject=f"case:{self.case.number}").order_by(text("id"))
        )
        return [one.action for one in rows]


@pytest.fixture
def scene(session) -> Scene:
    return Scene(session)


@pytest.fixture
def worker(scene, sign_in):
    return sign_in("worker", worker="W-1")


def test_a_case_is_compared_for_each_planned_service(session, scene, worker):
    make_plan_item(session, scene.decision, scene.support, "10", external_id="I-2")
    page = worker.get(scene.path)
    assert page.status == 200
    assert [one.text_content() for one in page.all("//h2")] == ["ADHD-valmennus (I-1)", "tukihenkilö (I-2)"]
    assert page.text.count("Nobody is chosen yet.") == 2
    assert scene.events() == ["case.compared"]
    only = worker.get(f"{scene.path}?item=I-2")
    assert len(only.all("//h2")) == 1


def test_only_providers_of_the_planned_service_can_be_chosen(scene, worker):
    page = worker.get(scene.path)
    forms = [one for one in page.tree.forms if one.action == scene.action]
    assert {dict(one.form_values())["provider"] for one in forms} == {
        str(one.id) for one in (scene.one, scene.two, scene.dear)
    }
    assert "the plan is changed in the client information system" in page.text
    assert "tukihenkilö" in page.text


def test_a_choice_is_recorded_with_who_and_why_and_shown(scene, worker):
    page = worker.get(scene.path)
    typed = {**scene.form(page, scene.two), "chosen_by": "child", "reason": "met the coach"}
    done = worker.post(scene.action, typed)
    assert done.status == 200
    assert "The choice for ADHD-valmennus (I-1) is recorded." in done.text
    me = scene.worker.name
    assert f"Kaksi Oy (keksitty), chosen by: child, 2026-11-16. Recorded by {me}." in done.text
    assert "Why: met the coach" in done.text
    (choice,) = scene.choices()
    assert (choice.provider_id, choice.chosen_by, choice.actor, choice.reason) == (
        scene.two.id, "child", "worker:W-1", "met the coach",
    )  # fmt: skip
    assert scene.events() == ["case.compared", "choice.made", "case.compared"]


def test_over_the_tolerance_the_page_asks_for_a_reason_and_keeps_all(scene, worker):
    typed = {**scene.form(worker.get(scene.path), scene.dear), "chosen_by": "parent"}
    asked = worker.post(scene.action, typed)
    assert asked.status == 422
    assert "would come to €2,400.00, over its ceiling of €1,253.00 and the tolerance" in asked.text
    assert "--reason" not in asked.text
    (marked,) = asked.all("//*[@aria-invalid='true']")
    assert marked.get("name") == "reason"
    assert "say why" in asked.tree.get_element_by_id(marked.get("aria-describedby")).text_content()
    assert len(asked.all("//details[@open]")) == 1
    assert scene.form(asked, scene.dear)["chosen_by"] == "parent"
    assert scene.choices() == []
    done = worker.post(scene.action, {**scene.form(asked, scene.dear), "reason": "the only one who speaks Ukrainian"})
    assert done.status == 200
    assert [one.reason for one in scene.choices()] == ["the only one who speaks Ukrainian"]


@pytest.mark.parametrize(
    ("over", "field", "said"),
    [
        ({"chosen_by": ""}, "chosen_by", "Say who chose the provider."),
        ({"chosen_by": "source"}, "chosen_by", "Say who chose the provider."),
        ({"reason": "x" * 501}, "reason", "at most 500 characters"),
        ({"reason": "a\0b"}, "reason", "at most 500 characters"),
        ({"provider": ""}, None, "The form was not complete."),
        ({"provider": "one"}, None, "The form was not complete."),
        ({"provider": "99999999999999999999"}, None, "The form was not complete."),
        ({"shown": ""}, None, "The form was not complete."),
        ({"shown": "-1"}, None, "The form was not complete."),
        ({"provider": "999999999"}, None, "There is no provider 999999999."),
    ],
)
def test_what_cannot_be_read_is_told(scene, worker, over, field, said):
    typed = {**scene.form(worker.get(scene.path), scene.two), "chosen_by": "adult", **over}
    page = worker.post(scene.action, typed)
    assert page.status == 422
    assert said in page.text
    assert [one.get("name") for one in page.all("//*[@aria-invalid='true']")] == ([field] if field else [])
    assert scene.choices() == []


def test_a_choice_made_meanwhile_is_told_of_and_asked_again(session, scene, worker):
    typed = {**scene.form(worker.get(scene.path), scene.two), "chosen_by": "child", "reason": "near"}
    make_choice(session, scene.item, scene.one, actor="worker:W-2")
    page = worker.post(scene.action, typed)
    assert page.status == 422
    assert "Somebody has chosen for HB-2026-900001/I-1 meanwhile." in page.text
    assert "Yksi Oy (keksitty), chosen by: parent" in page.text
    again = scene.form(page, scene.two)
    assert (again["chosen_by"], again["reason"]) == ("child", "near")
    assert worker.post(scene.action, again).status == 200
    assert [(one.provider_id, one.ended_at is None) for one in scene.choices()] == [
        (scene.one.id, False), (scene.two.id, True),
    ]  # fmt: skip


def test_what_is_ordered_is_not_chosen_anew(session, scene, worker):
    typed = {**scene.form(worker.get(scene.path), scene.two), "chosen_by": "child"}
    order = make_order(session, scene.decision, scene.one, number="T-2026-900001")
    make_order_line(session, order, scene.item, scene.cheap, "1056.00")
    page = worker.post(scene.action, typed)
    assert page.status == 422
    assert "HB-2026-900001/I-1 is already ordered (T-2026-900001). That order has to be cancelled first." in page.text
    assert "It is ordered: T-2026-900001." in page.text
    assert [one for one in page.tree.forms if one.action == scene.action] == []


def test_what_has_ended_is_not_chosen(session, scene, worker):
    typed = {**scene.form(worker.get(scene.path), scene.two), "chosen_by": "child"}
    scene.item.ended_at = NOW
    session.flush()
    page = worker.post(scene.action, typed)
    assert (page.status, "The planned service HB-2026-900001/I-1 has ended." in page.text) == (422, True)
    scene.item.ended_at = None
    scene.decision.valid = days(date(2026, 1, 1), date(2026, 11, 15))
    session.flush()
    page = worker.post(scene.action, typed)
    assert (page.status, "ended on 2026-11-15" in page.text) == (422, True)
    scene.decision.ended_at = NOW
    session.flush()
    page = worker.post(scene.action, typed)
    assert (page.status, "Every decision of case HB-2026-900001 has ended." in page.text) == (422, True)
    assert "The planned service, its decision or its case has ended." in page.text


def test_a_provider_that_cannot_be_chosen_is_refused(session, scene, worker):
    typed = {**scene.form(worker.get(scene.path), scene.two), "chosen_by": "child"}
    stranger = make_provider(session)
    page = worker.post(scene.action, {**typed, "provider": str(stranger.id)})
    assert (page.status, "does not offer the service" in page.text) == (422, True)
    scene.two.active = False
    session.flush()
    assert "is no longer active" in worker.post(scene.action, typed).text


def test_there_is_nothing_to_choose_for_what_does_not_exist(scene, worker):
    typed = {**scene.form(worker.get(scene.path), scene.two), "chosen_by": "child"}
    assert worker.post(f"/cases/{scene.case.number}/items/none/choose", typed).status == 404
    assert worker.get(f"{scene.path}?item=none").status == 404
    assert worker.get("/cases/HB-2026-999999/compare").status == 404


def test_a_case_without_a_decision_is_compared_without_it(session, scene, worker):
    make_case(session, number="HB-2026-900002", responsible_worker_id=scene.worker.id)
    page = worker.get("/cases/HB-2026-900002/compare")
    assert page.status == 200
    assert "Case HB-2026-900002 has no decision yet." in page.text
    assert page.all("//a[@href='/compare']/text()") == ["Compare", "Compare without a case"]


def test_a_decision_without_a_plan_is_compared_and_nothing_can_be_chosen(session, scene, worker):
    scene.item.ended_at = NOW
    session.flush()
    page = worker.get(scene.path)
    assert page.status == 200
    assert "Yksi Oy (keksitty)" in page.text
    assert [one for one in page.tree.forms if "choose" in one.action] == []


def test_the_sources_own_words_for_a_service_lead_to_it(session, scene, worker):
    scene.item.external_id = "palvelu/7?ä#1"
    session.flush()
    typed = {**scene.form(worker.get(scene.path), scene.two), "chosen_by": "child"}
    assert worker.post(scene.action, typed).status == 200
    assert len(scene.choices()) == 1


def test_many_providers_are_shown_when_asked_for_and_the_refused_one_always(session, scene, worker):
    for number in range(20):
        scene.sold_alone(f"{90 + number}.00")
    page = worker.get(scene.path)
    assert len([one for one in page.tree.forms if one.action == scene.action]) == 10
    everything = worker.get(page.all("//a[contains(., 'Show all')]/@href")[0])
    typed = {**scene.form(everything, scene.dear), "chosen_by": "parent"}
    refused = worker.post(scene.action, typed)
    assert refused.status == 422
    assert scene.form(refused, scene.dear)["chosen_by"] == "parent"


def test_the_annex_is_printed_and_recorded(session, scene, worker):
    answer = worker.client.get(f"/cases/{scene.case.number}/compare.pdf?item=I-1&language=fi")
    assert answer.status_code == 200
    assert "HB-2026-900001" in words(answer.content)
    assert scene.events() == ["case.compared", "case.annexed"]
    make_plan_item(session, scene.decision, scene.support, "10", external_id="I-2")
    several = worker.get(f"/cases/{scene.case.number}/compare.pdf")
    assert (several.status, "Print the page of each by itself." in several.text) == (400, True)


def test_under_non_disclosure_it_is_said_who_may_see_the_paper(session, scene, worker):
    said = "show this paper only to those who decide"
    assert said not in worker.get(scene.path).text
    session.get_one(Client, scene.case.client_id).non_disclosure = True
    session.flush()
    assert said in worker.get(scene.path).text


def test_a_case_is_compared_by_whom_it_concerns(session, scene, sign_in):
    stranger = make_worker(session, external_id="W-9", language="en", unit_id=make_unit(session).id)
    deputy = make_worker(session, external_id="W-8")
    head = make_worker(session, external_id="W-7")
    scene.unit.supervisor_id = head.id
    session.flush()
    others = sign_in("worker", "supervisor", worker="W-9")
    typed = {"provider": str(scene.two.id), "chosen_by": "child", "shown": "0"}
    token = others.get("/compare").all("//input[@name='csrf']/@value")[0]
    for page in (
        others.get(scene.path),
        others.get(f"/cases/{scene.case.number}/compare.pdf"),
        others.post(scene.action, {**typed, "csrf": token}),
    ):
        assert page.status == 404
    assert scene.choices() == []
    assert scene.events() == []
    standing_in = sign_in("worker", worker="W-8")
    assert standing_in.get(scene.path).status == 404
    session.add(Absence(worker_id=scene.worker.id, deputy_id=deputy.id, period=days(TODAY, TODAY), actor="test"))
    session.flush()
    assert standing_in.get(scene.path).status == 200
    assert sign_in("supervisor", worker="W-7").get(scene.path).status == 200
    assert sign_in("price_manager").get(scene.path).status == 403
    assert stranger.id


def test_a_choice_needs_the_sessions_own_form(scene, worker):
    typed = {**scene.form(worker.get(scene.path), scene.two), "chosen_by": "child", "csrf": "forged"}
    assert worker.post(scene.action, typed).status == 403
    assert scene.choices() == []


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_page_is_read_in_three_languages(scene, worker, language):
    page = worker.get(f"{scene.path}?lang={language}")
    assert (page.status, page.all("/html/@lang")) == (200, [language])


def test_statements_do_not_grow_with_what_is_offered(session, scene, worker):
    worker.get(scene.path)
    session.flush()
    path = scene.path
    with recording(session) as few:
        worker.get(path)
    for number in range(30):
        scene.sold_alone(f"{90 + number}.00")
    path = f"{scene.path}?show=all"
    with recording(session) as many:
        worker.get(path)
    assert len(few) == len(many) <= 16
