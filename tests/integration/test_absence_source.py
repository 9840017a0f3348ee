"""Absences from a source: applied as a set, people's entries stand, bad rows are left out, what looks like a failed export changes nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from core.errors import Message, RefusedInput
from core.source_settings import AbsenceSource, Sources
from documents.absence_table import read_absences
from services.access import absence_source, absences
from services.access.absence_source import File, apply_absences
from tests.factories.worker import make_worker
from tests.support.work import called, claimed

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
TODAY = NOW.date()


class Office:
    """Workers W-1 to W-9, and a source `hr` that says what a test says."""

    def __init__(self, session, run_id):
        self.session, self.run_id = session, run_id
        self.workers = {
            f"W-{number}": make_worker(
                session, external_id=f"W-{number}", email=f"w{number}@county.invalid", active=number != 9
            )
            for number in range(1, 10)
        }

    def told(self, *lines, now=NOW, **settings):
        """`W-1 3 5 W-2`: away from today + 3 to today + 5 (or days as they are)."""
        rows = []
        for line in lines:
            worker, first, last, deputy = (*line.split(), "", "")[:4]
            rows.append(";".join((worker, self.day(first), self.day(last), deputy)))
        content = "\n".join(("worker;from;to;deputy", *rows, ""))
        table = read_absences(content.encode(), encoding="cp1252", titles={})
        configured = AbsenceSource(path="unused", **settings)
        file = File("hr.csv", "f" * 64, table)
        counts = apply_absences(self.session, "hr", configured, [file], run_id=self.run_id, now=now, today=now.date())
        return {name: number for name, number in counts.items() if number and name != "read"}

    @staticmethod
    def day(text_):
        return (TODAY + timedelta(days=int(text_))).isoformat() if text_.lstrip("-").isdecimal() else text_

    def enter(self, worker, first, last, deputy=None):
        days = {"first": TODAY + timedelta(days=first), "last": TODAY + timedelta(days=last)}
        absences.go_away(self.session, worker, deputy=deputy, now=NOW, actor="worker:W-1", **days)

    def live(self):
        """`W-1 3 5 W-2 hr` for each absence that stands."""
        rows = self.session.execute(
            text(
                """
                SELECT worker.external_id AS w, deputy.external_id AS d, lower(period) AS first, upper(period) - 1 AS last, source
                FROM absence JOIN worker ON worker.id = worker_id LEFT JOIN worker AS deputy ON deputy.id = deputy_id
                WHERE cancelled_at IS NULL ORDER BY 1, 3"""
            )
        )
        return [
            " ".join(filter(None, (r.w, str((r.first - TODAY).days), str((r.last - TODAY).days), r.d, r.source)))
            for r in rows
        ]

    def rejected(self):
        rows = self.session.execute(
            text("SELECT file_name, position, field, reason FROM rejected_record WHERE settled_at IS NULL ORDER BY id")
        )
        return [(row.file_name, row.position, row.field, Message.from_json(row.reason).text("en")) for row in rows]


@pytest.fixture
def office(session):
    return Office(session, claimed(session, called(session)).run_id)


def test_added_changed_ended_and_the_same_again(office):
    assert office.told("W-1 3 5 W-2", "W-3 0 9") == {"added": 2}
    assert office.told("W-1 3 5 W-2", "W-3 0 9") == {"unchanged": 2}
    assert office.told("W-1 3 7 W-4", "W-3 0 9", "w5@county.invalid 1 1") == {"changed": 1, "unchanged": 1, "added": 1}
    assert office.live() == ["W-1 3 7 W-4 hr", "W-3 0 9 hr", "W-5 1 1 hr"]
    assert office.told("W-5 1 1") == {"unchanged": 1, "gone": 2}
    assert office.live() == ["W-5 1 1 hr"]
    events = office.session.execute(
        text("SELECT actor, details ->> 'gone' FROM audit_event WHERE action = 'absences.told'")
    )
    assert events.all() == [("source:hr", "0"), ("source:hr", "0"), ("source:hr", "2")]


def test_what_is_past_of_an_ended_absence_stays(office):
    office.told("W-1 0 9 W-2", "W-2 0 0")
    later = NOW + timedelta(days=4)
    assert office.told("W-2 4 5", now=later) == {"added": 1, "gone": 1}
    assert office.live() == ["W-1 0 3 W-2 hr", "W-2 0 0 hr", "W-2 4 5 hr"]
    assert office.told("W-2 4 5", "W-1 0 3", now=later) == {"unchanged": 1}, "what is over is of no use"


def test_it_may_begin_and_end_on_other_days_now(office):
    office.told("W-1 3 5", "W-1 10 12")
    assert office.told("W-1 4 11") == {"changed": 1}
    assert office.live() == ["W-1 4 11 hr"]
    assert office.told("W-1 3 5", "W-1 10 12") == {"changed": 2}


@pytest.mark.parametrize(
    ("line", "field", "said"),
    [
        ("W-77 1 2", "worker", "There is no worker W-77."),
        ("W-1 1 2 W-77", "deputy", "There is no worker W-77."),
        ("W-1 1 2 W-9", "deputy", "not active"),
        ("W-1 1 2 w1@county.invalid", "deputy", "for themselves"),
        ("W-1 1 31.2.2027", "last", "not like 30.11.2026"),
        ("W-1 2 1", "last", "before the first"),
        ("W-4 5 8", "first", "Row 3 tells of some of these days"),
        ("W\u200b1 1 2", "worker", "There is no worker …."),
    ],
)
def test_a_bad_row_is_left_out_and_the_rest_goes_on(office, line, field, said):
    assert office.told("W-2 1 2", "W-4 4 6", line) == {"added": 2, "rejected": 1}
    ((name, row, column, reason),) = office.rejected()
    assert (name, row, column) == ("hr.csv", "4", field)
    assert said in reason
    assert office.live() == ["W-2 1 2 hr", "W-4 4 6 hr"]


def test_a_worker_whose_row_was_rejected_keeps_what_is_known(office):
    office.told("W-1 1 2", "W-1 5 6", "W-2 1 2")
    assert office.told("W-1 1 2 W-77", "W-2 1 2") == {"unchanged": 3, "rejected": 1}
    assert office.told("W-1 1 nothing", "W-2 1 2") == {"unchanged": 3, "rejected": 1}
    assert office.live() == ["W-1 1 2 hr", "W-1 5 6 hr", "W-2 1 2 hr"]


def test_what_people_entered_is_never_overwritten(office):
    office.enter("W-1", 3, 6, deputy="W-2")
    assert office.told("W-1 5 9", "W-3 1 1") == {"added": 1, "rejected": 1}
    assert "Somebody entered an absence from 2026-11-25 to 2026-11-28 here" in office.rejected()[0][3]
    assert office.told("W-1 3 6", "W-3 1 1") == {"unchanged": 1}, "it says nothing else"
    assert office.told("W-1 3 6 W-4", "W-3 1 1") == {"unchanged": 1, "rejected": 1}
    assert office.live() == ["W-1 3 6 W-2", "W-3 1 1 hr"]


def test_people_name_the_deputy_that_the_source_does_not_know(office):
    office.told("W-1 0 9")
    office.enter("W-1", 2, 4, deputy="W-2")
    assert office.live() == ["W-1 0 1 hr", "W-1 2 4 W-2", "W-1 5 9 hr"]
    assert office.told("W-1 0 9") == {"rejected": 1, "unchanged": 2}
    assert office.live() == ["W-1 0 1 hr", "W-1 2 4 W-2", "W-1 5 9 hr"]


def test_two_who_have_one_address_are_nobody(office):
    make_worker(office.session, external_id="X-1", email="W1@county.invalid")
    assert office.told("w1@county.invalid 1 2", "W-2 1 1") == {"added": 1, "rejected": 1}


def test_an_export_that_failed_changes_nothing(office):
    everybody = [f"W-{number} 1 2" for number in range(1, 9)]
    office.told(*everybody)
    with pytest.raises(RefusedInput, match="tells of nobody"):
        office.told()
    with pytest.raises(RefusedInput, match="6 of 8 absences would end"):
        office.told(*everybody[:2])
    assert len(office.live()) == 8
    assert office.told(*everybody[:3]) == {"unchanged": 3, "gone": 5}, "so few may always end"
    assert office.told("W-5 1 1", max_gone=1) == {"added": 1, "gone": 3}


def test_settings_are_checked():
    with pytest.raises(ValueError, match="exactly one of"):
        AbsenceSource()
    with pytest.raises(ValueError, match="each needs its own"):
        Sources(absences={"a": AbsenceSource(path="x")}, incoming={"a": {"path": "y"}})


def test_one_worker_is_away_so_often_and_no_oftener(office, monkeypatch):
    monkeypatch.setattr(absence_source, "_MOST_OF_ONE", 3)
    assert office.told(*(f"W-1 {day} {day}" for day in range(5)), "W-2 1 1") == {"added": 4, "rejected": 2}
    assert office.live() == ["W-1 0 0 hr", "W-1 1 1 hr", "W-1 2 2 hr", "W-2 1 1 hr"]
    assert "more than 3 absences of one worker" in office.rejected()[0][3]
