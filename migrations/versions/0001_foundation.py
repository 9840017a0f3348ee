"""The foundation: work, cases, prices, budgets, orders, follow-ups, audit.

Revision ID: 0001
Revises:

Beside the tables: the exclusion constraints that no model can state (alembic does not see them, tests violate them), the guard
of the audit trail, the grants of the application's role, and the few rows everything expects.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

#: The embedded PostgreSQL has no btree_gist: a range that holds one id compares like the id.
BESIDE_THE_TABLES = (
    "ALTER TABLE unit ADD CONSTRAINT fk_unit_supervisor_id_worker FOREIGN KEY (supervisor_id) REFERENCES worker (id)",
    """
    ALTER TABLE price ADD CONSTRAINT ex_price_valid
        EXCLUDE USING gist (int8range(price_key_id, price_key_id, '[]') WITH =, valid WITH &&) WHERE (superseded_at IS NULL)
    """,
    """
    ALTER TABLE order_coverage ADD CONSTRAINT ex_order_coverage_live
        EXCLUDE USING gist (int8range(plan_item_id, plan_item_id, '[]') WITH =, period WITH &&) WHERE (live)
    """,
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'table % is insert-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$
    """,
    """
    CREATE TRIGGER audit_event_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    "INSERT INTO business_clock (id, offset_seconds) VALUES (1, 0)",
    "INSERT INTO unit_rule (unit, step) VALUES ('C62', 1), ('HUR', 0.25), ('DAY', 1), ('WEE', 0.25), ('MON', 0.25), ('LS', 1), ('KMT', 1)",
    """
    DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET timezone TO ''UTC''', current_database());
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT USAGE ON SCHEMA public TO avain_app;
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO avain_app;
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO avain_app;
            -- what is insert-only stays as it was written; only what says that it was superseded, sent or ended may change
            REVOKE UPDATE, DELETE ON audit_event, price, price_key, budget_version, budget_line, purchase_order, order_line, order_coverage
                FROM avain_app;
            GRANT UPDATE (superseded_at, superseded_by_list_id) ON price TO avain_app;
            GRANT UPDATE (superseded_at) ON budget_version TO avain_app;
            GRANT UPDATE (state, unclear_sends, channel, sent_at, handed_over_at, handed_over_by) ON purchase_order TO avain_app;
            GRANT UPDATE (live) ON order_coverage TO avain_app;
            REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM avain_app;
        END IF;
    END $$
    """,
)


def upgrade() -> None:  # noqa: PLR0915 - one statement a table
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("business_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index(op.f("ix_audit_event_recorded_at"), "audit_event", ["recorded_at"], unique=False)
    op.create_index(op.f("ix_audit_event_subject"), "audit_event", ["subject"], unique=False)
    op.create_table(
        "business_clock",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("offset_seconds", sa.Float(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_business_clock_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_business_clock")),
    )
    op.create_table(
        "client",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("non_disclosure", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("sealed_identity", sa.LargeBinary(), nullable=True),
        sa.Column("blind_index", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_client_source_external_id")),
    )
    op.create_index(op.f("ix_client_blind_index"), "client", ["blind_index"], unique=False)
    op.create_table(
        "counter",
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("series", name=op.f("pk_counter")),
    )
    op.create_table(
        "heartbeat",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "job_state",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_job_state")),
    )
    op.create_table(
        "provider",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("business_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("endpoint_scheme", sa.Text(), nullable=True),
        sa.Column("endpoint_id", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("channel_settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider")),
        sa.UniqueConstraint("business_id", name=op.f("uq_provider_business_id")),
    )
    op.create_table(
        "service",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_fi", sa.Text(), nullable=False),
        sa.Column("name_sv", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("accounting_cost", sa.Text(), nullable=True),
        sa.Column("cpv", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service")),
        sa.UniqueConstraint("code", name=op.f("uq_service_code")),
    )
    op.create_table(
        "unit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("supervisor_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_email", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["supervisor_id"], ["worker.id"], name=op.f("fk_unit_supervisor_id_worker"), use_alter=True
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
        sa.UniqueConstraint("code", name=op.f("uq_unit_code")),
    )
    op.create_index(op.f("ix_unit_supervisor_id"), "unit", ["supervisor_id"], unique=False)
    op.create_table(
        "unit_rule",
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("step", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.CheckConstraint("step > 0", name=op.f("ck_unit_rule_step_positive")),
        sa.PrimaryKeyConstraint("unit", name=op.f("pk_unit_rule")),
    )
    op.create_table(
        "work",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("arguments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=True),
        sa.Column("generation", sa.Integer(), server_default="1", nullable=False),
        sa.Column("claimed_generation", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("enqueued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("acknowledged", sa.Text(), nullable=True),
        sa.CheckConstraint("(token IS NULL) = (lease_until IS NULL)", name=op.f("ck_work_lease_with_token")),
        sa.CheckConstraint("done_at IS NULL OR dead_at IS NULL", name=op.f("ck_work_one_end")),
        sa.CheckConstraint(
            "token IS NULL OR (done_at IS NULL AND dead_at IS NULL)", name=op.f("ck_work_ended_is_free")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work")),
        sa.UniqueConstraint("key", name=op.f("uq_work_key")),
    )
    op.create_index(
        "ix_work_due",
        "work",
        ["queue", "next_at"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL AND token IS NULL"),
    )
    op.create_index(op.f("ix_work_kind"), "work", ["kind"], unique=False)
    op.create_index(
        "ix_work_leased", "work", ["lease_until"], unique=False, postgresql_where=sa.text("token IS NOT NULL")
    )
    op.create_index(
        "uq_work_lane_held",
        "work",
        ["lane"],
        unique=True,
        postgresql_where=sa.text("token IS NOT NULL AND lane IS NOT NULL"),
    )
    op.create_table(
        "contract",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("valid", postgresql.DATERANGE(), nullable=False),
        sa.Column("price_rule", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_contract_provider_id_provider")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
        sa.UniqueConstraint("provider_id", "number", name=op.f("uq_contract_provider_id_number")),
    )
    op.create_table(
        "price_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=True),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("base_quantity", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("time_class", sa.Text(), nullable=False),
        sa.Column("minimum_quantity", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("territory", sa.Text(), nullable=False),
        sa.CheckConstraint("base_quantity > 0", name=op.f("ck_price_key_base_quantity_positive")),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_price_key_provider_id_provider")),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name=op.f("fk_price_key_service_id_service")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_key")),
        sa.UniqueConstraint(
            "provider_id",
            "service_id",
            "unit",
            "base_quantity",
            "time_class",
            "minimum_quantity",
            "territory",
            name="uq_price_key",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(op.f("ix_price_key_service_id"), "price_key", ["service_id"], unique=False)
    op.create_table(
        "price_source",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(kind = 'own') = (provider_id IS NULL)", name=op.f("ck_price_source_own_has_no_provider")),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_price_source_provider_id_provider")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_source")),
        sa.UniqueConstraint("name", name=op.f("uq_price_source_name")),
    )
    op.create_index(op.f("ix_price_source_provider_id"), "price_source", ["provider_id"], unique=False)
    op.create_table(
        "provider_service",
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("provider_code", sa.Text(), nullable=True),
        sa.Column("vat_category", sa.Text(), nullable=False),
        sa.Column("vat_rate", sa.Numeric(precision=6, scale=4), nullable=False),
        sa.Column("vat_basis", sa.Text(), nullable=False),
        sa.CheckConstraint("vat_category <> 'E' OR vat_rate = 0", name=op.f("ck_provider_service_exempt_is_zero")),
        sa.CheckConstraint("vat_rate >= 0 AND vat_rate < 1", name=op.f("ck_provider_service_vat_rate")),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["provider.id"], name=op.f("fk_provider_service_provider_id_provider")
        ),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name=op.f("fk_provider_service_service_id_service")),
        sa.PrimaryKeyConstraint("provider_id", "service_id", name=op.f("pk_provider_service")),
    )
    op.create_index(op.f("ix_provider_service_service_id"), "provider_service", ["service_id"], unique=False)
    op.create_table(
        "run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("work_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("token", sa.Uuid(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column(
            "started_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("message", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("acknowledged", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('succeeded', 'partly', 'retry', 'failed', 'lost', 'held', 'refused', 'nothing_to_do')",
            name=op.f("ck_run_outcome"),
        ),
        sa.CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name=op.f("ck_run_finished_with_outcome")),
        sa.ForeignKeyConstraint(["work_id"], ["work.id"], name=op.f("fk_run_work_id_work")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index(op.f("ix_run_kind"), "run", ["kind"], unique=False)
    op.create_index("ix_run_open", "run", ["work_id"], unique=True, postgresql_where=sa.text("finished_at IS NULL"))
    op.create_index(op.f("ix_run_work_id"), "run", ["work_id"], unique=False)
    op.create_table(
        "service_alternative",
        sa.Column("baseline_id", sa.BigInteger(), nullable=False),
        sa.Column("alternative_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("baseline_id <> alternative_id", name=op.f("ck_service_alternative_not_itself")),
        sa.ForeignKeyConstraint(
            ["alternative_id"], ["service.id"], name=op.f("fk_service_alternative_alternative_id_service")
        ),
        sa.ForeignKeyConstraint(
            ["baseline_id"], ["service.id"], name=op.f("fk_service_alternative_baseline_id_service")
        ),
        sa.PrimaryKeyConstraint("baseline_id", "alternative_id", name=op.f("pk_service_alternative")),
    )
    op.create_index(
        op.f("ix_service_alternative_alternative_id"), "service_alternative", ["alternative_id"], unique=False
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_worker_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
        sa.UniqueConstraint("external_id", name=op.f("uq_worker_external_id")),
    )
    op.create_index(op.f("ix_worker_unit_id"), "worker", ["unit_id"], unique=False)
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
    op.create_table(
        "client_case",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("responsible_worker_id", sa.BigInteger(), nullable=True),
        sa.Column("co_worker_id", sa.BigInteger(), nullable=True),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("assessment_date", sa.Date(), nullable=True),
        sa.Column("plan_date", sa.Date(), nullable=True),
        sa.Column("kykyviisari_date", sa.Date(), nullable=True),
        sa.Column("support_person", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("goals", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("goals_from_source", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("record_hash", sa.LargeBinary(), nullable=False),
        sa.Column("synced_run_id", sa.BigInteger(), nullable=True),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('open', 'closed')", name=op.f("ck_client_case_status")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_client_case_client_id_client")),
        sa.ForeignKeyConstraint(["co_worker_id"], ["worker.id"], name=op.f("fk_client_case_co_worker_id_worker")),
        sa.ForeignKeyConstraint(
            ["responsible_worker_id"], ["worker.id"], name=op.f("fk_client_case_responsible_worker_id_worker")
        ),
        sa.ForeignKeyConstraint(["synced_run_id"], ["run.id"], name=op.f("fk_client_case_synced_run_id_run")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_client_case_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_case")),
        sa.UniqueConstraint("number", name=op.f("uq_client_case_number")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_client_case_source_external_id")),
    )
    op.create_index(op.f("ix_client_case_client_id"), "client_case", ["client_id"], unique=False)
    op.create_index(op.f("ix_client_case_co_worker_id"), "client_case", ["co_worker_id"], unique=False)
    op.create_index(
        op.f("ix_client_case_responsible_worker_id"), "client_case", ["responsible_worker_id"], unique=False
    )
    op.create_index(op.f("ix_client_case_synced_run_id"), "client_case", ["synced_run_id"], unique=False)
    op.create_index(op.f("ix_client_case_unit_id"), "client_case", ["unit_id"], unique=False)
    op.create_table(
        "digest",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_digest_worker_id_worker")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest")),
        sa.UniqueConstraint("message_id", name=op.f("uq_digest_message_id")),
        sa.UniqueConstraint("worker_id", "local_date", name=op.f("uq_digest_worker_id_local_date")),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("message", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_notice_worker_id_worker")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint(
            "worker_id", "kind", "subject", "event", name=op.f("uq_notice_worker_id_kind_subject_event")
        ),
    )
    op.create_table(
        "price_list",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("state IN ('applied', 'held', 'discarded', 'refused')", name=op.f("ck_price_list_state")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_price_list_run_id_run")),
        sa.ForeignKeyConstraint(["source_id"], ["price_source.id"], name=op.f("fk_price_list_source_id_price_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_list")),
    )
    op.create_index(op.f("ix_price_list_run_id"), "price_list", ["run_id"], unique=False)
    op.create_index("ix_price_list_source_sha256", "price_list", ["source_id", "sha256"], unique=False)
    op.create_table(
        "rejected_record",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("reason", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_rejected_record_run_id_run"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejected_record")),
    )
    op.create_index(op.f("ix_rejected_record_run_id"), "rejected_record", ["run_id"], unique=False)
    op.create_index(op.f("ix_rejected_record_source"), "rejected_record", ["source"], unique=False)
    op.create_table(
        "decision",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("stand_date", sa.Date(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("valid", postgresql.DATERANGE(), nullable=True),
        sa.Column("granted_amount", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("baseline_service_id", sa.BigInteger(), nullable=True),
        sa.Column("baseline_quantity", sa.Numeric(precision=12, scale=4), nullable=True),
        sa.Column("baseline_unit", sa.Text(), nullable=True),
        sa.Column("basis_from_source", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "baseline_quantity IS NULL OR baseline_quantity > 0", name=op.f("ck_decision_baseline_quantity")
        ),
        sa.CheckConstraint("granted_amount IS NULL OR granted_amount >= 0", name=op.f("ck_decision_granted_amount")),
        sa.ForeignKeyConstraint(
            ["baseline_service_id"], ["service.id"], name=op.f("fk_decision_baseline_service_id_service")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["client_case.id"], name=op.f("fk_decision_case_id_client_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("case_id", "external_id", name=op.f("uq_decision_case_id_external_id")),
    )
    op.create_index(op.f("ix_decision_baseline_service_id"), "decision", ["baseline_service_id"], unique=False)
    op.create_table(
        "price",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("price_key_id", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.DATERANGE(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("vat_category", sa.Text(), nullable=False),
        sa.Column("vat_rate", sa.Numeric(precision=6, scale=4), nullable=False),
        sa.Column("vat_inclusive", sa.Boolean(), nullable=False),
        sa.Column("price_list_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("superseded_by_list_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("NOT isempty(valid) AND NOT lower_inf(valid)", name=op.f("ck_price_valid_has_start")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_price_amount_positive")),
        sa.ForeignKeyConstraint(["price_key_id"], ["price_key.id"], name=op.f("fk_price_price_key_id_price_key")),
        sa.ForeignKeyConstraint(["price_list_id"], ["price_list.id"], name=op.f("fk_price_price_list_id_price_list")),
        sa.ForeignKeyConstraint(
            ["superseded_by_list_id"], ["price_list.id"], name=op.f("fk_price_superseded_by_list_id_price_list")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price")),
    )
    op.create_index(
        "ix_price_in_force", "price", ["price_key_id"], unique=False, postgresql_where=sa.text("superseded_at IS NULL")
    )
    op.create_index(op.f("ix_price_price_list_id"), "price", ["price_list_id"], unique=False)
    op.create_index(op.f("ix_price_superseded_by_list_id"), "price", ["superseded_by_list_id"], unique=False)
    op.create_table(
        "budget",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("decision_id", sa.BigInteger(), nullable=False),
        sa.Column("ceiling", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("ceiling_price_id", sa.BigInteger(), nullable=True),
        sa.Column("ceiling_basis", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["ceiling_price_id"], ["price.id"], name=op.f("fk_budget_ceiling_price_id_price")),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_budget_decision_id_decision")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_budget_decision_id")),
    )
    op.create_index(op.f("ix_budget_ceiling_price_id"), "budget", ["ceiling_price_id"], unique=False)
    op.create_table(
        "plan_item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("decision_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("period", postgresql.DATERANGE(), nullable=False),
        sa.Column("follow_up_rhythm", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "NOT isempty(period) AND NOT lower_inf(period) AND NOT upper_inf(period)",
            name=op.f("ck_plan_item_period_bounded"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_plan_item_quantity_positive")),
        sa.ForeignKeyConstraint(["case_id"], ["client_case.id"], name=op.f("fk_plan_item_case_id_client_case")),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_plan_item_decision_id_decision")),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name=op.f("fk_plan_item_service_id_service")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_item")),
        sa.UniqueConstraint("case_id", "external_id", name=op.f("uq_plan_item_case_id_external_id")),
    )
    op.create_index(op.f("ix_plan_item_decision_id"), "plan_item", ["decision_id"], unique=False)
    op.create_index(op.f("ix_plan_item_service_id"), "plan_item", ["service_id"], unique=False)
    op.create_table(
        "purchase_order",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.BigInteger(), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=True),
        sa.Column("period", postgresql.DATERANGE(), nullable=False),
        sa.Column("issue_date", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("client_reference", sa.Text(), nullable=False),
        sa.Column("total_net", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("total_vat", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("total_gross", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("document_sha256", sa.Text(), nullable=False),
        sa.Column("chosen_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approval_reason", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unclear_sends", sa.Integer(), server_default="0", nullable=False),
        sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handed_over_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('approved', 'sending', 'sent', 'received', 'accepted', 'changed', 'rejected', 'failed', 'cancelled', 'closed')",
            name=op.f("ck_purchase_order_state"),
        ),
        sa.CheckConstraint("total_gross = total_net + total_vat", name=op.f("ck_purchase_order_adds_up")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_purchase_order_contract_id_contract")),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_purchase_order_decision_id_decision")),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_purchase_order_provider_id_provider")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_order")),
        sa.UniqueConstraint("client_reference", name=op.f("uq_purchase_order_client_reference")),
        sa.UniqueConstraint("number", name=op.f("uq_purchase_order_number")),
    )
    op.create_index(op.f("ix_purchase_order_contract_id"), "purchase_order", ["contract_id"], unique=False)
    op.create_index(op.f("ix_purchase_order_decision_id"), "purchase_order", ["decision_id"], unique=False)
    op.create_index(op.f("ix_purchase_order_provider_id"), "purchase_order", ["provider_id"], unique=False)
    op.create_index(op.f("ix_purchase_order_state"), "purchase_order", ["state"], unique=False)
    op.create_table(
        "budget_dirty",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("budget_id", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["budget_id"], ["budget.id"], name=op.f("fk_budget_dirty_budget_id_budget")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_budget_dirty_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_dirty")),
    )
    op.create_index(op.f("ix_budget_dirty_budget_id"), "budget_dirty", ["budget_id"], unique=False)
    op.create_table(
        "budget_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("budget_id", sa.BigInteger(), nullable=False),
        sa.Column("ceiling", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("ceiling_price_id", sa.BigInteger(), nullable=True),
        sa.Column("ceiling_basis", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("invoiced", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("delivered", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("ordered", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("planned", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("free", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('ok', 'near', 'within_tolerance', 'over', 'unpriced', 'ended')",
            name=op.f("ck_budget_version_state"),
        ),
        sa.CheckConstraint(
            "free IS NULL OR free = ceiling - invoiced - ordered - planned", name=op.f("ck_budget_version_adds_up")
        ),
        sa.ForeignKeyConstraint(["budget_id"], ["budget.id"], name=op.f("fk_budget_version_budget_id_budget")),
        sa.ForeignKeyConstraint(
            ["ceiling_price_id"], ["price.id"], name=op.f("fk_budget_version_ceiling_price_id_price")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_budget_version_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_version")),
    )
    op.create_index(op.f("ix_budget_version_budget_id"), "budget_version", ["budget_id"], unique=False)
    op.create_index(op.f("ix_budget_version_run_id"), "budget_version", ["run_id"], unique=False)
    op.create_index(
        "uq_budget_version_current",
        "budget_version",
        ["budget_id"],
        unique=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_table(
        "choice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("plan_item_id", sa.BigInteger(), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("chosen_by", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "chosen_by IN ('child', 'parent', 'adult', 'worker', 'source')", name=op.f("ck_choice_chosen_by")
        ),
        sa.ForeignKeyConstraint(["plan_item_id"], ["plan_item.id"], name=op.f("fk_choice_plan_item_id_plan_item")),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_choice_provider_id_provider")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_choice")),
    )
    op.create_index(op.f("ix_choice_plan_item_id"), "choice", ["plan_item_id"], unique=False)
    op.create_index(op.f("ix_choice_provider_id"), "choice", ["provider_id"], unique=False)
    op.create_index(
        "uq_choice_current", "choice", ["plan_item_id"], unique=True, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "follow_up",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("plan_item_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("planned_for", sa.Date(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("announced_on", sa.Date(), nullable=True),
        sa.Column("announced_times", sa.Integer(), server_default="0", nullable=False),
        sa.Column("escalated_on", sa.Date(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("rated_by", sa.Text(), nullable=True),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "kind IN ('start', 'interval', 'before_end', 'final', 'plan_review')", name=op.f("ck_follow_up_kind")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'acknowledged', 'snoozed', 'not_needed', 'dropped')", name=op.f("ck_follow_up_state")
        ),
        sa.CheckConstraint("rating IS NULL OR rating BETWEEN 1 AND 5", name=op.f("ck_follow_up_rating")),
        sa.ForeignKeyConstraint(["plan_item_id"], ["plan_item.id"], name=op.f("fk_follow_up_plan_item_id_plan_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
        sa.UniqueConstraint(
            "plan_item_id", "kind", "planned_for", name=op.f("uq_follow_up_plan_item_id_kind_planned_for")
        ),
    )
    op.create_index(op.f("ix_follow_up_due"), "follow_up", ["due"], unique=False)
    op.create_table(
        "order_coverage",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("plan_item_id", sa.BigInteger(), nullable=False),
        sa.Column("period", postgresql.DATERANGE(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["purchase_order.id"], name=op.f("fk_order_coverage_order_id_purchase_order")
        ),
        sa.ForeignKeyConstraint(
            ["plan_item_id"], ["plan_item.id"], name=op.f("fk_order_coverage_plan_item_id_plan_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_coverage")),
    )
    op.create_index(op.f("ix_order_coverage_order_id"), "order_coverage", ["order_id"], unique=False)
    op.create_index(op.f("ix_order_coverage_plan_item_id"), "order_coverage", ["plan_item_id"], unique=False)
    op.create_table(
        "order_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column("plan_item_id", sa.BigInteger(), nullable=False),
        sa.Column("price_id", sa.BigInteger(), nullable=False),
        sa.Column("period", postgresql.DATERANGE(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("base_quantity", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("vat_category", sa.Text(), nullable=False),
        sa.Column("vat_rate", sa.Numeric(precision=6, scale=4), nullable=False),
        sa.Column("net", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("vat", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("gross", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["purchase_order.id"], name=op.f("fk_order_line_order_id_purchase_order")
        ),
        sa.ForeignKeyConstraint(["plan_item_id"], ["plan_item.id"], name=op.f("fk_order_line_plan_item_id_plan_item")),
        sa.ForeignKeyConstraint(["price_id"], ["price.id"], name=op.f("fk_order_line_price_id_price")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
        sa.UniqueConstraint("order_id", "line_number", name=op.f("uq_order_line_order_id_line_number")),
    )
    op.create_index(op.f("ix_order_line_plan_item_id"), "order_line", ["plan_item_id"], unique=False)
    op.create_index(op.f("ix_order_line_price_id"), "order_line", ["price_id"], unique=False)
    op.create_table(
        "budget_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("plan_item_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("period", postgresql.DATERANGE(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("price_id", sa.BigInteger(), nullable=True),
        sa.Column("order_line_id", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=12, scale=4), nullable=True),
        sa.Column("net", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("vat", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("gross", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.CheckConstraint("kind IN ('planned', 'ordered', 'invoiced', 'unpriced')", name=op.f("ck_budget_line_kind")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_budget_line_order_line_id_order_line")
        ),
        sa.ForeignKeyConstraint(["plan_item_id"], ["plan_item.id"], name=op.f("fk_budget_line_plan_item_id_plan_item")),
        sa.ForeignKeyConstraint(["price_id"], ["price.id"], name=op.f("fk_budget_line_price_id_price")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["budget_version.id"], name=op.f("fk_budget_line_version_id_budget_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_line")),
    )
    op.create_index(op.f("ix_budget_line_order_line_id"), "budget_line", ["order_line_id"], unique=False)
    op.create_index(op.f("ix_budget_line_price_id"), "budget_line", ["price_id"], unique=False)
    op.create_index(op.f("ix_budget_line_version_id"), "budget_line", ["version_id"], unique=False)
    for statement in BESIDE_THE_TABLES:
        op.execute(statement)


def downgrade() -> None:  # noqa: PLR0915
    op.execute("ALTER TABLE unit DROP CONSTRAINT fk_unit_supervisor_id_worker")
    op.drop_index(op.f("ix_budget_line_version_id"), table_name="budget_line")
    op.drop_index(op.f("ix_budget_line_price_id"), table_name="budget_line")
    op.drop_index(op.f("ix_budget_line_order_line_id"), table_name="budget_line")
    op.drop_table("budget_line")
    op.drop_index(op.f("ix_order_line_price_id"), table_name="order_line")
    op.drop_index(op.f("ix_order_line_plan_item_id"), table_name="order_line")
    op.drop_table("order_line")
    op.drop_index(op.f("ix_order_coverage_plan_item_id"), table_name="order_coverage")
    op.drop_index(op.f("ix_order_coverage_order_id"), table_name="order_coverage")
    op.drop_table("order_coverage")
    op.drop_index(op.f("ix_follow_up_due"), table_name="follow_up")
    op.drop_table("follow_up")
    op.drop_index("uq_choice_current", table_name="choice", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index(op.f("ix_choice_provider_id"), table_name="choice")
    op.drop_index(op.f("ix_choice_plan_item_id"), table_name="choice")
    op.drop_table("choice")
    op.drop_index(
        "uq_budget_version_current", table_name="budget_version", postgresql_where=sa.text("superseded_at IS NULL")
    )
    op.drop_index(op.f("ix_budget_version_run_id"), table_name="budget_version")
    op.drop_index(op.f("ix_budget_version_budget_id"), table_name="budget_version")
    op.drop_table("budget_version")
    op.drop_index(op.f("ix_budget_dirty_budget_id"), table_name="budget_dirty")
    op.drop_table("budget_dirty")
    op.drop_index(op.f("ix_purchase_order_state"), table_name="purchase_order")
    op.drop_index(op.f("ix_purchase_order_provider_id"), table_name="purchase_order")
    op.drop_index(op.f("ix_purchase_order_decision_id"), table_name="purchase_order")
    op.drop_index(op.f("ix_purchase_order_contract_id"), table_name="purchase_order")
    op.drop_table("purchase_order")
    op.drop_index(op.f("ix_plan_item_service_id"), table_name="plan_item")
    op.drop_index(op.f("ix_plan_item_decision_id"), table_name="plan_item")
    op.drop_table("plan_item")
    op.drop_index(op.f("ix_budget_ceiling_price_id"), table_name="budget")
    op.drop_table("budget")
    op.drop_index(op.f("ix_price_superseded_by_list_id"), table_name="price")
    op.drop_index(op.f("ix_price_price_list_id"), table_name="price")
    op.drop_index("ix_price_in_force", table_name="price", postgresql_where=sa.text("superseded_at IS NULL"))
    op.drop_table("price")
    op.drop_index(op.f("ix_decision_baseline_service_id"), table_name="decision")
    op.drop_table("decision")
    op.drop_index(op.f("ix_rejected_record_source"), table_name="rejected_record")
    op.drop_index(op.f("ix_rejected_record_run_id"), table_name="rejected_record")
    op.drop_table("rejected_record")
    op.drop_index("ix_price_list_source_sha256", table_name="price_list")
    op.drop_index(op.f("ix_price_list_run_id"), table_name="price_list")
    op.drop_table("price_list")
    op.drop_table("notice")
    op.drop_table("digest")
    op.drop_index(op.f("ix_client_case_unit_id"), table_name="client_case")
    op.drop_index(op.f("ix_client_case_synced_run_id"), table_name="client_case")
    op.drop_index(op.f("ix_client_case_responsible_worker_id"), table_name="client_case")
    op.drop_index(op.f("ix_client_case_co_worker_id"), table_name="client_case")
    op.drop_index(op.f("ix_client_case_client_id"), table_name="client_case")
    op.drop_table("client_case")
    op.drop_index("ix_case_staging_external_id", table_name="case_staging")
    op.drop_table("case_staging")
    op.drop_index(op.f("ix_worker_unit_id"), table_name="worker")
    op.drop_table("worker")
    op.drop_index(op.f("ix_service_alternative_alternative_id"), table_name="service_alternative")
    op.drop_table("service_alternative")
    op.drop_index(op.f("ix_run_work_id"), table_name="run")
    op.drop_index("ix_run_open", table_name="run", postgresql_where=sa.text("finished_at IS NULL"))
    op.drop_index(op.f("ix_run_kind"), table_name="run")
    op.drop_table("run")
    op.drop_index(op.f("ix_provider_service_service_id"), table_name="provider_service")
    op.drop_table("provider_service")
    op.drop_index(op.f("ix_price_source_provider_id"), table_name="price_source")
    op.drop_table("price_source")
    op.drop_index(op.f("ix_price_key_service_id"), table_name="price_key")
    op.drop_table("price_key")
    op.drop_table("contract")
    op.drop_index(
        "uq_work_lane_held", table_name="work", postgresql_where=sa.text("token IS NOT NULL AND lane IS NOT NULL")
    )
    op.drop_index("ix_work_leased", table_name="work", postgresql_where=sa.text("token IS NOT NULL"))
    op.drop_index(op.f("ix_work_kind"), table_name="work")
    op.drop_index(
        "ix_work_due",
        table_name="work",
        postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL AND token IS NULL"),
    )
    op.drop_table("work")
    op.drop_table("unit_rule")
    op.drop_index(op.f("ix_unit_supervisor_id"), table_name="unit")
    op.drop_table("unit")
    op.drop_table("service")
    op.drop_table("provider")
    op.drop_table("job_state")
    op.drop_table("heartbeat")
    op.drop_table("counter")
    op.drop_index(op.f("ix_client_blind_index"), table_name="client")
    op.drop_table("client")
    op.drop_table("business_clock")
    op.drop_index(op.f("ix_audit_event_subject"), table_name="audit_event")
    op.drop_index(op.f("ix_audit_event_recorded_at"), table_name="audit_event")
    op.drop_table("audit_event")
    op.execute("DROP FUNCTION refuse_change()")
