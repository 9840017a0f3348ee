"""The first page: each role's sections, whose cases stand in them, that the rest is counted, and what it costs."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from core.errors import Message
from core.settings import Settings
from core.source_settings import CaseSource, Sources
from models.audit import AuditEvent
from models.base import days
from models.budget import Budget, BudgetVersion
from models.price_mail import PriceMail
from models.work import Work
from models.worker import Absence
from schedules.jobs import jobs
from services.budgets.reasons import NO_PRICE, NO_PROVIDER
from services.heartbeats import beat_heart
from services.jobs import call_due_slots, named, pause
from services.today import cases as today_cases
from tests.factories.base import added
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.follow_up import make_follow_up, make_notice
from tests.factories.order import make_order, make_order_line
from tests.factories.price import make_price, make_price_list, make_price_source
from tests.factories.provider import make_contract, make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker
from tests.support.browsing import Browser, Opener, settings_for
from tests.support.queries import recording

NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
TODAY = date(2026, 11, 16)


@pytest.fixture(autouse=True)
def _a_day_in_november(monkeypatch):
    """Business time: 16 November 2026."""
    monkeypatch.setattr("console.visit.business_now", lambda _session: NOW)


class Office:
    """A unit of two workers and a supervisor; cases, plans and budgets as a test wants them."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.unit = make_unit(session)
        self.head = make_worker(session, external_id="W-7", name="Enni Esihenkilö", unit_id=self.unit.id, language="en")
        self.unit.supervisor_id = self.head.id
        self.me = make_worker(session, external_id="W-1", unit_id=self.unit.id, language="en")
        self.colleague = make_worker(
            session, external_id="W-2", name="Kaisa Kollega", unit_id=self.unit.id, language="en"
        )
        self.stranger = make_worker(session, external_id="W-9", unit_id=make_unit(session).id, language="en")
        self.service = make_service(session, name_fi="ADHD-valmennus")
        self.provider = make_provider(session, name="Tukipolku (keksitty)")
        self.made = 0

    def case(self, worker: Any = None, **over: Any) -> Any:
        self.made += 1
        worker = worker or self.me
        return make_case(
            self.session,
            number=f"HB-2026-90{self.made:04d}",
            responsible_worker_id=worker.id,
            unit_id=worker.unit_id,
            **over,
        )

    def item(self, worker: Any = None, *, chosen: bool = False, case: Any = None, **over: Any) -> Any:
        decision = make_decision(self.session, case or self.case(worker), granted_amount=Decimal(1000))
        item = make_plan_item(self.session, decision, self.service, **over)
        if chosen:
            make_choice(self.session, item, self.provider)
        return item

    def budget(self, state: str, worker: Any = None, *, reasons: Any = (), **case: Any) -> str:
        """The number of a case whose budget is in a state."""
        made = self.case(worker, **case)
        decision = make_decision(self.session, made, number="P-1", granted_amount=Decimal(1000))
        budget = added(self.session, Budget(decision_id=decision.id, ceiling=Decimal(1000), ceiling_basis={}))
        told = [Message(one).to_json() for one in reasons]
        figures: Any = dict.fromkeys(("invoiced", "delivered", "ordered"), Decimal(0))
        added(
            self.session,
            BudgetVersion(
                budget_id=budget.id, ceiling=Decimal(1000), ceiling_basis={}, planned=Decimal(1200), free=Decimal(-200),
                state=state, reasons=told, cause="cases", recorded_at=NOW, **figures,
            ),
        )  # fmt: skip
        return str(made.number)

    def away(self, worker: Any, deputy: Any, **over: Any) -> None:
        values = {"period": days(TODAY, TODAY), "actor": "test", **over}
        added(self.session, Absence(worker_id=worker.id, deputy_id=deputy.id, **values))


@pytest.fixture
def office(session) -> Office:
    return Office(session)


@pytest.fixture
def worker(office, sign_in):
    return sign_in("worker", worker="W-1")


@pytest.fixture
def supervisor(office, sign_in):
    return sign_in("supervisor", worker="W-7")


def told(page: Any, name: str) -> str:
    """What one section says."""
    (section,) = page.all(f"//section[@aria-labelledby='{name}']")
    return " ".join(" ".join(section.itertext()).split())


