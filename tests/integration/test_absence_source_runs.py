"""A source of absences from its file to its run: read by night as others are, put off, refused, read again where something was left open."""

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from cli.common import SOME_REJECTED
from cli.main import app
from core.embedded import Embedded
from core.settings import settings
from services.lights import lights
from services.looked import look_into
from services.source_words import in_words
from services.sources import find_source
from tests.factories.worker import make_worker
from tests.support import sources
from tests.support.sources import County, county
from workers.tasks.absences import ask_absences, fetch_absences, read_absences

HEAD = "worker;from;to;deputy\n"


@pytest.fixture
def office(database: Embedded, tmp_path, monkeypatch):
    bodies = {**sources.BODIES, "fetch_absences": fetch_absences, "read_absences": read_absences}
    monkeypatch.setattr(sources, "BODIES", bodies)
    with county(database, tmp_path, monkeypatch) as made:
        made.configure(rest=f'[sources.absences.hr]\npath = "{made.exports}/*.csv"')
        made.here.empty("absence")
        yield made


def tell(office: County, *rows: str) -> list[tuple[str, str]]:
    office.put("\n".join((HEAD.strip(), *rows, "")).encode(), "hr.csv")
    return office.night("hr")


def standing(office: County) -> list[str]:
    rows = office.here.rows(
        "SELECT external_id FROM absence JOIN worker ON worker.id = worker_id WHERE cancelled_at IS NULL ORDER BY 1"
    )
    return [row[0] for row in rows]


def test_a_night_and_the_next(office):
    assert office.night("hr") == [("fetch_absences", "nothing_to_do")], "no file is there yet"
    assert tell(office, "W-101;2090-01-01;2090-01-05;W-102") == [
        ("fetch_absences", "succeeded"),
        ("read_absences", "succeeded"),
    ]
    assert office.counts("read_absences") == {
        "read": 1, "added": 1, "changed": 0, "unchanged": 0, "gone": 0, "rejected": 0,
    }  # fmt: skip
    assert office.night("hr") == [("fetch_absences", "nothing_to_do")], "the same file says nothing new"
    (office.exports / "hr.csv").unlink()
    assert office.night("hr") == [("fetch_absences", "nothing_to_do")]
    assert standing(office) == ["W-101"], "a file that vanished changes nothing"


def test_what_was_left_out_is_read_again_until_it_is_whole(office):
    rows = ("W-101;2090-01-01;2090-01-05;", "W-999;2090-01-01;2090-01-05;")
    assert tell(office, *rows)[-1] == ("read_absences", "partly")
    assert office.night("hr")[-1] == ("read_absences", "partly"), "it may be known by now"
    assert office.value("SELECT count(*) FROM rejected_record WHERE settled_at IS NULL") == 1
    with office.here.transaction() as session:
        make_worker(session, external_id="W-999")
    assert office.night("hr")[-1] == ("read_absences", "succeeded")
    assert office.value("SELECT count(*) FROM rejected_record WHERE settled_at IS NULL") == 0
    assert standing(office) == ["W-101", "W-999"]


@pytest.mark.parametrize("content", [b"", HEAD.encode(), HEAD.encode() + b"W-101;2090-01-01;2090", b"a;b\n1;2\n"])
def test_a_file_that_is_none_is_refused_and_changes_nothing(office, content):
    tell(office, "W-101;2090-01-01;2090-01-05;")
    office.put(content, "hr.csv")
    assert office.night("hr")[-1] == ("read_absences", "refused")
    assert office.said()
    assert standing(office) == ["W-101"]


def test_several_files_are_one_whole(office):
    office.put(f"{HEAD}W-101;2090-01-01;2090-01-05;\n".encode(), "a.csv")
    office.put(f"{HEAD}W-102;2090-01-01;2090-01-05;\n".encode(), "b.csv")
    assert office.night("hr")[-1] == ("read_absences", "succeeded")
    assert standing(office) == ["W-101", "W-102"]
    office.put(b"PK\x03\x04 cut", "b.csv")
    assert office.night("hr")[-1] == ("read_absences", "refused")
    assert standing(office) == ["W-101", "W-102"]


def test_the_night_asks_every_source_of_absences(office):
    with office.here.transaction() as session:
        from services.work import call

        call(session, "ask_absences", "read_absences@2026-11-23T02:45Z")
    assert office.here.do_due("ask_absences", ask_absences) == 1
    assert (
        office.value("SELECT count(*) FROM work WHERE kind = 'fetch_absences' AND arguments ->> 'source' = 'hr'") == 1
    )


def test_a_person_looks_at_it_without_seeing_it(office):
    office.put(f"{HEAD}W-101;2090-01-01;2090-01-05;\nW-102;;;\n".encode(), "hr.csv")
    run = CliRunner().invoke
    looked = json.loads(run(app, ["source", "test", "hr", "--json"]).stdout)
    assert (looked["read"], looked["valid"]) == (2, 1)
    assert "applied without a plan" in str(run(app, ["source", "plan", "hr"]).exception)
    assert "why somebody is away" in str(run(app, ["source", "sample", "hr"]).exception)
    assert standing(office) == []
    source = find_source(settings().sources, "hr")
    assert ("Kind", "absences") in in_words(settings().sources, source)
    with office.here.transaction() as session:
        found = look_into(settings(), source, ["hr.csv"], [], {})
        assert "why somebody is away" in str(found.unsampled)
        (light,) = [one for one in lights(session, settings(), datetime.now(UTC)) if one.name == "hr"]
    assert light.about.text("en") == "absences"


def test_by_the_command_line_at_once(office):
    office.put(f"{HEAD}W-101;2090-01-01;2090-01-05;\nW-999;2090-01-01;2090-01-05;\n".encode(), "hr.csv")
    done = CliRunner().invoke(app, ["source", "run", "hr", "--inline", "--json"])
    assert done.exit_code == SOME_REJECTED
    told = json.loads(done.stdout)
    assert (told["state"], told["added"], told["rejected"]) == ("partly", 1, 1)
    assert json.loads(CliRunner().invoke(app, ["source", "list", "--json"]).stdout)[-1]["source"] == "hr"
