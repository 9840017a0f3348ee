"""The daily e-mail: who gets what when, and what it may hold."""

import email
import re
from datetime import date, timedelta
from email.policy import default

import pytest
from sqlalchemy import select, text

from core.errors import Message
from core.i18n import LANGUAGES
from models.follow_up import FOLLOW_UP_KINDS, Digest, Notice
from models.service import Service
from schedules.working_days import WorkingDays
from services.follow_ups.acknowledging import acknowledge, snooze
from services.reminders.daily import compose_due, is_mail_day
from services.reminders.message import NEWS
from tests.factories.follow_up import WRITING, make_follow_up, make_followed, make_notice
from tests.factories.worker import make_worker
from tests.support.composing import DUE, SETTINGS, at, composed, mail_days


def parts(document: str) -> tuple[email.message.EmailMessage, str, str]:
    message = email.message_from_string(document, policy=default)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    return message, plain.get_content(), html.get_content()


def test_one_mail_per_worker_and_day_with_everything_that_is_due(session):
    followed = make_followed(session)
    other = make_followed(session, worker=followed.worker)
    first, second = make_follow_up(session, followed.item), make_follow_up(session, other.item, kind="interval")
    make_follow_up(session, other.item, kind="final", planned_for=date(2027, 2, 22))
    news = make_notice(session, followed.worker)
    mails = composed(session)
    assert list(mails) == [followed.worker.external_id]
    mail = mails[followed.worker.external_id]
    assert {name: sorted(ids) for name, ids in mail.items.items()} == {
        "announced": [first.id, second.id],
        "escalated": [],
        "news": [news.id],
    }
    assert session.get_one(Notice, news.id).told_at == at(DUE)
    work = session.execute(text("SELECT key, subject_id FROM work WHERE kind = 'send_digest'")).one()
    digest = session.scalars(select(Digest)).one()
    assert tuple(work) == (f"digest:{followed.worker.external_id}:2026-12-07", digest.id)
    # something new on the same day waits for the next mail
    late = make_follow_up(session, followed.item, kind="before_end")
    assert composed(session) == {}
    assert composed(session, DUE + timedelta(days=1))[followed.worker.external_id].items["announced"] == [late.id]


def test_news_is_told_once(session):
    worker = make_followed(session).worker
    first = make_notice(session, worker)
    assert composed(session)[worker.external_id].items["news"] == [first.id]
    assert composed(session, DUE + timedelta(days=1)) == {}
    second = make_notice(session, worker)
    assert composed(session, DUE + timedelta(days=2))[worker.external_id].items["news"] == [second.id]


def test_nothing_to_say_no_mail(session):
    followed = make_followed(session)
    make_follow_up(session, followed.item, state="acknowledged")
    make_follow_up(session, followed.item, kind="final", planned_for=date(2027, 2, 22))
    assert composed(session) == {}


def test_repeated_then_escalated_exactly_when_promised_then_weekly(session):
    followed = make_followed(session)
    due = make_follow_up(session, followed.item)
    heard: list[tuple[date, str]] = []
    for day in mail_days(DUE, 20):
        heard += [(day, name) for name in composed(session, day)]
    worker, supervisor = followed.worker.external_id, followed.supervisor.external_id
    assert heard == [
        (date(2026, 12, 7), worker),
        (date(2026, 12, 10), worker),
        (date(2026, 12, 15), worker),
        (date(2026, 12, 21), supervisor),  # three working days after the last: the 18th; the list is Monday's
        (date(2026, 12, 28), supervisor),
        (date(2027, 1, 4), supervisor),
    ]
    assert (due.announced_times, due.escalated_on) == (3, date(2027, 1, 4))


@pytest.mark.parametrize("heard_before", [1, 2, 3, 4])
def test_acknowledging_stops_everything(session, heard_before):
    due = make_follow_up(session, make_followed(session).item)
    heard = 0
    for day in mail_days(DUE, 25):
        if heard == heard_before and due.state == "open":
            acknowledge(session, due.id, actor="a", now=at(day))
        heard += len(composed(session, day))
    assert heard == heard_before


def test_a_snoozed_one_is_silent_until_its_day(session):
    due = make_follow_up(session, make_followed(session).item)
    composed(session)
    until = date(2026, 12, 28)
    snooze(session, due.id, actor="a", now=at(DUE), reason="syy", until=until, calendar=WorkingDays())
    heard = [day for day in mail_days(DUE + timedelta(days=1), 14) if composed(session, day)]
    assert heard == [until]


def test_the_supervisor_gets_one_list_with_their_own(session):
    followed = make_followed(session)
    second = make_followed(session, worker=followed.worker)
    own = make_followed(session, worker=followed.supervisor)
    items = [
        make_follow_up(session, one.item, announced_on=date(2026, 12, 1), announced_times=3)
        for one in (followed, second)
    ]
    mine = make_follow_up(session, own.item)
    mail = composed(session)[followed.supervisor.external_id]
    assert mail.items == {"announced": [mine.id], "escalated": [one.id for one in items], "news": []}


@pytest.mark.parametrize(
    "over",
    [
        {"email": None},
        {"email": "x@avain-esimerkki.invalid\nBcc: y@avain-esimerkki.invalid"},
        {"email": "a@avain-esimerkki.invalid, b@avain-esimerkki.invalid"},
        {"active": False},
    ],
)
def test_for_a_worker_who_cannot_be_reached_the_supervisor_is_told_and_told_so(session, over):
    followed = make_followed(session, **over)
    due = make_follow_up(session, followed.item)
    news = make_notice(session, followed.worker)
    followed.supervisor.language = "en"
    mail = composed(session)[followed.supervisor.external_id]
    assert (mail.items["announced"], mail.items["news"]) == ([due.id], [news.id])
    _message, plain, html = parts(mail.document)
    for body in (plain, html):
        assert "For a colleague who cannot be reached by e-mail (1)" in " ".join(body.split())
        assert "over its ceiling (for a colleague who cannot be reached by e-mail)" in " ".join(body.split())


