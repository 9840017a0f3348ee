"""What providers report as delivered: taken in, corrected, held where it is more than was ordered; and what it does to the budget."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from core.budget_settings import Budgets
from models.order import PurchaseOrder
from services.budgets.recompute import recompute_now
from services.orders.replies.delivered import Report, TakenReport, take_delivered
from tests.support.answers import an_order, two_lines
from tests.support.queries import recording

NOW = datetime(2027, 4, 1, 9, 0, tzinfo=UTC)
DECEMBER = (date(2026, 12, 1), date(2026, 12, 31))
JANUARY = (date(2027, 1, 1), date(2027, 1, 31))


def report(found: PurchaseOrder, quantity: str, days: tuple[date, date] = DECEMBER, line: int | None = 1) -> Report:
    return Report(found.number, line, *days, Decimal(quantity))


def take(session, *reports: Report, **over: Any) -> list[TakenReport]:
    return take_delivered(session, reports, told_by="csv", now=NOW, **over)


def states(taken: list[TakenReport]) -> list[str]:
    return [one.state for one in taken]


def standing(session) -> list[Decimal]:
    statement = text("SELECT quantity FROM delivered WHERE superseded_at IS NULL ORDER BY order_line_id, period")
    return list(session.execute(statement).scalars())


def test_what_is_delivered_moves_the_budget(session):
    found = an_order(session, state="accepted")
    assert states(take(session, report(found, "3"))) == ["applied"]
    recompute_now(session, [found.decision_id], cause="order", now=NOW, settings=Budgets())
    version = session.execute(text("SELECT delivered, ordered FROM budget_version ORDER BY id DESC LIMIT 1")).one()
    assert (version.delivered, version.ordered) == (Decimal("264.00"), Decimal("1056.00"))


def test_a_correction_takes_the_place_of_what_was_said(session):
    found = an_order(session, state="accepted")
    take(session, report(found, "3"), report(found, "4", JANUARY))
    assert states(take(session, report(found, "2"), report(found, "4", JANUARY))) == ["applied", "repeated"]
    assert standing(session) == [Decimal(2), Decimal(4)]
    assert session.execute(text("SELECT count(*) FROM delivered WHERE superseded_at IS NOT NULL")).scalar_one() == 1
    whole = (DECEMBER[0], JANUARY[1])
    assert states(take(session, report(found, "7", whole))) == ["applied"], "it lies around both"
    assert standing(session) == [Decimal(7)]
    (across,) = take(session, report(found, "1", JANUARY))
    assert (across.state, "together with others" in str(across.reason)) == ("held", True)
    assert states(take(session, report(found, "1", JANUARY), agreed=True)) == ["held"], "nobody can say what is meant"


def test_corrections_within_one_file(session):
    found = an_order(session, state="accepted")
    taken = take(session, report(found, "3"), report(found, "5"), report(found, "5"), report(found, "2", JANUARY))
    assert states(taken) == ["applied", "applied", "repeated", "applied"]
    assert standing(session) == [Decimal(5), Decimal(2)]


def test_more_than_was_ordered_waits_for_a_person(session):
    found = an_order(session, state="accepted")
    taken = take(session, report(found, "10"), report(found, "3", JANUARY))
    assert states(taken) == ["applied", "held"]
    assert "13" in str(taken[1].reason)
    assert states(take(session, report(found, "3", JANUARY), agreed=True)) == ["applied"]
    assert standing(session) == [Decimal(10), Decimal(3)]


def test_days_the_line_has_not_wait_for_a_person(session):
    found = an_order(session, state="accepted")
    before = (date(2026, 1, 1), date(2026, 1, 31))
    (taken,) = take(session, report(found, "1", before))
    assert (taken.state, "others are told of" in str(taken.reason)) == ("held", True)
    assert states(take(session, report(found, "1", before), agreed=True)) == ["applied"]


@pytest.mark.parametrize("state", ["rejected", "cancelled"])
def test_nothing_is_delivered_on_an_order_that_is_none(session, state):
    found = an_order(session, state=state)
    assert states(take(session, report(found, "1"))) == ["refused"]


def test_what_fits_no_line_is_refused_and_the_rest_goes_on(session):
    found = two_lines(session)
    strange = Report("T-2026-999999", 1, *DECEMBER, Decimal(1))
    ahead = (date(2027, 5, 1), date(2027, 5, 31))
    taken = take(
        session,
        strange,
        report(found, "1", line=9),
        report(found, "1", line=None),
        report(found, "1", ahead),
        report(found, "1", line=2),
    )
    assert states(taken) == ["refused"] * 4 + ["applied"]
    said = [str(one.reason) for one in taken[:4]]
    assert all(
        word in sentence
        for word, sentence in zip(["no purchase order", "no line", "said which", "not come"], said, strict=True)
    )


def test_the_only_line_need_not_be_named(session):
    found = an_order(session, state="accepted")
    assert states(take(session, report(found, "1", line=None))) == ["applied"]


def test_another_providers_order_is_none_of_theirs(session):
    found = an_order(session, state="accepted")
    assert states(take(session, report(found, "1"), business_id="1234567-1")) == ["refused"]
    own = session.execute(text("SELECT business_id FROM provider")).scalar_one()
    assert states(take(session, report(found, "1"), business_id=own)) == ["applied"]


def test_many_reports_are_as_many_statements_as_one(session):
    found = two_lines(session)
    days = [(date(2026, 12, day), date(2026, 12, day)) for day in range(2, 30)]
    take(session, *(report(found, "0.1", one) for one in days))
    with recording(session) as few:
        take(session, report(found, "0.2", days[0]))
    with recording(session) as many:
        take(session, *(report(found, "0.3", one, line=2) for one in days))
    assert len(many) <= len(few)


def test_a_report_is_kept_as_it_was_said(session):
    found = an_order(session)
    one = report(found, "1.50")
    assert Report.from_json(one.to_json()) == one
