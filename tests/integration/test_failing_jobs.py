"""What the operator is written: once that a job failed for good, once that it works again, many in one letter, never a letter a flap."""

import email
from datetime import UTC, datetime, timedelta
from email.policy import default

import pytest
from sqlalchemy import text

from core.errors import Message
from core.mail_settings import Mail
from core.settings import Settings
from services import dead_work
from services.dead_work import Chosen
from services.dead_work.telling import look, tell_operator
from services.work import call, call_again, close, expire_leases, fail, history
from services.work.lease import after_death
from services.work.poison import record_poison
from tests.support.work import BOOM, claimed, lapse, make_due

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
TOLD = Settings(mail=Mail(operator_email="yllapito@alue.invalid", sender="avain@alue.invalid"), language="en")
CANARY = "Virtanen"
AWAY = Message("The server {host} is away.", host=CANARY)


class Night:
    """Jobs that fail and work, and the letters about them."""

    def __init__(self, session):
        self.session, self.settings, self.number = session, TOLD, 0

    def call(self, kind="fetch_prices", source="kaveripaja", key="", **more):
        self.number += 1
        arguments = {"source": source} if source else {}
        work_id = call(self.session, kind, key or f"{kind}:{source}:{self.number}", **arguments, **more)
        assert work_id is not None
        return work_id

    def dies(self, *args, message=AWAY, **more):
        work_id = self.call(*args, **more)
        fail(self.session, claimed(self.session, work_id), message, final=True)
        return work_id

    def works(self, *args, **more):
        close(self.session, claimed(self.session, self.call(*args, **more)))

    def retried(self, work_id, *, well=True):
        run = self.session.execute(text("SELECT max(id) FROM run WHERE work_id = :id"), {"id": work_id}).scalar()
        history.retry(self.session, run)
        again = claimed(self.session, work_id)
        close(self.session, again) if well else fail(self.session, again, BOOM, final=True)

    def passes(self, **time):
        """Time, on the machine's clock."""
        for column in ("changed_at", "told_failed_at", "told_recovered_at"):
            self.session.execute(
                text(f"UPDATE failing_job SET {column} = {column} - :time"), {"time": timedelta(**time)}
            )

    def look(self):
        """The tick; how many jobs were told of."""
        look(self.session)
        return tell_operator(self.session, self.settings, now=NOW)

    def letters(self):
        rows = self.session.execute(text("SELECT document FROM letter ORDER BY id")).scalars()
        return [email.message_from_string(one, policy=default) for one in rows]

    def collected(self):
        """What is told once the first of it is five minutes old: the body of the newest letter, if there is a new one."""
        before = len(self.letters())
        self.look()
        self.passes(minutes=6)
        self.look()
        new = self.letters()[before:]
        assert len(new) <= 1
        return " ".join(new[0].get_content().split()) if new else ""


@pytest.fixture
def night(session):
    return Night(session)


def test_one_letter_for_many_after_the_first_has_waited(night):
    night.dies(), night.dies("fetch_cases", "lahde-00"), night.dies("fetch_cases", "lahde-00")
    night.dies("nightly_cases", "", key="nightly_cases@2026-11-23T01:10:00Z")
    assert night.look() == 0, "others may follow"
    night.passes(minutes=6)
    night.dies("fetch_absences", "poissaolot")
    assert night.look() == 4
    (letter,) = night.letters()
    assert letter["Subject"] == "Avain: 4 jobs finally failed"
    assert letter["To"] == "yllapito@alue.invalid"
    body = " ".join(letter.get_content().split())
    assert "Finally failed: not tried again by itself" in body
    assert "fetching cases of lahde-00: 2 given up since" in body
    assert "The server … is away." in body
    assert "avain run list --failed" in body
    assert CANARY not in letter.as_string()
    night.passes(hours=30)
    night.dies("fetch_cases", "lahde-00")
    assert night.look() == 0, "it is known to fail"


