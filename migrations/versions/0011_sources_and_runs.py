"""Lists of runs, rejected records and audit events by what people look for; what a look at a source found.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"

MACHINE_TIME = sa.text("clock_timestamp()")
REQUEST = "(arguments ->> 'request')"
GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT, UPDATE, DELETE ON source_look TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.create_index("ix_work_lane", "work", ["lane", "id"], postgresql_where=sa.text("lane IS NOT NULL"))
    op.create_index(
        "ix_work_given_up", "work", ["kind"], postgresql_where=sa.text("dead_at IS NOT NULL AND acknowledged IS NULL")
    )
    op.create_index("ix_work_request", "work", [sa.text(REQUEST)], postgresql_where=sa.text(f"{REQUEST} IS NOT NULL"))
    op.drop_index("ix_run_kind", "run")
    op.create_index("ix_run_kind", "run", ["kind", "id"])
    op.create_index("ix_run_outcome", "run", ["outcome", "id"])
    op.create_index(
        "ix_rejected_record_open", "rejected_record", ["source"], postgresql_where=sa.text("settled_at IS NULL")
    )
    op.create_index("ix_audit_event_actor", "audit_event", ["actor", "id"])
    op.create_index("ix_audit_event_action", "audit_event", ["action", "id"])
    op.create_index("ix_audit_event_business_at", "audit_event", ["business_at"])
    op.create_table(
        "source_look",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("findings", postgresql.JSONB(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), server_default=MACHINE_TIME, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_source_look_run_id_run")),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_source_look")),
    )
    op.create_index("ix_source_look_run_id", "source_look", ["run_id"])
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_table("source_look")
    for column in ("business_at", "action", "actor"):
        op.drop_index(f"ix_audit_event_{column}", "audit_event")
    op.drop_index("ix_rejected_record_open", "rejected_record")
    op.drop_index("ix_run_outcome", "run")
    op.drop_index("ix_run_kind", "run")
    op.create_index("ix_run_kind", "run", ["kind"])
    for name in ("ix_work_request", "ix_work_given_up", "ix_work_lane"):
        op.drop_index(name, "work")
