"""What units' supervisors are told of many cases together, counted by night.

Revision ID: 0022
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0019"

GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT, UPDATE, DELETE ON unit_count TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "unit_count",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("blocks", postgresql.JSONB(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "subject IN ('euros', 'starts', 'ratings', 'results', 'left_out', 'workload', 'exceptions')",
            name=op.f("ck_unit_count_subject"),
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_unit_count_unit_id_unit")),
        sa.PrimaryKeyConstraint("unit_id", "subject", name=op.f("pk_unit_count")),
    )
    # a supervisor's page asks for all that were passed on
    op.create_index(
        "ix_follow_up_escalated",
        "follow_up",
        ["case_id"],
        postgresql_where=sa.text("escalated_on IS NOT NULL AND state IN ('open', 'snoozed')"),
    )
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_index("ix_follow_up_escalated", "follow_up")
    op.drop_table("unit_count")
