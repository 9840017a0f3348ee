"""Connections that fail are left alone for a while.

Revision ID: 0033
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"

GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT, UPDATE, DELETE ON breaker, put_off TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "breaker",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", postgresql.JSONB(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("probe_work", sa.BigInteger(), nullable=True),
        sa.Column("probe_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(closed_at IS NULL) = (until IS NULL)", name=op.f("ck_breaker_closed_until")),
        sa.CheckConstraint("(probe_work IS NULL) = (probe_until IS NULL)", name=op.f("ck_breaker_probe_until")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_breaker")),
    )
    op.create_table(
        "put_off",
        sa.Column("work_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("work_id", name=op.f("pk_put_off")),
    )
    op.create_index("ix_put_off_way", "put_off", ["way"], unique=False)
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_table("put_off")
    op.drop_table("breaker")
