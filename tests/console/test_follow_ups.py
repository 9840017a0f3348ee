"""Follow-ups in the console: lists, the one screen of each, every refusal, and the audit trail."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, text

from console import follow_up_page
from models.audit import AuditEvent
from models.case import Decision, PlanItem
from models.follow_up import Digest, FollowUp
from services.follow_ups import acting, listing
from tests.factories.base import added
from tests.factories.follow_up import make_follow_up
from tests.factories.order import make_order
from tests.support.office import NOW, TODAY, Office
from tests.support.queries import recording

YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


@pytest.fixture(autouse=True)
def _a_day_in_november(monkeypatch):
    """Business time: 16 November 2026."""
    monkeypatch.setattr("console.visit.business_now", lambda _session: NOW)


@pytest.fixture
def office(session) -> Office:
    return Office(session)


@pytest.fixture
def due(session, office) -> FollowUp:
    """A start check of W-1's case, due today."""
    return make_follow_up(session, office.item(chosen=True), planned_for=TODAY)


def rows(page) -> list[str]:
    """The case number of each row."""
    return [" ".join(one.text_content().split()) for one in page.all("//tbody/tr/td[1]")]


def ids(page) -> list[int]:
    return [int(one.rpartition("/")[2]) for one in page.all("//tbody/tr/th/a/@href")]


def actions(session, subject) -> list[str]:
    found = session.scalars(select(AuditEvent).filter_by(subject=subject).order_by(text("id")))
    return [one.action for one in found]


def handed(session, office, worker=None, **over) -> FollowUp:
    """One of W-9's case that W-1 was handed."""
    one = make_follow_up(session, office.item(office.stranger, chosen=True), planned_for=TODAY, **over)
    acting.hand_over_to(session, one.id, (worker or office.me).external_id, actor="worker:W-9", now=NOW, reason="loma")
    session.flush()
    return one


def test_mine_are_my_own_deputised_and_handed_to_me(session, office, sign_in):
    mine = make_follow_up(session, office.item(), planned_for=TOMORROW)
    late = make_follow_up(session, office.item(), planned_for=YESTERDAY, announced_times=2, announced_on=YESTERDAY)
    make_follow_up(session, office.item(), planned_for=TODAY, state="acknowledged", settled_at=NOW)
    hers = make_follow_up(session, office.item(office.colleague), planned_for=TODAY)
    to_me = handed(session, office)
    given = make_follow_up(session, office.item(), planned_for=TODAY)
    acting.hand_over_to(session, given.id, "W-9", actor="worker:W-1", now=NOW, reason="loma")
    browser = sign_in("worker", worker="W-1")
    page = browser.get("/follow-ups")
    assert ids(page) == [late.id, to_me.id, mine.id]
    assert "overdue" in page.text
    assert "reminded of" in page.text
    assert "My unit's" not in page.text
    office.away(office.colleague, office.me)
    assert set(ids(browser.get("/follow-ups"))) == {late.id, to_me.id, mine.id, hers.id}
    assert ids(browser.get("/follow-ups?which=overdue")) == [late.id]
    assert ids(browser.get("/follow-ups?kind=final")) == []
    assert "follow_ups.listed" in actions(session, "follow_ups:mine")


def test_the_units_are_its_supervisors(session, office, sign_in):
    one = make_follow_up(session, office.item(), planned_for=YESTERDAY)
    two = make_follow_up(session, office.item(office.colleague), planned_for=TODAY, kind="final")
    make_follow_up(session, office.item(office.stranger), planned_for=TODAY)
    browser = sign_in("supervisor", "worker", worker="W-7")
    assert ids(browser.get("/follow-ups")) == []
    assert ids(browser.get("/follow-ups?which=unit")) == [one.id, two.id]
    assert ids(browser.get("/follow-ups?which=unit&worker=W-2")) == [two.id]
    assert ids(browser.get("/follow-ups?which=unit&kind=final")) == [two.id]
    assert ids(browser.get("/follow-ups?which=overdue")) == [one.id]
    assert ids(sign_in("operator", everything=True).get("/follow-ups"))[:2] == [one.id, two.id]


