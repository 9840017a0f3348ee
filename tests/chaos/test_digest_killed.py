"""Worker processes killed by SIGKILL while daily e-mails are on their way: nothing is lost, and nothing is sent twice, for the journal knows."""

from collections import Counter
from datetime import date, datetime, time

import pytest
from sqlalchemy.orm import Session

from core.clock import move_business_clock
from core.i18n import HELSINKI
from demo.smtp_sink import SmtpSink
from tests.factories.follow_up import make_followed
from tests.support.daily_mails import TASK, daily_mails
from tests.support.in_process import in_process
from tests.support.installation import installation

pytestmark = pytest.mark.slow
MAILS = 12


@pytest.mark.parametrize("point", ["digest.sending", "digest.sent"])
def test_killed_while_sending(database, tmp_path, monkeypatch, point):
    """One of two processes, in the middle of its series: the mail it had in hand arrives once, whether the server had it or not."""
    monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")
    once = tmp_path / "happened"
    with (
        SmtpSink() as sink,
        installation(
            database,
            tmp_path,
            AVAIN_MAIL__HOST="127.0.0.1",
            AVAIN_MAIL__PORT=str(sink.port),
            AVAIN_MAIL__SENDER="avain@avain-esimerkki.invalid",
        ) as running,
    ):
        with Session(running.engine) as session, session.begin():
            for _ in range(MAILS):
                make_followed(session)
            move_business_clock(session, datetime.combine(date(2026, 12, 7), time(8, 1), HELSINKI))
        running.start("worker", "--group", "outside", FAULT_POINT=point, FAULT_ONCE=str(once), FAULT_PASS="3")
        running.start("beat")
        assert running.run("schedule", "trigger", "daily_reminders", "--as", "test").returncode == 0
        running.wait(once.exists)
        running.execute("UPDATE work SET lease_until = clock_timestamp() WHERE token IS NOT NULL")  # 20 s, skipped
        running.wait(lambda: len(running.rows("SELECT 1 FROM digest WHERE state = 'sent'")) == MAILS)
        contents = [one.content for one in sink.messages]
        assert sorted(Counter(contents).values()) == [1] * MAILS
        outcomes = {row.outcome for row in running.rows("SELECT DISTINCT outcome FROM run WHERE kind = 'send_digest'")}
        assert outcomes == {"lost", "succeeded"}


@pytest.mark.parametrize("point", ["digest.sending", "digest.sent", "work.before_close", "work.after_close"])
@pytest.mark.parametrize("script", [[], ["accept", "451", "hang-up", "accept", "450"]])
def test_killed_at_any_mail_of_a_series(database, tmp_path, monkeypatch, point, script):
    """Each process dies at its third mail, one after the other, while the server has bad moments: all arrive, each once."""
    monkeypatch.setenv("FAULT_PASS", "3")
    with in_process(database, tmp_path, monkeypatch) as here, daily_mails(here) as mails:
        mails.sink.recorder.script += script
        mails.write(7)
        for _ in range(2):
            (due,) = here.rows("SELECT min(id) FROM work WHERE done_at IS NULL AND token IS NULL")
            here.die_doing(due[0], TASK, point)
        mails.send_all(4)
        assert mails.states() == {"sent": 7}
        assert sorted(mails.arrived().values()) == [1] * 7
        assert mails.value("SELECT count(*) FROM work WHERE done_at IS NULL") == 0


def test_killed_where_the_journal_cannot_be_read(database, tmp_path, monkeypatch):
    """It stands on another machine, say: what was taken and not recorded comes twice, as the same bytes."""
    monkeypatch.setenv("FAULT_PASS", "3")
    with in_process(database, tmp_path, monkeypatch) as here, daily_mails(here) as mails:
        mails.write(7)
        (due,) = here.rows("SELECT min(id) FROM work WHERE done_at IS NULL AND token IS NULL")
        monkeypatch.setattr("services.effects.witnessed.gone_by", lambda *_: [])
        here.die_doing(due[0], TASK, "digest.sent")
        mails.send_all(4)
        assert mails.states() == {"sent": 7}
        assert sorted(mails.arrived().values()) == [1] * 6 + [2]
