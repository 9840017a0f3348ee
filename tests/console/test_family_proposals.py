"""A family proposes who gives a service, and the worker answers: what each sees, what is recorded, and every way it can be refused."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text

from core.follow_up_settings import FollowUps
from models.audit import AuditEvent
from models.base import days
from models.family import FamilyProposal
from models.follow_up import Notice
from models.price import PriceKey
from models.worker import Absence
from services.orders.approving.choosing import choose
from services.reminders.gathering import gather
from tests.console.test_choosing import Scene
from tests.factories.base import added
from tests.factories.case import make_plan_item
from tests.factories.order import make_order, make_order_line
from tests.factories.price import make_price
from tests.factories.provider import make_provider
from tests.factories.worker import make_worker
from tests.support.browsing import Opener, Page
from tests.support.families import come_in
from tests.support.market import NOW, SETTINGS, TODAY
from tests.support.queries import recording


@pytest.fixture(autouse=True)
def _a_day_in_november(monkeypatch):
    """Business time: 16 November 2026."""
    monkeypatch.setattr("console.visit.business_now", lambda _session: NOW)
    monkeypatch.setattr("console.visit.hint", lambda *_: None)


class Home(Scene):
    """The family of the worker's case at its own browser, and the worker at another."""

    def __init__(self, session: Any, app: Any) -> None:
        super().__init__(session)
        self.app = app
        self.browser = come_in(app, session, self.case)
        self.my = f"/my/{self.case.number}"

    def propose(self, provider: Any, page: Page | None = None, **typed: str) -> Page:
        """Open the page, pick a provider, send."""
        page = page or self.browser.get(f"{self.my}/propose")
        (offer,) = page.all(f"//input[@name='offer' and starts-with(@value, '{provider.id}:')]/@value")
        return self.browser.submit(page, f"{self.my}/propose", {"offer": offer, "voice": "parent", **typed})

    def reprice(self, amount: str | None) -> None:
        """Coaching at `two` has another price from today's list on, or none."""
        key = self.session.scalars(
            select(PriceKey).filter_by(provider_id=self.two.id, service_id=self.coaching.id)
        ).one()
        self.session.execute(text("UPDATE price SET superseded_at = now() WHERE price_key_id = :key"), {"key": key.id})
        if amount is not None:
            make_price(self.session, self.coaching, self.two, amount, key=key)

    def proposals(self) -> list[FamilyProposal]:
        self.session.expire_all()
        return list(self.session.scalars(select(FamilyProposal).order_by(text("id"))))

    def answer(self, proposal: FamilyProposal, act: str) -> str:
        return f"/cases/{self.case.number}/proposals/{proposal.id}/{act}"


@pytest.fixture
def home(session, family_app) -> Home:
    return Home(session, family_app)


@pytest.fixture
def worker(home, session, family_app):
    with Opener(family_app, session) as opener:
        yield opener.sign_in("worker", worker="W-1")


def test_a_family_proposes_and_the_worker_hears_of_it_without_a_word_of_what(home, session):
    page = home.browser.get(f"{home.my}/propose?item=I-1&provider={home.two.id}")
    assert page.all("//input[@name='offer' and @checked]/@value") == [f"{home.two.id}:1116.00"]
    assert "For this there is: €1,253" in page.text
    assert "€1,116 €137 left" in page.text
    assert "Lowest price" in page.text
    sent = home.propose(home.two, page)
    assert "Your proposal is sent." in sent.text
    assert "You have proposed Kaksi Oy (keksitty). It waits for your worker's answer." in sent.text
    (kept,) = home.proposals()
    assert (kept.state, kept.voice, kept.total, kept.offer["choice"]) == ("open", "parent", Decimal("1116.00"), 0)
    assert kept.proposed_by.startswith("family:link-")
    (notice,) = session.scalars(select(Notice))
    assert (notice.kind, notice.subject, notice.worker_id) == (
        "family_proposal",
        f"case:{home.case.number}",
        home.worker.id,
    )
    assert "Kaksi" not in str(notice.message)
    events = [one.action for one in session.scalars(select(AuditEvent).filter_by(actor=kept.proposed_by))]
    assert events == ["family.viewed", "family.proposed", "family.viewed"]


