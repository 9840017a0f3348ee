"""The day's mails sent in series: one task, one connection, one commit between two; each mail's fate its own."""

import pytest
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import text

from core.errors import Message
from services.work import claim, claim_more, close, postpone, renew_all, spread
from services.work.batch import CLOSED
from tests.support.daily_mails import DailyMails, daily_mails
from workers import mail_pace, series
from workers.keeper import keeper
from workers.mail_pace import MailPace


@pytest.fixture
def mails(here):
    with daily_mails(here) as made:
        yield made


def test_one_task_sends_all_over_one_connection(mails: DailyMails, monkeypatch):
    monkeypatch.setattr(series, "SHARE", 5)
    mails.write(13)
    mails.send(mails.works[4])
    assert mails.sink.connections == 1
    assert set(mails.arrived().values()) == {1}
    assert mails.states() == {"sent": 13}
    assert mails.outcomes() == {"succeeded": 13}
    assert mails.value("SELECT count(DISTINCT work_id) FROM run WHERE reply = '250 OK kept' AND attempt = 1") == 13
    assert (
        mails.value("SELECT count(*) FROM work WHERE done_at IS NOT NULL AND token IS NULL AND enqueued_at IS NULL")
        == 13
    )
    assert (
        mails.value(
            "SELECT count(*) FROM digest JOIN worker ON worker.id = worker_id WHERE recipient = email AND sent_at IS NOT NULL"
        )
        == 13
    )
    mails.send(mails.works[0])
    assert mails.outcomes() == {"succeeded": 13}, "nothing is left for the other messages of the queue"


def test_a_series_goes_on_for_so_long_and_gives_back_the_rest(mails: DailyMails, monkeypatch):
    monkeypatch.setattr(series, "SERIES_SECONDS", 0.0)
    mails.write(2)
    mails.send()
    assert mails.states() == {"composed": 2}
    assert mails.value("SELECT max(attempts) FROM work") == 0
    monkeypatch.undo()


def test_bad_moments_of_the_server_cost_no_mail(mails: DailyMails):
    mails.sink.recorder.script += [
        "accept",
        "451",
        "hang-up",
        "450",
        "421",
        "accept",
        "drop",
        "accept",
        "keep-and-drop",
    ]
    mails.write(12)
    mails.send()
    assert mails.states() == {"sent": 7, "composed": 3, "sending": 2}
    assert mails.outcomes() == {"succeeded": 7, "retry": 5}
    mails.send_all(2)
    assert mails.states() == {"sent": 12}
    assert sorted(mails.arrived().values()) == [1] * 11 + [2], "twice only what the server kept without saying so"


def test_a_refused_address_stops_nobody_else_and_is_told_on(mails: DailyMails):
    mails.sink.recorder.script += ["accept", "reject-recipient", "accept"]
    mails.write(4)
    mails.send()
    assert mails.states() == {"sent": 3, "failed": 1}
    assert mails.outcomes() == {"succeeded": 3, "failed": 1}
    (row,) = mails.here.rows(
        """
        SELECT worker.email = worker.refused_email AS refused, refused_reason ->> 'msgid' AS reason, announced_times, announced_on, told_at,
               (SELECT count(*) FROM notice AS told JOIN unit ON unit.supervisor_id = told.worker_id
                WHERE told.kind = 'digest_undelivered' AND unit.id = worker.unit_id) AS heard
        FROM digest JOIN worker ON worker.id = digest.worker_id JOIN notice ON notice.id = (items -> 'news' ->> 0)::bigint
        JOIN follow_up ON follow_up.id = (items -> 'announced' ->> 0)::bigint WHERE digest.state = 'failed'
        """
    )
    assert (row.refused, row.announced_times, row.announced_on, row.told_at, row.heard) == (True, 0, None, None, 1)
    assert row.reason == "The mail server refused the address: {code} {answer}"


