"""The private calendar: an address shown once, what it opens and for how long, and that it tells no more than a reminder."""

import re
from datetime import timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import text

from core.clock import business_today
from core.i18n import LANGUAGES
from models.base import days
from models.follow_up import FollowUp
from models.worker import Absence
from services.access.people import WORKER
from services.follow_ups import calendar
from tests.factories.follow_up import make_follow_up, make_followed
from tests.factories.worker import make_worker
from tests.support.browsing import ORIGIN, Browser
from tests.support.queries import recording

PAGE = "/calendar"


@pytest.fixture
def followed(session):
    return make_followed(session, external_id="W-1", language="en", name="Kanarialintu Salainen")


@pytest.fixture
def browser(followed, sign_in):
    return sign_in(WORKER, worker="W-1")


def make_address(browser) -> str:
    answer = browser.submit(browser.get(PAGE), PAGE)
    (address,) = answer.all("//input[@id='address']/@value")
    assert answer.status == 200
    return str(address)


def fetch(app, address: str):
    return Browser(app).client.get(address.removeprefix(ORIGIN))


def events(app, address: str):
    return Calendar.from_ical(fetch(app, address).content).walk("VEVENT")


def audited(session) -> list[str]:
    return list(session.scalars(text("SELECT action FROM audit_event WHERE action LIKE 'calendar.%' ORDER BY id")))


def test_an_address_is_shown_once_and_only_its_digest_is_kept(app, session, browser):
    assert "You have no calendar address." in browser.get(PAGE).text
    address = make_address(browser)
    token = re.fullmatch(rf"{ORIGIN}/calendar/([A-Za-z0-9_-]{{43}})\.ics", address)
    assert token is not None
    assert token[1] not in browser.get(PAGE).answer.text
    assert "Last fetchednot yet" in browser.get(PAGE).text
    (kept,) = session.execute(text("SELECT token::text, row_to_json(calendar_feed)::text FROM calendar_feed")).all()
    assert token[1] not in "".join(kept)
    assert len(kept[0]) == 2 + 64, "a sha256"
    everything = session.scalars(text("SELECT row_to_json(audit_event)::text FROM audit_event")).all()
    assert token[1] not in "".join(everything)
    assert audited(session) == [
        "calendar.viewed",
        "calendar.viewed",
        "calendar.made",
        "calendar.viewed",
        "calendar.viewed",
    ]


