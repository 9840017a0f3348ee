"""Each check finds what it is for, in a real database in which somebody with every right has changed something. (Budgets: test_budgets.py.)"""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from services.consistency.examining import CHECKS
from services.consistency.findings import NAMED, Looked
from services.consistency.numbering import numbering
from services.consistency.orders import orders
from services.consistency.scope import Scope
from services.consistency.shape import EXCLUSIONS, shape
from services.consistency.works import works
from tests.integration.consistency.world import Place, found, said


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_what_is_in_order_is_found_so(place: Place, check: Callable[[Scope], Looked]):
    with place.broken() as scope:
        looked = check(scope)
    assert found(looked) == {}, said(looked)
    assert looked.examined > 0
    assert looked.left_out == 0


ORDERS = [
    (
        "UPDATE purchase_order SET document = document || ' ' WHERE number = 'T-2026-000001'",
        "order_document",
        "T-2026-000001",
    ),
    (
        "UPDATE purchase_order SET document_sha256 = 'x' WHERE number = 'T-2026-000002'",
        "order_document",
        "T-2026-000002",
    ),
    ("UPDATE order_paper SET content = 'x' WHERE kind = 'mail'", "order_paper", "T-2026-000001/mail"),
    ("UPDATE price_upload SET content = 'x'", "price_upload", "lista.csv/"),
    (
        "UPDATE purchase_order SET total_net = 1, total_gross = 1 WHERE number = 'T-2026-000001'",
        "order_total",
        "T-2026-000001",
    ),
    (
        "UPDATE order_line SET vat = vat + 1, net = net - 1 WHERE order_id = (SELECT min(id) FROM purchase_order)",
        "order_total",
        "T-2026-000001",
    ),
    (
        "UPDATE order_coverage SET period = daterange(lower(period), upper(period) - 1) WHERE order_id = (SELECT min(id) FROM purchase_order)",
        "order_coverage",
        "T-2026-000001",
    ),
    ("UPDATE purchase_order SET state = 'rejected' WHERE number = 'T-2026-000001'", "order_holds", "T-2026-000001"),
    (
        "UPDATE order_coverage SET live = false WHERE order_id = (SELECT min(id) FROM purchase_order)",
        "order_holds",
        "T-2026-000001",
    ),
    (
        (
            "ALTER TABLE order_coverage DROP CONSTRAINT ex_order_coverage_live;"
            " INSERT INTO order_coverage (order_id, plan_item_id, period, live) SELECT (SELECT id FROM purchase_order WHERE number = 'T-2026-000002'),"
            " plan_item_id, period, true FROM order_coverage WHERE order_id = (SELECT min(id) FROM purchase_order)"
        ),
        "ordered_twice",
        "T-2026-000001/T-2026-000002",
    ),
]


@pytest.mark.parametrize(("done", "sort", "name"), ORDERS)
def test_orders(place, done, sort, name):
    with place.broken(*done.split(";")) as scope:
        names = found(orders(scope))
        assert set(names) == {sort}
        assert [one.startswith(name) for one in names[sort]] == [True]


SERVED = "INSERT INTO heartbeat (name, kind, host, pid, detail, since) VALUES ('worker@x:1', 'worker', 'x', 1, 'orders,reminders', clock_timestamp() - interval '2 hours')"
DUE = "UPDATE work SET next_at = clock_timestamp() - interval '3 hours' WHERE key = 'deliver_order:T-2026-000001'"
WORKS = [
    (
        "UPDATE work SET lease_until = clock_timestamp() - interval '3 minutes' WHERE token IS NOT NULL",
        "work_silent",
        "count_units@test",
    ),
    (f"{DUE};{SERVED}", "work_waiting", "deliver_order:T-2026-000001"),
    (
        "INSERT INTO work (kind, key, queue, arguments, subject_id) VALUES ('deliver_order', 'deliver_order:T-2026-9', 'orders', '{}', 4711)",
        "work_without_subject",
        "deliver_order:T-2026-9",
    ),
    (
        "INSERT INTO work (kind, key, queue, arguments) VALUES ('send_letter', 'send_letter:none', 'reminders', '{}')",
        "work_without_subject",
        "send_letter:none",
    ),
    (
        "UPDATE work SET token = NULL, lease_until = NULL WHERE token IS NOT NULL",
        "run_without_work",
        "count_units@test",
    ),
    ("UPDATE run SET finished_at = clock_timestamp(), outcome = 'lost'", "work_without_run", "count_units@test"),
    (
        "UPDATE work SET done_at = clock_timestamp() WHERE key = 'deliver_order:T-2026-000002'",
        "order_without_work",
        "T-2026-000002",
    ),
    ("DELETE FROM work WHERE key = 'deliver_order:T-2026-000002'", "order_without_work", "T-2026-000002"),
    ("DELETE FROM work WHERE kind = 'send_digest'", "mail_without_work", "<d@avain.test>"),
    ("UPDATE work SET done_at = clock_timestamp() WHERE kind = 'send_letter'", "mail_without_work", "<l@avain.test>"),
]


@pytest.mark.parametrize(("done", "sort", "name"), WORKS)
def test_works(place, done, sort, name):
    with place.broken(*done.split(";")) as scope:
        names = found(works(scope))
        assert set(names) == {sort}
        assert [one.startswith(name) for one in names[sort]] == [True]