def test_a_server_that_relays_for_nobody_makes_nobody_unreachable(mails: DailyMails):
    mails.sink.recorder.script += ["no-relay"] * 3
    mails.write(3)
    mails.send()
    assert mails.states() == {"failed": 3}
    assert mails.value("SELECT count(*) FROM worker WHERE refused_email IS NOT NULL") == 0
    assert mails.value("SELECT min(announced_times) FROM follow_up") == 1, "repeated and escalated when promised"


def test_a_server_that_is_away_is_tried_once_and_not_for_every_mail(mails: DailyMails):
    mails.write(6)
    mails.here.configure(mail__port=1)
    mails.send()
    assert mails.outcomes() == {"retry": 1, "postponed": 5}
    assert mails.value("SELECT count(*) FROM work WHERE next_at > clock_timestamp() + interval '30 seconds'") == 6
    assert mails.value("SELECT sum(attempts) FROM work") == 1
    mails.here.configure(mail__port=mails.sink.port)
    mails.send_all(1)
    assert mails.states() == {"sent": 6}


def test_a_process_that_is_stopped_gives_back_what_it_has_not_begun(mails: DailyMails, monkeypatch):
    def stopped(point: str) -> None:
        if point == "digest.sent" and len(mails.sink.messages) == 2:
            raise SystemExit

    mails.write(5)
    monkeypatch.setattr(series, "fault_point", stopped)
    with pytest.raises(SystemExit):
        mails.send()
    assert mails.states() == {"sent": 1, "sending": 1, "composed": 3}
    assert mails.value("SELECT count(*) FROM work WHERE token IS NULL AND done_at IS NULL AND attempts = 0") == 4
    monkeypatch.undo()


def test_a_mail_in_doubt_among_others_goes_its_own_way(mails: DailyMails):
    mails.write(4)
    mails.here.rows("UPDATE digest SET state = 'sending' WHERE id = (SELECT min(id) + 1 FROM digest) RETURNING 1")
    mails.here.rows("UPDATE digest SET state = 'repeated' WHERE id = (SELECT min(id) + 2 FROM digest) RETURNING 1")
    mails.here.rows(
        "UPDATE follow_up SET state = 'acknowledged' WHERE id = (SELECT max((items -> 'announced' ->> 0)::bigint) FROM digest) RETURNING 1"
    )
    mails.here.rows("UPDATE digest SET items = items || '{\"news\": []}' RETURNING 1")
    mails.send()
    assert mails.states() == {"sent": 2, "failed": 1, "withdrawn": 1}
    assert mails.outcomes() == {"succeeded": 2, "failed": 1, "nothing_to_do": 1}


def test_leases_of_all_that_wait_are_kept(mails: DailyMails, monkeypatch):
    held: list[int] = []
    keep = keeper().keep_all

    def watched(waiting) -> None:
        keep(waiting)
        monkeypatch.setattr(series, "fault_point", lambda _point: held.append(len(waiting())))

    monkeypatch.setattr(keeper(), "keep_all", watched)
    mails.write(4)
    mails.send()
    assert held[0] == 4
    assert held[-1] == 1
    monkeypatch.undo()


def test_what_was_lost_meanwhile_is_not_begun(mails: DailyMails, monkeypatch):
    def lost(point: str) -> None:
        if point == "digest.sending" and not mails.sink.messages:
            mails.here.rows("UPDATE work SET token = gen_random_uuid() WHERE id = :id RETURNING 1", id=mails.works[1])

    mails.write(3)
    monkeypatch.setattr(series, "fault_point", lost)
    mails.send()
    assert mails.states() == {"sent": 2, "composed": 1}
    assert mails.outcomes() == {"succeeded": 2, "open": 1}
    monkeypatch.undo()


def test_what_was_lost_while_it_was_sent_is_not_recorded(mails: DailyMails, monkeypatch):
    def lost(point: str) -> None:
        if point == "digest.sent" and len(mails.sink.messages) == 1:
            mails.lose_leases()

    mails.write(1)
    monkeypatch.setattr(series, "fault_point", lost)
    mails.send()
    assert mails.states() == {"sending": 1}
    assert mails.outcomes() == {"lost": 1}
    monkeypatch.undo()


