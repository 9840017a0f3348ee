"""A family's wishes: ticked, written and sealed; read by who may read them, written down, removed."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from core.keys import wish_sealer
from models.audit import AuditEvent
from models.base import days
from models.family import FamilyWish
from models.follow_up import Notice
from models.worker import Absence
from services.family.sessions import FamilyCase
from services.family.wishes import MOST_WAITING, new_place, remove_old_words, write
from tests.console.test_choosing import Scene
from tests.factories.base import added
from tests.factories.case import make_case
from tests.factories.worker import make_worker
from tests.support.browsing import Opener, Page
from tests.support.families import come_in
from tests.support.market import NOW, TODAY
from tests.support.office import told

WORDS = "Iltaisin sopisi paremmin. <b>Kiitos</b>"


class Wishing(Scene):
    """The worker's case and its family's browser."""

    def __init__(self, session: Any, app: Any) -> None:
        super().__init__(session)
        self.app = app
        self.browser = come_in(app, session, self.case)
        self.my = f"/my/{self.case.number}/wishes"
        self.page = f"/cases/{self.case.number}"

    def wish(self, page: Page | None = None, **typed: str) -> Page:
        return self.browser.submit(page or self.browser.get(self.my), self.my, {"voice": "child", **typed})

    def kept(self) -> list[FamilyWish]:
        self.session.expire_all()
        return list(self.session.scalars(select(FamilyWish).order_by(text("id"))))

    def act(self, wish: FamilyWish, act: str) -> str:
        return f"{self.page}/wishes/{wish.id}/{act}"


@pytest.fixture
def scene(session, family_app, monkeypatch) -> Wishing:
    monkeypatch.setattr("console.visit.business_now", lambda _session: NOW)
    return Wishing(session, family_app)


@pytest.fixture
def opener(scene, session, family_app):
    with Opener(family_app, session) as opened:
        yield opened


def test_a_wish_is_read_by_its_worker_written_down_and_its_words_removed(scene, session, opener):
    done = scene.wish(words=WORDS, **{"tick-time": "on", "tick-language": "on"})
    assert "Your wish is sent to your worker." in done.text
    assert "Sent, not read yet" in done.text
    assert "Iltaisin" not in done.answer.text
    (kept,) = scene.kept()
    assert (kept.ticks, kept.voice) == (["time", "language"], "child")
    assert kept.sealed_words is not None
    assert b"Iltaisin" not in bytes(kept.sealed_words)
    worker = opener.sign_in("worker", worker="W-1")
    assert "1 wish to read and write down" in told(worker.get("/"), "families")
    page = worker.get(scene.page)
    assert WORDS in page.text
    assert "<b>Kiitos" not in page.answer.text
    assert "Another time of day or week" in page.text
    assert "family.wishes_read" in scene.events()
    worker.submit(page, scene.act(kept, "seen"))
    assert "Your worker has read it" in scene.browser.get(scene.my).text
    done = worker.submit(worker.get(scene.page), scene.act(kept, "noted"))
    assert "What the family wrote has been removed from here." in done.text
    assert WORDS not in done.text
    (kept,) = scene.kept()
    assert (kept.sealed_words, kept.seen_by, kept.noted_by) == (None, "worker:W-1", "worker:W-1")
    assert "Your worker has written it down" in scene.browser.get(scene.my).text
    assert "Nothing from families waits." in worker.get("/").text
    every = str([(one.details, one.reason) for one in session.scalars(select(AuditEvent))]) + str(
        [one.message for one in session.scalars(select(Notice))]
    )
    assert "Iltaisin" not in every


def test_only_the_worker_and_who_stands_in_read_the_words(scene, session, opener):
    scene.wish(words=WORDS)
    (kept,) = scene.kept()
    head = make_worker(session, external_id="W-7", unit_id=scene.unit.id, language="en")
    scene.unit.supervisor_id = head.id
    session.flush()
    supervisor = opener.sign_in("supervisor", worker="W-7")
    page = supervisor.get(scene.page)
    assert "There are words as well." in page.text
    assert WORDS not in page.text
    token = page.all("//input[@name='csrf']/@value")[0]
    refused = supervisor.post(scene.act(kept, "noted"), {"csrf": token})
    assert refused.status == 422
    assert "Whoever may read the words writes them down" in refused.text
    deputy = make_worker(session, external_id="W-8", unit_id=scene.unit.id, language="en")
    added(session, Absence(worker_id=scene.worker.id, deputy_id=deputy.id, period=days(TODAY, TODAY), actor="t"))
    assert WORDS in opener.sign_in("worker", worker="W-8").get(scene.page).text


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({}, "Tick something, or write what you wish."),
        ({"words": "lapsi on 100190-999P", "tick-time": "on"}, "That holds a henkilötunnus. Leave it out."),
        ({"words": "soita 040 123 4567"}, "Leave e-mail addresses and telephone numbers out."),
        ({"words": "a" * 1001}, "at most 1000 characters"),
        ({"words": "iltaisin", "voice": "aunt"}, "Say who answers."),
        ({"words": "iltaisin", "place": "elsewhere"}, "The form was not complete."),
    ],
)
def test_what_is_refused_comes_back_with_all_that_was_typed(scene, typed, sentence):
    answer = scene.wish(**typed)
    assert (answer.status, sentence in answer.text, scene.kept()) == (422, True, [])
    form = answer.form(scene.my)
    assert form["words"].strip() == typed.get("words", "")
    assert ("tick-time" in form) == ("tick-time" in typed)


def test_the_same_form_sent_twice_is_one_wish(scene, session):
    page = scene.browser.get(scene.my)
    assert [scene.wish(page, words="iltaisin").status for _ in range(2)] == [200, 200]
    assert len(scene.kept()) == 1


def test_the_worker_is_told_again_only_after_everything_was_read(scene, session, opener):
    for _ in range(3):
        scene.wish(words="iltaisin")
    assert len(list(session.scalars(select(Notice)))) == 1
    worker = opener.sign_in("worker", worker="W-1")
    page = worker.get(scene.page)
    for one in scene.kept():
        worker.submit(page, scene.act(one, "seen"))
        worker.submit(page, scene.act(one, "seen"))
    scene.wish(words="aamuisin")
    assert len(list(session.scalars(select(Notice)))) == 2
    assert scene.events().count("family.wish_seen") == 3


def test_nobody_floods_a_worker(scene, session, family_app):
    case = FamilyCase(scene.case.id, scene.case.number, open=True)
    sealer = wish_sealer(family_app.state.console.settings)
    for _ in range(MOST_WAITING):
        assert write(
            session, case, place=new_place(), ticks=["time"], words="", voice="child", actor="family:link-1", sealer=sealer, now=NOW
        )  # fmt: skip
    assert "Many wishes of yours wait for your worker already." in scene.wish(**{"tick-time": "on"}).text


def test_words_that_nobody_wrote_down_in_time_are_removed(scene, session, opener):
    scene.wish(words="iltaisin")
    scene.wish(words="aamuisin", **{"tick-time": "on"})
    session.execute(
        text("UPDATE family_wish SET written_at = :old WHERE ticks = '{}'"), {"old": NOW - timedelta(days=31)}
    )
    assert remove_old_words(session, days=30, now=NOW) == 1
    assert remove_old_words(session, days=30, now=NOW) == 0
    assert [one.sealed_words is None for one in scene.kept()] == [True, False]
    event = session.scalars(select(AuditEvent).filter_by(action="family.words_removed")).one()
    assert (event.actor, event.subject, event.details) == (
        "avain", f"case:{scene.case.number}", {"wishes": 1, "unseen": 1},
    )  # fmt: skip
    page = opener.sign_in("worker", worker="W-1").get(scene.page)
    assert "The words were removed because nobody wrote them down in time. Ask the family." in page.text
    assert "aamuisin" in page.text


def test_what_was_sealed_elsewhere_is_not_opened(scene, session, opener):
    scene.wish(words="iltaisin")
    scene.wish(words="aamuisin")
    first, second = scene.kept()
    session.execute(
        text(
            "UPDATE family_wish SET sealed_words = (SELECT sealed_words FROM family_wish WHERE id = :a) WHERE id = :b"
        ),
        {"a": first.id, "b": second.id},
    )
    page = opener.sign_in("worker", worker="W-1").get(scene.page)
    assert page.text.count("iltaisin") == 1
    assert "What was written cannot be opened here" in page.text


def test_a_whole_wish_moved_to_another_case_is_not_opened_there(scene, session, opener):
    scene.wish(words="iltaisin")
    other = make_case(session, responsible_worker_id=scene.case.responsible_worker_id)
    session.execute(text("UPDATE family_wish SET case_id = :case"), {"case": other.id})
    page = opener.sign_in("worker", worker="W-1").get(f"/cases/{other.number}")
    assert "iltaisin" not in page.text
    assert "What was written cannot be opened here" in page.text


def test_a_family_does_so_much_a_minute_and_loses_no_words(scene, session):
    page = scene.browser.get(scene.my)
    for _ in range(30):
        assert scene.wish(page).status == 422
    refused = scene.wish(page, words="iltaisin sopisi paremmin")
    assert (refused.status, "iltaisin sopisi paremmin" in refused.text) == (429, True)
    assert not scene.kept()