def test_it_works_again_the_next_time(night):
    night.dies()
    assert "importing" not in night.collected()
    night.works("fetch_prices", "tukipolku")
    assert night.collected() == "", "that is another source"
    night.works()
    told = night.collected()
    assert "Works again" in told
    assert "fetching prices of kaveripaja: succeeded the next time. It had failed since" in told
    assert night.letters()[-1]["Subject"] == "Avain: 1 job works again"
    assert night.collected() == ""


def test_it_succeeds_on_retry_when_all_of_it_did(night):
    first, second = (night.dies("tell_cancelled", "", subject_id=number) for number in (1, 2))
    third = night.dies("tell_cancelled", "", subject_id=3)
    assert "telling a provider that an order is cancelled: 3 given up" in night.collected()
    night.works("tell_cancelled", "", subject_id=4)
    night.retried(first)
    assert night.collected() == "", "another order's letter makes nothing good"
    night.retried(second), night.retried(third, well=False)
    assert night.collected() == ""
    night.retried(third)
    assert "succeeded on retry" in night.collected()


def test_the_worker_hears_of_an_order_and_the_operator_of_several(night):
    for number in (1, 2):
        night.dies("deliver_order", "", subject_id=number)
    assert night.collected() == ""
    night.dies("deliver_order", "", subject_id=3)
    assert "delivering an order: 3 given up" in night.collected()


@pytest.mark.parametrize("kind", ["send_letter", "send_test_order", "look_at_source", "read_price_upload"])
def test_whoever_looks_at_it_anyway_is_not_written(night, kind):
    night.dies(kind)
    assert night.collected() == ""


def test_flapping_is_two_letters_a_day_at_most_and_the_last_word_is_true(night):
    night.dies()
    assert night.collected()
    night.works()
    assert "Works again" in night.collected()
    for _ in range(5):
        night.dies()
        assert night.collected() == ""
        night.works()
        assert night.collected() == ""
    night.dies()
    assert night.collected() == ""
    night.passes(hours=24)
    assert "It worked and failed again since the last letter: 5 ×." in night.collected()
    assert len(night.letters()) == 3


def test_what_failed_and_works_again_while_letters_are_collected_is_not_told(night):
    night.dies()
    night.look()
    night.works()
    assert night.collected() == ""
    assert night.letters() == []


def test_what_a_person_lets_rest_needs_no_letter_and_the_next_failure_one(night):
    night.dies(message=BOOM)
    assert night.collected()
    shown = dead_work.everything(dead_work.groups(night.session))
    assert shown is not None
    dead_work.discard(night.session, Chosen(None), shown, "moved", actor="cli:x", now=NOW)
    assert night.collected() == ""
    night.passes(hours=24)
    night.dies(message=BOOM)
    assert "1 given up" in night.collected()


def test_a_silent_process_and_unreadable_messages_are_told_of(night):
    work_id = night.call()
    night.session.execute(text("UPDATE work SET attempts = 4"))
    claimed(night.session, work_id)
    lapse(night.session, work_id)
    _, (ended,) = expire_leases(night.session)
    after_death(night.session, ended)
    record_poison(night.session, "abc", "body", size=3)
    told = night.collected()
    assert "fetching prices of kaveripaja: 1 given up" in told
    assert "an unreadable message in the queue: 1 given up" in told


def test_called_again_it_is_the_same_job(night):
    work_id = night.dies("recompute_budgets", "", key="recompute_budgets")
    assert night.collected()
    call_again(night.session, "recompute_budgets", "recompute_budgets")
    assert night.collected() == "", "it is only tried"
    make_due(night.session, work_id)
    close(night.session, claimed(night.session, work_id))
    assert "succeeded on retry" in night.collected()


def test_without_an_address_it_waits_until_there_is_one(night):
    night.settings = Settings(language="en")
    night.dies()
    assert night.collected() == ""
    night.settings = TOLD
    assert "1 given up" in night.collected()


def test_what_an_earlier_version_let_die_has_its_sentence(night):
    night.dies()
    night.session.execute(text("UPDATE work SET dead_reason = ''"))
    look(night.session)
    assert [one.reason for one in dead_work.groups(night.session)] == [AWAY.msgid]
