"""A family rates its services with five faces: kept, told to the worker, offered in the final evaluation, and counted once."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from models.family import FamilyRating
from models.follow_up import Notice
from services.follow_ups.ratings import count_ratings
from tests.console.test_choosing import Scene
from tests.factories.case import make_plan_item
from tests.factories.follow_up import make_follow_up
from tests.support.browsing import Opener, Page
from tests.support.families import come_in
from tests.support.market import NOW, choice_on

LATER = NOW + timedelta(days=30)


class Rated(Scene):
    """The worker's case a month on: coaching at `one` is under way."""

    def __init__(self, session: Any, app: Any) -> None:
        super().__init__(session)
        choice_on(session, self.item, self.one, NOW.date())
        self.browser = come_in(app, session, self.case)
        self.my = f"/my/{self.case.number}/rate"

    def rate(self, rating: str, voice: str = "child", **typed: str) -> Page:
        return self.browser.submit(self.browser.get(self.my), self.my, {"rating": rating, "voice": voice, **typed})

    def kept(self) -> list[tuple[int, str, int | None]]:
        return [
            (one.rating, one.voice, one.provider_id)
            for one in self.session.scalars(select(FamilyRating).order_by(text("id")))
        ]

    def counted(self) -> set[tuple[int, int, int]]:
        count_ratings(self.session)
        return {
            tuple(row) for row in self.session.execute(text("SELECT provider_id, answers, total FROM provider_rating"))
        }


@pytest.fixture
def scene(session, family_app, monkeypatch) -> Rated:
    monkeypatch.setattr("console.visit.business_now", lambda _session: LATER)
    return Rated(session, family_app)


@pytest.fixture
def worker(scene, session, family_app):
    with Opener(family_app, session) as opener:
        yield opener.sign_in("worker", worker="W-1")


def test_five_faces_with_words_for_a_screen_reader(scene):
    page = scene.browser.get(f"{scene.my}?voice=child")
    assert page.form(scene.my)["voice"] == "child"
    faces = page.all("//fieldset[@class='faces']/label")
    assert [" ".join(one.text_content().split()) for one in faces] == ["Very bad", "Bad", "So-so", "Good", "Very good"]
    assert [one.xpath("input/@value") for one in faces] == [[str(number)] for number in range(1, 6)]
    assert all(one.xpath("svg/@aria-hidden") == ["true"] and one.xpath("svg/@width") == ["64"] for one in faces)


def test_a_rating_is_kept_and_the_worker_told_once_a_day(scene, session, worker):
    done = scene.rate("2")
    assert "Thank you. Your worker sees what you answered." in done.text
    assert "You answered last on" in done.text
    scene.rate("5")
    scene.rate("4", "parent")
    assert scene.kept() == [(2, "child", scene.one.id), (5, "child", scene.one.id), (4, "parent", scene.one.id)]
    (notice,) = session.scalars(select(Notice).filter_by(kind="family_rating"))
    assert "5" not in notice.message["msgid"]
    case = worker.get(f"/cases/{scene.case.number}").text
    assert "child5/5, Very good" in case.replace(" ", "").replace("Verygood", "Very good").replace(",V", ", V")
    assert "2/5" not in case


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"rating": "6"}, "Choose one of the five faces."),
        ({"rating": "0"}, "Choose one of the five faces."),
        ({"rating": "²"}, "Choose one of the five faces."),
        ({"rating": "5", "voice": "aunt"}, "Say who answers."),
        ({"rating": "5", "item": "I-9"}, "This service cannot be rated"),
    ],
)
def test_what_is_no_rating_is_refused(scene, typed, sentence):
    answer = scene.rate(**{"rating": "5", **typed})
    assert (answer.status, sentence in answer.text, scene.kept()) == (422, True, [])


def test_what_has_not_begun_or_nobody_gives_is_not_rated(scene, session):
    make_plan_item(session, scene.decision, scene.coaching, external_id="I-2")
    assert len(scene.browser.get(scene.my).all("//h2")) == 1
    session.execute(text("UPDATE plan_item SET period = daterange('2027-03-01', '2027-06-01')"))
    assert "There is nothing to answer yet." in scene.browser.get(scene.my).text


def test_nobody_rates_without_end(scene, session):
    scene.rate("1")
    session.execute(
        text(
            "INSERT INTO family_rating (case_id, plan_item_id, provider_id, voice, rating, rated_by, rated_at)"
            " SELECT case_id, plan_item_id, provider_id, voice, rating, rated_by, rated_at FROM family_rating, generate_series(1, 19)"
        )
    )
    assert "This service has been rated many times today." in scene.rate("2").text
    assert scene.rate("2", "parent").status == 200


def test_the_final_evaluation_offers_it_and_it_is_counted_once(scene, session, worker):
    final = make_follow_up(session, scene.item, kind="final", planned_for=LATER.date())
    start = make_follow_up(session, scene.item, kind="start", planned_for=LATER.date())
    scene.rate("3")
    scene.rate("5")
    assert scene.counted() == {(scene.one.id, 1, 5)}, "the latest of a voice"
    path = f"/follow-ups/{final.id}"
    page = worker.get(path)
    assert "The family has rated it on its own page: 5/5, Very good: the child" in page.text
    form = page.form(f"{path}/acknowledge")
    assert (form["rating"], form["rated_by"]) == ("5", "child")
    early = worker.get(f"/follow-ups/{start.id}")
    assert "5/5, Very good" in early.text
    assert "rating" not in early.form(f"/follow-ups/{start.id}/acknowledge"), "only offered at the end"
    scene.rate("4", "parent")
    assert scene.counted() == {(scene.one.id, 2, 9)}
    worker.submit(page, f"{path}/acknowledge", {"end_result": "need_met"})
    assert scene.counted() == {(scene.one.id, 2, 9)}, "the child's is the same answer"


def test_another_providers_rating_is_not_offered_and_stays_its_own(scene, session, worker):
    scene.rate("2")
    session.execute(text("UPDATE choice SET ended_at = :now"), {"now": LATER})
    choice_on(session, scene.item, scene.two, LATER.date())
    final = make_follow_up(session, scene.item, kind="final", planned_for=LATER.date())
    page = worker.get(f"/follow-ups/{final.id}")
    assert "(Yksi Oy (keksitty))" in page.text
    assert "rating" not in page.form(f"/follow-ups/{final.id}/acknowledge")
    scene.rate("5")
    assert scene.counted() == {(scene.one.id, 1, 2), (scene.two.id, 1, 5)}
