"""What is remembered of sources: what was applied is not read again, what was not is; and files that were applied are put away."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import text

from connectors.cases.xml.client import XmlCases
from core.embedded import Embedded
from core.errors import Transient
from core.settings import settings
from services import held_runs
from services.sources import call_fetch, find_source
from tests.factories.worker import make_worker
from tests.support.case_xml import case, export
from tests.support.sources import County, Shelf
from tests.support.sources import county as a_county
from workers.task import perform
from workers.tasks.cases import fetch_cases, sync_cases
from workers.tasks.sources import put_away_files

READ = [("fetch_cases", "succeeded"), ("sync_cases", "succeeded")]
NOTHING = [("fetch_cases", "nothing_to_do")]


@pytest.fixture
def county(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    with a_county(database, tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    return Shelf().stand_in(monkeypatch)


def of(*names: str, status: str = "open") -> bytes:
    return export(*(case(name, status=status) for name in names))


def spooled(county: County) -> list[Path]:
    return [path for path in (county.exports.parent / "home/spool").rglob("*") if path.is_file()]


class TestSnapshot:
    """Everything, or nothing."""

    def test_what_was_applied_is_not_read_again(self, county: County) -> None:
        county.put(of("A", "B"))
        assert county.night() == READ
        assert county.night() == NOTHING
        assert county.said() == "Everything at the source was read before; nothing has changed."
        assert not spooled(county)
        assert county.night(anew=True) == READ
        assert county.counts()["unchanged"] == 2

    @pytest.mark.parametrize("skips", [True, False])
    def test_a_changed_part_brings_the_whole_again(self, county: County, shelf: Shelf, skips: bool) -> None:
        shelf.skips = skips
        shelf.files = {"1.xml": of("A"), "2.xml": of("B")}
        assert county.night() == READ
        shelf.files["2.xml"] = of("B", status="closed")
        assert county.night() == READ
        assert county.cases() == {"A": "open", "B": "closed"}
        shelf.files["3.xml"] = of("C")
        assert county.night() == READ
        assert county.cases() == {"A": "open", "B": "closed", "C": "open"}
        del shelf.files["3.xml"], shelf.files["2.xml"]
        assert county.night() == READ
        assert county.cases() == {"A": "open", "B": "gone", "C": "gone"}
        assert county.night() == NOTHING

    def test_an_earlier_file_put_back_says_something_again(self, county: County) -> None:
        for status in ("open", "closed", "open"):
            county.put(of("A", status=status))
            assert county.night() == READ
            assert county.cases() == {"A": status}

    def test_a_file_with_open_rejected_records_is_read_again_until_they_are_settled(self, county: County) -> None:
        county.put(export(case("A"), case("B", worker="W-9")))
        for _ in range(2):
            assert county.night()[-1] == ("sync_cases", "partly")
        with county.here.transaction() as session:
            make_worker(session, external_id="W-9")
        assert county.night() == READ
        assert county.cases() == {"A": "open", "B": "open"}
        assert county.night() == NOTHING

    def test_read_another_way_it_is_another_file(self, county: County, monkeypatch: pytest.MonkeyPatch) -> None:
        county.put(of("A"))
        county.night()
        monkeypatch.setattr(XmlCases, "version", property(lambda _self: "another profile", lambda *_: None))
        assert county.night() == READ
        assert county.night() == NOTHING

    def test_nothing_is_left_out_while_a_file_is_growing(self, county: County, shelf: Shelf) -> None:
        shelf.files, shelf.growing = {"1.xml": of("A")}, ("2.xml",)
        assert county.night()[0] == ("fetch_cases", "retry")
        assert county.value("SELECT message -> 'params' ->> 'names' FROM run ORDER BY id LIMIT 1") == "2.xml"
        assert county.said().startswith("The last 5 attempts"), "in the end it is left alone for a while"
        assert county.cases() == {}
        assert not spooled(county), "what came of it may be personal, and the next attempt begins anew"

    def test_the_transports_memory_comes_back_to_it(self, county: County, shelf: Shelf) -> None:
        shelf.files, shelf.memory = {"1.xml": of("A")}, {"etag": "x1"}
        county.night()
        county.night()
        assert [dict(visit.memory) for visit in shelf.visits] == [{}, {"etag": "x1"}]
        assert shelf.visits[1].processed == {sha256(shelf.files["1.xml"]).hexdigest()}


class TestNotApplied:
    """Refused and held runs leave no memory."""

    def test_refused(self, county: County, shelf: Shelf) -> None:
        shelf.files, shelf.memory = {"1.xml": b"<no/>"}, {"etag": "x1"}
        for _ in range(2):
            assert county.night()[-1] == ("sync_cases", "refused")
        assert [dict(visit.memory) for visit in shelf.visits] == [{}, {}]
        assert county.value("SELECT count(*) FROM processed_file") == 0

    def test_held_until_it_is_approved(self, county: County, shelf: Shelf) -> None:
        shelf.files, shelf.memory = {"1.xml": of("A", "B")}, {"etag": "x1"}
        county.night()
        county.configure("", rest="")
        county.config.write_text(county.config.read_text().replace("max_gone = 1", "max_gone = 0.1"))
        county.here.configure()
        shelf.files, shelf.memory = {"1.xml": of("A")}, {"etag": "x2"}
        for _ in range(2):
            assert county.night()[-1] == ("sync_cases", "held")
        assert county.value("SELECT memory ->> 'etag' FROM source_memory") == "x1"
        run = county.value("SELECT max(id) FROM run WHERE outcome = 'held'")
        with county.here.transaction() as session:
            from core.clock import business_now

            held_runs.approve(session, run, "cli:anna", "agreed", settings(), now=business_now(session))
        assert county.cases() == {"A": "open", "B": "gone"}
        assert county.value("SELECT memory ->> 'etag' FROM source_memory") == "x2"
        assert county.night() == NOTHING

    def test_a_source_that_goes_back_to_what_was_applied_overtakes_a_held_run(self, county: County) -> None:
        county.config.write_text(county.config.read_text().replace("max_gone = 1", "max_gone = 0.1"))
        county.here.configure()
        for content, outcome in ((of("A", "B"), "succeeded"), (of("A"), "held"), (of("A", "B"), "succeeded")):
            county.put(content)
            assert county.night()[-1] == ("sync_cases", outcome)
        assert county.value("SELECT acknowledged FROM run WHERE outcome = 'held'") == "overtaken"


class TestDelta:
    """Each file once, in order."""

    @pytest.mark.parametrize("skips", [True, False])
    def test_only_what_is_new_is_read_and_never_twice(
        self, county: County, shelf: Shelf, skips: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        county.configure(mode="delta")
        shelf.skips = skips
        shelf.files = {"1.xml": of("A")}
        assert county.night() == READ
        shelf.files["2.xml"] = export(case("A", status="closed"), case("B", worker="W-9"))
        assert county.night()[-1] == ("sync_cases", "partly")
        assert county.counts()["read"] == 2, "the first file is not read again"
        assert county.night() == NOTHING, "not even with rejected records open"
        assert not spooled(county)
        monkeypatch.setattr(XmlCases, "version", property(lambda _self: "another profile", lambda *_: None))
        assert county.night() == NOTHING, "not even read another way"
        assert county.cases() == {"A": "closed"}

    def test_equal_files_of_an_export_are_each_their_own(self, county: County, shelf: Shelf) -> None:
        county.configure(mode="delta")
        shelf.files = {"1-empty.xml": of(), "1-full.xml": of("A")}
        assert county.night() == READ
        shelf.files |= {"2-empty.xml": of(), "2-full.xml": of("B")}
        assert county.night() == READ
        assert county.counts("fetch_cases")["files"] == 2
        assert county.night() == NOTHING

    def test_files_before_one_that_is_growing_are_applied_and_none_after_it(self, county: County, shelf: Shelf) -> None:
        county.configure(mode="delta")
        shelf.files, shelf.memory = {"1.xml": of("A"), "3.xml": of("A", "C", status="closed")}, {"seen": 3}
        shelf.growing = ("2.xml",)
        with county.here.transaction() as session:
            call_fetch(session, find_source(settings().sources, "a"), "x")
        county.here.do_due("fetch_cases", fetch_cases)
        assert [path.name.rpartition("-")[2] for path in spooled(county)] == ["1.xml"], (
            "no copy of what is not read yet"
        )
        county.here.do_due("sync_cases", sync_cases)
        assert county.cases() == {"A": "open"}
        (note,) = county.here.rows("SELECT message FROM run WHERE kind = 'fetch_cases'")
        assert note.message["params"]["names"] == "2.xml, 3.xml"
        assert county.value("SELECT count(*) FROM source_memory") == 0, "the transport would think it has seen them"
        shelf.growing, shelf.files["2.xml"] = (), of("B")
        assert county.night() == READ
        assert county.cases() == {"A": "closed", "B": "open", "C": "closed"}

    def test_a_late_file_that_would_bring_back_the_old_waits_for_a_person(self, county: County, shelf: Shelf) -> None:
        county.configure(mode="delta")
        shelf.files = {"cases-1120.xml": of("A", status="closed")}
        assert county.night() == READ
        shelf.files["cases-1119.xml"] = of("A", "B")
        assert county.night()[-1] == ("sync_cases", "held")
        assert "cases-1119.xml came after cases-1120.xml was applied" in county.said()
        assert county.cases() == {"A": "closed"}
        assert county.night()[-1] == ("sync_cases", "held"), "until somebody decides"
        run = county.value("SELECT max(id) FROM run WHERE kind = 'sync_cases'")
        with county.here.transaction() as session:
            now = session.execute(text("SELECT clock_timestamp()")).scalar_one()
            held_runs.approve(session, run, "maija", "it is the newer", settings(), now=now)
        assert county.cases() == {"A": "open", "B": "open"}
        assert county.night() == NOTHING

    @pytest.mark.parametrize(
        ("earlier", "later", "content"),
        [
            ("cases-1120.xml", "cases-1119.xml", ("B", "C")),  # no known case is touched
            ("units-1120.xml", "cases-1119.xml", ("A",)),  # other names, another order
            ("cases-1119.xml", "cases-1120.xml", ("A",)),
            ("cases-9.xml", "cases-10.xml", ("A",)),
        ],
    )
    def test_a_file_that_cannot_bring_back_the_old_does_not_wait(
        self, county: County, shelf: Shelf, earlier: str, later: str, content: tuple[str, ...]
    ) -> None:
        county.configure(mode="delta")
        shelf.files = {earlier: of("A", status="closed")}
        assert county.night() == READ
        shelf.files[later] = of(*content)
        assert county.night() == READ

    def test_a_file_that_is_written_anew_under_its_name_is_not_late(self, county: County, shelf: Shelf) -> None:
        county.configure(mode="delta")
        shelf.files = {"1.xml": of("A"), "2.xml": of("B")}
        assert county.night() == READ
        shelf.files["1.xml"] = of("A", status="closed")
        assert county.night() == READ
        assert county.cases() == {"A": "closed", "B": "open"}

    def test_where_names_give_no_order_no_file_is_late(self, county: County, shelf: Shelf) -> None:
        county.configure('late_files = "apply"', mode="delta")
        shelf.files = {"2.xml": of("A", status="closed")}
        assert county.night() == READ
        shelf.files["1.xml"] = of("A")
        assert county.night() == READ
        assert county.cases() == {"A": "open"}

    def test_with_nothing_before_the_growing_file_it_is_tried_again(self, county: County, shelf: Shelf) -> None:
        county.configure(mode="delta")
        shelf.files, shelf.growing = {"2.xml": of("A")}, ("1.xml",)
        assert county.night()[0] == ("fetch_cases", "retry")
        assert county.cases() == {}


class TestWaiting:
    """A reading that failed once and waits for its next attempt, while somebody has the source read again."""

    @pytest.fixture
    def waiting(self, county: County, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> int:
        def fail(*_: object, **__: object) -> None:
            raise Transient("The disk is full.")

        shelf.files = {"1.xml": of("A")}
        work = self.fetched(county, "early")
        with monkeypatch.context() as faulty:
            faulty.setattr("workers.tasks.cases.run_source", fail)
            perform(work, sync_cases)
        assert self.outcome(county) == "retry"
        return work

    @staticmethod
    def fetched(county: County, request: str) -> int:
        with county.here.transaction() as session:
            call_fetch(session, find_source(settings().sources, "a"), request)
        county.here.do_due("fetch_cases", fetch_cases)
        return int(county.value("SELECT max(id) FROM work WHERE kind = 'sync_cases'"))

    @staticmethod
    def outcome(county: County) -> str:
        return str(county.value("SELECT outcome FROM run ORDER BY id DESC LIMIT 1"))

    @pytest.mark.parametrize("mode", ["snapshot", "delta"])
    def test_it_is_not_applied_over_what_is_newer(self, county: County, shelf: Shelf, mode: str, waiting: int) -> None:
        county.configure(mode=mode)
        shelf.files["2.xml"] = of("A", "B", status="closed")
        perform(self.fetched(county, "late"), sync_cases)
        assert self.outcome(county) == "succeeded"
        county.here.do_due("sync_cases", sync_cases)
        assert county.value("SELECT done_at IS NOT NULL FROM work WHERE id = :id", id=waiting)
        assert self.outcome(county) == "nothing_to_do"
        assert county.said() == "A later run has read the source meanwhile; what this one brought is old and was left."
        assert county.cases() == {"A": "closed", "B": "closed"}
        assert not spooled(county)

    def test_records_tried_again_are_not_the_whole_and_leave_it_its_turn(
        self, county: County, shelf: Shelf, waiting: int
    ) -> None:
        shelf.files = {"1.xml": of("B")}
        late = self.fetched(county, "late")
        perform(late, sync_cases)
        county.here.rows(
            """UPDATE work SET arguments = arguments || '{"retry": {}}' WHERE id = :id RETURNING id""", id=late
        )
        county.here.do_due("sync_cases", sync_cases)
        assert county.value("SELECT done_at IS NOT NULL FROM work WHERE id = :id", id=waiting)
        assert county.cases()["A"] == "open"

    def test_it_is_applied_when_nothing_newer_was(self, county: County, shelf: Shelf, waiting: int) -> None:
        shelf.files["1.xml"] = b"<no/>"
        perform(self.fetched(county, "late"), sync_cases)
        assert self.outcome(county) == "refused"
        county.here.do_due("sync_cases", sync_cases)
        assert county.value("SELECT done_at IS NOT NULL FROM work WHERE id = :id", id=waiting)
        assert county.cases() == {"A": "open"}


class TestPuttingAway:
    """Files that were applied are moved at the source, in Work of its own."""

    @pytest.fixture(autouse=True)
    def _moves(self, county: County) -> None:
        text = county.config.read_text()
        place = f'transport = {{ kind = "local", path = "{county.exports}/*.xml", after = "move", move_to = "done" }}'
        county.config.write_text(text.replace(f'path = "{county.exports}/*.xml"', place))
        county.here.configure()

    def test_after_it_was_applied(self, county: County, shelf: Shelf) -> None:
        shelf.files = {"1.xml": of("A")}
        assert county.night() == [*READ, ("put_away_files", "succeeded")]
        assert shelf.files == {}
        assert county.value("SELECT put_away_at IS NOT NULL FROM processed_file")

    def test_not_when_it_was_refused(self, county: County, shelf: Shelf) -> None:
        shelf.files = {"1.xml": b"<no/>"}
        assert county.night()[-1] == ("sync_cases", "refused")
        assert list(shelf.files) == ["1.xml"]

    def test_a_source_that_is_away_meanwhile_changes_nothing_of_what_was_applied(
        self, county: County, shelf: Shelf
    ) -> None:
        shelf.files = {"1.xml": of("A")}
        with county.here.transaction() as session:
            call_fetch(session, find_source(settings().sources, "a"), "x")
        county.here.do_due("fetch_cases", fetch_cases)
        county.here.do_due("sync_cases", sync_cases)
        shelf.error = Transient("The server is away.")
        county.here.do_due("put_away_files", put_away_files)
        assert county.cases() == {"A": "open"}
        assert county.value("SELECT outcome FROM run ORDER BY id DESC LIMIT 1") == "retry"
        shelf.error = None
        county.here.do_due("put_away_files", put_away_files)
        assert shelf.files == {}

    def test_killed_after_moving_it_is_done_again(
        self, county: County, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from workers import fetching

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        shelf.files = {"1.xml": of("A")}
        with monkeypatch.context() as faulty:
            faulty.setattr(fetching, "note_put_away", die)
            with pytest.raises(KeyboardInterrupt):
                county.night()
        assert shelf.files == {}
        assert county.value("SELECT put_away_at IS NULL FROM processed_file")
        county.here.do_due("put_away_files", put_away_files)
        assert county.value("SELECT put_away_at IS NOT NULL FROM processed_file")
        assert len(shelf.put_aside) == 2

    def test_what_was_applied_and_stands_there_again_is_moved_without_being_read(
        self, county: County, shelf: Shelf
    ) -> None:
        shelf.files = {"1.xml": of("A")}
        county.night()
        shelf.files = {"1.xml": of("A")}
        assert county.night() == [("fetch_cases", "nothing_to_do"), ("put_away_files", "succeeded")]
        assert shelf.files == {}

    def test_what_was_applied_and_moved_once_more_says_so_of_the_last_time(self, county: County, shelf: Shelf) -> None:
        moved = []
        for _ in range(2):
            shelf.files = {"1.xml": of("A")}
            assert county.night(anew=True) == [*READ, ("put_away_files", "succeeded")]
            moved.append(county.value("SELECT put_away_at FROM processed_file"))
        assert moved[0] < moved[1]
