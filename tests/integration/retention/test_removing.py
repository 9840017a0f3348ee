"""What is over its time goes, with everything that is its own; what is not, or what somebody still needs, stays."""

import importlib.util
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.audit_settings import Audit
from core.budget_settings import Budgets
from core.retention_settings import Retention
from core.settings import ROOT
from models import metadata
from models.base import days
from models.budget import Budget, BudgetVersion
from models.case import Case, Client
from models.invoice import Delivered, Invoice, InvoiceLine
from models.order import PurchaseOrder
from services import audit_of_case
from services.budgets import dirty
from services.consistency.budgets import budgets as budgets_check
from services.consistency.numbering import numbering
from services.consistency.scope import Scope
from services.retention import report
from services.retention.holds import hold, unhold
from tests.factories.order import make_invoice
from tests.factories.worker import make_unit
from tests.support.aged import AUTUMN, NOW, THEN, TODAY, count, sweep, tables_telling, whole_case
from tests.support.budgets import recompute_dirty
from tests.support.queries import recording

#: What may still tell that a case was here: the trail of who handled it, its tombstone (a number and a digest), and the gap in the numbers.
REMEMBERED = {"audit_event", "removed_case"}


def test_of_a_removed_case_nothing_is_left_and_of_others_everything(session: Session) -> None:
    old = whole_case(session, "vanhentunut").order.number
    young = whole_case(session, "tuore", closed_at=NOW - timedelta(days=30))
    number, order = young.case.number, young.order.number
    before = tables_telling(session, "tuore")
    assert len(before) > 25
    removed = sweep(session)
    assert removed.counts == {"family": 1, "working_age": 0, "vouchers": 1, "documents": 0, "mails": 2}
    session.expire_all()
    assert tables_telling(session, "vanhentunut") == set()
    told = session.execute(text("SELECT split_part(key, '/', 1) FROM sent_elsewhere")).scalars().all()
    assert (old in told, order in told) == (False, True), "what tells of an order by its number alone"
    assert before - tables_telling(session, "tuore") == {"invoice", "incoming_document", "digest"}
    assert session.query(Case).one().number == number
    assert count(session, Client) == 1


def test_every_table_that_refers_to_a_case_is_dealt_with() -> None:
    spec = importlib.util.spec_from_file_location("retention", ROOT / "migrations/versions/0035_retention.py")
    assert spec is not None
    assert spec.loader is not None
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    dealt_with = {table for table, _rows in migration.STEPS} | {"client", "incoming_document"}
    # what refers to a run or a list stays where it is: these are of many cases
    beside = {"run", "work", "rejected_record", "put_off", "sent_elsewhere", "notice", "incoming_document", "invoice"}
    removed = {"client", "client_case"}
    while True:
        more = {
            table.name
            for table in metadata.sorted_tables
            for column in table.columns
            for target in _targets(column)
            if target in removed - beside and table.name not in removed
        }
        if not more:
            break
        removed |= more
    assert removed <= dealt_with


def _targets(column: Any) -> set[str]:
    checked = {column.info["refers_to"].split(".")[0]} if "refers_to" in column.info else set()
    return checked | {key.column.table.name for key in column.foreign_keys}


def test_the_trail_outlives_the_case_and_can_still_be_shown(session: Session) -> None:
    made = whole_case(session, "vanhentunut")
    number, order = made.case.number, made.order.number
    hold(session, number, actor="cli:a", reason="kantelu", now=NOW)
    unhold(session, number, actor="cli:a", reason="ratkaistu", now=NOW)
    sweep(session)
    case = audit_of_case.case_of(session, number)
    told = audit_of_case.entries(session, case, audit_of_case.Wanted())
    assert [one.action for one in told] == ["case.unheld", "case.held"]
    subjects = session.execute(text("SELECT subjects FROM removed_case")).scalar_one()
    assert f"order:{order}" in subjects
    events = session.execute(text("SELECT subject, details FROM audit_event WHERE action = 'retention.removed'")).all()
    assert {row.subject: row.details["count"] for row in events} == {"retention:family": 1, "retention:mails": 1}
    assert not any("vanhentunut" in str(row) or number in str(row) for row in events)