@pytest.mark.parametrize(
    ("asked", "said"),
    [("which=all", "no list"), ("kind=tea", "no kind"), ("after=2", "does not go on"), ("after=2026-99-01_3", "does not go on"), ("worker=%00", "cannot be printed")],
)  # fmt: skip
def test_a_list_there_is_not_is_refused(office, sign_in, asked, said):
    page = sign_in("worker", worker="W-1").get(f"/follow-ups?{asked}")
    assert page.status == 422
    assert said in page.text


def test_the_lists_are_the_same_of_few_and_of_many_cases(session, office, sign_in, monkeypatch):
    for n in range(9):
        owner = office.colleague if n % 3 else office.me
        done = {"state": "acknowledged", "settled_at": NOW - timedelta(hours=n // 2)} if n % 2 else {}
        make_follow_up(
            session,
            office.item(owner),
            planned_for=TODAY - timedelta(days=n // 3),
            kind=("final", "start")[n % 2],
            **done,
        )
    make_follow_up(session, office.item(office.stranger), planned_for=YESTERDAY)
    browser = sign_in("supervisor", worker="W-7")
    monkeypatch.setattr(listing, "PAGE", 2)

    def walked(asked: str) -> list[int]:
        found, link = [], f"/follow-ups?{asked}"
        while link:
            page = browser.get(link)
            found += ids(page)
            link = next(iter(page.all("//a[@rel='next']/@href")), "")
        return found

    for asked, count in (
        ("which=unit", 5), ("which=overdue", 3), ("which=to_write_down", 4), ("which=unit&worker=W-2", 3), ("which=unit&kind=final", 5),
    ):  # fmt: skip
        with monkeypatch.context() as few:
            of_few = walked(asked)
            few.setattr("services.access.cases.MOST", 0)
            assert (of_few, len(of_few)) == (walked(asked), count), asked


def test_a_list_goes_on_and_loses_none(session, office, sign_in, monkeypatch):
    made = [make_follow_up(session, office.item(), planned_for=TODAY + timedelta(days=n // 2)).id for n in range(7)]
    browser = sign_in("worker", worker="W-1")
    browser.get("/follow-ups")
    with recording(session) as whole:
        browser.get("/follow-ups")
    assert len(whole) < 15
    monkeypatch.setattr(listing, "PAGE", 3)
    found, path = [], "/follow-ups"
    while path:
        with recording(session) as queries:
            page = browser.get(path)
        assert len(queries) == len(whole)
        found += ids(page)
        path = next(iter(page.all("//a[@rel='next']/@href")), "")
    assert found == made


def test_acknowledged_on_one_screen_then_copied_and_ticked(session, office, due, sign_in):
    browser = sign_in("worker", worker="W-1")
    page = browser.get(f"/follow-ups/{due.id}")
    assert "ADHD-valmennus" in page.text
    assert "Nobody has done anything" in page.text
    fields = {"runs_as_agreed": "yes", "supports_goals": "partly", "family_present": "yes", "rating": "5", "rated_by": "child", "kykyviisari_date": "2026-11-02", "kykyviisari_reference": "KV-1"}  # fmt: skip
    page = browser.submit(page, f"/follow-ups/{due.id}/acknowledge", fields)
    assert "Copy the text" in page.text
    (area,) = page.all("//textarea[@readonly]")
    assert "Rating 5/5, given by the child." in area.text
    assert page.all("//button[@data-copies='record-text'][@hidden]")
    assert ids(browser.get("/follow-ups?which=to_write_down")) == [due.id]
    for language, word in (("fi", "fi"), ("sv", "sv")):
        (area,) = browser.get(f"/follow-ups/{due.id}?language={language}").all("//textarea[@readonly]")
        assert area.get("lang") == word
    page = browser.submit(page, f"/follow-ups/{due.id}/written")
    assert "Ticked" in page.text
    assert ids(browser.get("/follow-ups?which=to_write_down")) == []
    page = browser.get(f"/follow-ups/{due.id}")
    assert not page.all(f"//form[@action='/follow-ups/{due.id}/written']")
    session.refresh(due)
    assert (due.rating, due.written_down_by) == (5, "worker:W-1")
    assert [one for one in actions(session, f"follow_up:{due.id}") if one != "follow_up.viewed"] == [
        "follow_up.acknowledged", "follow_up.written_down",
    ]  # fmt: skip
    again = browser.post(f"/follow-ups/{due.id}/written", {"csrf": page.form("/logout")["csrf"]})
    assert again.status == 422
    assert "ticked as written down before" in again.text
    case = browser.get(page.all("//dl//a/@href")[0])
    assert "What was found lately" in case.text
    assert "5/5, the child" in case.text


def test_what_was_typed_stays_beside_the_sentence(session, due, sign_in):
    browser = sign_in("worker", worker="W-1")
    page = browser.get(f"/follow-ups/{due.id}")
    act = f"/follow-ups/{due.id}/acknowledge"
    for fields, said in (
        ({"rating": "5", "runs_as_agreed": "no"}, "goes with who gave it"),
        ({"rating": "ten", "rated_by": "child", "runs_as_agreed": "no"}, "from 1 to 5"),
        ({"kykyviisari_date": "32.1.2026", "runs_as_agreed": "no"}, "no such day"),
        ({"end_result": "need_met", "runs_as_agreed": "no"}, "final evaluation only"),
        ({"note": "perhe", "runs_as_agreed": "no"}, "identity is sealed"),
    ):
        answer = browser.submit(page, act, fields)
        assert answer.status == 422, fields
        assert said in answer.text
        assert answer.form(act)["runs_as_agreed"] == "no"
    session.refresh(due)
    assert due.state == "open"


def test_put_off_handed_over_and_not_needed(session, office, due, sign_in):
    browser = sign_in("worker", worker="W-1")
    page = browser.get(f"/follow-ups/{due.id}")
    at = f"/follow-ups/{due.id}"
    for rest, fields, said in (
        ("snooze", {"until": "", "note": "syy"}, "Say until when"),
        ("snooze", {"until": "2026-11-16", "note": "syy"}, "later day"),
        ("snooze", {"until": "2026-11-30", "note": " "}, "reason is needed"),
        ("snooze", {"until": "2026-11-31", "note": "syy"}, "no such day"),
        ("hand-over", {"to": "W-none", "note": "syy"}, "Choose who"),
        ("hand-over", {"to": "W-2", "note": ""}, "reason is needed"),
        ("not-needed", {"note": "010190-900P"}, "henkilötunnus"),
    ):
        answer = browser.submit(page, f"{at}/{rest}", fields)
        assert answer.status == 422, (rest, fields)
        assert said in answer.text, (rest, fields, answer.text)
    page = browser.submit(page, f"{at}/snooze", {"until": "2026-11-28", "note": "perhe matkoilla"})
    assert "Put off to" in page.text
    assert "perhe matkoilla" in page.text
    session.refresh(due)
    assert due.due == date(2026, 11, 30), "a Saturday moves to the next working day"
    assert "Handed over to Kaisa Kollega" in browser.submit(page, f"{at}/hand-over", {"to": "W-2", "note": "loma"}).text
    assert ids(sign_in("worker", worker="W-2").get("/follow-ups")) == [due.id]
    assert ids(browser.get("/follow-ups")) == []
    page = browser.get(at)
    assert "Kaisa Kollega (instead of" in page.text
    assert "Noted" in browser.submit(page, f"{at}/not-needed", {"note": "palvelu päättyi"}).text
    page = browser.get(at)
    assert "not needed" in page.text
    assert not page.all("//main//form[@method='post']")
    late = browser.post(f"{at}/acknowledge", {"csrf": page.form("/logout")["csrf"]})
    assert late.status == 422
    assert "settled already (not needed)" in late.text


def test_who_was_handed_one_sees_its_case_until_it_is_settled_and_writes_it_down(session, office, sign_in):
    one = handed(session, office)
    number = session.scalars(text("SELECT number FROM client_case WHERE id = :id"), {"id": one.case_id}).one()
    browser = sign_in("worker", worker="W-1")
    assert browser.get(f"/cases/{number}").status == 200
    assert session.scalars(select(AuditEvent).filter_by(action="case.viewed")).one().details["how"] == "handed"
    page = browser.get(f"/follow-ups/{one.id}")
    assert [value for value in page.all("//select[@name='to']/option/@value") if value] == ["W-9"], "only back"
    page = browser.submit(page, f"/follow-ups/{one.id}/acknowledge", {"runs_as_agreed": "yes"})
    assert page.status == 200
    assert browser.get(f"/cases/{number}").status == 404
    assert not page.all("//dl//a"), "the case is no longer theirs"
    assert ids(browser.get("/follow-ups?which=to_write_down")) == [one.id]
    assert "Ticked" in browser.submit(page, f"/follow-ups/{one.id}/written").text
    assert browser.get(f"/follow-ups/{one.id}").status == 404


def test_given_back_it_is_off_their_hands(session, office, sign_in):
    one = handed(session, office)
    browser = sign_in("worker", worker="W-1")
    page = browser.get(f"/follow-ups/{one.id}")
    assert "Handed over" in browser.submit(page, f"/follow-ups/{one.id}/hand-over", {"note": "en ehdi"}).text
    assert browser.get(f"/follow-ups/{one.id}").status == 404


def test_an_order_is_ticked_answered_or_approved_where_it_belongs(session, office, sign_in):
    item = office.item(chosen=True)
    order = make_order(session, session.get_one(Decision, item.decision_id), office.provider, state="accepted")
    made = {
        kind: added(session, FollowUp(case_id=item.case_id, order_id=order.id, kind=kind, planned_for=TODAY, due=TODAY, findings={}))
        for kind in ("hand_over", "order_unanswered")
    }  # fmt: skip
    approval = make_follow_up(session, item, kind="approval", planned_for=TODAY)
    browser = sign_in("worker", worker="W-1")
    page = browser.get(f"/follow-ups/{approval.id}")
    assert page.all(f"//a[@href='/orders/preview?item={item.id}']")
    at = f"/follow-ups/{approval.id}/acknowledge"
    assert not page.all(f"//form[@action='{at}']")
    refused = browser.post(at, {"csrf": page.form("/logout")["csrf"]})
    assert (refused.status, "approving or declining" in refused.text) == (422, True)
    page = browser.get(f"/follow-ups/{made['order_unanswered'].id}")
    assert page.all(f"//main//a[@class='button'][@href='/orders/{order.number}']")
    made["hand_over"].due = TODAY + timedelta(days=3)
    session.flush()
    page = browser.get(f"/follow-ups/{made['hand_over'].id}")
    assert ("waiting since" in page.text, "planned for" in page.text) == (True, False)
    assert browser.submit(page, f"/follow-ups/{made['hand_over'].id}/acknowledge").status == 200
    session.refresh(order)
    assert order.handed_over_by == "worker:W-1"


def test_corrected_with_a_reason_and_the_former_answers_in_the_history(session, due, sign_in):
    browser = sign_in("worker", worker="W-1")
    at = f"/follow-ups/{due.id}"
    page = browser.submit(browser.get(at), f"{at}/acknowledge", {"rating": "2", "rated_by": "parent"})
    assert page.form(f"{at}/correct")["rating"] == "2"
    for fields, said in (({"rating": "4"}, "reason is needed"), ({"reason": "turhaan"}, "kept already")):
        answer = browser.submit(page, f"{at}/correct", fields)
        assert (answer.status, said in answer.text) == (422, True), said
    page = browser.submit(page, f"{at}/correct", {"rating": "4", "reason": "kirjasin väärin"})
    assert "before: 2/5" in page.text
    assert "kirjasin väärin" in page.text
    assert "follow_up.corrected" in actions(session, f"follow_up:{due.id}")


def test_whom_a_mail_told_may_open_it_and_nobody_else_may(session, office, due, sign_in):
    browser = sign_in("worker", worker="W-9")
    paths = [f"/follow-ups/{due.id}", "/follow-ups/999999"]
    assert {(browser.get(path).status, browser.get(path).text) for path in paths} == {(404, browser.get(paths[1]).text)}
    token = browser.get("/").form("/logout")["csrf"]
    for rest in ("acknowledge", "snooze", "hand-over", "not-needed", "written", "correct"):
        answer = browser.post(f"/follow-ups/{due.id}/{rest}", {"csrf": token, "note": "syy", "reason": "syy"})
        assert answer.status == 404, rest
    office.away(office.head, office.stranger)
    due.escalated_on = TODAY
    added(session, Digest(worker_id=office.stranger.id, local_date=TODAY, message_id="<a@b>", document="", items={"announced": [], "escalated": [due.id], "news": []}))  # fmt: skip
    page = browser.get(f"/follow-ups/{due.id}")
    assert page.status == 200
    assert not page.all("//dl//a"), "the case itself is not theirs to see"
    due.escalated_on = YESTERDAY
    session.flush()
    assert browser.get(f"/follow-ups/{due.id}").status == 404


def told_by_mail(session, worker, due):
    due.announced_on, due.announced_times = TODAY, 1
    items = {"announced": [due.id], "escalated": [], "news": []}
    added(session, Digest(worker_id=worker.id, local_date=TODAY, message_id="<a@b>", document="", items=items))


def test_a_mail_opens_nothing_after_the_absence_is_over(session, office, due, sign_in):
    office.away(office.me, office.stranger)
    told_by_mail(session, office.stranger, due)
    browser = sign_in("worker", worker="W-9")
    assert browser.get(f"/follow-ups/{due.id}").status == 200
    token = browser.get("/").form("/logout")["csrf"]
    session.execute(text("UPDATE absence SET cancelled_at = now()"))
    assert browser.get(f"/follow-ups/{due.id}").status == 404
    answer = browser.post(f"/follow-ups/{due.id}/hand-over", {"csrf": token, "to": "W-9", "note": "jatkan"})
    assert answer.status == 404


def test_a_mail_opens_nothing_after_the_case_was_given_to_another(session, office, due, sign_in):
    told_by_mail(session, office.me, due)
    browser = sign_in("worker", worker="W-1")
    assert browser.get(f"/follow-ups/{due.id}").status == 200
    session.execute(text("UPDATE client_case SET responsible_worker_id = :id"), {"id": office.colleague.id})
    assert browser.get(f"/follow-ups/{due.id}").status == 404


@pytest.mark.parametrize("path", ["/follow-ups/0", "/follow-ups/x", "/follow-ups/99999999999999999999", "/notices/x"])
def test_what_cannot_be_is_not_there(office, sign_in, path):
    assert sign_in("worker", worker="W-1").get(path).status == 404


def test_looking_changes_nothing(session, office, due, sign_in):
    before = session.execute(text("SELECT follow_up::text FROM follow_up")).all()
    browser = sign_in("worker", worker="W-1")
    for path in (f"/follow-ups/{due.id}", f"/follow-ups/{due.id}?rating=5&rated_by=child", "/follow-ups"):
        assert browser.get(path).status == 200
    for rest in ("acknowledge", "snooze", "hand-over", "not-needed", "written", "correct"):
        assert browser.get(f"/follow-ups/{due.id}/{rest}").status in {404, 405}
    session.expire_all()
    assert session.execute(text("SELECT follow_up::text FROM follow_up")).all() == before


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_in_three_languages(due, sign_in, language):
    browser = sign_in("worker", worker="W-1")
    for path in (f"/follow-ups/{due.id}", "/follow-ups", "/follow-ups?which=to_write_down"):
        assert browser.get(f"{path}{'&' if '?' in path else '?'}lang={language}").status == 200


def test_of_very_many_colleagues_one_is_typed(session, office, due, sign_in, monkeypatch):
    monkeypatch.setattr(follow_up_page, "MOST_TO_CHOOSE", 2)
    browser = sign_in("worker", worker="W-1")
    page = browser.get(f"/follow-ups/{due.id}")
    assert set(page.all("//datalist[@id='l-to']/option/@value")) == {"W-1", "W-2", "W-7"}, "those of the unit alone"
    refused = browser.submit(page, f"/follow-ups/{due.id}/hand-over", {"to": "Nobody at all", "note": "loma"})
    assert refused.status == 422
    assert "There is no worker Nobody at all." in refused.text
    browser.submit(refused, f"/follow-ups/{due.id}/hand-over", {"to": "kaisa kollega", "note": "loma"})
    session.refresh(due)
    assert due.handed_to_id == office.colleague.id


def test_who_was_handed_one_looks_at_the_others_of_its_case_and_does_nothing(session, office, sign_in):
    to_me = handed(session, office)
    other = make_follow_up(session, session.get_one(PlanItem, to_me.plan_item_id), kind="final", planned_for=TODAY)
    browser = sign_in("worker", worker="W-1")
    page = browser.get(f"/follow-ups/{other.id}")
    assert page.status == 200
    assert not page.all("//main//form[@method='post']")
    token = browser.get("/").form("/logout")["csrf"]
    for rest in ("acknowledge", "snooze", "hand-over", "not-needed", "written", "correct"):
        typed = {"csrf": token, "note": "syy", "reason": "syy", "until": "2026-12-01", "to": "W-1"}
        assert browser.post(f"/follow-ups/{other.id}/{rest}", typed).status == 404, rest
    assert browser.get(f"/follow-ups/{to_me.id}").all("//main//form[@method='post']")
