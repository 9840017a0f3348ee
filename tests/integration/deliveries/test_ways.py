"""A way out that fails is left alone: what goes that way waits and spends no attempt; one tries, and then all of it goes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from connectors.mail_server import leave
from core.errors import Message
from core.outgoing_settings import Outgoing
from core.settings import settings
from demo.smtp_sink import SmtpSink
from services import ways
from services.alarms import Alarm, tell
from services.work import claim, history
from tests.support.daily_mails import daily_mails
from tests.support.delivering import notices, ordered, outcomes, state, work_of
from tests.support.in_process import InProcess
from tests.support.ordering import NOW
from tests.support.queries import recording
from tests.support.ways_out import PATIENT, breaker, fail_on, many_ordered, pause_ends, spent, work
from workers.task import perform
from workers.tasks.orders import deliver_order


@pytest.fixture(autouse=True)
def _patient(here: InProcess) -> Iterator[None]:
    here.configure(**PATIENT)
    yield
    leave()


class TestMail:
    """The mail server: orders, and whatever else is sent by it."""

    def test_it_is_left_alone_and_all_waits_until_it_answers(self, here: InProcess, sink: SmtpSink) -> None:
        numbers = many_ordered(here, 8)
        sink.recorder.script[:] = ["451"] * 3
        assert work(here) == 8, "a message of each was in the queue"
        assert here.rows("SELECT outcome, count(*) FROM run WHERE kind = 'deliver_order' GROUP BY 1") == [
            ("retry", 3)
        ], "five were due no more"
        assert spent(here) == 3
        closed = breaker(here)
        assert 590 < closed.pause <= 600
        assert here.rows("SELECT count(*) FROM put_off")[0][0] == 8, "also those that failed"
        assert {state(here, number) for number in numbers} == {"approved"}

        sink.recorder.script[:] = ["451"]
        pause_ends(here)
        assert work(here) == 1, "one tries"
        assert spent(here) == 3
        assert 1190 < breaker(here).pause <= 1200
        assert here.rows("SELECT count(*) FROM put_off")[0][0] == 8
        assert work(here) == 0

        pause_ends(here)
        assert work(here) == 1
        assert (breaker(here).closed_at, breaker(here).failures) == (None, 0)
        assert here.rows("SELECT count(*) FROM put_off")[0][0] == 0
        assert work(here) == 7, "all that waited is due at once"
        assert {state(here, number) for number in numbers} == {"sent"}
        assert len({one.content for one in sink.messages}) == len(sink.messages) == 8

    def test_five_hundred_that_wait_are_put_off_by_one_statement_and_let_go_by_one(self, here: InProcess) -> None:
        _, number = ordered(here)
        claimed_id = work_of(here, number)
        with here.transaction() as session:
            session.execute(
                text("INSERT INTO work (kind, key, queue, arguments) SELECT 'send_letter', 'l' || n, 'reminders', '{}' FROM generate_series(1, 500) AS n")
            )  # fmt: skip
        with here.transaction() as session:
            claimed = claim(session, claimed_id)
        assert claimed is not None
        with here.transaction() as session, recording(session) as statements:
            for _ in range(3):
                left = ways.failed(session, ways.MAIL, claimed, Message("away"), settings().outgoing)
        assert left is not None
        assert left.counts
        assert len(statements) <= 9
        assert here.rows("SELECT count(*) FROM put_off")[0][0] == 501
        due = here.rows("SELECT count(*) FROM work WHERE next_at = (SELECT until FROM breaker)")
        assert due[0][0] == 1, "one of them tries first"
        with here.transaction() as session, recording(session) as statements:
            ways.answered(session, ways.MAIL)
        assert len(statements) == 2
        assert here.rows("SELECT count(*) FROM work WHERE next_at > clock_timestamp()")[0][0] == 0

    def test_whoever_tries_in_vain_lets_another_try_next(self, here: InProcess, sink: SmtpSink) -> None:
        many_ordered(here, 3)
        sink.recorder.script[:] = ["451"] * 6
        work(here)
        for _ in range(3):
            pause_ends(here)
            assert work(here) == 1
        assert [row.tries for row in here.rows("SELECT tries FROM put_off")] == [1, 1, 1]

    def test_of_several_at_once_one_tries(self, here: InProcess, sink: SmtpSink) -> None:
        many_ordered(here, 5)
        sink.recorder.script[:] = ["451"] * 3
        work(here)
        sink.recorder.script[:] = ["delay:0.4", "accept"]
        here.rows("UPDATE breaker SET until = clock_timestamp() RETURNING name")
        ids = [
            row.id
            for row in here.rows(
                "UPDATE work SET next_at = clock_timestamp() WHERE kind = 'deliver_order' RETURNING id"
            )
        ]
        before = len(here.rows("SELECT FROM run"))
        with ThreadPoolExecutor(5) as pool:
            list(pool.map(lambda one: perform(one, deliver_order), ids))
        came = [row.outcome for row in here.rows("SELECT outcome FROM run ORDER BY id OFFSET :before", before=before)]
        assert "postponed" in came
        assert breaker(here).closed_at is None
        work(here)
        assert len(sink.messages) == 5

    def test_one_that_died_trying_tries_again_and_holds_the_others_up_for_no_longer_than_an_attempt(
        self, here: InProcess, sink: SmtpSink
    ) -> None:
        many_ordered(here, 2)
        sink.recorder.script[:] = ["451"] * 3
        fail_on(here, 2)
        here.rows("UPDATE breaker SET until = clock_timestamp() RETURNING name")
        first, other = (row.id for row in here.rows("SELECT id FROM work WHERE kind = 'deliver_order' ORDER BY id"))
        here.die_doing(first, "workers.tasks.orders.deliver_order", "delivery.sending")
        assert breaker(here).probe_work == first
        here.rows("UPDATE work SET next_at = clock_timestamp() WHERE id = :id RETURNING id", id=other)
        perform(other, deliver_order)
        assert here.rows("SELECT outcome FROM run ORDER BY id DESC LIMIT 1")[0].outcome == "postponed"
        here.rows("UPDATE breaker SET probe_until = clock_timestamp() RETURNING name")
        here.rows("UPDATE work SET next_at = clock_timestamp() WHERE id = :id RETURNING id", id=other)
        perform(other, deliver_order)
        assert breaker(here).closed_at is None
        assert work(here) == 1
        assert len(sink.messages) == 2

    def test_new_orders_wait_with_the_rest_and_one_run_says_so(self, here: InProcess, sink: SmtpSink) -> None:
        many_ordered(here, 1)
        sink.recorder.script[:] = ["451"] * 3
        fail_on(here, 3)
        many_ordered(here, 4)
        assert work(here) == 4
        rows = here.rows("SELECT message FROM run WHERE outcome = 'postponed'")
        assert len(rows) == 1, "the first of them found it closed, and the others with it"
        assert rows[0].message["msgid"].startswith("{way}: it does not work and has been left alone since")
        assert here.rows("SELECT count(*) FROM put_off")[0][0] == 5
        assert work(here) == 0

    def test_an_answer_that_is_a_no_is_an_answer(self, here: InProcess, sink: SmtpSink) -> None:
        numbers = many_ordered(here, 3)
        sink.recorder.script[:] = ["451"] * 3
        work(here)
        sink.recorder.script[:] = ["550"]
        pause_ends(here)
        work(here)
        assert breaker(here).closed_at is None
        work(here)
        assert sorted(state(here, number) for number in numbers) == ["failed", "sent", "sent"]

    def test_failures_with_good_ones_between_them_are_no_row(self, here: InProcess, sink: SmtpSink) -> None:
        many_ordered(here, 5)
        sink.recorder.script[:] = ["451", "451", "accept", "451", "451"]
        work(here)
        assert (breaker(here).closed_at, breaker(here).failures) == (None, 2)
        assert here.rows("SELECT count(*) FROM put_off")[0][0] == 0

    def test_one_of_unknown_fate_counts_and_is_still_repeated_once_only(self, here: InProcess, sink: SmtpSink) -> None:
        (number,) = many_ordered(here, 1)
        sink.recorder.script[:] = ["keep-and-drop"] * 3
        here.configure(**PATIENT | {"outgoing__failures": 2})
        fail_on(here, 2)
        assert breaker(here).closed_at is not None
        pause_ends(here)
        work(here)
        assert state(here, number) == "failed", "after two of unknown fate a person decides"
        assert len(sink.messages) == 2

    def test_letters_and_daily_mails_wait_too_but_not_those_of_days_gone_by(self, here: InProcess) -> None:
        with daily_mails(here, operator_email="oona@county.invalid") as mails:
            here.configure(**PATIENT)
            mails.write(3)
            letter(here)
            mails.sink.recorder.script[:] = ["451"] * 3
            many_ordered(here, 1)
            orders_first(here)
            fail_on(here, 3)
            assert breaker(here).closed_at is not None
            kinds = {row.kind for row in here.rows("SELECT DISTINCT kind FROM put_off JOIN work ON work.id = work_id")}
            assert kinds == {"deliver_order", "send_digest", "send_letter"}
            here.rows(
                "UPDATE digest SET local_date = local_date - 1 WHERE id = (SELECT min(id) FROM digest) RETURNING id"
            )
            here.rows("UPDATE work SET next_at = clock_timestamp() WHERE id = :id RETURNING id", id=mails.works[0])
            work(here)
            assert mails.states() == {"composed": 2, "expired": 1}, "what it told can be told anew"
            mails.sink.recorder.script.clear()
            pause_ends(here)
            while work(here):
                pass
            assert mails.states() == {"sent": 2, "expired": 1}
            assert len(mails.sink.messages) == 4

    def test_what_has_waited_for_days_is_given_up_and_may_wait_anew(self, here: InProcess, sink: SmtpSink) -> None:
        world, number = ordered(here)
        sink.recorder.script[:] = ["451"] * 4
        fail_on(here, 3)
        here.rows("UPDATE put_off SET since = since - interval '8 days' RETURNING work_id")
        here.rows("UPDATE breaker SET closed_at = closed_at - interval '8 days' RETURNING name")
        pause_ends(here)
        work(here)
        assert outcomes(here, number)[-1] == "failed"
        assert notices(here, world) == [("order_failed", f"order:{number}")]
        (said,) = here.rows("SELECT message FROM run WHERE outcome = 'failed'")
        assert said.message["msgid"] == "{way}: it does not work, and this has waited for it since {moment}. {error}"
        assert breaker(here).closed_at is not None, "nobody has tried"
        assert here.rows("SELECT count(*) FROM put_off")[0][0] == 0
        with here.transaction() as session:
            history.retry(session, here_run(here))
        work(here)
        assert here.rows("SELECT since > clock_timestamp() - interval '1 minute' AS anew FROM put_off")[0].anew

    def test_days_in_which_avain_was_away_are_not_waited_for(self, here: InProcess, sink: SmtpSink) -> None:
        numbers = many_ordered(here, 2)
        sink.recorder.script[:] = ["451"] * 4
        fail_on(here, 3)
        # stopped, paused or restored from a copy
        here.rows("UPDATE put_off SET since = since - interval '8 days' RETURNING work_id")
        here.rows(
            "UPDATE breaker SET closed_at = closed_at - interval '8 days', until = until - interval '8 days' RETURNING name"
        )
        here.rows("UPDATE work SET next_at = clock_timestamp() WHERE kind = 'deliver_order' RETURNING id")
        work(here)
        assert {state(here, number) for number in numbers} == {"approved"}, "one tried in vain, and they wait"
        pause_ends(here)
        work(here)
        work(here)
        assert {state(here, number) for number in numbers} == {"sent"}

    def test_what_waited_for_one_way_has_not_waited_for_another(self, here: InProcess, sink: SmtpSink) -> None:
        (number,) = many_ordered(here, 1)
        here.rows(
            "INSERT INTO put_off (work_id, way, since, tries) VALUES (:id, 'connection:a', clock_timestamp() - interval '8 days', 3) RETURNING 1",
            id=work_of(here, number),
        )
        sink.recorder.script[:] = ["451"] * 4
        for _ in range(3):
            here.rows("UPDATE work SET next_at = clock_timestamp() RETURNING id")
            work(here)
        pause_ends(here)
        work(here)
        assert state(here, number) == "approved"
        assert here.rows("SELECT way, tries FROM put_off") == [("mail", 1)]


def here_run(here: InProcess) -> int:
    return int(here.rows("SELECT max(id) FROM run")[0][0])


def letter(here: InProcess) -> None:
    with here.transaction() as session:
        tell(session, [Alarm("reminders_held", "a", Message("invented"))], settings(), now=NOW)


def orders_first(here: InProcess) -> None:
    here.rows("UPDATE work SET next_at = next_at - interval '1 hour' WHERE kind = 'deliver_order' RETURNING id")


def test_the_pause_doubles_up_to_its_cap() -> None:
    patience = Outgoing(first_pause_seconds=60, longest_pause_minutes=15)
    assert [patience.pause_after(tries) for tries in (1, 2, 3, 4, 5, 6, 1000)] == [60, 120, 240, 480, 900, 900, 900]


def test_the_other_sides_own_wish_is_kept(here: InProcess) -> None:
    _, number = ordered(here)
    with here.transaction() as session:
        claimed = claim(session, work_of(here, number))
    assert claimed is not None
    with here.transaction() as session:
        for _ in range(3):
            ways.failed(session, ways.MAIL, claimed, Message("slow down"), settings().outgoing, wish=7200)
    assert breaker(here).pause > 7100