def test_what_is_over_the_limit_may_be_proposed_and_the_worker_has_to_say_why(home, worker):
    page = home.browser.get(f"{home.my}/propose")
    assert "This is more than there is. You may propose it: your worker then has to give a reason." in page.text
    home.propose(home.dear, page, voice="child")
    (kept,) = home.proposals()
    case = worker.get(f"/cases/{home.case.number}")
    assert "Kallis Oy (keksitty) is proposed for ADHD-valmennus (I-1)" in case.text
    asked = worker.submit(case, home.answer(kept, "confirm"))
    assert asked.status == 422
    assert "would come to €2,400.00, over its ceiling of €1,253.00 and the tolerance" in asked.text
    assert [one.get("name") for one in asked.all("//*[@aria-invalid='true']")] == ["reason"]
    assert home.choices() == []
    done = worker.submit(asked, home.answer(kept, "confirm"), {"reason": "the only one near"})
    assert "The proposal is confirmed and recorded as the choice." in done.text
    (choice,) = home.choices()
    assert (choice.provider_id, choice.chosen_by, choice.actor) == (home.dear.id, "child", "worker:W-1")
    assert choice.reason.endswith(" the only one near")
    assert choice.reason.startswith(("Perhe ehdotti sitä 16.11.2026.", "The family proposed it on"))
    (kept,) = home.proposals()
    assert (kept.state, kept.choice_id, kept.decided_by) == ("confirmed", choice.id, "worker:W-1")
    assert "Your worker has confirmed it" in home.browser.get(f"{home.my}/propose").text
    assert home.events()[-4:] == ["choice.made", "family.proposal_confirmed", "case.viewed", "family.viewed"]


def test_a_declined_proposal_tells_the_family_why(home, worker):
    home.propose(home.one)
    (kept,) = home.proposals()
    case = worker.get(f"/cases/{home.case.number}")
    asked = worker.submit(case, home.answer(kept, "decline"), {"reason": " "})
    assert asked.status == 422
    assert "Say why, in words for the family: they read it." in asked.text
    asked = worker.submit(asked, home.answer(kept, "decline"), {"reason": "hän on 100190-999P"})
    assert "That holds a henkilötunnus. Leave it out." in asked.text
    done = worker.submit(asked, home.answer(kept, "decline"), {"reason": "no coach before spring"})
    assert "The proposal is declined. The family reads why." in done.text
    assert "no coach before spring" in done.text
    seen = home.browser.get(f"{home.my}/propose")
    assert "Your worker has not accepted it no coach before spring" in seen.text
    assert seen.all("//input[@name='offer']"), "something else may be proposed now"
    home.propose(home.two, seen)
    assert [one.state for one in home.proposals()] == ["declined", "open"]


def test_a_proposal_is_taken_back_and_no_longer_confirmed(home, worker):
    home.propose(home.one)
    (kept,) = home.proposals()
    case = worker.get(f"/cases/{home.case.number}")
    back = home.browser.submit(home.browser.get(f"{home.my}/propose"), f"{home.my}/proposals/{kept.id}/withdraw")
    assert "Your proposal is taken back." in back.text
    late = worker.submit(case, home.answer(kept, "confirm"))
    assert (late.status, home.choices()) == (422, [])
    assert "The family has taken this proposal back." in late.text
    late = worker.submit(case, home.answer(kept, "decline"), {"reason": "ei sovi"})
    assert "The family has taken this proposal back. Not saved. You had typed: ei sovi" in late.text


@pytest.mark.parametrize("shown", ["sNaN", "NaN", "-Infinity", "1,50"])
def test_a_form_that_shows_no_figure_confirms_nothing(home, worker, shown):
    home.propose(home.one)
    (kept,) = home.proposals()
    page = worker.get(f"/cases/{home.case.number}")
    answer = worker.submit(page, home.answer(kept, "confirm"), {"shown": shown})
    assert (answer.status, "The form was not complete." in answer.text, home.choices()) == (422, True, [])


def test_what_is_answered_cannot_be_taken_back(home, worker, session):
    for act, typed, sentence in (
        ("decline", {"reason": "ei nyt"}, "Your worker has answered this proposal already."),
        ("confirm", {}, "Your worker has confirmed the proposal already."),
    ):
        home.propose(home.one)
        kept = home.proposals()[-1]
        page = home.browser.get(f"{home.my}/propose")
        worker.submit(worker.get(f"/cases/{home.case.number}"), home.answer(kept, act), typed)
        late = home.browser.submit(page, f"{home.my}/proposals/{kept.id}/withdraw")
        assert sentence in late.text
        assert late.all("//*[@role='alert']")


def test_only_one_proposal_waits_for_a_service_and_the_same_twice_is_one(home):
    page = home.browser.get(f"{home.my}/propose")
    home.propose(home.one, page)
    again = home.propose(home.one, page)
    assert (again.status, len(home.proposals())) == (200, 1)
    other = home.propose(home.two, page)
    assert other.status == 422
    assert "Yksi Oy (keksitty) is proposed for this already. Take that proposal back first" in other.text


