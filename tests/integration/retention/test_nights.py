"""The nightly job: it counts until the organisation says that it may remove; then it removes batch by batch."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Transient
from models.case import Case
from services.retention import removing
from tests.support.aged import NOW, TODAY, count, sweep, tables_telling, whole_case
from tests.support.browsing import settings_for
from tests.support.lease_in_test import InTest
from workers.tasks.retention import remove


@pytest.fixture(autouse=True)
def _the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.tasks.retention.business_now", lambda _session: NOW)
    monkeypatch.setattr("workers.tasks.retention.business_today", lambda _session: TODAY)


def night(session: Session, **retention: Any) -> Any:
    configured = settings_for()
    configured = configured.model_copy(update={"retention": configured.retention.model_copy(update=retention)})
    lease = InTest(session, configured)
    remove(lease)  # type: ignore[arg-type]
    (ending,) = lease.endings
    return ending


def test_it_counts_until_it_may_remove(session: Session) -> None:
    for number in range(3):
        whole_case(session, f"m{number}")
    ending = night(session)
    assert (ending.outcome, ending.counts) == ("succeeded", {"due": 9})
    assert count(session, Case) == 3
    ending = night(session, automatic=True, most_a_night=2)
    assert ending.counts == {"due": 9, "family": 2, "working_age": 0, "vouchers": 1, "documents": 0, "mails": 2}
    assert night(session, automatic=True).counts["family"] == 1
    assert night(session, automatic=True).outcome == "nothing_to_do"
    assert count(session, Case) == 0


def test_in_a_restored_database_it_only_counts(session: Session) -> None:
    """Who has held a case since the copy was made must say so once more first."""
    whole_case(session, "vanhentunut")
    session.execute(text("UPDATE effects SET home = NULL, away_since = now()"))
    assert night(session, automatic=True).counts == {"due": 3}
    assert count(session, Case) == 1


def test_batches_are_of_a_size_whatever_there_is(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removing, "BATCH", 2)
    for number in range(5):
        whole_case(session, f"m{number}")
    assert sweep(session, most=4).counts["family"] == 4
    events = session.execute(
        text("SELECT details FROM audit_event WHERE subject = 'retention:family' ORDER BY id")
    ).scalars()
    assert [one["count"] for one in events] == [2, 2]


def test_who_writes_cases_is_not_waited_for_for_ever(session: Session, shared_engine: Any) -> None:
    whole_case(session, "vanhentunut")
    with shared_engine.connect() as reading, reading.begin():
        reading.execute(text("LOCK TABLE plan_item IN SHARE UPDATE EXCLUSIVE MODE"))
        with pytest.raises(Transient, match="being written"), session.begin_nested():
            sweep(session)


def test_a_night_that_dies_between_two_batches_has_lost_nothing(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a batch removed is removed and recorded together; the rest is as it was, and goes the next time."""
    monkeypatch.setattr(removing, "BATCH", 2)
    for number in range(3):
        whole_case(session, f"m{number}")
    steps = iter((None, _KilledError))

    def killed(_point: str) -> None:
        step = next(steps, None)
        if step is not None:
            raise step

    monkeypatch.setattr(removing, "fault_point", killed)
    with pytest.raises(_KilledError):
        night(session, automatic=True)
    assert count(session, Case) == 1
    assert tables_telling(session, "m2") - {"digest"} != set()
    told = text("SELECT sum(CAST(details ->> 'count' AS int)) FROM audit_event WHERE subject = 'retention:family'")
    assert session.execute(told).scalar_one() == 2
    assert night(session, automatic=True).counts["family"] == 1
    assert session.execute(told).scalar_one() == 3


class _KilledError(BaseException):
    """As a signal ends a process: nothing catches it."""
