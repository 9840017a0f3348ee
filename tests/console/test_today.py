"""The first page: each role's sections, whose cases stand in them, that the rest is counted, and what it costs."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text

from core.errors import Message
from models.audit import AuditEvent
from services.budgets.reasons import NO_PRICE, NO_PROVIDER
from tests.factories.case import make_choice, make_decision
from tests.factories.follow_up import make_follow_up, make_notice
from tests.factories.order import make_order, make_order_line
from tests.factories.price import make_price
from tests.support.browsing import Browser
from tests.support.office import NOW, TODAY, Office, rows, told
from tests.support.queries import recording


@pytest.fixture(autouse=True)
def _a_day_in_november(monkeypatch):
    """Business time: 16 November 2026."""
    monkeypatch.setattr("console.visit.business_now", lambda _session: NOW)


@pytest.fixture
def office(session) -> Office:
    return Office(session)


@pytest.fixture
def worker(office, sign_in):
    return sign_in("worker", worker="W-1")


@pytest.fixture
def supervisor(office, sign_in):
    return sign_in("supervisor", worker="W-7")


def test_somebody_signed_in_sees_the_first_page(session, sign_in):
    page = sign_in("auditor").get("/")
    assert page.status == 200
    assert "Nothing waits for you here." in page.text
    assert "default-src 'none'" in page.answer.headers["content-security-policy"]


def test_nobody_is_led_to_the_login(app, sign_in):
    answer = Browser(app).client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


@pytest.mark.parametrize(
    ("roles", "named_"),
    [
        (("worker",), ["follow_ups", "budgets", "orders", "choices", "approvals", "documents", "conflicts", "news"]),
        (("supervisor",), ["unit_budgets", "unit_orders", "unit_approvals", "unit_follow_ups", "invoices"]),
        (("price_manager",), ["lists", "mails", "missing", "ending", "invoices"]),
        (("operator",), ["held_runs", "unplaced", "lights", "reminders", "work"]),
        (("auditor",), []),
    ],
)
def test_each_role_has_its_sections_and_they_say_when_they_are_empty(office, sign_in, roles, named_):
    page = sign_in(*roles, worker="W-1").get("/")
    assert page.status == 200
    assert page.all("//section/h2/@id") == named_
    if named_ and "lights" not in named_:
        assert len(page.all("//section/p[@class='empty']")) == len(named_)
        assert page.all("//section//table") == []


def test_who_may_see_everything_sees_each_section_once(office, sign_in):
    office.budget("over", office.stranger)
    page = sign_in(everything=True).get("/")
    names = page.all("//section/h2/@id")
    assert len(names) == len(set(names)) == 18
    assert len(rows(page, "budgets")) == 1


def test_due_follow_ups_are_mine_and_of_whom_i_stand_in_for(session, office, worker):
    mine, shared, hers = office.item(), office.item(office.colleague), office.item(office.colleague)
    session.get_one(type(office.case()), shared.case_id).co_worker_id = office.me.id
    for item, due in ((mine, TODAY), (shared, date(2026, 11, 10)), (hers, date(2026, 11, 9))):
        make_follow_up(session, item, due=due)
    make_follow_up(session, mine, kind="interval", due=date(2026, 11, 17))
    make_follow_up(session, mine, kind="final", due=date(2026, 11, 1), state="acknowledged")
    make_follow_up(session, mine, kind="before_end", due=date(2026, 11, 14), state="snoozed")
    page = worker.get("/")
    assert rows(page, "follow_ups") == ["HB-2026-900002Kaisa Kollega", "HB-2026-900001", "HB-2026-900001"]
    assert "Check before the end" in told(page, "follow_ups")
    office.away(office.colleague, office.me)
    assert rows(worker.get("/"), "follow_ups")[0] == "HB-2026-900003Kaisa Kollega"
    session.execute(text("UPDATE absence SET cancelled_at = now()"))
    assert len(rows(worker.get("/"), "follow_ups")) == 3


def test_budgets_are_told_the_gravest_first(office, worker):
    near, over = office.budget("near"), office.budget("over")
    unpriced, within = office.budget("unpriced", reasons=[NO_PRICE]), office.budget("within_tolerance")
    office.budget("ok")
    office.budget("ended")
    office.budget("unpriced", reasons=[NO_PROVIDER])
    office.budget("over", office.colleague)
    office.budget("over", status="closed")
    page = worker.get("/")
    assert rows(page, "budgets") == [over, unpriced, within, near]
    assert "over P-1" not in told(page, "budgets")
    assert "-€200.00" in told(page, "budgets")
    assert page.all("//section[h2[@id='budgets']]//a/@href")[0] == f"/cases/{over}"


def test_choices_wait_for_what_can_still_be_chosen(session, office, worker):
    waiting = office.item(external_id="I 1/x", first=date(2026, 12, 1))
    office.item(chosen=True)
    office.item(office.colleague)
    for over in ({"status": "closed"}, {"gone_at": NOW}):
        office.item(case=office.case(**over))
    office.item(ended_at=NOW)
    office.item(first=date(2026, 1, 1), last=date(2026, 11, 15))
    ended, expired, ordered = office.item(), office.item(), office.item()
    session.execute(text("UPDATE decision SET ended_at = now() WHERE id = :id"), {"id": ended.decision_id})
    session.execute(
        text("UPDATE decision SET valid = '[2026-01-01,2026-11-16)' WHERE id = :id"), {"id": expired.decision_id}
    )
    price = make_price(session, office.service, office.provider)
    decision = session.get_one(type(make_decision(session, office.case())), ordered.decision_id)
    make_order_line(session, make_order(session, decision, office.provider), ordered, price, "1.00")
    page = worker.get("/")
    assert rows(page, "choices") == ["HB-2026-900001"]
    assert "ADHD-valmennus (I 1/x) 2026-12-01" in told(page, "choices")
    (link,) = page.all("//section[h2[@id='choices']]//a/@href")
    assert link == "/cases/HB-2026-900001/compare?item=I%201/x"
    assert worker.get(link).status == 200
    assert waiting.id


def test_what_is_chosen_waits_until_it_is_ordered(session, office, worker, supervisor):
    item = office.item(chosen=True)
    office.item(office.stranger, chosen=True)
    assert rows(worker.get("/"), "approvals") == ["HB-2026-900001"]
    page = supervisor.get("/")
    assert rows(page, "unit_approvals") == ["HB-2026-900001Aino Esimerkki"]
    assert "Tukipolku (keksitty)" in told(page, "unit_approvals")
    price = make_price(session, office.service, office.provider)
    decision = session.get_one(type(make_decision(session, office.case())), item.decision_id)
    make_order_line(session, make_order(session, decision, office.provider), item, price, "1.00")
    assert rows(worker.get("/"), "approvals") == []


def test_a_conflict_is_told_while_the_choice_stands(session, office, worker):
    item = office.item()
    choice = make_choice(session, item, office.provider)
    said = Message("The source names another provider for {item}.", item="HB-2026-900001/I-1")
    for person in (office.me, office.stranger):
        make_notice(
            session, person, kind="choice_conflict", subject="item:HB-2026-900001/I-1",
            event=f"choice {choice.id}, provider 7", message=said.to_json(), told_at=NOW,
        )  # fmt: skip
    page = worker.get("/")
    assert rows(page, "conflicts") == ["HB-2026-900001"]
    assert "The source names another provider for HB-2026-900001/I-1." in told(page, "conflicts")
    assert "HB-2026-900001" not in told(page, "news")
    choice.ended_at = NOW
    session.flush()
    assert rows(worker.get("/"), "conflicts") == []


def test_news_is_what_was_not_told_or_lately(session, office, worker):
    old = datetime(2020, 1, 1, tzinfo=UTC)
    mine = f"case:{office.case().number}"
    make_notice(session, office.me, subject=mine, message=Message("Not told yet").to_json())
    make_notice(session, office.me, kind="order_failed", subject="order:T-2026-900001")
    make_notice(session, office.me, kind="brand_new", subject="order:T-2026-900002")
    make_notice(session, office.me, subject=mine, message=Message("Told long ago").to_json(), told_at=old)
    make_notice(session, office.stranger, subject=mine, message=Message("Somebody else's").to_json())
    session.execute(text("UPDATE notice SET recorded_at = '2020-01-01' WHERE told_at IS NOT NULL"))
    said = told(worker.get("/"), "news")
    for part in ("Not told yet", "An order could not be delivered", "T-2026-900001", "Something happened"):
        assert part in said
    assert "Told long ago" not in said
    assert "Somebody else's" not in said


def test_who_handed_a_case_over_hears_no_more_of_it(session, office, worker, sign_in):
    """News is kept for the worker who was responsible when it happened; the case is another's by now."""
    item = office.item()
    case = session.get_one(type(office.case()), item.case_id)
    choice = make_choice(session, item, office.provider)
    order = make_order(session, session.get_one(type(make_decision(session, case)), item.decision_id), office.provider)
    said = Message("The source names another provider for {item}.", item=f"{case.number}/I-1")
    conflict = {"event": f"choice {choice.id}, provider 7", "message": said.to_json()}
    make_notice(session, office.me, kind="choice_conflict", subject=f"item:{case.number}/I-1", **conflict)
    make_notice(session, office.me, subject=f"case:{case.number}")
    make_notice(session, office.me, kind="order_failed", subject=f"order:{order.number}")
    make_notice(session, office.me, kind="reminder_returned", subject="worker:W-1")
    everything = sign_in(everything=True)
    page = worker.get("/")
    assert rows(page, "conflicts") == [case.number]
    assert len(rows(page, "news")) == 3
    case.responsible_worker_id = office.stranger.id
    session.flush()
    page = worker.get("/")
    assert case.number not in page.answer.text
    assert order.number not in page.answer.text
    assert len(rows(page, "news")) == 1
    assert len(rows(everything.get("/"), "news")) == 3
    office.away(office.stranger, office.me)
    assert case.number in worker.get("/").answer.text
    session.execute(text("UPDATE absence SET cancelled_at = now()"))
    assert case.number not in worker.get("/").answer.text


