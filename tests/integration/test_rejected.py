"""Rejected records: equal faults as one line, settled by a later run or a person."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from connectors.rejection import Rejection
from core.errors import InputError, Message, NotFound
from services import rejected
from tests.factories.price import make_run
from tests.support.queries import recording

NOW = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)


def faults(
    count: int, msgid: str = "The worker {code} is not known to Avain.", field: str = "worker"
) -> list[Rejection]:
    return [Rejection(str(n), field, f"LC-{n}", Message(msgid, code=f"W-{n}")) for n in range(1, count + 1)]


def test_seven_thousand_equal_faults_are_one_line_and_one_statement(session: Session) -> None:
    run = make_run(session)
    with recording(session) as statements:
        assert rejected.reject(session, run.id, "a", "cases.xml", "00", faults(7_000)) == 7_000
    assert len(statements) == 1
    rejected.reject(session, run.id, "a", "cases.xml", "00", faults(2, field="co_worker"))
    rejected.reject(session, run.id, "b", "other.xml", "11", faults(1, "The quantity is zero."))
    groups = rejected.grouped(session)
    assert [(one.source, one.field, one.count) for one in groups] == [
        ("a", "worker", 7_000),
        ("a", "co_worker", 2),
        ("b", "worker", 1),
    ]
    assert (groups[0].position, groups[0].external_id, groups[0].reason.text("en")) == (
        "1",
        "LC-1",
        "The worker W-1 is not known to Avain.",
    )
    assert [one.source for one in rejected.grouped(session, "b")] == ["b"]
    assert len(rejected.members(session, groups[0].id, limit=50)) == 50


def test_of_equal_faults_the_later_ones_can_be_told_alone(session: Session) -> None:
    assert rejected.latest_id(session) == 0
    rejected.reject(session, make_run(session).id, "a", "cases.xml", "00", faults(3))
    before = rejected.latest_id(session)
    rejected.reject(session, make_run(session).id, "a", "cases.xml", "11", faults(2))
    assert [one.count for one in rejected.grouped(session)] == [5]
    assert [one.count for one in rejected.grouped(session, "a", after=before)] == [2]


def test_a_group_says_that_it_names_several_values(session: Session) -> None:
    run = make_run(session)
    unknown = [
        Rejection(str(n), "service", f"LC-{n}", Message("Avain does not know the service {code}.", code=code))
        for n, code in enumerate(("UUSI", "NEPSY"))
    ]
    rejected.reject(session, run.id, "a", "cases.xml", "00", unknown)
    rejected.reject(session, run.id, "b", "cases.xml", "00", [unknown[0]] * 3)
    assert [(one.count, one.varied) for one in rejected.grouped(session)] == [(3, False), (2, True)]


def test_nothing_rejected_costs_nothing(session: Session) -> None:
    with recording(session) as statements:
        assert rejected.reject(session, 0, "a", "cases.xml", "00", []) == 0
    assert statements == []


def test_a_person_discards_one_or_a_group_with_a_note(session: Session) -> None:
    rejected.reject(session, make_run(session).id, "a", "cases.xml", "00", faults(3))
    (group,) = rejected.grouped(session)
    assert rejected.discard(session, group.id, " agreed ", NOW) == 1
    first = rejected.members(session, group.id)[0]
    assert (first.id, first.note, first.settled_at) == (group.id, "agreed", NOW)
    with pytest.raises(NotFound):
        rejected.discard(session, group.id, "again", NOW)
    assert rejected.discard(session, group.id, "all of them", NOW, whole_group=True) == 2
    assert rejected.grouped(session) == []
    with pytest.raises(InputError):
        rejected.discard(session, group.id, "  ", NOW)


def test_a_later_run_settles_only_what_is_earlier_and_of_its_source(session: Session) -> None:
    first, second = make_run(session), make_run(session)
    for run, source in ((first, "a"), (first, "b"), (second, "a")):
        rejected.reject(session, run.id, source, "cases.xml", "00", faults(2))
    assert rejected.settle_earlier(session, "a", second.id, NOW) == 2
    assert [(one.source, one.count) for one in rejected.grouped(session)] == [("b", 2), ("a", 2)]
