"""Daily e-mails that came back: what is believed, what that changes, and what it does not."""

import json
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli.main import app
from core.embedded import Embedded
from core.errors import InputError, Message, NotFound
from documents.delivery_report import read_reports
from models.follow_up import Digest
from services.reminders import addresses, bounces
from tests.factories.follow_up import make_follow_up, make_followed, make_notice
from tests.support import sources
from tests.support.bounced import MESSAGE_ID, report
from tests.support.sources import county
from workers.tasks.bounces import ask_bounces, fetch_bounces, read_bounces

NOW = datetime(2026, 12, 8, 6, 0, tzinfo=UTC)
DAY = date(2026, 12, 7)


class World:
    """A worker whose mail of 7 December told of a follow-up, one passed on to them, and news."""

    def __init__(self, session, **over):
        self.session = session
        followed = make_followed(session)
        self.worker, self.supervisor = followed.worker, followed.supervisor
        self.address = str(self.worker.email)
        self.told = make_follow_up(session, followed.item, announced_on=DAY, announced_times=1)
        self.passed_on = make_follow_up(
            session,
            followed.item,
            kind="interval",
            announced_on=date(2026, 11, 30),
            announced_times=3,
            escalated_on=DAY,
        )
        self.news = make_notice(session, self.worker, told_at=NOW)
        items = {"announced": [self.told.id], "escalated": [self.passed_on.id], "news": [self.news.id]}
        values = {"state": "sent", "recipient": self.worker.email, "message_id": MESSAGE_ID, **over}
        self.digest = Digest(worker_id=self.worker.id, local_date=DAY, document="", items=items, **values)
        session.add(self.digest)
        session.flush()

    def hear(self, *contents: bytes) -> dict[str, int]:
        reports = [one for content in contents for one in read_reports(content)]
        counts = bounces.take(self.session, reports, now=NOW)
        self.session.expire_all()
        return {name: number for name, number in counts.items() if number}

    @property
    def is_silenced(self) -> bool:
        return not addresses.usable(self.worker.email, self.worker.refused_email)

    def notices(self):
        return (
            self.session.execute(text("SELECT worker_id FROM notice WHERE kind = 'digest_undelivered'")).scalars().all()
        )


@pytest.fixture
def world(session) -> World:
    return World(session)


def test_a_mail_that_came_back_is_told_again_and_the_supervisor_hears(world):
    assert world.hear(report(recipient=world.address)) == {"bounced": 1}
    assert (world.digest.state, world.digest.bounced_at) == ("bounced", NOW)
    assert world.is_silenced
    assert (world.told.announced_on, world.told.announced_times) == (None, 0)
    assert (world.passed_on.escalated_on, world.passed_on.announced_times) == (None, 3)
    assert world.news.told_at is None
    assert world.notices() == [world.supervisor.id]
    (refused,) = addresses.refused(world.session)
    assert refused.external_id == world.worker.external_id
    assert "5.1.1" in refused.reason.text("en")
    assert world.hear(report(recipient=world.address)) == {"known": 1}
    assert len(world.notices()) == 1


@pytest.mark.parametrize(
    "over",
    [
        {"message_id": "<digest.2026-12-07.ffffffffffffffff@avain-esimerkki.invalid>"},
        {"recipient": "somebody.else@avain-esimerkki.invalid"},
    ],
)
def test_a_report_that_was_forged_silences_nobody(world, over):
    """Who knows an address does not know the mail's Message-ID; who has seen one mail cannot silence another's recipient."""
    assert world.hear(report(**{"recipient": world.address, **over})) == {"others": 1}
    assert world.digest.state == "sent"
    assert not world.is_silenced
    assert world.notices() == []


@pytest.mark.parametrize(
    "over",
    [
        {"action": "delayed", "status": "4.4.1"},
        {"action": "failed", "status": "4.4.7"},
        {"action": "delivered", "status": "2.0.0"},
    ],
)
def test_what_may_still_arrive_changes_nothing(world, over):
    assert world.hear(report(recipient=world.address, **over)) == {"delayed": 1}
    assert world.digest.state == "sent"


@pytest.mark.parametrize("status", ["5.2.2", "5.7.1", "5.3.4", "5.6.0"])
def test_a_refusal_that_is_not_about_the_address_is_told_again_to_the_same_person(world, status):
    assert world.hear(report(recipient=world.address, status=status)) == {"bounced": 1}
    assert world.digest.state == "bounced"
    assert world.told.announced_times == 0
    assert not world.is_silenced
    assert world.notices() == [world.supervisor.id]


def test_what_a_later_mail_told_stays_told(world):
    world.told.announced_on, world.told.announced_times = date(2026, 12, 10), 2
    world.passed_on.escalated_on = date(2026, 12, 14)
    world.session.flush()
    world.hear(report(recipient=world.address))
    assert (world.told.announced_on, world.told.announced_times) == (date(2026, 12, 10), 1)
    assert world.passed_on.escalated_on == date(2026, 12, 14)


