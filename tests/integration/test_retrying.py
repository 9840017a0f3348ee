"""Rejected records are tried again: those that were chosen and no others, never over what is newer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import rejected as rejected_command
from core.embedded import Embedded
from core.errors import NotFound
from tests.factories.worker import make_worker
from tests.support import attacks
from tests.support.case_xml import case, export
from tests.support.sources import County
from tests.support.sources import county as a_county


@pytest.fixture
def county(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    with a_county(database, tmp_path, monkeypatch) as made:
        yield made


def retry(*words: str) -> Any:
    result = CliRunner().invoke(rejected_command.app, ["retry", *words, "--inline", "--json"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return json.loads(result.stdout)


def hire(county: County, *numbers: str) -> None:
    with county.here.transaction() as session:
        for number in numbers:
            make_worker(session, external_id=number)


def open_records(county: County) -> list[str]:
    rows = county.here.rows("SELECT external_id FROM rejected_record WHERE settled_at IS NULL ORDER BY id")
    return [row.external_id for row in rows]


def id_of(county: County, external_id: str) -> str:
    return str(
        county.value(
            "SELECT max(id) FROM rejected_record WHERE external_id = :id AND settled_at IS NULL", id=external_id
        )
    )


class TestSnapshot:
    """The source says how things are."""

    def test_one_record_and_nothing_beside_it(self, county: County) -> None:
        county.put(export(case("A"), case("B", worker="W-8"), case("C", worker="W-9")))
        county.night()
        hire(county, "W-8", "W-9")
        county.put(export(case("A", status="closed"), case("B", worker="W-8"), case("C", worker="W-9"), case("D")))
        done = retry(id_of(county, "B"), "--as", "olli")
        assert (done["state"], done["read"], done["added"], done["gone"]) == ("succeeded", 1, 1, 0)
        assert county.cases() == {"A": "open", "B": "open"}, "neither C nor what is new or changed"
        assert open_records(county) == ["C"]
        actions = county.here.rows("SELECT actor, action FROM audit_event ORDER BY id")
        assert [(one.actor, one.action) for one in actions] == [
            ("cli:olli", "rejected.retried"),
            ("cli:olli", "source.run_called"),
        ]
        assert county.night()[-1] == ("sync_cases", "succeeded"), "of the retry nothing was remembered"
        assert county.cases() == {"A": "closed", "B": "open", "C": "open", "D": "open"}

    def test_a_group_and_all(self, county: County) -> None:
        bad_unit = case("E", more='<unit code="U-9"/>')
        county.put(export(case("A"), case("B", worker="W-8"), case("C", worker="W-9"), bad_unit))
        county.night()
        hire(county, "W-8", "W-9")
        county.config.write_text(county.config.read_text().replace("max_rejected = 1", "max_rejected = 0.1"))
        county.here.configure()
        assert retry(id_of(county, "B"), "--group")["added"] == 2
        assert open_records(county) == ["E"]
        done = retry("--source", "a", "--all")
        assert (done["state"], done["rejected"]) == ("partly", 1), "still wrong, recorded anew, and no guard holds it"
        assert open_records(county) == ["E"]
        assert county.cases() == {"A": "open", "B": "open", "C": "open"}

    def test_what_is_not_there_any_more_stays_open_and_is_said(self, county: County) -> None:
        county.put(export(case("A"), case("B", worker="W-8"), case("C", worker="W-9")))
        county.night()
        hire(county, "W-8")
        county.put(export(case("B", worker="W-8")))
        done = retry("--source", "a", "--all")
        assert (done["state"], done["added"]) == ("succeeded", 1)
        assert county.said() == "1 of 2 chosen records are not at the source any more, where they were; they stay open."
        assert open_records(county) == ["C"]
        assert retry(id_of(county, "C"))["state"] == "nothing_to_do"
        assert county.cases() == {"A": "open", "B": "open"}

    def test_a_refused_file_changes_nothing(self, county: County) -> None:
        county.put(export(case("B", worker="W-8")))
        county.night()
        hire(county, "W-8")
        county.put(b"<cases xmlns='urn:avain:cases:1'><case>")
        assert retry(id_of(county, "B"))["state"] == "refused"
        assert open_records(county) == ["B"]

    def test_a_held_run_goes_on_waiting_when_nothing_was_found(self, county: County) -> None:
        county.put(export(case("A"), case("B", worker="W-8")))
        county.night()
        county.config.write_text(county.config.read_text().replace("max_gone = 1", "max_gone = 0.1"))
        county.here.configure()
        record = id_of(county, "B")
        county.put(export(case("Z")))
        assert county.night()[-1] == ("sync_cases", "held")
        assert retry(record)["state"] == "nothing_to_do"
        assert county.value("SELECT acknowledged IS NULL FROM run WHERE outcome = 'held'")
        assert county.value("SELECT count(*) FROM case_staging") == 1


class TestDelta:
    """An old word never replaces a newer one."""

    def test_a_record_of_an_applied_file_without_reading_the_file_again(self, county: County) -> None:
        county.configure(mode="delta")
        county.put(export(case("A"), case("B", worker="W-8")), "1.xml")
        county.night()
        county.put(export(case("A", status="closed")), "2.xml")
        county.night()
        hire(county, "W-8")
        assert retry(id_of(county, "B"))["added"] == 1
        assert county.cases() == {"A": "closed", "B": "open"}
        assert open_records(county) == []
        assert county.night() == [("fetch_cases", "nothing_to_do")]

    @pytest.mark.parametrize("still_there", [True, False])
    def test_what_a_later_run_brought_stays(self, county: County, still_there: bool) -> None:
        county.configure(mode="delta")
        county.put(export(case("B", worker="W-8", status="open")), "1.xml")
        county.night()
        record = id_of(county, "B")
        county.put(export(case("B", status="closed")), "2.xml")
        county.night()
        county.here.rows("UPDATE rejected_record SET settled_at = NULL RETURNING id")
        hire(county, "W-8")
        if not still_there:
            (county.exports / "2.xml").unlink()
        retry(record)
        assert county.cases() == {"B": "closed"}
        (settled,) = county.here.rows("SELECT note, settled_at FROM rejected_record")
        assert settled.note == "A later run has brought the case since."
        assert settled.settled_at is not None

    def test_a_held_run_goes_on_waiting_when_all_was_brought_since(self, county: County) -> None:
        county.configure(mode="delta")
        county.put(export(case("A"), case("B", worker="W-8")), "1.xml")
        county.night()
        record = id_of(county, "B")
        hire(county, "W-8")
        county.put(export(case("B", status="closed")), "2.xml")
        county.night()
        county.here.rows("UPDATE rejected_record SET settled_at = NULL RETURNING id")
        county.config.write_text(county.config.read_text().replace("max_gone = 1", "max_gone = 0.1"))
        county.here.configure()
        county.put(export('<gone id="A"/>'), "3.xml")
        assert county.night()[-1] == ("sync_cases", "held")
        retry(record)
        assert open_records(county) == []
        assert county.value("SELECT acknowledged IS NULL FROM run WHERE outcome = 'held'")

    def test_a_record_whose_case_is_gone_since_is_settled(self, county: County) -> None:
        county.configure(mode="delta")
        county.put(export(case("A"), case("B", worker="W-8")), "1.xml")
        county.night()
        assert open_records(county) == ["B"]
        county.put(export('<gone id="B"/>'), "2.xml")
        county.night()
        assert open_records(county) == []

    def test_of_an_archive_only_the_file_it_stood_in(self, county: County) -> None:
        county.configure(mode="delta")
        county.put(attacks.zip_of(("1.xml", export(case("A"))), ("2.xml", export(case("B", worker="W-8")))), "1.xml")
        county.night()
        hire(county, "W-8")
        done = retry(id_of(county, "B"))
        assert (done["read"], done["added"]) == (1, 1), "A stands at the same place of another file of the archive"

    def test_what_a_later_file_of_the_same_run_says_stays(self, county: County) -> None:
        county.configure(mode="delta")
        county.put(export(case("B", worker="W-8")), "1.xml")
        county.put(export(case("B", status="closed")), "2.xml")
        county.put(export(case("C", status="closed")), "3.xml")
        county.put(export(case("C", worker="W-8")), "4.xml")
        county.night()
        hire(county, "W-8")
        county.here.rows("UPDATE rejected_record SET settled_at = NULL RETURNING id")
        retry("--source", "a", "--all")
        assert county.cases() == {"B": "closed", "C": "open"}

    def test_the_same_id_in_another_file_is_another_word(self, county: County) -> None:
        county.configure(mode="delta")
        county.put(export(case("B")), "1.xml")
        county.put(export(case("B", status="closed", worker="W-8")), "2.xml")
        county.night()
        county.put(export(case("B", status="closed"), case("X", worker="W-7")), "3.xml")
        county.night()
        hire(county, "W-7")
        retry(id_of(county, "X"))
        assert county.cases() == {"B": "closed", "X": "open"}

    def test_a_file_that_is_gone_leaves_its_records_open(self, county: County) -> None:
        county.configure(mode="delta")
        county.put(export(case("B", worker="W-8")), "1.xml")
        county.night()
        (county.exports / "1.xml").unlink()
        county.put(export(case("B", worker="W-8", status="closed")), "2.xml")
        hire(county, "W-8")
        assert retry(id_of(county, "B"))["state"] == "nothing_to_do"
        assert open_records(county) == ["B"]
        assert county.cases() == {}


def test_what_cannot_be_asked_for_says_so(county: County) -> None:
    for words in (
        (),
        ("--all",),
        ("--source", "a"),
        ("1", "--all", "--source", "a"),
        ("--group", "--source", "a", "--all"),
    ):
        result = CliRunner().invoke(rejected_command.app, ["retry", *words, "--inline", "--json"])
        assert (result.exit_code, "Name a rejected record" in " ".join(result.stderr.split())) == (2, True)
    with pytest.raises(NotFound):
        retry("999999")
    with pytest.raises(NotFound):
        retry("--source", "nowhere", "--all")