def test_a_supervisor_sees_the_units_and_no_other(session, office, supervisor):
    over = office.budget("over", office.colleague)
    office.budget("over", office.stranger)
    office.budget("near", office.colleague)
    passed_on, kept, other = office.item(office.me), office.item(office.me), office.item(office.stranger)
    make_follow_up(session, passed_on, due=date(2026, 11, 2), escalated_on=date(2026, 11, 12))
    make_follow_up(session, kept, due=date(2026, 11, 2))
    make_follow_up(session, other, due=date(2026, 11, 2), escalated_on=date(2026, 11, 12))
    page = supervisor.get("/")
    assert rows(page, "unit_budgets") == [f"{over}Kaisa Kollega"]
    assert rows(page, "unit_follow_ups") == ["HB-2026-900004Aino Esimerkki"]


def test_a_worker_who_is_supervisor_too_keeps_the_two_apart(office, sign_in):
    mine, units = office.budget("over", office.head), office.budget("over", office.me)
    page = sign_in("worker", "supervisor", worker="W-7").get("/")
    assert rows(page, "budgets") == [mine]
    assert len(rows(page, "unit_budgets")) == 2
    assert units in told(page, "unit_budgets")


def test_the_first_are_shown_and_the_rest_counted(office, worker):
    for _ in range(11):
        office.budget("over")
    page = worker.get("/")
    assert len(rows(page, "budgets")) == 8
    (link,) = page.all("//section[h2[@id='budgets']]/p/a")
    assert (link.text_content(), link.get("href")) == ("3 more", "/?all=budgets#budgets")
    everything = worker.get("/?all=budgets")
    assert len(rows(everything, "budgets")) == 11
    assert everything.all("//section[h2[@id='budgets']]/p") == []
    assert worker.get("/?all=nonsense&all=budgets").status == 200


