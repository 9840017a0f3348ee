"""What the doctor, beat's log and the commands say while nothing leaves."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

import cli.effects
import cli.order
import cli.reference
from core.errors import InputError, Message
from core.i18n import speaking
from core.settings import Settings, settings
from services import effects
from services.alarms.telling import Alarm, Reader, write
from services.health import Ground
from services.health.effects import effects as examine
from services.health.queue import work as examine_work
from services.work import call
from tests.support.delivering import ordered
from tests.support.in_process import InProcess
from workers.effects import Watch
from workers.inline import do_now
from workers.task import perform

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _english(monkeypatch):
    monkeypatch.setattr("workers.queue.publish", lambda rows: len(list(rows)))
    with speaking("en"):
        yield


def avain(app: Any, *arguments: str) -> Any:
    result = CliRunner().invoke(app, [*arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def findings(here: InProcess) -> list[tuple[str, str]]:
    with here.transaction():
        return [(one.state, str(one.found)) for one in examine(Ground(settings()))]


def test_the_doctor_says_that_nothing_leaves_and_that_nothing_is_late_by_it(here: InProcess) -> None:
    assert findings(here) == [("ok", "Orders and e-mails leave as usual.")]
    ordered(here)
    here.rows("UPDATE work SET next_at = next_at - interval '1 hour' WHERE kind = 'deliver_order' RETURNING id")
    avain(cli.effects.app, "pause", "--why", "the mail server is moved", "--as", "anna")
    ((state, found),) = findings(here)
    assert state == "warning"
    assert "Paused by cli:anna" in found
    assert found.endswith("the mail server is moved. Waiting: 1")
    assert [one.state for one in examine_work(Ground(settings()))] == ["ok"]
    with here.transaction() as session:
        effects.disown(session, Message("set back"), now=NOW)
    assert [state for state, _ in findings(here)] == ["broken"]
    here.rows(
        "INSERT INTO sent_elsewhere (key, kind, sent_at, sure) VALUES ('T-2026-000099', 'deliver_order', clock_timestamp(), true) RETURNING key"
    )
    assert [state for state, _ in findings(here)] == ["broken", "warning"]


def test_a_journal_that_cannot_be_written_is_found(here: InProcess, tmp_path) -> None:
    (tmp_path / "effects").touch()
    assert [state for state, _ in findings(here)] == ["ok", "broken"]


def test_commands_that_would_do_it_themselves_say_why_they_do_not(here: InProcess) -> None:
    world, _ = ordered(here)
    with here.transaction() as session:
        work_id = call(session, "generate_orders", "g")
    avain(cli.effects.app, "pause", "--why", "why not")
    for app, arguments in (
        (cli.order.app, ("send",)),
        (cli.reference.provider_app, ("test-order", world.provider.business_id)),
    ):
        with pytest.raises(InputError, match=r"why not\. See: avain effects status"):
            avain(app, *arguments)
    assert work_id is not None
    do_now(work_id, "generate_orders")
    with here.transaction() as session:
        effects.disown(session, Message("set back"), now=NOW)
    with pytest.raises(InputError, match="set back"):
        do_now(work_id, "generate_orders")


def test_beat_says_it_when_it_changes_and_notes_numbers_when_they_do(here: InProcess, tmp_path) -> None:
    ordered(here)
    watch = Watch()
    with structlog.testing.capture_logs() as said:
        for _ in range(2):
            watch.look(settings())
        avain(cli.effects.app, "pause", "--why", "x")
        for _ in range(2):
            watch.look(settings())
        assert json.loads(avain(cli.effects.app, "status", "--json").stdout)["state"] == "paused"
        avain(cli.effects.app, "release")
        watch.look(settings())
    assert [one["event"] for one in said] == ["effects_held", "effects_go"]
    (file,) = (tmp_path / "effects").iterdir()
    (line,) = file.read_text().splitlines()
    assert json.loads(line)["numbers"]["T-2026"] == 1


def test_people_are_shown_what_waits_in_words(here: InProcess) -> None:
    _, number = ordered(here)
    avain(cli.effects.app, "pause", "--why", "x")
    shown = avain(cli.effects.app, "list").stdout
    assert number in shown
    assert "has not left" in shown
    assert "Leave now: 1" in avain(cli.effects.app, "release").stdout
    assert "leave as usual" in avain(cli.effects.app, "status").stdout


def test_work_without_an_effect_has_no_journal(here: InProcess) -> None:
    with here.transaction() as session:
        work_id = call(session, "watch_prices", "w")
    seen = []

    def body(lease) -> None:
        with pytest.raises(Exception, match="no effect"):
            seen.append(lease.journal)
        seen.append("done")

    assert work_id is not None
    perform(work_id, body)
    assert seen == ["done"]


def test_a_letter_about_what_a_restored_database_calls_the_same_is_another_letter() -> None:
    """Ids of lists and runs are given anew there: the journal knows letters by their Message-ID alone."""
    reader = Reader("operator", "operator@county.invalid")
    configured = Settings(mail={"sender": "avain@county.invalid"})
    about = [Alarm("held", "price_list:57", Message("waits"))]
    assert write(about, configured, reader, NOW) == write(about, configured, reader, NOW)
    assert write(about, configured, reader, NOW)[0] != write(about, configured, reader, NOW + timedelta(hours=1))[0]