def rows(page: Any, name: str) -> list[str]:
    """The first cell of each row of a section."""
    return [
        " ".join(one.text_content().split()) for one in page.all(f"//section[@aria-labelledby='{name}']//tbody/tr/th")
    ]


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
        (("worker",), ["follow_ups", "budgets", "choices", "approvals", "conflicts", "news"]),
        (("supervisor",), ["unit_budgets", "unit_approvals", "unit_follow_ups"]),
        (("price_manager",), ["lists", "mails", "missing", "ending"]),
        (("operator",), ["lights", "work"]),
        (("auditor",), []),
    ],
)
def test_each_role_has_its_sections_and_they_say_when_they_are_empty(office, sign_in, roles, named_):
    page = sign_in(*roles, worker="W-1").get("/")
    assert page.status == 200
    assert [one.get("aria-labelledby") for one in page.all("//section")] == named_
    if named_ and "lights" not in named_:
        assert len(page.all("//section/p[@class='empty']")) == len(named_)
        assert page.all("//section//table") == []


def test_who_may_see_everything_sees_each_section_once(office, sign_in):
    office.budget("over", office.stranger)
    page = sign_in(everything=True).get("/")
    names = [one.get("aria-labelledby") for one in page.all("//section")]
    assert len(names) == len(set(names)) == 12
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
    assert page.all("//section[@aria-labelledby='budgets']//a/@href")[0] == f"/cases/{over}"


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
    (link,) = page.all("//section[@aria-labelledby='choices']//a/@href")
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
    make_notice(session, office.me, message=Message("Not told yet").to_json())
    make_notice(session, office.me, kind="order_failed", subject="order:T-2026-900001")
    make_notice(session, office.me, kind="brand_new", subject="order:T-2026-900002")
    make_notice(session, office.me, message=Message("Told long ago").to_json(), told_at=old)
    make_notice(session, office.stranger, message=Message("Somebody else's").to_json())
    session.execute(text("UPDATE notice SET recorded_at = '2020-01-01' WHERE told_at IS NOT NULL"))
    said = told(worker.get("/"), "news")
    for part in ("Not told yet", "An order could not be delivered", "T-2026-900001", "Something happened"):
        assert part in said
    assert "Told long ago" not in said
    assert "Somebody else's" not in said


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
    (link,) = page.all("//section[@aria-labelledby='budgets']/p/a")
    assert (link.text_content(), link.get("href")) == ("3 more", "/?all=budgets#budgets")
    everything = worker.get("/?all=budgets")
    assert len(rows(everything, "budgets")) == 11
    assert everything.all("//section[@aria-labelledby='budgets']/p") == []
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
    monkeypatch.setattr(today_cases, "_MOST", 0)
    page = supervisor.get("/")
    for name in ("unit_budgets", "unit_approvals", "unit_follow_ups"):
        assert rows(page, name) == rows(before, name) != []
    assert rows(page, "unit_budgets") == [f"{over}Aino Esimerkki"]
    assert page.text.count("only what is newest was looked through here") == 2


def test_price_lists_and_mails_wait_with_their_age(session, office, sign_in):
    source = make_price_source(session, office.provider)
    held = make_price_list(session, source, state="held", file_name="hinnasto-2027.xlsx")
    session.execute(text("UPDATE price_list SET recorded_at = '2026-11-13 12:00+02' WHERE id = :id"), {"id": held.id})
    mail = added(
        session,
        PriceMail(
            source="posti", sha256="0" * 64, file_name="viesti-7.eml", state="waiting",
            reason=Message("Nobody knows the sender.").to_json(), attachments=[],
        ),
    )  # fmt: skip
    added(session, PriceMail(source="posti", sha256="1" * 64, file_name="otettu.eml", state="taken", attachments=[]))
    page = sign_in("price_manager").get("/")
    assert rows(page, "lists") == ["Tukipolku (keksitty)"]
    assert "hinnasto-2027.xlsx 13.11.2026 12.00 (3 days)" in told(page, "lists")
    assert page.all("//section[@aria-labelledby='lists']//a/@href") == [f"/prices/lists/{held.id}"]
    assert rows(page, "mails") == ["viesti-7.eml"]
    assert "Nobody knows the sender." in told(page, "mails")
    assert page.all("//section[@aria-labelledby='mails']//a/@href") == [f"/prices/mail/{mail.id}"]


