"""What the nightly consistency check found; since when a process gives signs of life.

Revision ID: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"

GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT ON deep_check TO avain_app;
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "deep_check",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("whole", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("looked", postgresql.JSONB(), nullable=False),
        sa.Column("broken", sa.Integer(), nullable=False),
        sa.Column("findings", postgresql.JSONB(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_deep_check_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deep_check")),
    )
    # a few rows, written anew within seconds
    op.add_column(
        "heartbeat",
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
    )
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_column("heartbeat", "since")
    op.drop_table("deep_check")
