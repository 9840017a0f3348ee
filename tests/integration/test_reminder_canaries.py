"""Nothing that leaves Avain about reminders tells who somebody is or what their trouble is: mails, calendars, letters, logs, Runs.

Every column of the database holds canaries; every template, kind, notice and language is written with them; every byte is searched, decoded
as well. That the search finds what is there is tried too.
"""

import base64
import json
import logging
import quopri
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_string
from email.policy import default

import pytest
import structlog
from sqlalchemy import text

from core.errors import Message
from core.follow_up_settings import FollowUps
from core.i18n import LANGUAGES
from core.mail_settings import Mail
from core.settings import Settings
from models.base import days
from models.case import Decision
from models.follow_up import CASE_KINDS, ITEM_KINDS, ORDER_KINDS, FollowUp, FollowUpEvent
from models.worker import Absence
from services.follow_ups import calendar
from services.reminders import message
from services.reminders.bundle import Bundle, Person
from services.reminders.daily import compose_due
from services.reminders.mail_samples import samples
from services.reminders.message import NEWS
from services.reminders.operators import tell_operator
from tests.factories.base import added
from tests.factories.follow_up import WRITING, make_follow_up, make_followed, make_notice
from tests.factories.order import make_order
from tests.factories.provider import make_provider
from tests.factories.worker import make_worker
from tests.integration.test_reminder_tasks import office  # noqa: F401 - a fixture
from tests.support.canaries import CANARY, CODE, NAME, fill, found

DUE = date(2026, 12, 7)  # a Monday: supervisors hear
NOW = datetime(2026, 12, 7, 6, tzinfo=UTC)
SETTINGS = FollowUps()


@pytest.mark.parametrize(
    "hidden",
    [
        CANARY,
        NAME.upper(),
        f"x {CODE}",
        quopri.encodestring("perhety\u00f6kanaria".encode()).decode(),
        base64.b64encode(CANARY.encode()).decode(),
        "<p>&#75;anarialintu</p>",
        "https://avain.invalid/?q=%4Banarialintu",
    ],
)
def test_the_search_finds_what_is_there(hidden):
    head = "Content-Transfer-Encoding: quoted-printable\r\n" if "=C3" in hidden else ""
    assert found(f"{head}\r\n{hidden}\r\n".encode())
    assert found(b"Subject: =?utf-8?q?Kanaria?= =?utf-8?q?lintu?=\r\n\r\nx")
    assert found("Avain: 3 asiaa odottaa sinua HB-2026-000001") == []


def county(session, language):
    """Somebody in every situation that mails tell of: own, repeated, handed over, away, unreachable, escalated; with every kind of everything."""
    own = make_followed(session, name=CANARY, language=language)
    away, gone = make_followed(session, worker=own.worker), make_followed(session, email=None)
    colleague = make_worker(session, name=CANARY, language=language, unit_id=own.worker.unit_id)
    away.case.responsible_worker_id = colleague.id
    for supervisor in (own.supervisor, gone.supervisor):
        supervisor.language = language
    added(session, Absence(worker_id=colleague.id, deputy_id=own.worker.id, period=days(DUE, DUE), actor="test"))
    unheard = make_followed(session, email=None)
    unheard.supervisor.active = False
    for followed in (own, away, gone, unheard):
        followed.case.goals = [CANARY]
        every_kind(session, followed)
    for kind in (*NEWS, "of an unknown sort"):
        for worker in (own.worker, gone.worker):
            make_notice(session, worker, kind=kind, subject=f"item:{CANARY}", message=Message(CANARY).to_json())
    return own