def test_so_many_a_minute_and_the_others_wait_for_their_turn(here, monkeypatch):
    monkeypatch.setattr(series, "SHARE", 25)
    with daily_mails(here, per_minute=3) as mails:
        mails.write(30)
        mails.send()
        assert len(mails.sink.messages) == 3
        assert mails.outcomes() == {"succeeded": 3, "postponed": 23}
        assert mails.states() == {"sent": 3, "composed": 27}
        assert mails.value("SELECT max(attempts) FROM work WHERE done_at IS NULL") == 0
        apart = mails.value("SELECT extract(epoch FROM max(next_at) - min(next_at)) FROM work WHERE done_at IS NULL")
        assert 500 < apart < 560, "one every twenty seconds"
        other = MailPace(mail_pace.mail_pace()._shared, processes=1)
        assert other.turn(3) > 0, "counted for all processes together"


def test_without_redis_each_process_keeps_to_its_share():
    broken = MailPace(MovingWindowRateLimiter(RedisStorage("redis://127.0.0.1:1", wrap_exceptions=True)), processes=2)
    turns = [broken.turn(6) for _ in range(4)]
    assert turns[:3] == [0.0, 0.0, 0.0]
    assert 0 < turns[3] <= 61


def test_many_are_claimed_at_once_and_none_twice(mails: DailyMails):
    mails.write(6)
    with mails.here.transaction() as session:
        first = claim_more(session, "send_digest", 4)
        with mails.here.transaction() as other:
            second = claim_more(other, "send_digest", 4)
    assert [len(first), len(second)] == [4, 2]
    assert len({one.token for one in first + second}) == 6
    with mails.here.transaction() as session:
        assert claim(session, first[0].work_id) is None
        assert renew_all(session, first) == {one.token for one in first}
        postpone(session, first[0], Message("later"), 60)
        assert first[0].token not in renew_all(session, first)


def test_what_is_put_off_stands_in_a_row(mails: DailyMails):
    mails.write(4)
    with mails.here.transaction() as session:
        assert spread(session, "send_digest", wait=10, apart=5) == 4
        assert spread(session, "send_digest", wait=10, apart=5) == 0
    waits = [
        row[0]
        for row in mails.here.rows("SELECT extract(epoch FROM next_at - min(next_at) OVER ()) FROM work ORDER BY id")
    ]
    assert [round(float(one)) for one in waits] == [0, 5, 10, 15]


@pytest.mark.parametrize("called_again", [False, True])
def test_work_that_ends_in_a_series_is_as_any_other_that_ended(mails: DailyMails, called_again):
    """One statement ends it and begins the next mail; services/work/lease.py ends all else: rows may not tell which it was."""
    mails.write(2)
    with mails.here.transaction() as session:
        as_any, in_series = claim_more(session, "send_digest", 2)
        session.execute(text("UPDATE work SET generation = generation + :more"), {"more": int(called_again)})
        close(session, as_any, reply="250 OK")
        ended = {"work_id": in_series.work_id, "token": in_series.token, "run_id": in_series.run_id, "reply": "250 OK"}
        session.execute(text("WITH" + CLOSED + "SELECT 1"), ended)
    own = {"id", "key", "subject_id", "work_id", "token"}
    for table, of in (("work", "id"), ("run", "work_id")):
        rows = [
            {
                name: value is not None if name.endswith("_at") and name != "next_at" else value
                for name, value in mails.value(
                    f"SELECT to_jsonb({table}) FROM {table} WHERE {of} = {one.work_id}"
                ).items()
                if name not in own or value is None
            }
            for one in (as_any, in_series)
        ]
        differing = {name for name in rows[0].keys() | rows[1].keys() if rows[0].get(name) != rows[1].get(name)}
        assert differing <= {"next_at"}, rows
