"""Jobs people change: pauses that end, their own times, what is done when a run is still under way, slots left out.

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT, UPDATE, DELETE ON missed_slots TO avain_app;
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO avain_app;
        END IF;
    END $$
"""

#: When a job was paused was not kept: what it misses is counted from the upgrade on.
PAUSED_BEFORE = """
    UPDATE job_state SET paused_at = business.moment, since = business.moment
    FROM (SELECT clock_timestamp() + make_interval(secs => coalesce((SELECT offset_seconds FROM business_clock), 0)) AS moment) AS business
    WHERE paused
"""

#: Work of jobs that was called for before is in their lanes too, so that last runs are found.
LANES = """
    UPDATE work SET lane = 'job:' || split_part(key, '@', 1)
    WHERE lane IS NULL AND token IS NULL AND key ~ '^[a-z_]+@[0-9]{4}-[0-9]{2}-[0-9]{2}T'
      AND split_part(key, '@', 1) IN (SELECT job FROM job_state)
"""


def upgrade() -> None:
    op.create_table(
        "missed_slots",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("first_slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("caught_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("why IN ('paused', 'running', 'nobody')", name=op.f("ck_missed_slots_why")),
        sa.CheckConstraint("slots > 0 AND first_slot <= last_slot", name=op.f("ck_missed_slots_some")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_missed_slots")),
    )
    op.create_index("ix_missed_slots_job", "missed_slots", ["job", "last_slot"], unique=False)
    for column in (
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_why", sa.Text(), server_default="", nullable=False),
        sa.Column("cron", sa.Text(), nullable=True),
        sa.Column("overlap", sa.Text(), nullable=True),
        sa.Column("jitter_seconds", sa.Integer(), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_slot", sa.DateTime(timezone=True), nullable=True),
        sa.Column("called_slot", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("job_state", column)
    op.execute(PAUSED_BEFORE)
    op.create_check_constraint(op.f("ck_job_state_paused_since"), "job_state", "paused = (paused_at IS NOT NULL)")
    op.execute(LANES)
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_job_state_paused_since"), "job_state", type_="check")
    for column in (
        "called_slot",
        "last_slot",
        "changed_at",
        "changed_by",
        "jitter_seconds",
        "overlap",
        "cron",
        "paused_why",
        "paused_until",
        "paused_at",
    ):
        op.drop_column("job_state", column)
    op.drop_index("ix_missed_slots_job", table_name="missed_slots")
    op.drop_table("missed_slots")