def every_kind(session, followed):
    decision = session.get_one(Decision, followed.item.decision_id)
    order = make_order(session, decision, make_provider(session))
    long_ago = {"announced_times": 3, "announced_on": DUE - timedelta(days=14)}
    for number, kind in enumerate(ITEM_KINDS):
        for back, over in (
            (0, {}),
            (1, {"announced_times": 1, "announced_on": DUE - timedelta(days=7)}),
            (2, long_ago),
        ):
            planned = DUE - timedelta(days=3 * number + back)
            one = make_follow_up(session, followed.item, kind=kind, planned_for=planned, findings={"x": CANARY}, **over)
            added(
                session,
                FollowUpEvent(
                    follow_up_id=one.id, act="snoozed", actor=CANARY, reason=CANARY, details={"x": CANARY}, at=NOW
                ),
            )
    for kind in CASE_KINDS + ORDER_KINDS:
        order_id = order.id if kind in ORDER_KINDS else None
        added(
            session,
            FollowUp(case_id=followed.case.id, order_id=order_id, kind=kind, planned_for=DUE, due=DUE, findings={}),
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_of_it_leaves(session, language, caplog):
    own = county(session, language)
    session.flush()
    reached = fill(session)
    assert {
        "service.name_fi", "provider.name", "unit.name", "unit.code",  "notice.message", "follow_up.findings", "worker.name",
    } <= reached  # fmt: skip
    settings = Settings(
        language=language,
        mail=Mail(sender="avain@avain-esimerkki.invalid", operator_email="operator@avain-esimerkki.invalid"),
    )
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logs:
        composed = compose_due(session, DUE, NOW, SETTINGS, WRITING)
        tell_operator(session, settings, composed.unheard, DUE, now=NOW)
        token = calendar.make(session, own.worker.external_id, now=NOW, actor="test")
        feed = calendar.fetch(session, token, base_url="https://avain.invalid", language="fi", now=NOW)
    documents = list(session.scalars(text("SELECT document FROM digest")))
    letters = list(session.scalars(text("SELECT document FROM letter")))
    assert len(letters) == 1, "to the operator: of one worker nobody hears"
    assert len(documents) >= 3, "own, and two supervisors"
    assert feed is not None
    assert feed.count(b"BEGIN:VEVENT") >= len(ITEM_KINDS) * 3
    said = [*logs, *(record.getMessage() for record in caplog.records), composed.counts]
    for sink in [*documents, *letters, feed, *(json.dumps(one, default=str) for one in said)]:
        assert found(sink) == []
    read = [message_from_string(one, policy=default) for one in documents]
    said_in = "".join(part.get_content() for one in read for part in one.walk() if not part.is_multipart())
    assert own.case.number in said_in
    assert "/unit?id=" in said_in
    assert all(one.isascii() for one in documents)


@pytest.mark.parametrize("language", [*LANGUAGES, "xx", CANARY])
def test_every_template_and_kind_in_every_language(language):
    """The view itself, from bundles whose every text is a canary."""
    for bundle in samples(language, [*NEWS, CANARY]):
        person = Person(1, CANARY, "worker@avain.invalid", language)
        hostile = [replace_subject(one) for one in bundle.news]
        sent = Bundle(person, bundle.tasks, bundle.units, hostile)
        _message_id, document = message.write(sent, DUE, NOW, WRITING)
        assert found(document) == []


def replace_subject(news):
    return replace(news, subject=f"{news.subject} {CANARY}", cause=CANARY)


def test_nothing_of_it_is_sent_logged_or_kept_with_a_run(office, caplog):  # noqa: F811 - the fixture
    """Through the real tasks: planning, composing, sending; a server that refuses in words of its own too."""
    office.do(f"UPDATE service SET name_fi = '{CANARY}'")
    office.do(f"UPDATE provider SET name = '{CANARY}'")
    office.do(f"UPDATE worker SET name = '{CANARY}'")
    office.do(f"UPDATE unit SET name = '{CANARY}', code = '{CANARY}'")
    caplog.set_level(logging.DEBUG)
    office.call("daily_reminders", "daily_reminders@test")
    with structlog.testing.capture_logs() as logs:
        office.work()
        office.work()
    assert len(office.sink.messages) == 1
    runs = [json.dumps(dict(row._mapping), default=str) for row in office.rows("SELECT * FROM run")]
    assert len(runs) >= 2
    work = [json.dumps(dict(row._mapping), default=str) for row in office.rows("SELECT * FROM work")]
    for sink in [
        *(one.content for one in office.sink.messages),
        *runs,
        *work,
        *map(str, logs),
        *(one.getMessage() for one in caplog.records),
    ]:
        assert found(sink if isinstance(sink, bytes | str) else str(sink)) == []