def test_it_shows_what_is_open_and_nothing_else(app, session, browser, followed):
    due = make_follow_up(session, followed.item)
    make_follow_up(session, followed.item, kind="final", state="acknowledged")
    address = make_address(browser)
    answer = fetch(app, address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    (event,) = events(app, address)
    assert event["summary"] == f"Start check: {followed.case.number}"
    assert event["dtstart"].dt == due.due
    assert event["dtend"].dt == due.due + timedelta(days=1)
    assert event["url"] == event["description"] == f"{ORIGIN}/follow-ups/{due.id}"
    assert event["uid"] == f"follow-up-{due.id}@127.0.0.1"
    assert set(event) == {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "URL", "CLASS", "TRANSP"}
    assert "Last fetchednot yet" not in browser.get(PAGE).text
    due.due += timedelta(days=5)
    session.flush()
    (moved,) = events(app, address)
    assert (moved["uid"], moved["dtstart"].dt) == (event["uid"], due.due)
    due.state = "not_needed"
    session.flush()
    assert events(app, address) == []


def test_handed_over_and_stood_in_for(app, session, browser, followed):
    colleague = make_worker(session, unit_id=followed.worker.unit_id)
    other, third = make_followed(session, worker=colleague), make_followed(session)
    theirs, handed = make_follow_up(session, other.item), make_follow_up(session, third.item)
    mine = make_follow_up(session, followed.item)
    address = make_address(browser)

    def shown() -> set[int]:
        return {int(event["uid"].split("@")[0].removeprefix("follow-up-")) for event in events(app, address)}

    assert shown() == {mine.id}
    handed.handed_to_id = followed.worker.id
    mine.handed_to_id = third.worker.id
    session.flush()
    assert shown() == {handed.id}
    today = business_today(session)
    absence = Absence(worker_id=colleague.id, deputy_id=followed.worker.id, period=days(today, today), actor="test")
    session.add(absence)
    session.flush()
    assert shown() == {handed.id, theirs.id}
    session.execute(text("UPDATE absence SET cancelled_at = now()"))
    assert shown() == {handed.id}


def test_unknown_revoked_replaced_and_those_who_left_are_alike(app, session, browser, followed):
    make_follow_up(session, followed.item)
    unknown = fetch(app, f"{ORIGIN}/calendar/{'x' * 43}.ics")
    first = make_address(browser)
    second = make_address(browser)
    answers = [fetch(app, first), fetch(app, f"{second[:-5]}~.ics")]
    assert fetch(app, second).status_code == 200
    followed.worker.active = False
    session.flush()
    answers.append(fetch(app, second))
    followed.worker.active = True
    session.flush()
    assert fetch(app, second).status_code == 200
    revoked = browser.submit(browser.get(PAGE), f"{PAGE}/revoke")
    assert "it opens nothing any more" in revoked.answer.text
    answers.append(fetch(app, second))
    for answer in answers:
        assert (answer.status_code, answer.text.count("There is no such page.")) == (
            404,
            unknown.text.count("There is no such page."),
        )
        assert {*answer.headers} == {*unknown.headers}
    assert [one for one in audited(session) if one != "calendar.viewed"] == [
        "calendar.made", "calendar.made", "calendar.fetched", "calendar.revoked",
    ]  # fmt: skip


def test_revoking_what_is_not_there_says_so(browser):
    token = browser.get(PAGE).form(PAGE)["csrf"]
    assert "There is no calendar address to revoke." in browser.post(f"{PAGE}/revoke", {"csrf": token}).answer.text


def test_nobody_who_is_no_worker_has_one(sign_in):
    browser = sign_in(WORKER)
    assert "You are not known as a worker" in browser.get(PAGE).text


def test_it_is_written_down_once_a_day_that_it_was_fetched(app, session, browser, followed):
    address = make_address(browser)
    for _ in range(3):
        fetch(app, address)
    assert audited(session).count("calendar.fetched") == 1
    session.execute(text("UPDATE calendar_feed SET used_at = used_at - interval '2 days'"))
    fetch(app, address)
    assert audited(session).count("calendar.fetched") == 2


def test_it_never_grows_beyond_measure_nor_asks_for_each_row(app, session, browser, followed, monkeypatch):
    monkeypatch.setattr(calendar, "MOST", 3)
    due = make_follow_up(session, followed.item).planned_for
    address = make_address(browser)
    fetch(app, address)
    with recording(session) as one:
        fetch(app, address)
    for number in range(1, 6):
        make_follow_up(session, followed.item, planned_for=due + timedelta(days=number))
    with recording(session) as more:
        assert [event["dtstart"].dt for event in events(app, address)] == [due + timedelta(days=n) for n in range(3)]
    assert len(more) == len(one)


@pytest.mark.parametrize("language", [*LANGUAGES, "xx"])
def test_it_is_in_the_workers_language_and_tells_nothing(app, session, browser, followed, language):
    for kind in ("start", "interval", "before_end", "final", "approval"):
        make_follow_up(session, followed.item, kind=kind, findings={"note": "Kanarialintu 131052-908T"})
    today = business_today(session)
    session.add(FollowUp(case_id=followed.case.id, kind="plan_review", planned_for=today, due=today))
    session.execute(
        text("UPDATE service SET name_fi = 'Kanarialintu', name_sv = 'Kanarialintu', name_en = 'Kanarialintu'")
    )
    session.execute(text("UPDATE provider SET name = 'Kanarialintu Oy'"))
    session.execute(text("UPDATE unit SET name = 'Kanarialintu', code = 'Kanarialintu'"))
    address = make_address(browser)
    session.execute(text("UPDATE worker SET language = :language WHERE external_id = 'W-1'"), {"language": language})
    session.expire_all()
    body = fetch(app, address).content.decode()
    said = {"fi": "Seuranta: HB-", "sv": "Uppföljning: HB-", "en": "Follow-up: HB-"}
    assert said.get(language, said[app.state.console.settings.language]) in body
    assert len(events(app, address)) == 6
    for canary in ("kanaria", "salainen", "131052", "W-1\r"):
        assert canary not in body.casefold()
