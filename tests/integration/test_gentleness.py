"""A source is left alone outside its hours and after failures; that is no failed attempt, and a person can decide otherwise."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from cli import source as source_command
from core.embedded import Embedded
from core.errors import Permanent, Postponed, Transient
from core.i18n import HELSINKI
from core.settings import settings
from services.gentleness import permit, rest
from services.sources import call_fetch, find_source
from tests.support.case_xml import case, export
from tests.support.sources import County, Shelf
from tests.support.sources import county as a_county
from tests.support.work import make_due
from workers.looking import looking_at
from workers.task import perform
from workers.tasks.cases import fetch_cases


@pytest.fixture
def county(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    with a_county(database, tmp_path, monkeypatch) as made:
        made.put(export(case("A")))
        yield made


@pytest.fixture
def shelf(county: County, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    return Shelf(files={"1.xml": export(case("A"))}).stand_in(monkeypatch)


def closed_now() -> str:
    """Hours of a minute that is eleven to twelve hours away."""
    opens = datetime.now(HELSINKI) + timedelta(hours=11, minutes=30)
    return f'gentle.hours = ["{opens:%H:%M}-{opens + timedelta(minutes=1):%H:%M}"]'


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(source_command.app, [*arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def as_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


class TestHours:
    """Outside of them nothing is asked."""

    def test_a_fetch_is_put_off_and_no_attempt_is_spent(self, county: County, shelf: Shelf) -> None:
        county.configure(closed_now())
        assert county.night() == [("fetch_cases", "postponed")]
        assert shelf.visits == []
        assert county.said().startswith("The source may be asked only at ")
        (work,) = county.here.rows(
            "SELECT attempts, done_at, dead_at, token, next_at > clock_timestamp() + interval '10 hours' AS later FROM work"
        )
        assert tuple(work) == (0, None, None, None, True)
        for _ in range(7):  # more often than it may fail
            county.here.do_due("fetch_cases", fetch_cases)
        county.configure()
        assert county.night()[-1] == ("sync_cases", "succeeded")

    def test_within_them_it_is_read(self, county: County) -> None:
        now = datetime.now(HELSINKI)
        hours = f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=1):%H:%M}"
        county.configure(f'gentle.hours = ["{hours}"]')
        assert county.night()[-1] == ("sync_cases", "succeeded")

    def test_files_are_not_put_away_outside_of_them_either(self, county: County, shelf: Shelf) -> None:
        county.config.write_text(
            county.config.read_text().replace(
                f'path = "{county.exports}/*.xml"',
                f'transport = {{ kind = "local", path = "{county.exports}/*.xml", after = "move", move_to = "done" }}\n{closed_now()}',
            )
        )
        county.here.configure()
        assert county.night(now=True)[-1] == ("put_away_files", "postponed")
        assert list(shelf.files) == ["1.xml"]

    def test_a_person_is_told_and_may_ask_all_the_same(self, county: County) -> None:
        county.configure(closed_now())
        put_off = run("run", "a", "--inline")
        assert put_off.exit_code == 1
        assert "a put off" in put_off.output
        assert "It is put off until" in put_off.output
        assert "avain source run a --now" in put_off.output
        (listed,) = as_json("list")
        assert listed["left_alone_until"]
        assert "may be asked only at" in listed["reason"]
        assert "may be asked only at" in run("list").output
        assert as_json("history", "a")[0]["outcome"] == "postponed"
        for command in ("test", "plan"):
            with pytest.raises(Postponed, match="may be asked only at"):
                run(command, "a")
        assert as_json("run", "a", "--inline", "--now", "--as", "anna")["added"] == 1
        event = county.here.rows("SELECT actor, details FROM audit_event WHERE details ->> 'options' <> '[]'")
        assert [(one.actor, one.details["options"]) for one in event] == [("cli:anna", ["now"])]


class TestCircuitBreaker:
    """So many failures in a row, and the source is left alone; one try after that decides."""

    def fail(self, county: County, times: int) -> None:
        with county.here.transaction() as session:
            work_id = call_fetch(session, find_source(settings().sources, "a"), f"try-{county.requests}")
        county.requests += 1
        for _ in range(times):
            with county.here.transaction() as session:
                make_due(session, work_id)
            perform(work_id, fetch_cases)

    def age(self, county: County, minutes: int) -> None:
        """Let time pass."""
        county.here.rows(
            "UPDATE run SET finished_at = finished_at - make_interval(mins => :minutes) RETURNING id", minutes=minutes
        )

    def outcomes(self, county: County) -> list[str]:
        return [row.outcome for row in county.here.rows("SELECT outcome FROM run ORDER BY id")]

    @pytest.fixture(autouse=True)
    def _three_failures(self, county: County) -> None:
        county.configure("gentle.failures = 3\ngentle.pause_minutes = 30")

    def test_it_opens_after_so_many_and_a_success_closes_it(self, county: County, shelf: Shelf) -> None:
        shelf.error = Transient("The server is away.")
        self.fail(county, 4)
        assert self.outcomes(county) == ["retry", "retry", "retry", "postponed"]
        assert len(shelf.visits) == 3
        assert county.said().startswith("The last 3 attempts to ask the source failed.")
        self.age(county, 31)
        self.fail(county, 2)  # one try, and it is left alone again
        assert self.outcomes(county)[4:] == ["retry", "postponed"]
        shelf.error = None
        self.age(county, 31)
        assert county.night()[-1] == ("sync_cases", "succeeded")
        with county.here.transaction() as session:
            assert rest(session, "source:a", settings().sources.cases["a"].gentle) is None
        shelf.error = Transient("The server is away.")
        self.fail(county, 2)
        assert self.outcomes(county)[-2:] == ["retry", "retry"], "it counts anew"

    def test_a_stopping_worker_a_killed_one_and_a_refusal_are_no_sign_of_a_source_in_trouble(
        self, county: County, shelf: Shelf
    ) -> None:
        shelf.error = Permanent("The password is wrong.")
        for _ in range(4):  # three refusals, and one that is made out to have been killed
            self.fail(county, 1)
        county.here.rows("UPDATE run SET outcome = 'lost' WHERE id = 1 RETURNING id")
        shelf.error = None
        shelf.error = SystemExit()  # type: ignore[assignment]
        for _ in range(3):
            with pytest.raises(SystemExit):
                self.fail(county, 1)
        shelf.error = None
        assert "postponed" not in self.outcomes(county)
        assert county.night()[-1] == ("sync_cases", "succeeded")

    def test_the_pause_ends_within_the_hours(self, county: County, shelf: Shelf) -> None:
        shelf.error = Transient("The server is away.")
        self.fail(county, 3)
        county.configure("gentle.failures = 3\ngentle.pause_minutes = 30\n" + closed_now())
        with county.here.transaction() as session:
            found = rest(session, "source:a", settings().sources.cases["a"].gentle)
            now = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        assert found is not None
        assert found.until - now > timedelta(hours=10)

    def test_another_source_is_not_concerned(self, county: County, shelf: Shelf) -> None:
        shelf.error = Transient("The server is away.")
        self.fail(county, 3)
        with county.here.transaction() as session:
            gentle = settings().sources.cases["a"].gentle
            permit(session, "source:b", gentle)
            with pytest.raises(Postponed) as put_off:
                permit(session, "source:a", gentle)
        assert 1700 < (put_off.value.retry_after or 0) <= 1800

    def test_the_last_attempt_of_a_work_counts_too(self, county: County, shelf: Shelf) -> None:
        county.configure("gentle.failures = 5\ngentle.pause_minutes = 30")
        shelf.error = Transient("The server is away.")
        self.fail(county, 5)
        assert self.outcomes(county) == ["retry"] * 4 + ["failed"]
        assert county.night() == [("fetch_cases", "postponed")]


class TestLooking:
    """A person's look keeps the rules of every visit."""

    def test_one_at_a_time(self, county: County) -> None:
        source = find_source(settings().sources, "a")
        with looking_at(source, settings()):
            assert county.value("SELECT token IS NOT NULL FROM work WHERE lane = 'source:a'")
            with county.here.transaction() as session:
                fetching = call_fetch(session, source, "x")
            perform(fetching, fetch_cases)
            assert county.value("SELECT count(*) FROM run WHERE kind = 'fetch_cases'") == 0
            from core.errors import InputError

            with pytest.raises(InputError, match="is being read right now"):
                run("plan", "a")
        assert county.value("SELECT outcome FROM run") == "succeeded"

    def test_a_look_that_fails_is_in_the_history_and_does_not_close_the_circuit(
        self, county: County, shelf: Shelf
    ) -> None:
        shelf.error = Transient("The server is away.")
        with pytest.raises(Transient):
            run("test", "a")
        (looked,) = as_json("history", "a")
        assert (looked["kind"], looked["outcome"], looked["message"]) == (
            "look_at_source",
            "refused",
            "The server is away.",
        )

    def test_it_has_a_total_deadline(self, county: County, monkeypatch: pytest.MonkeyPatch) -> None:
        import socket
        from dataclasses import replace

        from services.work import kinds

        monkeypatch.setitem(kinds.KINDS, "look_at_source", replace(kinds.KINDS["look_at_source"], deadline=0.5))
        with (
            socket.create_server(("127.0.0.1", 0)) as silent,
            socket.create_connection(silent.getsockname()) as asking,
            pytest.raises(Transient, match="took longer than"),
            looking_at(find_source(settings().sources, "a"), settings()),
        ):
            asking.recv(1)  # nobody ever answers
        assert county.value("SELECT outcome FROM run") == "refused"

    def test_a_fetch_of_this_process_has_one_too(self, county: County, monkeypatch: pytest.MonkeyPatch) -> None:
        import socket
        from dataclasses import replace

        from services.work import kinds

        monkeypatch.setitem(kinds.KINDS, "fetch_cases", replace(kinds.KINDS["fetch_cases"], deadline=5.2))
        with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_connection(silent.getsockname()) as asking:

            class Hanging(Shelf):
                def fetch(self, visit: Any) -> Any:
                    return asking.recv(1)

            Hanging().stand_in(monkeypatch)
            result = run("run", "a", "--inline")
        assert result.exit_code == 1
        assert "It took longer than the 5 seconds allowed." in result.output
        assert county.value("SELECT outcome FROM run") == "retry"

    def test_a_look_of_a_process_that_died_ends_by_itself(self, county: County) -> None:
        from workers.tasks.sources import look_at_source

        county.here.rows(
            "INSERT INTO work (kind, key, queue, arguments) VALUES ('look_at_source', 'x', 'fetch', '{}') RETURNING id"
        )
        assert county.here.do_due("look_at_source", look_at_source) == 1
        assert county.value("SELECT outcome FROM run") == "nothing_to_do"