def test_a_missing_year_is_told_by_provider_from_november_on(session, office, sign_in, monkeypatch):
    last = date(2026, 12, 31)
    for service in (office.service, make_service(session)):
        make_price(session, service, office.provider, last=last)
    make_contract(session, office.provider)
    goes = make_provider(session, name="Lopettaa (keksitty)")
    make_price(session, office.service, goes, last=last)
    ready = make_provider(session, name="Valmis (keksitty)")
    make_contract(session, ready)
    make_price(session, office.service, ready, last=last)
    planned = make_provider(session, name="Suunnitelma (keksitty)")
    make_price(session, office.service, planned, last=last)
    make_choice(session, office.item(last=date(2027, 2, 22)), planned)
    make_price(session, office.service, last=last)
    manager = sign_in("price_manager")
    page = manager.get("/")
    assert "Price list missing for 2027" in told(page, "missing")
    found = rows(page, "missing")
    assert found[0] == "own unit cost"
    assert "Tukipolku (keksitty)" in found
    assert "Suunnitelma (keksitty)" in found
    assert "Lopettaa (keksitty)" not in found
    assert "Tukipolku (keksitty) 2" in told(page, "missing")
    assert "Tukipolku (keksitty) 2026-12-31 2" in told(page, "ending")
    monkeypatch.setattr("console.visit.business_now", lambda _session: datetime(2026, 10, 31, 9, 0, tzinfo=UTC))
    assert manager.get("/").all("//section[@aria-labelledby='missing']") == []


def test_prices_that_are_followed_or_end_late_are_not_told(session, office, sign_in):
    from tests.factories.price import make_price_key

    key = make_price_key(session, office.service, office.provider)
    make_price(session, office.service, office.provider, key=key, last=date(2026, 12, 31))
    make_price(session, office.service, office.provider, key=key, first=date(2027, 1, 1))
    make_contract(session, office.provider)
    make_price(session, make_service(session), make_provider(session), last=date(2027, 6, 30))
    page = sign_in("price_manager").get("/")
    assert "Everybody's prices of next year are there." in told(page, "missing")
    assert "No price ends soon." in told(page, "ending")


CONFIGURED = Settings(
    database_url="postgresql://nobody@127.0.0.1:1/none",
    redis_url="redis://127.0.0.1:1/0",
    sources=Sources(cases={f"lahde-{n:02d}": CaseSource(path="unused") for n in range(10)}),
)


@pytest.fixture
def operator(session, app, monkeypatch):
    """An operator's browser of an installation with ten sources."""
    monkeypatch.setattr(type(app.state.console), "settings", CONFIGURED, raising=False)
    object.__setattr__(app.state.console, "settings", CONFIGURED)
    with Opener(app, session) as opener:
        yield opener.sign_in("operator")


def test_lights_tell_what_is_late_in_words_the_gravest_first(session, operator):
    all_jobs = jobs(CONFIGURED.follow_ups)
    call_due_slots(session, all_jobs, NOW - timedelta(hours=20))
    pause(session, named(all_jobs, "nightly_prices"), actor="test", now=NOW)
    page = operator.get("/")
    assert rows(page, "lights")[0] == "lahde-00cases"
    assert "To be acted on: Late: it was due on 16.11.2026 03.10 and has not begun." in told(page, "lights")
    (link,) = page.all("//section[@aria-labelledby='lights']/p/a")
    assert link.text_content() == "4 more"
    everything = operator.get("/?all=lights")
    assert len(rows(everything, "lights")) == 16
    assert "Off: Paused: nothing is done until somebody resumes it." in told(everything, "lights")


def test_dead_work_and_processes_are_told(session, operator):
    said = told(operator.get("/"), "work")
    assert "No work was given up" in said
    assert "No worker and no scheduler gives a sign of life" in said
    added(session, Work(kind="deliver_order", key="dead", queue="orders", dead_at=NOW))
    added(session, Work(kind="deliver_order", key="seen", queue="orders", dead_at=NOW, acknowledged="yes"))
    beat_heart(session, "worker@here:1", "worker")
    beat_heart(session, "beat@here:2", "beat")
    session.execute(text("UPDATE heartbeat SET seen_at = seen_at - interval '1 minute' WHERE kind = 'beat'"))
    said = told(operator.get("/"), "work")
    assert "nobody has taken note of: 1" in said
    assert "Alive: worker@here:1" in said
    assert "Silent: beat@here:2" in said


def test_looking_is_recorded_once(session, office, worker, sign_in):
    office.budget("over")
    worker.get("/")
    sign_in("operator").get("/")
    (event,) = session.query(AuditEvent).filter_by(subject="cases:today").all()
    assert (event.action, event.actor, event.details) == ("cases.listed", "worker:W-1", {"count": 1})


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_page_is_read_in_three_languages(session, office, sign_in, language):
    office.budget("over")
    make_follow_up(session, office.item(), due=TODAY)
    page = sign_in("worker", "supervisor", "price_manager", "operator", worker="W-7").get(f"/?lang={language}")
    assert (page.status, page.all("/html/@lang")) == (200, [language])
    assert len(page.all("//section")) == 15


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
    assert len(few) == len(many) <= 30
    assert settings_for().console.late_minutes == 60