@pytest.mark.parametrize(
    "otherwise",
    [
        SERVED.replace("2 hours", "5 minutes"),  # workers that have only just begun have a backlog
        SERVED.replace("orders,reminders", "fetch"),
        SERVED + ";UPDATE effects SET paused_at = now(), paused_by = 'cli:enni'",
        SERVED + ";UPDATE effects SET home = 'elsewhere'",
        SERVED + ";UPDATE work SET lane = 'job:x' WHERE token IS NOT NULL OR key = 'deliver_order:T-2026-000001'",
    ],
)
def test_work_that_waits_for_a_reason_is_not_stuck(place, otherwise):
    with place.broken(DUE, *otherwise.split(";")) as scope:
        assert found(works(scope)) == {}


NUMBERS = [
    ("UPDATE counter SET value = value + 2 WHERE series = 'T-2026'", {"number_gap": ["T-2026-000004–000005"]}),
    (
        "UPDATE client_case SET number = 'HB-2026-000009' WHERE number = 'HB-2026-000002'",
        {"number_gap": ["HB-2026-000002", "HB-2026-000007–000008"], "number_beyond": ["HB-2026-000009"]},
    ),
    ("DELETE FROM counter WHERE series = 'T-2026'", {"number_beyond": ["T-2026-000001–000003"]}),
    (
        "UPDATE client_case SET number = 'HB-2026-0000002' WHERE number = 'HB-2026-000003'",
        {"number_gap": ["HB-2026-000003"], "number_twice": ["HB-2026-000002"]},
    ),
    (
        "UPDATE purchase_order SET number = 'T-26-4' WHERE number = 'T-2026-000003'",
        {"number_form": ["T-26-4"], "number_gap": ["T-2026-000003"]},
    ),
    (
        (
            "UPDATE counter SET value = 6 WHERE series = 'T-2026';"
            "INSERT INTO number_gap (series, first, last, reason) VALUES ('T-2026', 4, 5, 'restored')"
        ),
        {"number_gap": ["T-2026-000006"]},
    ),
    (
        (
            "UPDATE counter SET value = 5 WHERE series = 'T-2026';"
            "INSERT INTO number_gap (series, first, last, reason) VALUES ('T-2026', 4, 5, 'restored')"
        ),
        {},
    ),
]


@pytest.mark.parametrize(("done", "names"), NUMBERS)
def test_numbers(place, done, names):
    with place.broken(*done.split(";")) as scope:
        assert found(numbering(scope)) == names


def test_a_gap_of_thousands_is_one_line_and_thousands_of_gaps_are_counted(place):
    with place.broken("UPDATE counter SET value = 30003 WHERE series = 'T-2026'") as scope:
        looked = numbering(scope)
        assert found(looked) == {"number_gap": ["T-2026-000004–030003"]}
        assert looked.broken[0].count == 30_000
    many = "INSERT INTO work (kind, key, queue, arguments, subject_id) SELECT 'deliver_order', 'x' || n, 'orders', '{}', -n FROM generate_series(1, 100) AS n"
    with place.broken(many) as scope:
        (one,) = works(scope).broken
        assert (one.count, len(one.things)) == (100, NAMED)


GUARDS = [
    ("ALTER TABLE price DROP CONSTRAINT ex_price_valid", {"constraint_missing": ["price.ex_price_valid"]}),
    (
        "ALTER TABLE budget_version DROP CONSTRAINT ck_budget_version_adds_up",
        {"constraint_missing": ["budget_version.ck_budget_version_adds_up"]},
    ),
    ("DROP INDEX uq_work_lane_held", {"constraint_missing": ["work.uq_work_lane_held"]}),
    (
        "ALTER TABLE order_line DROP CONSTRAINT fk_order_line_price_id_price, ADD CONSTRAINT fk_order_line_price_id_price FOREIGN KEY (price_id) REFERENCES price NOT VALID",
        {"constraint_missing": ["order_line.fk_order_line_price_id_price"]},
    ),
    (
        "ALTER TABLE audit_event DISABLE TRIGGER audit_event_insert_only",
        {"trigger_missing": ["audit_event.audit_event_insert_only"]},
    ),
    (
        "DROP TRIGGER decision_update_references ON decision",
        {"trigger_missing": ["decision.decision_update_references"]},
    ),
    ("GRANT DELETE ON purchase_order TO avain_app", {"grant_too_much": ["DELETE purchase_order"]}),
    ("GRANT UPDATE (details) ON audit_event TO avain_app", {"grant_too_much": ["UPDATE audit_event"]}),
    (
        "GRANT UPDATE (document) ON purchase_order TO avain_app",
        {"grant_too_much": ["UPDATE purchase_order (document)"]},
    ),
]


@pytest.mark.parametrize(("done", "names"), GUARDS)
def test_guards(place, done, names):
    with place.broken(done) as scope:
        assert found(shape(scope)) == names


def test_every_guard_of_a_new_database_is_looked_for(place):
    """A trigger that a later migration adds must be looked for, too: take all of them away, and as many are missed as there were."""
    there = "SELECT relname, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal"
    drop = (
        f"DO $$ DECLARE one record; BEGIN FOR one IN {there} LOOP"
        " EXECUTE format('DROP TRIGGER %I ON %I', one.tgname, one.relname); END LOOP; END $$"
    )
    excluding = (
        "SELECT count(*) FROM pg_constraint WHERE contype = 'x' AND connamespace = CAST('public' AS regnamespace)"
    )
    with place.broken() as scope:
        triggers = len(scope.session.execute(text(there)).all())
        assert scope.session.execute(text(excluding)).scalar_one() == len(EXCLUSIONS)
    with place.broken(drop) as scope:
        (one,) = shape(scope).broken
    assert (one.sort.name, one.count) == ("trigger_missing", triggers)
