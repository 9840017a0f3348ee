"""Processes killed between the death of a work and the operator's letter about it: there is exactly one letter."""

import os

import pytest
from sqlalchemy import text

from demo.smtp_sink import SmtpSink
from services.work import call
from tests.support.in_process import in_process
from tests.support.lives import lives
from workers.task import perform
from workers.tasks.letters import send_letter
from workers.tasks.prices import fetch_prices
from workers.tick import watch_failures

pytestmark = pytest.mark.slow
TASK = "workers.tasks.prices.fetch_prices"
LETTER = "workers.tasks.letters.send_letter"


@pytest.mark.parametrize(
    "point", ["work.given_up", "failures.noticed", "failures.told", "letter.sending", "letter.sent"]
)
def test_there_is_exactly_one_letter(database, tmp_path, monkeypatch, point):
    """Of a source that nobody knows any more."""
    with in_process(database, tmp_path, monkeypatch) as here, SmtpSink() as sink:
        here.configure(
            mail__host="127.0.0.1",
            mail__port=sink.port,
            mail__sender="avain@alue.invalid",
            mail__operator_email="yllapito@alue.invalid",
        )

        def watch(fault=""):
            """A look, in a process of its own; `fault` is where it is killed."""
            code = lives().live("watch", {**os.environ, "FAULT_POINT": fault}, tmp_path / "log")
            assert code == (-9 if fault else 0), (tmp_path / "log").read_text("utf-8")

        with here.transaction() as session:
            work_id = call(session, "fetch_prices", "fetch_prices:gone:1", source="gone", request="1")
        assert work_id is not None
        if point == "work.given_up":
            here.die_doing(work_id, TASK, point)
        else:
            here.do_due("fetch_prices", fetch_prices)
        assert here.rows("SELECT dead_at IS NOT NULL AS dead FROM work")[0].dead
        watch("failures.noticed" if point == "failures.noticed" else "")
        with here.transaction() as session:
            session.execute(text("UPDATE failing_job SET changed_at = changed_at - interval '6 minutes'"))
        if point == "failures.told":
            watch(point)
            assert here.rows("SELECT 1 FROM letter") == []
        watch(), watch()
        watch_failures()
        if point.startswith("letter."):
            (letter,) = here.rows("SELECT id FROM work WHERE kind = 'send_letter'")
            here.die_doing(letter.id, LETTER, point)
        for row in here.rows(
            "UPDATE work SET next_at = clock_timestamp() - interval '1 s' WHERE kind = 'send_letter' RETURNING id"
        ):
            perform(row.id, send_letter)
        watch()
        assert len(sink.messages) == 1
        assert [row.state for row in here.rows("SELECT state FROM letter")] == ["sent"]
        assert [row.told for row in here.rows("SELECT told FROM failing_job")] == ["failed"]