def test_a_choice_made_meanwhile_overtakes_the_proposal(home, worker, session):
    page = home.browser.get(f"{home.my}/propose")
    home.propose(home.one, page)
    case = worker.get(f"/cases/{home.case.number}")
    choose(
        session, home.item.id, home.two.id, chosen_by="parent", actor="worker:W-1", reason="", now=NOW, budgets=SETTINGS
    )
    session.flush()
    (kept,) = home.proposals()
    assert (kept.state, kept.decided_why) == ("overtaken", "chosen")
    late = worker.submit(case, home.answer(kept, "confirm"))
    assert "This proposal is no longer open: another choice was written down" in late.text
    seen = home.browser.get(f"{home.my}/propose")
    assert "No longer open another choice was written down" in seen.text
    late = home.propose(home.dear, page)
    assert "Your worker has written down a choice meanwhile: Kaksi Oy (keksitty). Look again" in late.text
    assert "Chosen now: Kaksi Oy (keksitty)" in late.text
    assert not late.all(f"//input[@name='offer' and starts-with(@value, '{home.two.id}:')]"), (
        "who is chosen is not proposed"
    )


def test_what_ended_or_was_ordered_meanwhile_is_told(home, worker, session):
    page = home.browser.get(f"{home.my}/propose")
    home.propose(home.one, page)
    (kept,) = home.proposals()
    case = worker.get(f"/cases/{home.case.number}")
    order = make_order(session, home.decision, home.one, number="T-2026-900001")
    make_order_line(session, order, home.item, home.cheap, "1056.00")
    late = worker.submit(case, home.answer(kept, "confirm"))
    assert "This proposal is no longer open: the service has been ordered" in late.text
    late = home.propose(home.two, page)
    assert "This service is ordered already. Talk with your worker if you want another provider." in late.text
    session.execute(text("UPDATE plan_item SET ended_at = now()"))
    late = worker.submit(case, home.answer(kept, "decline"), {"reason": "ohi"})
    assert "This proposal is no longer open: the service has ended" in late.text
    late = home.propose(home.two, page)
    assert "This service has ended. Nothing can be proposed for it any more." in late.text
    assert "There is nothing to propose for just now" in home.browser.get(f"{home.my}/propose").text


def test_a_price_that_moved_is_told_to_both(home, worker, session):
    page = home.browser.get(f"{home.my}/propose")
    home.reprice("90.00")
    moved = home.propose(home.two, page)
    assert moved.status == 422
    assert "The price of Kaksi Oy (keksitty) has changed: it was €1,116.00, now it is €1,080.00." in moved.text
    home.propose(home.two, moved)
    (kept,) = home.proposals()
    home.reprice("95.00")
    case = worker.get(f"/cases/{home.case.number}")
    assert "On the family's screen€1,080.00 Today€1,140.00 fits" in case.text
    assert "The price has changed since. Tell the family before you confirm." in case.text
    home.reprice("96.00")
    late = worker.submit(case, home.answer(kept, "confirm"))
    assert (
        "has changed since this page was opened: it was €1,140.00, now it is €1,152.00. Nothing was confirmed."
        in late.text
    )
    done = worker.submit(late, home.answer(kept, "confirm"))
    assert "The proposal is confirmed" in done.text


def test_a_proposal_that_was_answered_or_taken_back_stands_in_no_mail(home, session):
    def heard() -> list[str]:
        return [one.kind for bundle in gather(session, TODAY, FollowUps()).bundles for one in bundle.news]

    home.propose(home.two)
    assert heard() == ["family_proposal"]
    (kept,) = home.proposals()
    home.browser.submit(home.browser.get(f"{home.my}/propose"), f"{home.my}/proposals/{kept.id}/withdraw")
    assert heard() == []


def test_a_price_that_is_gone_is_told_to_both(home, worker, session):
    page = home.browser.get(f"{home.my}/propose")
    home.propose(home.two, page)
    (kept,) = home.proposals()
    home.reprice(None)
    case = worker.get(f"/cases/{home.case.number}")
    assert "TodayThere is no price any more." in case.text
    home.browser.submit(home.browser.get(f"{home.my}/propose"), f"{home.my}/proposals/{kept.id}/withdraw")
    assert "Kaksi Oy (keksitty) has no price for this any more. Look again." in home.propose(home.two, page).text


