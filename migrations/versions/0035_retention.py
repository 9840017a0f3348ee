"""Retention: when a case ended, what is held though its time is up, and the only two ways in which rows of cases are removed.

Revision ID: 0035
Revises: 0034

The application's role deletes none of these rows: it may call two functions of the owner, which look again at what may never go (a case that
is open, held or ended within a year, an order that is under way) whatever the caller believes.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


#: What of cases ($1 cases, $2 decisions, $3 planned services, $4 orders, $5 their lines, $6 budgets, $7 invoices, $8 Works, $9 numbers of
#: the orders) is deleted, in an order in which nothing that goes is still referred to. tests/integration/retention holds it against models/.
STEPS = (
    ("budget_line", "version_id IN (SELECT id FROM budget_version WHERE budget_id = ANY($6))"),
    ("budget_version", "budget_id = ANY($6)"),
    ("budget_dirty", "budget_id = ANY($6)"),
    ("budget", "id = ANY($6)"),
    ("invoice_line", "order_line_id = ANY($5)"),
    ("invoice", "id = ANY($7) AND NOT EXISTS (SELECT FROM invoice_line WHERE invoice_line.invoice_id = invoice.id)"),
    ("delivered", "order_line_id = ANY($5)"),
    ("order_response_line", "response_id IN (SELECT id FROM order_response WHERE order_id = ANY($4))"),
    ("order_response", "order_id = ANY($4)"),
    ("order_proposal", "order_id = ANY($4)"),
    ("order_paper", "order_id = ANY($4)"),
    ("order_coverage", "order_id = ANY($4)"),
    ("follow_up_event", "follow_up_id IN (SELECT id FROM follow_up WHERE case_id = ANY($1))"),
    ("follow_up", "case_id = ANY($1)"),
    ("order_line", "id = ANY($5)"),
    ("purchase_order", "id = ANY($4)"),
    ("order_approval", "plan_item_id = ANY($3)"),
    ("order_decline", "plan_item_id = ANY($3)"),
    ("family_proposal", "case_id = ANY($1)"),
    ("family_rating", "case_id = ANY($1)"),
    ("family_wish", "case_id = ANY($1)"),
    ("family_session", "link_id IN (SELECT id FROM family_link WHERE case_id = ANY($1))"),
    ("family_link", "case_id = ANY($1)"),
    ("choice", "plan_item_id = ANY($3)"),
    ("put_off", "work_id = ANY($8)"),
    ("run", "work_id = ANY($8)"),
    ("work", "id = ANY($8)"),
    ("sent_elsewhere", "split_part(key, '/', 1) = ANY($9)"),
    (
        "notice",
        (
            "subject IN (SELECT 'order:' || unnest($9)) OR split_part(subject, ':', 1) IN ('case', 'item')"
            " AND split_part(split_part(subject, ':', 2), '/', 1) IN (SELECT number FROM client_case WHERE id = ANY($1))"
        ),
    ),
    ("rejected_record", "(source, external_id) IN (SELECT source, external_id FROM client_case WHERE id = ANY($1))"),
    ("case_hold", "case_id = ANY($1)"),
    ("plan_item", "id = ANY($3)"),
    ("decision", "id = ANY($2)"),
    ("client_case", "id = ANY($1)"),
)

#: References that a removal is asked about row by row, and which nothing was found by before: without an index each row would cost a look at
#: the whole table (measured: 200 cases 24 s beside 60,000 lines of budgets, all writers of cases waiting; bench/retention.py).
INDEXED = (
    ("budget_line", "plan_item_id"),
    ("order_approval", "choice_id"),
    ("family_proposal", "choice_id"),
    ("family_rating", "case_id"),
    ("invoice", "run_id"),
    ("delivered", "run_id"),
    ("incoming_document", "run_id"),
)

#: Orders that nothing will come of any more.
FINAL = "('closed', 'rejected', 'cancelled')"

FUNCTIONS = (
    # What a file about orders said goes when nothing rests on it any more. That it was taken stays: should it be brought again, it is known.
    """
    CREATE FUNCTION retention_empty_documents(documents bigint[]) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        emptied bigint;
    BEGIN
        UPDATE incoming_document SET file_name = '', number = NULL, sender = NULL, reason = NULL, content = '{}', note = ''
        WHERE id = ANY(documents) AND state <> 'held'
          AND NOT EXISTS (SELECT FROM invoice WHERE incoming_id = incoming_document.id)
          AND NOT EXISTS (SELECT FROM delivered WHERE incoming_id = incoming_document.id)
          AND NOT EXISTS (SELECT FROM order_response WHERE incoming_id = incoming_document.id);
        GET DIAGNOSTICS emptied = ROW_COUNT;
        RETURN emptied;
    END $$
    """,
    # Rows in: cases, and of each a digest of what its source calls it, under a key. Rows gone: they and all that is theirs. Rows out: how many of each table.
    # The locks keep out whoever would refer to them meanwhile (docs/adr/0004: these references are checked, not locked); two seconds, then
    # whoever called tries again later, for a first load may hold the tables for minutes.
    f"""
    CREATE FUNCTION retention_remove_cases(chosen bigint[], digests bytea[], digest_key text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '2s' AS $$
    DECLARE
        clients bigint[];
        decisions bigint[];
        items bigint[];
        orders bigint[];
        numbers text[];
        lines bigint[];
        budgets bigint[];
        invoices bigint[];
        documents bigint[];
        works bigint[];
        step text[];
        counted bigint;
        removed jsonb := '{{}}';
    BEGIN
        LOCK TABLE client_case, decision, plan_item, follow_up IN SHARE ROW EXCLUSIVE MODE;
        IF EXISTS (
            SELECT FROM client_case WHERE id = ANY(chosen) AND (
                coalesce(least(closed_at, gone_at), 'infinity') > clock_timestamp() - interval '1 year'
                OR EXISTS (SELECT FROM case_hold WHERE case_hold.case_id = client_case.id AND case_hold.ended_at IS NULL)
                OR EXISTS (SELECT FROM decision JOIN purchase_order ON decision_id = decision.id
                           WHERE decision.case_id = client_case.id AND state NOT IN {FINAL}))
        ) THEN
            RAISE EXCEPTION 'a case that is open, held, ended within a year or has an order under way may not be removed'
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        clients := ARRAY(SELECT client_id FROM client_case WHERE id = ANY(chosen));
        decisions := ARRAY(SELECT id FROM decision WHERE case_id = ANY(chosen));
        items := ARRAY(SELECT id FROM plan_item WHERE case_id = ANY(chosen));
        orders := ARRAY(SELECT id FROM purchase_order WHERE decision_id = ANY(decisions));
        numbers := ARRAY(SELECT number FROM purchase_order WHERE id = ANY(orders));
        lines := ARRAY(SELECT id FROM order_line WHERE order_id = ANY(orders));
        budgets := ARRAY(SELECT id FROM budget WHERE decision_id = ANY(decisions));
        invoices := ARRAY(SELECT DISTINCT invoice_id FROM invoice_line WHERE order_line_id = ANY(lines));
        documents := ARRAY(
            SELECT id FROM incoming_document WHERE order_id = ANY(orders)
            UNION SELECT incoming_id FROM invoice WHERE id = ANY(invoices) AND incoming_id IS NOT NULL
            UNION SELECT incoming_id FROM delivered WHERE order_line_id = ANY(lines) AND incoming_id IS NOT NULL
            UNION SELECT incoming_id FROM order_response WHERE order_id = ANY(orders) AND incoming_id IS NOT NULL);
        works := ARRAY(
            SELECT id FROM work WHERE kind IN ('deliver_order', 'tell_cancelled') AND subject_id = ANY(orders)
            UNION SELECT id FROM work WHERE kind = 'plan_follow_ups' AND subject_id = ANY(items));
        INSERT INTO removed_case (id, number, source, reference, key, non_disclosure, subjects)
        SELECT client_case.id, client_case.number, client_case.source, named.digest, digest_key,
            client.non_disclosure OR EXISTS (SELECT FROM client AS same WHERE same.blind_index = client.blind_index AND same.non_disclosure), ARRAY(
            SELECT 'order:' || purchase_order.number FROM decision JOIN purchase_order ON decision_id = decision.id
            WHERE decision.case_id = client_case.id
            UNION ALL SELECT 'follow_up:' || follow_up.id FROM follow_up WHERE follow_up.case_id = client_case.id
            UNION ALL SELECT called.kind || ':' || of_order.id FROM (
                SELECT incoming_document.id FROM decision JOIN purchase_order ON decision_id = decision.id
                JOIN incoming_document ON incoming_document.order_id = purchase_order.id WHERE decision.case_id = client_case.id
                UNION
                SELECT invoice.incoming_id FROM decision JOIN purchase_order ON decision_id = decision.id
                JOIN order_line ON order_line.order_id = purchase_order.id JOIN invoice_line ON order_line_id = order_line.id
                JOIN invoice ON invoice.id = invoice_id WHERE decision.case_id = client_case.id AND invoice.incoming_id IS NOT NULL
            ) AS of_order CROSS JOIN (VALUES ('incoming'), ('invoice')) AS called(kind))
        FROM unnest(chosen, digests) AS named(id, digest)
        JOIN client_case ON client_case.id = named.id JOIN client ON client.id = client_id;
        INSERT INTO number_gap (series, first, last, reason)
        SELECT series, lower(stretch), upper(stretch) - 1, 'removed'
        FROM (
            SELECT series, unnest(range_agg(int8range(value, value, '[]'))) AS stretch
            FROM (
                SELECT left(number, -length(split_part(number, '-', 3)) - 1) AS series, CAST(split_part(number, '-', 3) AS bigint) AS value
                FROM (SELECT number FROM client_case WHERE id = ANY(chosen) UNION ALL SELECT unnest(numbers)) AS given
                WHERE number ~ '^(HB|T)-[0-9]{{4}}-[0-9]{{6,15}}$'
            ) AS numbered GROUP BY series
        ) AS stretches ORDER BY series, stretch;
        UPDATE incoming_document SET order_id = NULL WHERE order_id = ANY(orders);
        FOREACH step SLICE 1 IN ARRAY ARRAY[{", ".join(f"[{_literal(table)}, {_literal(rows)}]" for table, rows in STEPS)}] LOOP
            EXECUTE format('DELETE FROM %I WHERE %s', step[1], step[2])
                USING chosen, decisions, items, orders, lines, budgets, invoices, works, numbers;
            GET DIAGNOSTICS counted = ROW_COUNT;
            removed := removed || jsonb_build_object(step[1], counted);
        END LOOP;
        DELETE FROM client WHERE id = ANY(clients) AND NOT EXISTS (SELECT FROM client_case WHERE client_id = client.id);
        GET DIAGNOSTICS counted = ROW_COUNT;
        RETURN removed || jsonb_build_object('client', counted, 'incoming_document', retention_empty_documents(documents));
    END $$
    """,
    # Rows in: decisions that are over, and a day. Rows gone: their invoices, credit notes and delivered quantities. Their budgets stay as they are
    # for good: what they were calculated from is not there any more.
    f"""
    CREATE FUNCTION retention_remove_vouchers(chosen bigint[], removed_on date) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '2s' AS $$
    DECLARE
        lines bigint[];
        invoices bigint[];
        documents bigint[];
        of_lines bigint;
        of_invoices bigint;
        of_delivered bigint;
    BEGIN
        PERFORM FROM budget WHERE decision_id = ANY(chosen) ORDER BY id FOR NO KEY UPDATE;
        lines := ARRAY(SELECT order_line.id FROM purchase_order JOIN order_line ON order_id = purchase_order.id WHERE decision_id = ANY(chosen));
        invoices := ARRAY(SELECT DISTINCT invoice_id FROM invoice_line WHERE order_line_id = ANY(lines));
        documents := ARRAY(
            SELECT incoming_id FROM invoice WHERE id = ANY(invoices) AND incoming_id IS NOT NULL
            UNION SELECT incoming_id FROM delivered WHERE order_line_id = ANY(lines) AND incoming_id IS NOT NULL);
        IF EXISTS (SELECT FROM purchase_order WHERE decision_id = ANY(chosen) AND state NOT IN {FINAL})
           OR EXISTS (SELECT FROM decision JOIN case_hold ON case_hold.case_id = decision.case_id AND case_hold.ended_at IS NULL
                      WHERE decision.id = ANY(chosen))
           OR EXISTS (SELECT FROM invoice WHERE id = ANY(invoices) AND issue_date > clock_timestamp() - interval '1 year')
           OR EXISTS (SELECT FROM delivered WHERE order_line_id = ANY(lines) AND upper(period) > clock_timestamp() - interval '1 year')
        THEN
            RAISE EXCEPTION 'vouchers younger than a year, of a held case or beside an order under way may not be removed'
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        DELETE FROM invoice_line WHERE order_line_id = ANY(lines);
        GET DIAGNOSTICS of_lines = ROW_COUNT;
        DELETE FROM invoice WHERE id = ANY(invoices) AND NOT EXISTS (SELECT FROM invoice_line WHERE invoice_id = invoice.id);
        GET DIAGNOSTICS of_invoices = ROW_COUNT;
        DELETE FROM delivered WHERE order_line_id = ANY(lines);
        GET DIAGNOSTICS of_delivered = ROW_COUNT;
        UPDATE budget SET vouchers_removed_on = removed_on WHERE decision_id = ANY(chosen);
        RETURN jsonb_build_object(
            'invoice', of_invoices, 'invoice_line', of_lines, 'delivered', of_delivered,
            'incoming_document', retention_empty_documents(documents));
    END $$
    """,
    "REVOKE ALL ON FUNCTION retention_empty_documents, retention_remove_cases, retention_remove_vouchers FROM PUBLIC",
)
GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT ON case_hold TO avain_app;
            GRANT UPDATE (ended_at, ended_by, ended_why) ON case_hold TO avain_app;
            GRANT SELECT ON removed_case TO avain_app;
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO avain_app;
            GRANT EXECUTE ON FUNCTION retention_empty_documents, retention_remove_cases, retention_remove_vouchers TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.add_column("client_case", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    # when those were closed nobody knows: their time begins now
    op.execute("UPDATE client_case SET closed_at = clock_timestamp() WHERE status = 'closed'")
    op.create_index(
        "ix_client_case_ended",
        "client_case",
        ["id"],
        postgresql_where=sa.text("closed_at IS NOT NULL OR gone_at IS NOT NULL"),
    )
    op.add_column("budget", sa.Column("vouchers_removed_on", sa.Date(), nullable=True))
    op.create_table(
        "case_hold",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("held_by", sa.Text(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_why", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name=op.f("ck_case_hold_ended_by_somebody")),
        sa.ForeignKeyConstraint(["case_id"], ["client_case.id"], name=op.f("fk_case_hold_case_id_client_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_hold")),
    )
    op.create_index(op.f("ix_case_hold_case_id"), "case_hold", ["case_id"], unique=False)
    op.create_index(
        "uq_case_hold_live", "case_hold", ["case_id"], unique=True, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "removed_case",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("non_disclosure", sa.Boolean(), nullable=False),
        sa.Column("subjects", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "removed_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removed_case")),
        sa.UniqueConstraint("number", name=op.f("uq_removed_case_number")),
    )
    op.create_index("ix_removed_case_reference", "removed_case", ["source", "reference"], unique=False)
    for table, column in INDEXED:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)
    for statement in (*FUNCTIONS, GRANTS):
        op.execute(statement)


def downgrade() -> None:
    for function in ("retention_remove_vouchers", "retention_remove_cases", "retention_empty_documents"):
        op.execute(f"DROP FUNCTION {function}")
    for table, column in INDEXED:
        op.drop_index(op.f(f"ix_{table}_{column}"), table)
    op.drop_table("removed_case")
    op.drop_table("case_hold")
    op.drop_column("budget", "vouchers_removed_on")
    op.drop_index("ix_client_case_ended", "client_case")
    op.drop_column("client_case", "closed_at")
