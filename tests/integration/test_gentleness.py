"""A source is left alone outside its hours and after failures; that is no failed attempt, and a person can decide otherwise."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from sqlalchemy import text
from typer.testing import CliRunner, Result

from cli import source as source_command
from core.embedded import Embedded
from core.errors import Permanent, Postponed, Transient
from core.i18n import HELSINKI
from core.settings import settings
from services.gentleness import Rest, permit, rest, rests
from services.sources import call_fetch, find_source
from tests.support.case_xml import case, export
from tests.support.queries import recording
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

    def again(self, county: County, work_id: int | None = None) -> None:
        """Have waiting Work tried now."""
        found = work_id or county.value("SELECT max(id) FROM work WHERE done_at IS NULL AND dead_at IS NULL")
        with county.here.transaction() as session:
            make_due(session, found)
        perform(found, fetch_cases)

    def age(self, county: County, minutes: int) -> None:
        """Let time pass."""
        county.here.rows(
            "UPDATE run SET started_at = started_at - make_interval(mins => :minutes), finished_at = finished_at - make_interval(mins => :minutes) RETURNING id",
            minutes=minutes,
        )

    def outcomes(self, county: County) -> list[str]:
        return [row.outcome for row in county.here.rows("SELECT outcome FROM run ORDER BY id")]

    @pytest.fixture(autouse=True)
    def _three_failures(self, county: County) -> None:
        county.configure("gentle.failures = 3\ngentle.pause_minutes = 30")

    def test_it_is_left_alone_after_so_many_and_a_success_ends_that(self, county: County, shelf: Shelf) -> None:
        shelf.error = Transient("The server is away.")
        self.fail(county, 4)
        assert self.outcomes(county) == ["retry", "retry", "retry", "postponed"]
        assert len(shelf.visits) == 3
        assert county.said().startswith("The last 3 attempts to ask the source failed, the first at ")
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

    def test_what_waits_for_a_source_is_not_given_up_for_trying(self, county: County, shelf: Shelf) -> None:
        """Five attempts would be all it has: the fifth breaks the circuit, and no later try counts."""
        county.configure("gentle.failures = 5\ngentle.pause_minutes = 30")
        shelf.error = Transient("The server is away.")
        self.fail(county, 5)
        for _ in range(3):
            self.age(county, 31)
            self.again(county)
        assert self.outcomes(county) == ["retry"] * 8
        (work,) = county.here.rows("SELECT attempts, dead_at, next_at - clock_timestamp() AS pause FROM work")
        assert (work.attempts, work.dead_at) == (4, None)
        assert timedelta(minutes=29) < work.pause <= timedelta(minutes=30)
        shelf.error = None
        self.age(county, 31)
        self.again(county)
        assert self.outcomes(county)[-1] == "succeeded"

    def test_what_has_waited_for_days_is_given_up(self, county: County, shelf: Shelf) -> None:
        county.configure("gentle.failures = 2\ngentle.pause_minutes = 30\ngentle.give_up_days = 3")
        shelf.error = Transient("The server is away.")
        self.fail(county, 2)
        county.here.rows("UPDATE work SET created_at = created_at - interval '73 hours' RETURNING id")
        self.age(county, 31)
        self.again(county)
        assert self.outcomes(county) == ["retry", "retry", "failed"]
        assert county.said() == "The server is away."
        assert county.value("SELECT dead_at IS NOT NULL FROM work")

    def test_of_regular_readings_that_wait_the_last_one_reads_for_all(self, county: County, shelf: Shelf) -> None:
        shelf.error = Transient("The server is away.")
        with county.here.transaction() as session:
            source = find_source(settings().sources, "a")
            ids = [call_fetch(session, source, f"nightly_cases@2026-11-0{day}T00:10Z") for day in (1, 2, 3)]
            asked = call_fetch(session, source, "by a person")
        for _ in range(3):
            self.again(county, ids[0])
        self.again(county, ids[0])
        self.again(county, asked)
        assert self.outcomes(county)[3:] == ["postponed", "postponed"]
        done = {row.id for row in county.here.rows("SELECT id FROM work WHERE done_at IS NOT NULL")}
        assert done == {ids[0]}, "the person's own waits"
        assert rest_of(county) is not None, "and that it was not needed is no sign that the source works"
        shelf.error = None
        self.age(county, 31)
        self.again(county, ids[2])
        assert self.outcomes(county)[-1] == "succeeded"

    def test_one_that_hangs_until_its_process_is_killed_counts(self, county: County, shelf: Shelf) -> None:
        shelf.error = Transient("The server is away.")
        self.fail(county, 3)
        assert rest_of(county) is not None
        county.here.rows("UPDATE run SET outcome = 'lost' RETURNING id")
        assert rest_of(county) is None, "killed for another reason"
        county.here.rows("UPDATE run SET started_at = finished_at - interval '15 minutes' RETURNING id")
        assert rest_of(county) is not None

    def test_out_of_time_counts(self, county: County, shelf: Shelf) -> None:
        shelf.error = SoftTimeLimitExceeded()
        self.fail(county, 3)
        assert county.said() == "It took longer than the 900 seconds allowed."
        assert rest_of(county) is not None

    def test_a_fault_of_ours_does_not(self, county: County, shelf: Shelf) -> None:
        shelf.error = ZeroDivisionError()
        self.fail(county, 3)
        assert self.outcomes(county) == ["retry"] * 3
        assert rest_of(county) is None

    def test_a_source_that_brings_what_nobody_can_read_is_left_alone(self, county: County, shelf: Shelf) -> None:
        for number in range(3):
            shelf.files = {"1.xml": export(case("A"))[: 100 + number]}
            assert county.night()[-1] == ("sync_cases", "refused")
        found = rest_of(county)
        assert found is not None
        assert county.night() == [("fetch_cases", "postponed")]
        shelf.files = {"1.xml": export(case("A"))}
        self.age(county, 31)
        assert county.night()[-1] == ("sync_cases", "succeeded")
        assert rest_of(county) is None

    def test_two_workers_try_it_once(self, county: County, shelf: Shelf) -> None:
        """What waits is in the source's lane: of two that would try, one does."""
        shelf.error = Transient("The server is away.")
        self.fail(county, 3)
        self.age(county, 31)
        with county.here.transaction() as session:
            source = find_source(settings().sources, "a")
            ids = [call_fetch(session, source, f"x{number}") for number in range(4)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda one: perform(one, fetch_cases), ids))
        assert len(shelf.visits) == 4
        assert self.outcomes(county).count("retry") == 4

    def test_all_sources_are_judged_by_one_statement_and_a_long_history_costs_nothing(
        self, county: County, shelf: Shelf
    ) -> None:
        shelf.error = Transient("The server is away.")
        self.fail(county, 3)
        county.here.rows(
            """
            WITH old AS (
                INSERT INTO work (kind, key, queue, lane, arguments, done_at, id) OVERRIDING SYSTEM VALUE
                SELECT 'fetch_cases', 'old:' || n, 'fetch', 'source:a', '{}', clock_timestamp(), -n FROM generate_series(1, 3000) AS n
                RETURNING id
            )
            INSERT INTO run (work_id, kind, attempt, token, host, counts, outcome, finished_at, id) OVERRIDING SYSTEM VALUE
            SELECT id, 'fetch_cases', 1, gen_random_uuid(), 'h', '{}', 'nothing_to_do', clock_timestamp(), id FROM old RETURNING id
            """
        )
        gentle = settings().sources.cases["a"].gentle
        with county.here.transaction() as session, recording(session) as statements:
            found = rests(session, {f"source:{name}": gentle for name in ("a", "b", "c")})
        assert list(found) == ["source:a"]
        assert len(statements) == 2


def rest_of(county: County) -> Rest | None:
    with county.here.transaction() as session:
        return rest(session, "source:a", settings().sources.cases["a"].gentle)


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

        monkeypatch.setitem(kinds.KINDS, "fetch_cases", replace(kinds.KINDS["fetch_cases"], deadline=6.5))
        with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_connection(silent.getsockname()) as asking:

            class Hanging(Shelf):
                def fetch(self, visit: Any) -> Any:
                    return asking.recv(1)

            Hanging().stand_in(monkeypatch)
            result = run("run", "a", "--inline")
        assert result.exit_code == 1
        assert "It took longer than the 6 seconds allowed." in result.output
        assert county.value("SELECT outcome FROM run") == "retry"

    def test_a_look_of_a_process_that_died_ends_by_itself(self, county: County) -> None:
        from workers.tasks.sources import look_at_source

        county.here.rows(
            "INSERT INTO work (kind, key, queue, arguments) VALUES ('look_at_source', 'x', 'fetch', '{}') RETURNING id"
        )
        assert county.here.do_due("look_at_source", look_at_source) == 1
        assert county.value("SELECT outcome FROM run") == "nothing_to_do"