def test_what_a_form_of_ours_cannot_hold_is_refused(home, session):
    page = home.browser.get(f"{home.my}/propose")
    form = page.form(f"{home.my}/propose")
    stranger = make_provider(session, name="Outo Oy (keksitty)")
    for typed, sentence in (
        ({"offer": "", "voice": "parent"}, "Choose one of the providers."),
        ({"offer": "x:1", "voice": "parent"}, "The form was not complete."),
        ({"offer": f"{2**70}:1", "voice": "parent"}, "The form was not complete."),
        ({"offer": f"{home.one.id}:NaN", "voice": "parent"}, "The form was not complete."),
        ({"offer": f"{stranger.id}:1", "voice": "parent"}, "does not give this service any more"),
        ({"offer": f"{home.one.id}:1056.00", "voice": "aunt"}, "Say who answers."),
        ({"offer": f"{home.one.id}:1056.00", "voice": "parent", "item": "I-9"}, "There is no such planned service."),
        ({"offer": f"{home.one.id}:1056.00", "voice": "parent", "item": "I\x001"}, "There is no such planned service."),
        ({"offer": f"{home.one.id}:1056.00", "voice": "parent", "choice": "7"}, "has been taken back meanwhile"),
    ):
        answer = home.browser.post(f"{home.my}/propose", {**form, **typed})
        assert (answer.status, sentence in answer.text) == (422, True), (typed, answer.text)
    assert home.proposals() == []


def test_nobody_else_answers_and_who_only_looks_does_nothing(home, session, family_app):
    home.propose(home.one)
    (kept,) = home.proposals()
    support = come_in(family_app, session, home.case, "support")
    assert support.get(f"{home.my}/propose").status == 403
    with Opener(family_app, session) as opener:
        make_worker(session, external_id="W-2", unit_id=home.unit.id)
        stranger = opener.sign_in("worker", worker="W-2")
        csrf = {"csrf": "x"}
        assert stranger.post(home.answer(kept, "confirm"), csrf).status in {403, 404}
        added(
            session,
            Absence(worker_id=home.worker.id, deputy_id=stranger_id(session), period=days(TODAY, TODAY), actor="t"),
        )
        case = stranger.get(f"/cases/{home.case.number}")
        assert stranger.submit(case, home.answer(kept, "confirm")).status == 200, "who stands in answers"
    assert home.proposals()[0].decided_by == "worker:W-2"


def stranger_id(session: Any) -> int:
    found: int = session.execute(text("SELECT id FROM worker WHERE external_id = 'W-2'")).scalar_one()
    return found


def test_another_familys_proposal_is_not_theirs(home, session, family_app, worker):
    home.propose(home.one)
    (kept,) = home.proposals()
    other = come_in(family_app, session, _other_case(session, home))
    mine = other.get(f"/my/{other_number(session)}/wishes").form(f"/my/{other_number(session)}/wishes")
    answer = other.post(f"/my/{other_number(session)}/proposals/{kept.id}/withdraw", {"csrf": mine["csrf"]})
    assert answer.status == 404
    case = worker.get(f"/cases/{other_number(session)}")
    token = case.all("//input[@name='csrf']/@value")[0]
    answer = worker.post(f"/cases/{other_number(session)}/proposals/{kept.id}/confirm", {"csrf": token})
    assert answer.status == 404


def _other_case(session: Any, home: Home) -> Any:
    from tests.factories.case import make_case

    return make_case(session, number="HB-2026-900002", responsible_worker_id=home.worker.id)


def other_number(_session: Any) -> str:
    return "HB-2026-900002"


def test_while_families_have_no_page_nothing_of_it_stands_anywhere(home, session, app, sign_in):
    home.propose(home.one)
    (kept,) = home.proposals()
    plain = sign_in("worker", worker="W-1")
    case = plain.get(f"/cases/{home.case.number}")
    assert "From the family" not in case.text
    token = case.all("//input[@name='csrf']/@value")[0]
    assert plain.post(home.answer(kept, "confirm"), {"csrf": token}).status == 404
    assert "From families" not in plain.get("/").text


def test_today_tells_what_families_sent(home, worker, session):
    from tests.support.office import told

    assert "Nothing from families waits." in worker.get("/").text
    home.propose(home.one)
    today = worker.get("/")
    assert f"{home.case.number} Yksi Oy (keksitty) is proposed" in told(today, "families")
    session.execute(text("UPDATE plan_item SET ended_at = now()"))
    assert "Nothing from families waits." in worker.get("/").text


def test_the_page_asks_as_often_for_many_services_as_for_one(home, session):
    with recording(session) as one:
        home.browser.get(f"{home.my}/propose")
    for number in range(2, 5):
        make_plan_item(session, home.decision, home.coaching, external_id=f"I-{number}")
    with recording(session) as four:
        page = home.browser.get(f"{home.my}/propose")
    assert len(page.all("//h2")) == 4
    assert len(four) <= len(one) + 1


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_it_reads_in_each_language(home, language):
    for page in ("propose", "rate", "wishes"):
        assert home.browser.get(f"{home.my}/{page}?lang={language}").status == 200
