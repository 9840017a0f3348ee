"""Cases by the hundred thousand: typed staging tables, references checked once per statement, budgets noted by run.

Revision ID: 0003
Revises: 0002

A foreign key is checked by a trigger per row and reference: more than half of a first load's time. `check_references` asks once per
statement instead, with the same error (docs/adr/0004). Rows that others refer to are not deleted by the application's role; whoever
may, is stopped by `keep_referenced`.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

#: table → column → table it refers to.
REFERENCES = {
    "client_case": {
        "client_id": "client",
        "responsible_worker_id": "worker",
        "co_worker_id": "worker",
        "unit_id": "unit",
    },
    "decision": {"case_id": "client_case", "baseline_service_id": "service"},
    "plan_item": {"case_id": "client_case", "decision_id": "decision", "service_id": "service"},
}
#: Columns of few values, or seldom asked for: their indexes cost every row and serve no query.
DROPPED_INDEXES = {
    "client_case": ("co_worker_id", "synced_run_id", "unit_id"),
    "decision": ("baseline_service_id",),
    "plan_item": ("service_id",),
}

CHECK_REFERENCES = """
    CREATE FUNCTION check_references() RETURNS trigger LANGUAGE plpgsql AS $$
    -- arguments: column, table, column, table, …; one look at what was written, joined to every table it refers to
    DECLARE
        known text := '';
        missing text[] := '{}';
        found text;
    BEGIN
        FOR i IN 0 .. TG_NARGS - 1 BY 2 LOOP
            known := known || format(' LEFT JOIN %I AS known_%s ON known_%s.id = written.%I', TG_ARGV[i + 1], i, i, TG_ARGV[i]);
            missing := missing || format('CASE WHEN written.%I IS NOT NULL AND known_%s.id IS NULL THEN %L || written.%I END',
                                         TG_ARGV[i], i, TG_ARGV[i + 1] || ' ', TG_ARGV[i]);
        END LOOP;
        EXECUTE format('SELECT missing FROM (SELECT coalesce(%s, NULL) AS missing FROM written%s) AS judged WHERE missing IS NOT NULL LIMIT 1',
                       array_to_string(missing, ', '), known) INTO found;
        IF found IS NOT NULL THEN
            RAISE EXCEPTION 'table % refers to %, which does not exist', TG_TABLE_NAME, found USING ERRCODE = 'foreign_key_violation';
        END IF;
        RETURN NULL;
    END $$
"""
KEEP_REFERENCED = """
    CREATE FUNCTION keep_referenced() RETURNS trigger LANGUAGE plpgsql AS $$
    -- arguments: table, column, table, column, … that refer to this table
    DECLARE
        used bigint;
    BEGIN
        FOR i IN 0 .. TG_NARGS - 1 BY 2 LOOP
            EXECUTE format('SELECT removed.id FROM removed JOIN %1$I AS user_of ON user_of.%2$I = removed.id LIMIT 1',
                           TG_ARGV[i], TG_ARGV[i + 1]) INTO used;
            IF used IS NOT NULL THEN
                RAISE EXCEPTION '% % is still referred to by %', TG_TABLE_NAME, used, TG_ARGV[i]
                    USING ERRCODE = 'foreign_key_violation';
            END IF;
        END LOOP;
        RETURN NULL;
    END $$
"""
GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT, UPDATE, DELETE ON case_staging, decision_staging, item_staging TO avain_app;
            -- nobody deletes what others refer to while somebody refers to it anew: the checks of 0003 take no row locks
            REVOKE DELETE ON client, worker, unit, service, client_case, decision FROM avain_app;
        END IF;
    END $$
"""
REGRANT = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT, UPDATE, DELETE ON case_staging TO avain_app;
            GRANT DELETE ON client, worker, unit, service, client_case, decision TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.drop_table("case_staging")  # what was held under the former version is read again
    _staging_tables()
    op.execute(CHECK_REFERENCES)
    op.execute(KEEP_REFERENCED)
    for table, references in REFERENCES.items():
        for column, target in references.items():
            op.drop_constraint(f"fk_{table}_{column}_{target}", table, type_="foreignkey")
        arguments = ", ".join(f"'{column}', '{target}'" for column, target in references.items())
        for event in ("INSERT", "UPDATE"):
            op.execute(
                f"CREATE TRIGGER {table}_{event.lower()}_references AFTER {event} ON {table}"
                f" REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION check_references({arguments})"
            )
    for target, users in _users().items():
        arguments = ", ".join(f"'{table}', '{column}'" for table, column in users)
        op.execute(
            f"CREATE TRIGGER {target}_keep_referenced AFTER DELETE ON {target}"
            f" REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION keep_referenced({arguments})"
        )
    op.drop_constraint("fk_client_case_synced_run_id_run", "client_case", type_="foreignkey")
    for table, columns in DROPPED_INDEXES.items():
        for column in columns:
            op.drop_index(f"ix_{table}_{column}", table_name=table)
    op.drop_index("ix_client_blind_index", table_name="client")
    op.create_index(
        "ix_client_blind_index", "client", ["blind_index"], postgresql_where=sa.text("blind_index IS NOT NULL")
    )
    op.alter_column("budget_dirty", "budget_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_budget_dirty_budget_or_run"), "budget_dirty", "budget_id IS NOT NULL OR run_id IS NOT NULL"
    )
    op.execute(GRANTS)


