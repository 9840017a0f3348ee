"""The console: who is signed in, ways in, who stands in for whom; what a person entered of a decision's number.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"

MACHINE_TIME = sa.text("clock_timestamp()")
ROLES = "roles <@ ARRAY['worker', 'supervisor', 'price_manager', 'operator', 'auditor']"
GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT, UPDATE, DELETE ON console_session, login_request, entry_link TO avain_app;
            GRANT SELECT, INSERT ON absence TO avain_app;
            GRANT UPDATE (cancelled_at) ON absence TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.add_column("worker", sa.Column("subject", sa.Text(), nullable=True))
    op.create_unique_constraint(op.f("uq_worker_subject"), "worker", ["subject"])
    op.add_column(
        "decision", sa.Column("number_from_source", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.execute("UPDATE decision SET number_from_source = true WHERE number IS NOT NULL")
    op.create_index(
        "ix_client_case_supervisor",
        "client_case",
        ["supervisor_id"],
        postgresql_where=sa.text("supervisor_id IS NOT NULL"),
    )
    op.create_index(
        "ix_client_case_co_worker",
        "client_case",
        ["co_worker_id"],
        postgresql_where=sa.text("co_worker_id IS NOT NULL"),
    )
    op.create_index(
        "ix_client_case_unit", "client_case", ["unit_id"], postgresql_where=sa.text("responsible_worker_id IS NULL")
    )
    op.create_table(
        "absence",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.Column("deputy_id", sa.BigInteger(), nullable=True),
        sa.Column("period", postgresql.DATERANGE(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=MACHINE_TIME, nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("deputy_id IS DISTINCT FROM worker_id", name=op.f("ck_absence_not_their_own_deputy")),
        sa.CheckConstraint(
            "NOT isempty(period) AND NOT lower_inf(period) AND NOT upper_inf(period)", name=op.f("ck_absence_bounded")
        ),
        sa.ForeignKeyConstraint(["deputy_id"], ["worker.id"], name=op.f("fk_absence_deputy_id_worker")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_absence_worker_id_worker")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
    )
    op.create_index("ix_absence_worker_id", "absence", ["worker_id"])
    op.create_index("ix_absence_deputy_id", "absence", ["deputy_id"])
    op.create_table(
        "console_session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("cookie", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=True),
        sa.Column("everything", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("flash", postgresql.JSONB(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=MACHINE_TIME, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=MACHINE_TIME, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(ROLES, name=op.f("ck_console_session_roles")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_console_session_worker_id_worker")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_console_session")),
        sa.UniqueConstraint("cookie", name=op.f("uq_console_session_cookie")),
    )
    op.create_index("ix_console_session_subject", "console_session", ["subject"])
    op.create_index("ix_console_session_worker_id", "console_session", ["worker_id"])
    op.create_index("ix_console_session_expires_at", "console_session", ["expires_at"])
    op.create_table(
        "login_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("return_to", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=MACHINE_TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_request")),
        sa.UniqueConstraint("state", name=op.f("uq_login_request_state")),
    )
    op.create_index("ix_login_request_created_at", "login_request", ["created_at"])
    op.create_table(
        "entry_link",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=MACHINE_TIME, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_entry_link_worker_id_worker")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry_link")),
        sa.UniqueConstraint("token", name=op.f("uq_entry_link_token")),
    )
    op.create_index("ix_entry_link_worker_id", "entry_link", ["worker_id"])
    op.execute(GRANTS)


def downgrade() -> None:
    for table in ("entry_link", "login_request", "console_session", "absence"):
        op.drop_table(table)
    for column in ("unit", "co_worker", "supervisor"):
        op.drop_index(f"ix_client_case_{column}", "client_case")
    op.drop_column("decision", "number_from_source")
    op.drop_constraint(op.f("uq_worker_subject"), "worker")
    op.drop_column("worker", "subject")