def test_nobody_counts_beyond_a_hundred(office, worker, monkeypatch):
    monkeypatch.setattr("services.today.rows.COUNTED", 10)
    for _ in range(12):
        office.budget("over")
    assert "At least 2 more" in told(worker.get("/"), "budgets")


def test_who_sees_very_many_cases_is_served_from_the_newest(session, office, supervisor, monkeypatch):
    over = office.budget("over")
    item = office.item(chosen=True)
    make_follow_up(session, item, due=date(2026, 11, 2), escalated_on=date(2026, 11, 12))
    office.budget("over", office.stranger)
    office.item(office.stranger, chosen=True)
    before = supervisor.get("/")
    monkeypatch.setattr("services.access.cases.MOST", 0)
    assert "only what is newest" not in supervisor.get("/").text, "all there is was looked through"
    monkeypatch.setattr("services.today.seen.NEWEST", 1)
    page = supervisor.get("/")
    for name in ("unit_budgets", "unit_approvals", "unit_follow_ups"):
        assert rows(page, name) == rows(before, name) != []
    assert rows(page, "unit_budgets") == [f"{over}Aino Esimerkki"]
    assert page.text.count("only what is newest was looked through here") == 3


def test_looking_is_recorded_once(session, office, worker, sign_in):
    number = office.budget("over")
    worker.get("/")
    sign_in("operator").get("/")
    (event,) = session.query(AuditEvent).filter_by(subject="cases:today").all()
    assert (event.action, event.actor, event.details) == ("cases.listed", "worker:W-1", {"count": 1, "cases": [number]})


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_page_is_read_in_three_languages(session, office, sign_in, language):
    office.budget("over")
    make_follow_up(session, office.item(), due=TODAY)
    page = sign_in("worker", "supervisor", "price_manager", "operator", worker="W-7").get(f"/?lang={language}")
    assert (page.status, page.all("/html/@lang")) == (200, [language])
    assert len(page.all("//section")) == 22


def test_statements_do_not_grow_with_what_waits(session, office, sign_in):
    everybody = sign_in("worker", "supervisor", "price_manager", "operator", worker="W-7")
    everybody.get("/")
    with recording(session) as few:
        everybody.get("/")
    for _ in range(12):
        office.budget("over")
        make_follow_up(session, office.item(chosen=True), due=TODAY, escalated_on=TODAY)
        make_notice(session, office.head)
    session.flush()
    with recording(session) as many:
        everybody.get("/?all=budgets")
    assert len(few) == len(many) <= 36