def downgrade() -> None:
    op.execute("DELETE FROM budget_dirty WHERE budget_id IS NULL")
    op.drop_constraint(op.f("ck_budget_dirty_budget_or_run"), "budget_dirty", type_="check")
    op.alter_column("budget_dirty", "budget_id", nullable=False)
    op.drop_index("ix_client_blind_index", table_name="client")
    op.create_index("ix_client_blind_index", "client", ["blind_index"])
    for table, columns in DROPPED_INDEXES.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])
    op.create_foreign_key("fk_client_case_synced_run_id_run", "client_case", "run", ["synced_run_id"], ["id"])
    for target in _users():
        op.execute(f"DROP TRIGGER {target}_keep_referenced ON {target}")
    for table, references in REFERENCES.items():
        for event in ("insert", "update"):
            op.execute(f"DROP TRIGGER {table}_{event}_references ON {table}")
        for column, target in references.items():
            op.create_foreign_key(f"fk_{table}_{column}_{target}", table, target, [column], ["id"])
    op.execute("DROP FUNCTION check_references()")
    op.execute("DROP FUNCTION keep_referenced()")
    for table in ("item_staging", "decision_staging", "case_staging"):
        op.drop_table(table)
    op.create_table(
        "case_staging",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("record_hash", sa.LargeBinary(), nullable=False),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_case_staging_run_id_run"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_case_staging")),
    )
    op.create_index("ix_case_staging_external_id", "case_staging", ["run_id", "external_id"], unique=False)
    op.execute(REGRANT)


def _users() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for table, references in REFERENCES.items():
        for column, target in references.items():
            found.setdefault(target, []).append((table, column))
    return found


def _staging_tables() -> None:
    op.create_table(
        "case_staging",
        *_key("case_staging"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("file", sa.Integer(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("record_hash", sa.LargeBinary(), nullable=True),
        sa.Column("client", sa.Text(), nullable=True),
        sa.Column("non_disclosure", sa.Boolean(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("blind", sa.LargeBinary(), nullable=True),
        sa.Column("responsible_worker", sa.Text(), nullable=True),
        sa.Column("co_worker", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("assessment_date", sa.Date(), nullable=True),
        sa.Column("plan_date", sa.Date(), nullable=True),
        sa.Column("kykyviisari_date", sa.Date(), nullable=True),
        sa.Column("support_person", sa.Boolean(), nullable=True),
        sa.Column("goals", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_case_staging")),
    )
    op.create_table(
        "decision_staging",
        *_key("decision_staging"),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("stand_date", sa.Date(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("valid", postgresql.DATERANGE(), nullable=True),
        sa.Column("granted_amount", sa.Numeric(12, 2), nullable=True),
        sa.Column("baseline_service", sa.Text(), nullable=True),
        sa.Column("baseline_quantity", sa.Numeric(12, 4), nullable=True),
        sa.Column("baseline_unit", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "position", "external_id", name=op.f("pk_decision_staging")),
    )
    op.create_table(
        "item_staging",
        *_key("item_staging"),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(12, 4), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("period", postgresql.DATERANGE(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("follow_up", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "position", "external_id", name=op.f("pk_item_staging")),
    )


def _key(table: str) -> tuple[sa.Column[int] | sa.ForeignKeyConstraint, ...]:
    return (
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f(f"fk_{table}_run_id_run"), ondelete="CASCADE"),
    )
