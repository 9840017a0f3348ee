"""The first page of who answers for prices and of who looks after the machines: what waits, what is missing, what is late."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from core.errors import Message
from core.settings import Settings
from core.source_settings import CaseSource, Sources
from models.price_mail import PriceMail
from models.work import Work
from schedules.jobs import jobs
from services.heartbeats import beat_heart
from services.jobs import call_due_slots, named, pause
from services.reminders import guard
from services.work import call, close
from tests.factories.base import added
from tests.factories.case import make_choice
from tests.factories.price import make_price, make_price_list, make_price_source
from tests.factories.provider import make_contract, make_provider
from tests.factories.service import make_service
from tests.support.browsing import Opener
from tests.support.office import NOW, Office, rows, told
from tests.support.work import claimed


@pytest.fixture(autouse=True)
def _a_day_in_november(monkeypatch):
    """Business time: 16 November 2026."""
    monkeypatch.setattr("console.visit.business_now", lambda _session: NOW)


@pytest.fixture
def office(session) -> Office:
    return Office(session)


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
    assert page.all("//section[h2[@id='lists']]//a/@href") == [f"/prices/lists/{held.id}"]
    assert rows(page, "mails") == ["viesti-7.eml"]
    assert "Nobody knows the sender." in told(page, "mails")
    assert page.all("//section[h2[@id='mails']]//a/@href") == [f"/prices/mail#mail-{mail.id}"]


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
    assert manager.get("/").all("//section[h2[@id='missing']]") == []


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
    (link,) = page.all("//section[h2[@id='lights']]/p/a")
    assert link.text_content() == f"{10 + len(all_jobs) - 12} more"
    everything = operator.get("/?all=lights")
    assert len(rows(everything, "lights")) == 10 + len(all_jobs)
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
    assert "nobody has acted on: 1" in said
    assert "Alive: worker@here:1" in said
    assert "Silent: beat@here:2" in said


def test_a_run_of_cases_that_was_held_waits_for_the_operator_until_it_is_decided(session, operator):
    assert "No run waits for a decision." in told(operator.get("/"), "held_runs")
    held = {}
    for kind, source, reason in (("sync_cases", "lahde-00", "Too many are gone."), ("import_prices", "p", "A rise.")):
        work_id = call(session, kind, kind, source=source)
        assert work_id is not None
        held[kind] = claimed(session, work_id)
        close(session, held[kind], "held", message=Message(reason))
    page = operator.get("/")
    assert rows(page, "held_runs") == [f"Run {held['sync_cases'].run_id}: lahde-00"]
    assert "Too many are gone." in told(page, "held_runs")
    assert page.all("//section[h2[@id='held_runs']]//a/@href") == [f"/runs/{held['sync_cases'].run_id}"]
    session.execute(text("UPDATE run SET acknowledged = 'discarded: half'"))
    assert rows(operator.get("/"), "held_runs") == []


def hold(session, day: date, mails: int) -> None:
    reason = Message(guard.FIRST, mails=mails, allowed=200)
    session.execute(
        text("INSERT INTO digest_day (local_date, state, mails, workers, reason) VALUES (:day, 'held', :mails, 900, :reason)").bindparams(
            bindparam("reason", type_=JSONB)
        ),
        {"day": day, "mails": mails, "reason": reason.to_json()},
    )  # fmt: skip


def test_an_operator_lets_held_reminders_go_out_once(session, sign_in):
    hold(session, date(2026, 11, 13), 250)
    hold(session, date(2026, 11, 16), 251)
    operator = sign_in("operator")
    page = operator.get("/")
    assert "Reminders are held since 2026-11-13: 251 e-mails would go out today" in told(page, "reminders")
    assert page.all("//button[text()='Let the 251 e-mails go out']")
    stale = operator.submit(page, "/reminders/release", {"day": "2026-11-13"})
    assert "held anew meanwhile" in stale.text
    gone = operator.submit(page, "/reminders/release")
    assert gone.answer.url.path.startswith("/runs/called/")
    (work,) = session.execute(text("SELECT kind, key FROM work")).all()
    assert (work.kind, work.key) == ("daily_reminders", "daily_reminders@2026-11-16T04:00:00Z+manual")
    assert (
        session.execute(text("SELECT state, released_by FROM digest_day ORDER BY local_date DESC LIMIT 1")).one()[0]
        == "released"
    )
    assert "Nothing is held" in told(operator.get("/"), "reminders")
    assert (
        session.execute(
            text("SELECT details ->> 'mails' FROM audit_event WHERE action = 'reminders.released'")
        ).scalar()
        == "251"
    )
    assert "No reminders are held." in operator.submit(page, "/reminders/release").text


def test_matters_that_reach_nobody_and_refused_addresses_are_told(session, office, sign_in):
    office.me.refused_email = office.me.email
    office.colleague.refused_email = "ennen@esimerkki.invalid"
    work_id = call(session, "daily_reminders", "one")
    assert work_id is not None
    close(session, claimed(session, work_id), "partly", counts={"mails": 3, "unreachable": 2})
    session.flush()
    said = told(sign_in("operator").get("/"), "reminders")
    assert "reach nobody, neither a worker nor a supervisor: 2" in said
    assert "refused, of: W-1" in said
    assert "W-2" not in said
