"""A worker process killed by SIGKILL while a daily e-mail is on its way: nothing is lost, and nothing is sent a third time."""

from datetime import date, datetime, time

import pytest
from sqlalchemy.orm import Session

from core.clock import move_business_clock
from core.i18n import HELSINKI
from demo.smtp_sink import SmtpSink
from tests.factories.follow_up import make_followed
from tests.support.installation import installation

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("point", "mails"), [("digest.sending", 1), ("digest.sent", 2)])
def test_killed_while_sending(database, tmp_path, monkeypatch, point, mails):
    """Killed before the server had it: one mail. Killed before that was recorded: the same bytes once more, then no more."""
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
            make_followed(session)
            move_business_clock(session, datetime.combine(date(2026, 12, 7), time(8, 1), HELSINKI))
        running.start("worker", "--group", "outside", FAULT_POINT=point, FAULT_ONCE=str(once))
        running.start("beat")
        assert running.run("schedule", "trigger", "daily_reminders", "--as", "test").returncode == 0
        running.wait(once.exists)
        running.execute("UPDATE work SET lease_until = clock_timestamp() WHERE token IS NOT NULL")  # 20 s, skipped
        running.wait(lambda: running.rows("SELECT 1 FROM digest WHERE state = 'sent'"))
        assert [one.content for one in sink.messages] == [sink.messages[0].content] * mails
        outcomes = running.rows("SELECT outcome FROM run WHERE kind = 'send_digest' ORDER BY id")
        assert [row.outcome for row in outcomes] == ["lost", "succeeded"]