def test_numbers_that_went_are_no_gap(session: Session) -> None:
    session.execute(text("DELETE FROM counter"))
    for _ in range(3):
        whole_case(session, f"m{_}", year=2031)
    whole_case(session, "uusi", year=2031, closed_at=None, status="open")
    sweep(session)
    looked = numbering(Scope(session, TODAY, Budgets()))
    assert not [one for one in looked.broken if "2031" in str(one)]
    rows = session.execute(text("SELECT series, first, last FROM number_gap WHERE series LIKE '%2031' ORDER BY series"))
    assert [tuple(row) for row in rows] == [("HB-2031", 1, 3), ("T-2031", 1, 3)]


BLOCKED = [
    (
        "held",
        "INSERT INTO case_hold (case_id, reason, held_by, held_at) SELECT id, 'x', 'cli:a', now() FROM client_case",
    ),
    ("ordered", "UPDATE purchase_order SET state = 'sent'"),
    ("waiting", "UPDATE incoming_document SET state = 'held'"),
]


@pytest.mark.parametrize(("why", "done"), BLOCKED)
def test_what_somebody_still_needs_stays(session: Session, why: str, done: str) -> None:
    whole_case(session, "vanhentunut")
    session.execute(text(done))
    before = tables_telling(session, "vanhentunut") - {"digest"}
    assert sweep(session).counts == {"family": 0, "working_age": 0, "vouchers": 0, "documents": 0, "mails": 1}
    assert tables_telling(session, "vanhentunut") == before
    told = report(session, Retention(), Audit(), today=TODAY)
    assert {line.name: line.kept for line in told.lines if line.kept} == {"family": {why: 1}, "vouchers": {why: 1}}
    assert told.due == 0


def test_a_young_voucher_keeps_its_case(session: Session) -> None:
    made = whole_case(session, "vanhentunut")
    make_invoice(session, made.line, "1.00", issue_date=date(2023, 1, 1))
    assert sweep(session).counts["family"] == 0
    assert report(session, Retention(), Audit(), today=TODAY).lines[0].kept == {"voucher": 1}
    assert sweep(session, date(2027, 1, 1)).counts["family"] == 1


@pytest.mark.parametrize(
    "done",
    [
        BLOCKED[0][1],
        BLOCKED[1][1],
        "UPDATE client_case SET closed_at = now() - interval '360 days'",
        "UPDATE client_case SET closed_at = NULL, status = 'open'",
    ],
)
def test_the_database_itself_refuses_what_may_never_go(session: Session, done: str) -> None:
    """Whatever the application's role asks for: it may not even delete a row by itself."""
    made = whole_case(session, "vanhentunut")
    session.execute(text(done))
    with pytest.raises(DBAPIError, match="may not be removed"), session.begin_nested():
        session.execute(
            text("SELECT retention_remove_cases(ARRAY[:id]::bigint[], ARRAY['x']::bytea[], 'k')"), {"id": made.case.id}
        )
    for table in (
        "client_case",
        "client",
        "decision",
        "plan_item",
        "purchase_order",
        "invoice",
        "budget_version",
        "removed_case",
    ):
        with pytest.raises(DBAPIError, match="permission denied"), session.begin_nested():
            session.execute(text(f"DELETE FROM {table}"))


