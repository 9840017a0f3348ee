"""What is left alone after failures is shown to who looks, and told the operator once."""

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_string, policy
from pathlib import Path

import pytest
from sqlalchemy import text

from core.embedded import Embedded
from core.errors import Message, Transient
from core.settings import settings
from services import ways
from services.health import ways as health
from services.health.findings import Finding, Ground
from services.sources import call_fetch, find_source
from services.ways.telling import tell_operator
from services.work import call, claim
from tests.support.case_xml import case, export
from tests.support.ordering import NOW
from tests.support.sources import County, Shelf
from tests.support.sources import county as a_county
from tests.support.work import make_due
from workers.task import perform
from workers.tasks.cases import fetch_cases

OPERATOR = '[mail]\noperator_email = "oona@county.invalid"\n'


@pytest.fixture
def county(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    with a_county(database, tmp_path, monkeypatch) as made:
        made.configure("gentle.failures = 2", rest=OPERATOR)
        yield made


@pytest.fixture
def shelf(county: County, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    return Shelf(files={"1.xml": export(case("A"))}).stand_in(monkeypatch)


def fail_the_mail_server(county: County) -> None:
    with county.here.transaction() as session:
        work_id = call(session, "send_letter", "invented", subject_id=1)
    with county.here.transaction() as session:
        assert work_id is not None
        claimed = claim(session, work_id)
    assert claimed is not None
    with county.here.transaction() as session:
        for _ in range(5):
            ways.failed(session, ways.MAIL, claimed, Message("It said {said}", said="anna@county.invalid"), settings().outgoing)  # fmt: skip


def fail_the_source(county: County, times: int = 2) -> None:
    with county.here.transaction() as session:
        work_id = call_fetch(session, find_source(settings().sources, "a"), "asked")
    for _ in range(times):
        with county.here.transaction() as session:
            make_due(session, work_id)
        perform(work_id, fetch_cases)


def told(county: County, collect: timedelta = timedelta(), quiet: timedelta = timedelta(hours=24)) -> int:
    with county.here.transaction() as session:
        return tell_operator(session, settings(), now=NOW, collect=collect, quiet=quiet)


def letters(county: County) -> list[str]:
    rows = county.here.rows("SELECT document FROM letter ORDER BY id")
    return [str(message_from_string(row.document, policy=policy.default).get_content()) for row in rows]


def lines(county: County) -> dict[str, Finding]:
    ground = Ground(settings(), transaction=county.here.transaction)
    return {one.name.text("en"): one for one in (*health.ways(ground), *health.sources(ground))}


def in_english(finding: Finding) -> str:
    assert isinstance(finding.found, Message)
    return finding.found.text("en")


def test_doctor_and_health_say_since_when_and_until_when(county: County, shelf: Shelf) -> None:
    assert {name: one.state for name, one in lines(county).items()} == {"What goes out": "ok", "Sources": "ok"}
    shelf.error = Transient("The server is away.")
    fail_the_source(county)
    fail_the_mail_server(county)
    found = lines(county)
    assert {name: one.state for name, one in found.items()} == {"Mail server": "broken", "Source a": "broken"}
    assert "after 5 failures in a row, tried again" in in_english(found["Mail server"])
    assert "1 wait. It said anna@county.invalid" in in_english(found["Mail server"])
    assert "after 2 failures in a row, the first at" in in_english(found["Source a"])
    county.here.rows("UPDATE run SET finished_at = finished_at - interval '31 minutes' RETURNING id")
    assert lines(county)["Source a"].state == "broken", "about to be tried is not yet well"


def test_the_operator_is_told_once_and_once_more_when_it_is_over(county: County, shelf: Shelf) -> None:
    shelf.error = Transient("The server is away.")
    fail_the_source(county)
    fail_the_mail_server(county)
    assert told(county, collect=timedelta(minutes=5)) == 0, "it may pass"
    assert told(county) == 2
    assert told(county) == 0
    (letter,) = letters(county)
    assert "anna@county.invalid" not in letter
    fail_the_source(county, 1)
    county.here.rows("UPDATE run SET finished_at = finished_at - interval '31 minutes' RETURNING id")
    assert told(county) == 0, "while it is tried it still fails"

    shelf.error = None
    fail_the_source(county, 1)
    county.here.rows(
        "UPDATE run SET kind = 'sync_cases', outcome = 'succeeded' WHERE id = (SELECT max(id) FROM run) RETURNING id"
    )
    with county.here.transaction() as session:
        ways.answered(session, ways.MAIL)
    assert told(county) == 2
    assert told(county) == 0
    assert len(letters(county)) == 2


def test_what_fails_and_works_by_turns_is_told_of_once_a_day(county: County) -> None:
    fail_the_mail_server(county)
    assert told(county) == 1
    with county.here.transaction() as session:
        ways.answered(session, ways.MAIL)
    assert told(county) == 1
    with county.here.transaction() as session:
        session.execute(
            text("UPDATE breaker SET closed_at = clock_timestamp(), until = clock_timestamp(), failures = 5 WHERE name = 'mail'")
        )  # fmt: skip
    assert told(county) == 0
    assert told(county, quiet=timedelta()) == 1


def test_what_is_no_longer_configured_is_neither_shown_nor_told(county: County) -> None:
    with county.here.transaction() as session:
        session.execute(
            text("INSERT INTO breaker (name, failures, closed_at, until, reason, told, told_at) VALUES ('connection:gone', 5, now(), now(), '{}', now(), now())")
        )  # fmt: skip
    assert told(county) == 0
    assert lines(county)["What goes out"].state == "ok"
    assert county.value("SELECT told FROM breaker") is None


def test_nobody_to_tell_is_told_later(county: County) -> None:
    county.configure()
    fail_the_mail_server(county)
    assert told(county) == 0
    county.configure(rest=OPERATOR)
    assert told(county) == 1
