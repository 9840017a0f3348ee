"""Answers to orders: what each does to its order, budget and worker, and which wait for a person or are refused."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import text

from core.errors import InputError, NotFound
from models.order import OrderApproval, PurchaseOrder
from services.orders.replies.answer_values import Answer, Code, LineAnswer, Taken
from services.orders.replies.answers import take
from services.orders.replies.answers_held import apply_held, discard_held, respond
from tests.factories.order import make_order
from tests.support.answers import an_order, changes, coverage, fewer, news_of, stands, two_lines
from tests.support.in_process import InProcess
from tests.support.ordering import NOW, make_world, order

START = date(2026, 12, 1)


def dirty(session) -> int:
    return int(session.execute(text("SELECT count(*) FROM budget_dirty WHERE cause = 'order'")).scalar_one())


def audited(session, found: PurchaseOrder) -> list[str]:
    statement = text(
        "SELECT action FROM audit_event WHERE subject = :subject AND action LIKE 'order.answer%' ORDER BY id"
    )
    return list(session.execute(statement, {"subject": f"order:{found.number}"}).scalars())


def test_an_order_is_received_then_accepted(session):
    found = an_order(session)
    assert take(session, Answer(found.number, "AB", external_id="V-1"), now=NOW).state == "applied"
    assert (stands(session, found), found.answered_at) == (("received", None), None)
    done = take(session, Answer(found.number, "AP", external_id="V-2", starts_on=START), now=NOW)
    assert (done.state, done.order_id) == ("applied", found.id)
    assert (stands(session, found), found.answered_at) == (("accepted", START), NOW)
    assert news_of(session, found) == ["order_accepted"]
    assert coverage(session, found) == [True]


@pytest.mark.parametrize("state", ["approved", "sending", "failed"])
def test_what_is_answered_has_arrived_whatever_we_knew(session, state):
    found = an_order(session, state=state, sent_at=None)
    take(session, Answer(found.number, "AB"), now=NOW)
    assert (stands(session, found)[0], found.sent_at) == ("received", NOW)


def test_a_rejected_order_frees_what_it_covered(session):
    world = make_world(session)
    found = an_order(session, world=world)
    session.execute(text("DELETE FROM budget_dirty"))
    assert take(session, Answer(found.number, "RE"), now=NOW).state == "applied"
    assert stands(session, found)[0] == "rejected"
    assert coverage(session, found) == [False]
    assert dirty(session) == 1
    assert news_of(session, found) == ["order_rejected"]
    assert order(session, world.item).orders, "it can be ordered again"


def test_after_a_rejected_month_no_further_one_is_ordered_by_itself(session):
    world = make_world(session)
    approval = OrderApproval(
        plan_item_id=world.item.id,
        choice_id=session.execute(text("SELECT id FROM choice")).scalar_one(),
        provider_id=world.provider.id,
        gross=Decimal(1),
        approved_by="a",
        approved_at=NOW,
    )
    session.add(approval)
    session.flush()
    found = make_order(session, world.decision, world.provider, approval_id=approval.id)
    take(session, Answer(found.number, "RE"), now=NOW)
    session.refresh(approval)
    assert (approval.ended_at, approval.ended_by) == (NOW, "avain")


def test_the_same_answer_again_does_nothing(session):
    found = an_order(session)
    for answer in (
        Answer(found.number, "AP", external_id="V-1", starts_on=START),
        Answer(found.number, "AP", external_id="V-1", starts_on=START),
        Answer(found.number, "AP", external_id="V-9", starts_on=START),
    ):
        done = take(session, answer, now=NOW)
    assert done.state == "repeated"
    assert session.execute(text("SELECT count(*) FROM order_response")).scalar_one() == 1
    assert news_of(session, found) == ["order_accepted"]


def test_another_answer_under_the_same_number_is_refused(session):
    found = an_order(session)
    take(session, Answer(found.number, "AB", external_id="V-1"), now=NOW)
    done = take(session, Answer(found.number, "RE", external_id="V-1"), now=NOW)
    assert done.state == "refused"
    assert "V-1" in str(done.reason)
    assert stands(session, found)[0] == "received"


def test_a_second_answer_that_says_something_else_waits_for_a_person(session):
    found = an_order(session)
    take(session, Answer(found.number, "AP", external_id="V-1", starts_on=START), now=NOW)
    done = take(session, Answer(found.number, "RE", external_id="V-2"), now=NOW)
    assert done.state == "held"
    assert stands(session, found)[0] == "accepted"
    assert news_of(session, found) == ["order_accepted", "order_answer_held"]
    apply_held(session, found.number, actor="cli:aino", now=NOW)
    assert stands(session, found)[0] == "rejected"
    assert coverage(session, found) == [False]
    assert audited(session, found) == ["order.answer_applied"]
    with pytest.raises(InputError, match="waits"):
        apply_held(session, found.number, actor="cli:aino", now=NOW)


def test_what_says_no_more_than_is_so_is_noted(session):
    found = an_order(session)
    take(session, Answer(found.number, "AP", external_id="V-1", starts_on=START), now=NOW)
    assert take(session, Answer(found.number, "AP", external_id="V-2"), now=NOW).state == "applied"
    assert take(session, Answer(found.number, "AB", external_id="V-3"), now=NOW).state == "applied"
    assert stands(session, found) == ("accepted", START)
    assert (
        take(session, Answer(found.number, "AP", external_id="V-4", starts_on=START + timedelta(days=7)), now=NOW).state
        == "held"
    )


@pytest.mark.parametrize(
    ("state", "code", "becomes"),
    [
        ("cancelled", "AP", "held"),
        ("cancelled", "RE", "applied"),
        ("cancelled", "AB", "applied"),
        ("closed", "AP", "applied"),
        ("closed", "CA", "held"),
    ],
)
def test_an_answer_to_what_has_ended_moves_nothing(session, state, code, becomes):
    found = an_order(session, state=state)
    assert take(session, Answer(found.number, code), now=NOW).state == becomes
    assert stands(session, found)[0] == state
    if becomes == "held":
        with pytest.raises(InputError, match="only be discarded"):
            apply_held(session, found.number, actor="cli:aino", now=NOW)
        with pytest.raises(InputError, match="note"):
            discard_held(session, found.number, actor="cli:aino", reason=" ", now=NOW)
        discard_held(session, found.number, actor="cli:aino", reason="told them", now=NOW)
        assert audited(session, found) == ["order.answer_discarded"]


def test_an_unknown_order_and_another_sellers_answer_are_refused(session):
    assert take(session, Answer("T-2026-999999", "AP"), now=NOW).state == "refused"
    assert take(session, Answer("T\x00", "AP"), now=NOW).state == "refused"
    found = an_order(session)
    for business_id, endpoint in (("1234567-1", None), (None, "003712345671"), ("1234567-1", "x")):
        done = take(session, Answer(found.number, "RE", business_id=business_id, endpoint=endpoint), now=NOW)
        assert (done.state, "another seller" in str(done.reason)) == ("refused", True)
    assert stands(session, found)[0] == "sent"
    provider = session.execute(text("SELECT business_id, endpoint_id FROM provider")).one()
    assert (
        take(session, Answer(found.number, "AB", business_id=provider.business_id, endpoint="gln"), now=NOW).state
        == "applied"
    )
    assert take(session, Answer(found.number, "AP", endpoint=provider.endpoint_id), now=NOW).state == "applied"


@pytest.mark.parametrize(
    "wrong",
    [
        {"starts_on": date(1999, 1, 1)},
        {"lines": (LineAnswer(1, "3", quantity=Decimal("1e9")),)},
        {"lines": (LineAnswer(1, "3", amount=Decimal(-1)),)},
        {"lines": (LineAnswer(1, "3", last=date(9999, 12, 31)),)},
    ],
)
def test_figures_nobody_can_mean_are_refused(session, wrong: dict[str, Any]):
    found = an_order(session)
    assert take(session, Answer(found.number, "CA", **wrong), now=NOW).state == "refused"
    assert stands(session, found)[0] == "sent"


def test_days_outside_the_order_are_held_and_cannot_be_accepted(session):
    found = an_order(session)
    done = take(session, Answer(found.number, "AP", starts_on=date(2030, 1, 1)), now=NOW)
    assert done.state == "held"
    assert stands(session, found)[0] == "sent"
    with pytest.raises(InputError, match="order anew"):
        apply_held(session, found.number, actor="cli:aino", now=NOW)


def test_proposed_changes_wait_and_are_accepted(session):
    found = two_lines(session)
    proposal = changes(found.number, fewer(1), LineAnswer(2, "7"), starts_on=date(2026, 12, 10))
    done = take(session, proposal, now=NOW)
    assert (done.state, stands(session, found)[0]) == ("held", "changed")
    assert news_of(session, found) == ["order_changed"]
    assert take(session, proposal, now=NOW).state == "repeated"
    session.execute(text("DELETE FROM budget_dirty"))
    apply_held(session, found.number, actor="cli:aino", now=NOW)
    assert stands(session, found) == ("accepted", date(2026, 12, 10))
    assert coverage(session, found) == [True, False], "what the provider declines can be ordered elsewhere"
    assert dirty(session) == 1
    assert audited(session, found) == ["order.answer_applied"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (fewer(1, "13"), "more than was ordered"),
        (fewer(1, "8", unit="HUR"), "another unit"),
        (LineAnswer(1, "3", amount=Decimal("90.00")), "higher price"),
        (LineAnswer(1, "3", amount=Decimal("900.00"), base_quantity=Decimal(10)), "higher price"),
        (LineAnswer(1, "3", first=date(2026, 1, 1)), "outside those ordered"),
        (LineAnswer(9, "5"), "adds something"),
        (LineAnswer(None, "5"), "adds something"),
        (LineAnswer(1, "1"), "adds something"),
    ],
)
def test_what_goes_beyond_the_order_cannot_be_accepted(session, line, why):
    found = an_order(session)
    done = take(session, changes(found.number, line), now=NOW)
    assert (done.state, stands(session, found)[0]) == ("held", "changed")
    assert why in str(done.reason)
    with pytest.raises(InputError, match="order anew"):
        apply_held(session, found.number, actor="cli:aino", now=NOW)


@pytest.mark.parametrize(
    "line",
    [
        LineAnswer(1, "3", amount=Decimal("88.00")),
        LineAnswer(1, "3", amount=Decimal(880), base_quantity=Decimal(10)),
        LineAnswer(1, "42"),
    ],
)
def test_what_stays_within_the_order_may_be_accepted(session, line):
    found = an_order(session)
    take(session, changes(found.number, line), now=NOW)
    apply_held(session, found.number, actor="cli:aino", now=NOW)
    assert stands(session, found)[0] == "accepted"


def test_declined_changes_leave_the_order_waiting_for_another_answer(session):
    found = an_order(session)
    take(session, changes(found.number, fewer()), now=NOW)
    with pytest.raises(InputError, match="note"):
        discard_held(session, found.number, actor="cli:aino", reason="", now=NOW)
    discard_held(session, found.number, actor="cli:aino", reason="twelve are needed", now=NOW)
    assert (stands(session, found)[0], found.answered_at) == ("received", None)
    with pytest.raises(InputError, match="waits"):
        apply_held(session, found.number, actor="cli:aino", now=NOW)
    assert take(session, changes(found.number, fewer()), now=NOW).state == "held", "said again it is a proposal again"
    assert take(session, Answer(found.number, "AP"), now=NOW).state == "applied"
    states = session.execute(text("SELECT state FROM order_response ORDER BY id")).scalars().all()
    assert states == ["discarded", "discarded", "applied"]


def test_a_later_proposal_takes_the_place_of_the_former(session):
    found = an_order(session)
    take(session, changes(found.number, fewer(quantity="8")), now=NOW)
    take(session, changes(found.number, fewer(quantity="6")), now=NOW)
    apply_held(session, found.number, actor="cli:aino", now=NOW)
    rows = session.execute(text("SELECT state, settled_by FROM order_response ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [("discarded", "avain"), ("applied", "cli:aino")]


def test_a_person_writes_down_what_was_said_on_the_telephone(session):
    found = an_order(session)
    respond(session, found.number, "AP", starts_on=START, actor="cli:aino", now=NOW)
    assert stands(session, found) == ("accepted", START)
    assert news_of(session, found) == []
    assert audited(session, found) == ["order.answer_noted"]
    with pytest.raises(InputError, match="came before"):
        respond(session, found.number, "AP", starts_on=START, actor="cli:aino", now=NOW)
    respond(session, found.number, "RE", actor="cli:aino", reason="the coach fell ill", now=NOW)
    assert (stands(session, found)[0], coverage(session, found)) == ("rejected", [False])
    respond(session, found.number, "AP", actor="cli:aino", now=NOW)
    assert (stands(session, found)[0], coverage(session, found)) == ("accepted", [True])


def test_what_was_ordered_anew_cannot_be_accepted_after_all(session):
    world = make_world(session)
    found = an_order(session, world=world)
    respond(session, found.number, "RE", actor="cli:aino", now=NOW)
    assert order(session, world.item).orders
    with pytest.raises(InputError, match="ordered anew"):
        respond(session, found.number, "AP", actor="cli:aino", now=NOW)
    assert stands(session, found)[0] == "rejected"


def test_a_proposal_by_telephone(session):
    found = two_lines(session)
    respond(session, found.number, "CA", quantities={2: Decimal(5)}, actor="cli:aino", now=NOW)
    rows = session.execute(text("SELECT line_number, code, quantity FROM order_response_line ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [(1, "5", None), (2, "3", Decimal(5))]
    assert stands(session, found)[0] == "changed"
    for wrong in ({2: Decimal(99)}, {7: Decimal(1)}):
        with pytest.raises(InputError):
            respond(session, found.number, "CA", quantities=wrong, actor="cli:aino", now=NOW)
    with pytest.raises(NotFound):
        respond(session, "T-2026-999999", "AP", actor="cli:aino", now=NOW)
    found.state = "cancelled"
    session.flush()
    with pytest.raises(InputError, match="changes nothing"):
        respond(session, found.number, "AP", actor="cli:aino", now=NOW)


def test_the_note_of_the_reply_page_tells_answers_apart(session):
    found = an_order(session)
    one = replace(changes(found.number, fewer()), note="from January")
    assert take(session, one, now=NOW).state == "held"
    assert take(session, one, now=NOW).state == "repeated"
    assert take(session, replace(one, note="from February"), now=NOW).state == "held"


def test_of_two_answers_at_once_the_second_finds_what_the_first_made_of_it(here: InProcess) -> None:
    with here.transaction() as session:
        number = an_order(session).number
    second: list[Taken] = []

    def meanwhile(code: Code) -> None:
        with here.transaction() as other:
            second.append(take(other, Answer(number, code, starts_on=None), now=NOW))

    threads = [Thread(target=meanwhile, args=(code,)) for code in ("RE", "AP")]
    with here.transaction() as session:
        first = take(session, Answer(number, "AP"), now=NOW)
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert first.state == "applied"
    assert sorted(one.state for one in second) in (["held", "repeated"], ["applied", "held"])
    assert here.rows("SELECT state FROM purchase_order")[0].state == "accepted"
    assert len(here.rows("SELECT 1 FROM notice WHERE kind = 'order_accepted'")) == 1