def test_vouchers_go_and_the_budget_stays_what_it_was(session: Session) -> None:
    made = whole_case(session, "tuore", closed_at=None, status="open")
    session.execute(text("UPDATE work SET done_at = now() WHERE done_at IS NULL"))
    version = session.query(BudgetVersion).one()
    before = (version.invoiced, version.delivered, version.free)
    assert sweep(session).counts["vouchers"] == 1
    session.expire_all()
    assert [count(session, one) for one in (Invoice, InvoiceLine, Delivered)] == [0, 0, 0]
    assert session.query(Budget).one().vouchers_removed_on == TODAY
    assert made.document.content == {}
    assert (made.document.file_name, made.document.number, made.document.state) == ("", None, "applied")
    dirty.mark_all(session, "asked")
    assert recompute_dirty(session, now=NOW, settings=Budgets()).recomputed == 0
    assert session.execute(text("SELECT count(*) FROM budget_dirty")).scalar_one() == 0
    version = session.query(BudgetVersion).one()
    assert (version.invoiced, version.delivered, version.free) == before
    looked = budgets_check(Scope(session, TODAY, Budgets(), budgets=None))
    assert looked.examined == 0


@pytest.mark.parametrize(
    ("valid", "gone"),
    [
        (days(date(1993, 9, 1), None), False),
        (days(date(1993, 9, 1), TODAY), False),
        (days(date(1993, 9, 1), TODAY - timedelta(days=1)), True),
    ],
)
def test_vouchers_of_a_running_decision_stay(session: Session, valid: Any, gone: bool) -> None:
    made = whole_case(session, "tuore", closed_at=None, status="open")
    made.decision.valid = valid
    session.flush()
    assert sweep(session).counts["vouchers"] == int(gone)


def test_of_an_invoice_for_two_cases_each_part_goes_with_its_own(session: Session) -> None:
    old, young = whole_case(session, "vanhentunut"), whole_case(session, "tuore", closed_at=None, status="open")
    young.decision.valid = days(date(1993, 9, 1), None)
    shared = session.query(InvoiceLine).filter_by(order_line_id=old.line.id).one().invoice_id
    session.add(
        InvoiceLine(invoice_id=shared, order_line_id=young.line.id, net=Decimal(5), vat=Decimal(0), gross=Decimal(5))
    )
    session.flush()
    sweep(session)
    session.expire_all()
    assert {one.order_line_id for one in session.query(InvoiceLine)} == {young.line.id}
    assert session.get(Invoice, shared) is not None
    assert session.query(PurchaseOrder).one().id == young.order.id


def test_a_night_removes_no_more_than_it_may_and_goes_on_where_it_stopped(session: Session) -> None:
    for number in range(5):
        whole_case(session, f"m{number}")
    assert [sweep(session, most=2).counts["family"] for _ in range(4)] == [2, 2, 1, 0]


def test_many_take_as_many_statements_as_one(session: Session) -> None:
    def removing(cases: int) -> int:
        for number in range(cases):
            whole_case(session, f"m{cases}-{number}")
        with recording(session) as statements:
            assert sweep(session).counts["family"] == cases
        return len(statements)

    assert removing(1) == removing(7)


def test_working_age_cases_go_earlier(session: Session) -> None:
    unit = make_unit(session, code="TYOIKA")
    closed = THEN.replace(year=2010)
    whole_case(session, "perhe", closed_at=closed)
    whole_case(session, "aikuinen", closed_at=closed, unit=unit)
    assert sweep(session).counts["working_age"] == 0
    assert sweep(session, date(2099, 1, 1), kept_units=("TYOIKA",), family_case_years=150).counts["family"] == 0
    removed = sweep(session, working_age_units=("TYOIKA",))
    assert (removed.counts["working_age"], removed.counts["family"]) == (1, 0)
    assert session.query(Case).one().external_id == "LC-perhe"


def test_a_client_stays_while_another_case_is_theirs(session: Session) -> None:
    old = whole_case(session, "vanhentunut")
    young = whole_case(session, "tuore", closed_at=None, status="open")
    young.case.client_id = old.case.client_id
    session.flush()
    sweep(session)
    assert old.case.client_id in set(session.scalars(text("SELECT id FROM client")))


def test_the_same_period_is_meant_everywhere() -> None:
    assert AUTUMN.upper is not None
    assert AUTUMN.upper < date(2023, 1, 1)
    assert THEN.date() < date(1996, 11, 23)
