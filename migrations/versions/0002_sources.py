"""What is remembered of sources: how far they were read, and which files were applied. A Run can be postponed.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

OUTCOMES = ("succeeded", "partly", "retry", "failed", "lost", "held", "refused", "nothing_to_do")

GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT, UPDATE, DELETE ON source_memory, processed_file TO avain_app;
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "source_memory",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("memory", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_source_memory")),
    )
    op.create_table(
        "processed_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reading", sa.Text(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "processed_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("put_away_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_processed_file_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processed_file")),
        sa.UniqueConstraint("source", "sha256", "name", name=op.f("uq_processed_file_source_sha256_name")),
    )
    op.create_index(op.f("ix_processed_file_run_id"), "processed_file", ["run_id"], unique=False)
    _allow_outcomes(*OUTCOMES, "postponed")
    op.execute(GRANTS)


def downgrade() -> None:
    op.execute("UPDATE run SET outcome = 'retry' WHERE outcome = 'postponed'")
    _allow_outcomes(*OUTCOMES)
    op.drop_table("processed_file")
    op.drop_table("source_memory")


def _allow_outcomes(*outcomes: str) -> None:
    op.drop_constraint(op.f("ck_run_outcome"), "run", type_="check")
    allowed = ", ".join(f"'{outcome}'" for outcome in outcomes)
    op.create_check_constraint(op.f("ck_run_outcome"), "run", f"outcome IS NULL OR outcome IN ({allowed})")
