"""Absences: entered, refused, ended; on the command line; subjects of workers."""

import json
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli import reference
from core.errors import InputError, NotFound
from services.access import absences
from services.access.cases import access_to_case
from services.access.people import WORKER, Person
from services.reference_data import import_workers, listing
from tests.factories.case import make_case
from tests.factories.worker import make_worker

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
TODAY = NOW.date()
DAYS = {"first": date(2026, 12, 1), "last": date(2026, 12, 12)}


@pytest.fixture
def workers(session):
    return [make_worker(session, external_id=f"W-10{number}") for number in (1, 2, 3)]


def away(session, worker: str = "W-101", deputy: str | None = "W-102", **days: date) -> absences.Away:
    return absences.go_away(session, worker, deputy=deputy, now=NOW, actor="cli:test", **{**DAYS, **days})


def back(session, worker: str, today: date) -> absences.Away:
    return absences.come_back(session, worker, today=today, now=NOW, actor="cli:test")


def sees(session, worker, case, today: date) -> bool:
    person = Person(1, "s", "n", frozenset({WORKER}), worker.id, worker.external_id, None, False, "c")
    try:
        return access_to_case(session, person, case.number, today).how == "deputy"
    except NotFound:
        return False


def test_the_deputy_sees_the_cases_on_the_days_of_the_absence(session, workers):
    case = make_case(session, responsible_worker_id=workers[0].id)
    away(session)
    days = [date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 12), date(2026, 12, 13)]
    assert [sees(session, workers[1], case, day) for day in days] == [False, True, True, False]
    assert not sees(session, workers[2], case, days[1])
    back(session, "W-101", date(2026, 12, 5))
    assert [sees(session, workers[1], case, date(2026, 12, day)) for day in (4, 5)] == [True, False]
    assert listing.workers(session, date(2026, 12, 5))[0]["away"] == []
    events = session.execute(text("SELECT action, subject FROM audit_event ORDER BY id")).all()
    assert events == [("worker.away", "worker:W-101"), ("worker.back", "worker:W-101")]


def test_an_absence_to_come_is_called_off_whole(session, workers):
    away(session, deputy=None)
    later = away(session, first=date(2026, 12, 20), last=date(2026, 12, 24))
    assert [one.first for one in absences.ahead(session, TODAY)] == [DAYS["first"], later.first]
    assert back(session, "W-101", TODAY).first == DAYS["first"]
    assert absences.ahead(session, TODAY) == [later]
    assert session.execute(text("SELECT count(*) FROM absence")).scalar() == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"worker": "W-9"}, "no worker W-9"),
        ({"deputy": "W-9"}, "no worker W-9"),
        ({"deputy": "W-101"}, "Nobody stands in for themselves"),
        ({"last": date(2026, 11, 30)}, "is before the first"),
        ({"last": date(9999, 12, 31)}, "within five years"),
        ({"first": date(1, 1, 1)}, "within five years"),
        ({"first": date(2026, 12, 12), "last": date(2026, 12, 13)}, "away from 2026-12-01 to 2026-12-12 already"),
        ({"first": date(2026, 11, 1), "last": date(2027, 1, 1)}, "already"),
    ],
)
def test_what_makes_no_sense_is_refused(session, workers, wrong, said):
    away(session)
    with pytest.raises(InputError, match=said):
        away(session, **wrong)
    assert session.execute(text("SELECT count(*) FROM absence")).scalar() == 1


def test_who_left_stands_in_for_nobody(session, workers):
    workers[1].active = False
    session.flush()
    with pytest.raises(InputError, match="cannot stand in"):
        away(session)


def test_days_side_by_side_do_not_overlap(session, workers):
    away(session)
    away(session, first=date(2026, 12, 13), last=date(2026, 12, 13))


def test_who_is_here_cannot_come_back(session, workers):
    with pytest.raises(InputError, match="is not away"):
        back(session, "W-101", TODAY)
    away(session)
    with pytest.raises(InputError, match="is not away"):
        back(session, "W-101", date(2026, 12, 13))


def avain(*arguments: str):
    result = CliRunner().invoke(reference.worker_app, [*arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_on_the_command_line(here):
    with here.transaction() as session:
        for number in (1, 2):
            make_worker(session, external_id=f"W-10{number}")
    said = avain("away", "W-101", "--from", "2030-12-01", "--to", "12.12.2030", "--deputy", "W-102").stdout
    assert "W-101 is away from 2030-12-01 to 2030-12-12; W-102 stands in." in said
    assert "2030-12-01–2030-12-12 (W-102)" in avain("list").stdout
    first, _ = json.loads(avain("list", "--json").stdout)
    assert first["away"] == [{"first": "2030-12-01", "last": "2030-12-12", "deputy": "W-102"}]
    assert "is back: the absence from 2030-12-01" in avain("back", "W-101").stdout
    ended = avain("away", "W-101", "--from", "2030-12-01", "--to", "2030-12-02", "--json", "--as", "anna")
    days = {"first": "2030-12-01", "last": "2030-12-02"}
    assert json.loads(ended.stdout) == {"worker": "W-101", "deputy": None, **days, "deputy_away": False}
    assert here.rows("SELECT actor FROM audit_event ORDER BY id DESC LIMIT 1")[0].actor == "cli:anna"
    with pytest.raises(InputError, match="already"):
        avain("away", "W-101", "--from", "2030-12-02", "--to", "2030-12-03")


def write(tmp_path, *workers: tuple[str, str | None]):
    path = tmp_path / "workers.toml"
    path.write_text(
        "\n".join(
            f'[[worker]]\nid = "{id_}"\nname = "n"\n' + (f'subject = "{subject}"\n' if subject else "")
            for id_, subject in workers
        )
    )
    return path


def test_subjects_of_workers(session, tmp_path):
    def imported(*workers: tuple[str, str | None]) -> tuple[int, int, int]:
        found = import_workers(session, write(tmp_path, *workers), NOW, "cli:test")
        return found.added, found.changed, found.unchanged

    assert imported(("W-1", "a"), ("W-2", "b"), ("W-3", None)) == (3, 0, 0)
    assert imported(("W-1", "b"), ("W-2", "a"), ("W-3", None)) == (0, 2, 1), "they pass from one to another"
    assert imported(("W-1", None)) == (0, 1, 0)
    assert imported(("W-3", "b")) == (0, 1, 0)
    with pytest.raises(InputError, match="the subject of W-1 belongs to the worker W-2 already"):
        imported(("W-1", "a"))
    with pytest.raises(InputError, match="subject c occurs twice"):
        imported(("W-1", "c"), ("W-2", "c"))
    subjects = {row["id"]: row["subject"] for row in listing.workers(session, TODAY)}
    assert subjects == {"W-1": None, "W-2": "a", "W-3": "b"}