def test_the_supervisor_of_a_case_comes_before_that_of_the_unit(session):
    followed = make_followed(session, email=None)
    own = make_worker(session)
    followed.case.supervisor_id = own.id
    due = make_follow_up(session, followed.item)
    session.flush()
    mails = composed(session)
    assert set(mails) == {own.external_id}
    assert mails[own.external_id].items["announced"] == [due.id]


def test_with_nobody_to_tell_it_is_counted_and_stays_to_be_told(session):
    followed = make_followed(session, email=None)
    followed.supervisor.active = False
    due = make_follow_up(session, followed.item)
    session.flush()
    result = compose_due(session, DUE, at(DUE), SETTINGS, WRITING)
    assert (result.mails, result.unreachable) == ([], 1)
    assert due.announced_times == 0


def test_without_a_supervisor_the_worker_keeps_being_reminded(session):
    followed = make_followed(session)
    followed.supervisor.active = False
    make_follow_up(session, followed.item)
    heard = [day for day in mail_days(DUE, 16) if followed.worker.external_id in composed(session, day)]
    assert heard == mail_days(DUE, 16)[::3]


def test_mails_go_out_on_working_days():
    assert is_mail_day(date(2026, 12, 7), SETTINGS)
    assert not any(is_mail_day(date(2026, 12, day), SETTINGS) for day in (6, 12, 24, 25))


# What a mail may hold -------------------------------------------------------------------------------------------------

CANARIES = ("Kanarialintu", "Salainen", "131052-908T", "perhetyö", "Keksitty Oy")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_mail_holds_anything_personal_in_any_language(session, language):
    followed = make_followed(session, name="Kanarialintu Salainen", language=language)
    followed.supervisor.name, followed.supervisor.language = "Salainen Kanarialintu", language
    followed.case.goals = ["Salainen tavoite 131052-908T"]
    session.get_one(Service, followed.item.service_id).name_fi = "perhetyö Salainen"
    session.execute(text("UPDATE provider SET name = 'Keksitty Oy Kanarialintu'"))
    for kind in FOLLOW_UP_KINDS:
        for day, why in ((DUE, 0), (DUE - timedelta(days=3), 3)):
            make_follow_up(
                session,
                followed.item,
                kind=kind,
                planned_for=day,
                announced_times=why,
                announced_on=date(2026, 11, 23) if why else None,
                findings={"note": "Salainen"},
            )
    for kind in (*NEWS, "something_new"):
        make_notice(
            session,
            followed.worker,
            kind=kind,
            subject="client:Kanarialintu 131052-908T",
            message=Message("Salainen {who}", who="Kanarialintu").to_json(),
        )
    mails = composed(session)
    assert set(mails) == {followed.worker.external_id, followed.supervisor.external_id}
    for mail in mails.values():
        message, plain, html = parts(mail.document)
        everything = "\n".join([plain, html, mail.document, *(str(value) for value in message.values())])
        for canary in CANARIES:
            assert canary.casefold() not in everything.casefold()
        assert followed.case.number in plain
        assert f'<html lang="{language}">' in html


def test_the_message_is_a_machines_and_always_the_same_bytes(session):
    followed = make_followed(session)
    due = make_follow_up(session, followed.item)
    nested = session.begin_nested()
    first = composed(session)[followed.worker.external_id].document
    nested.rollback()
    session.expire_all()
    assert composed(session)[followed.worker.external_id].document == first
    message, plain, html = parts(first)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "<reminders.avain.avain-esimerkki.invalid>"
    assert re.fullmatch(r"<digest\.2026-12-07\.[0-9a-f]{32}@avain-esimerkki\.invalid>", message["Message-ID"])
    assert message["To"] == followed.worker.email
    assert max(len(line) for line in first.split("\r\n")) <= 998
    first.encode("ascii")
    link = f"https://avain.invalid/follow-ups/{due.id}"
    assert link in plain
    assert f'href="{link}"' in html
    assert "<style" not in html
    assert "<script" not in html


def test_news_lead_to_their_order_or_case(session):
    followed = make_followed(session)
    make_notice(session, followed.worker, kind="order_rejected", subject="order:T-2026-000007")
    _message, plain, _html = parts(composed(session)[followed.worker.external_id].document)
    assert "T-2026-000007" in plain
    assert "https://avain.invalid/orders/T-2026-000007" in plain


def test_news_of_a_budget_tells_what_in_general_moved_it(session):
    followed = make_followed(session)
    for event, cause in (("1", "a change of prices"), ("2", "Virtanen")):
        message = Message("Over. Cause: {cause}.", cause=Message(cause)).to_json()
        make_notice(session, followed.worker, subject=f"case:HB-2026-00000{event}", message=message)
    _message, plain, _html = parts(composed(session)[followed.worker.external_id].document)
    assert "HB-2026-000001, Budjetti ylittää enimmäismäärän (hintojen muutos)" in plain
    assert "HB-2026-000002, Budjetti ylittää enimmäismäärän" in plain
    assert "Virtanen" not in plain


def test_of_what_news_is_about_only_a_number_of_ours_is_told(session):
    followed = make_followed(session)
    make_notice(session, followed.worker, kind="choice_conflict", subject="item:HB-2026-000007/perhetyö Virtanen")
    document = composed(session)[followed.worker.external_id].document
    _message, plain, html = parts(document)
    assert "HB-2026-000007" in plain
    assert not [text for text in (plain, html, document) if re.search("virtanen|perhety", text, re.IGNORECASE)]
