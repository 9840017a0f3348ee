"""Given-up work in groups, and telling once that a job failed for good and once that it recovered.

What was given up before this stands on the page of dead work, but nobody is written a letter about it.

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

_DEAD = "dead_at IS NOT NULL AND acknowledged IS NULL"
GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT, UPDATE ON failing_job TO avain_app;
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.add_column("work", sa.Column("dead_reason", sa.Text(), server_default="", nullable=False))
    op.add_column("work", sa.Column("noticed", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE work SET dead_reason = coalesce(last_error ->> 'msgid', ''), noticed = dead_at WHERE dead_at IS NOT NULL"
    )
    op.drop_index("ix_work_given_up", table_name="work", postgresql_where=sa.text(_DEAD))
    op.create_index(
        "ix_work_dead", "work", ["kind", "dead_reason", "id", "dead_at"], unique=False, postgresql_where=sa.text(_DEAD)
    )
    op.create_index(
        "ix_work_unnoticed",
        "work",
        ["id"],
        unique=False,
        postgresql_where=sa.text("dead_at IS NOT NULL AND noticed IS DISTINCT FROM dead_at"),
    )
    op.create_index(
        "ix_work_trouble",
        "work",
        ["kind", sa.text("coalesce(arguments ->> 'source', '')"), "noticed"],
        unique=False,
        postgresql_where=sa.text("noticed IS NOT NULL AND done_at IS NULL AND acknowledged IS NULL"),
    )
    op.create_table(
        "failing_job",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_run", sa.BigInteger(), nullable=True),
        sa.Column("last_run", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recovered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("well", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("on_retry", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("told", sa.Text(), nullable=True),
        sa.Column("told_failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_recovered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("flaps", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("told IS NULL OR told IN ('failed', 'recovered')", name=op.f("ck_failing_job_told")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failing_job")),
        sa.UniqueConstraint("kind", "source", name=op.f("uq_failing_job_kind_source")),
    )
    op.create_index(
        "ix_failing_job_failing",
        "failing_job",
        ["kind"],
        unique=False,
        postgresql_where=sa.text("recovered_at IS NULL"),
    )
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_table("failing_job")
    for name in ("ix_work_trouble", "ix_work_unnoticed", "ix_work_dead"):
        op.drop_index(name, table_name="work")
    op.create_index("ix_work_given_up", "work", ["kind"], unique=False, postgresql_where=sa.text(_DEAD))
    op.drop_column("work", "noticed")
    op.drop_column("work", "dead_reason")