def test_what_a_colleague_was_told_after_a_hand_over_stays_told(world):
    """Counting began anew when it was handed over: the mail that came back is not the one that told the colleague."""
    world.told.announced_on, world.told.announced_times = date(2026, 12, 8), 1
    world.session.flush()
    world.hear(report(recipient=world.address))
    assert (world.told.announced_on, world.told.announced_times) == (date(2026, 12, 8), 1)


@pytest.mark.parametrize(
    "of_before",
    ["UPDATE digest SET local_date = '2026-11-10'", "UPDATE digest SET recipient = NULL"],
    ids=["long ago", "former version"],
)
def test_a_mail_whose_id_others_may_know_is_not_believed_to_come_back(world, of_before):
    world.session.execute(text(of_before))
    assert world.hear(report(recipient=world.address)) == {"others": 1}
    assert not world.is_silenced


@pytest.mark.parametrize("state", ["composed", "failed", "expired", "withdrawn"])
def test_a_mail_that_was_not_sent_cannot_come_back(session, state):
    world = World(session, state=state)
    assert world.hear(report(recipient=world.address)) == {"known": 1}
    assert world.digest.state == state
    assert not world.is_silenced


def test_an_address_that_changed_meanwhile_is_not_the_one_that_was_refused(world):
    before = world.address
    world.worker.email = "uusi@avain-esimerkki.invalid"
    world.session.flush()
    assert world.hear(report(recipient=before)) == {"bounced": 1}
    assert not world.is_silenced


def test_a_person_says_that_the_address_is_right(world):
    world.hear(report(recipient=world.address))
    named = [world.worker.external_id]
    assert addresses.clear(world.session, named, actor="cli:test", now=NOW) == named
    world.session.expire_all()
    assert not world.is_silenced
    assert world.session.execute(
        text("SELECT actor, subject FROM audit_event WHERE action = 'worker.address_cleared'")
    ).one() == ("cli:test", f"worker:{named[0]}")
    assert world.hear(report(recipient=world.address)) == {"known": 1}, "an old report, read again"
    assert not world.is_silenced
    with pytest.raises(InputError, match="was not refused"):
        addresses.clear(world.session, named, actor="cli:test", now=NOW)
    with pytest.raises(NotFound):
        addresses.clear(world.session, ["W-none"], actor="cli:test", now=NOW)


def test_another_address_heals(world):
    reason = Message("refused")
    assert addresses.refuse(world.session, world.worker.id, world.address.upper(), reason, NOW)
    assert not addresses.refuse(world.session, world.worker.id, "other@avain-esimerkki.invalid", reason, NOW)
    world.session.expire_all()
    assert world.is_silenced
    world.worker.email = "uusi@avain-esimerkki.invalid"
    assert not world.is_silenced


def test_a_maildrop_is_read_as_any_source(database: Embedded, tmp_path, monkeypatch):
    bodies = {**sources.BODIES, "fetch_bounces": fetch_bounces, "read_bounces": read_bounces}
    monkeypatch.setattr(sources, "BODIES", bodies)
    with county(database, tmp_path, monkeypatch) as office:
        office.configure(rest=f'[sources.bounces.palautuneet]\npath = "{office.exports}/*"')
        with office.here.transaction() as session:
            world = World(session)
            address, worker = world.address, world.worker.external_id
        office.put(report(recipient=address), "1700000000.M1P1.mx:2,S")
        office.put(b"From x\nSubject: y\n\nz\nFrom x\n" + report(message_id="<a@b.invalid>"), "mbox")
        assert office.night("palautuneet") == [("fetch_bounces", "succeeded"), ("read_bounces", "succeeded")]
        assert office.counts("read_bounces") == {
            "files": 2, "mails": 3, "bounced": 1, "known": 0, "delayed": 0, "others": 2,
        }  # fmt: skip
        assert office.night("palautuneet") == [("fetch_bounces", "nothing_to_do")]
        office.put(report(message_id="<c@b.invalid>"), "another")
        said = CliRunner().invoke(app, ["source", "run", "palautuneet", "--inline", "--json"])
        figures = {name: json.loads(said.stdout)[name] for name in ("state", "read", "bounced", "others")}
        assert figures == {"state": "succeeded", "read": 1, "bounced": 0, "others": 1}
        assert office.value("SELECT external_id FROM worker WHERE email = refused_email") == worker
        (listed,) = json.loads(CliRunner().invoke(app, ["worker", "address-ok", "--json"]).stdout)
        assert (listed["worker"], listed["email"]) == (worker, address)
        said = CliRunner().invoke(app, ["worker", "address-ok", "--all", "--json"])
        assert json.loads(said.stdout) == {"cleared": [worker]}
        assert office.value("SELECT count(*) FROM audit_event WHERE action = 'worker.address_cleared'") == 1
        assert office.value("SELECT count(*) FROM worker WHERE refused_email IS NOT NULL") == 0
        with office.here.transaction() as session:
            session.execute(
                text(
                    "INSERT INTO work (kind, key, arguments, queue) VALUES ('ask_bounces', 'read_bounces@x', '{}', 'default')"
                )
            )
        assert office.here.do_due("ask_bounces", ask_bounces) == 1
        assert office.here.do_due("fetch_bounces", fetch_bounces) == 1
