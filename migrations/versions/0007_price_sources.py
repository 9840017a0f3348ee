"""Providers' e-mails, what the price manager was told, and the pace that sources on one host share.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

JSONB = postgresql.JSONB(astext_type=sa.Text())
MACHINE_TIME = sa.text("clock_timestamp()")
GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT, UPDATE, DELETE ON price_mail, price_letter, price_alarm, host_turn TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "host_turn",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("free_at", sa.DateTime(timezone=True), server_default=MACHINE_TIME, nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_host_turn")),
    )
    op.create_table(
        "price_letter",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=MACHINE_TIME, nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('composed', 'sending', 'repeated', 'sent', 'failed')", name=op.f("ck_price_letter_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_letter")),
        sa.UniqueConstraint("message_id", name=op.f("uq_price_letter_message_id")),
    )
    op.create_table(
        "price_alarm",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message", JSONB, nullable=False),
        sa.Column("letter_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=MACHINE_TIME, nullable=False),
        sa.ForeignKeyConstraint(["letter_id"], ["price_letter.id"], name=op.f("fk_price_alarm_letter_id_price_letter")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_alarm")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_price_alarm_kind_subject")),
    )
    op.create_index(op.f("ix_price_alarm_letter_id"), "price_alarm", ["letter_id"], unique=False)
    op.create_table(
        "price_mail",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", JSONB, nullable=True),
        sa.Column("attachments", JSONB, nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=True),
        sa.Column("chosen", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=MACHINE_TIME, nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'assigned', 'taken', 'overtaken', 'discarded')", name=op.f("ck_price_mail_state")
        ),
        sa.CheckConstraint(
            "state <> 'assigned' OR provider_id IS NOT NULL", name=op.f("ck_price_mail_assigned_to_somebody")
        ),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_price_mail_provider_id_provider")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_price_mail_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_mail")),
        sa.UniqueConstraint("source", "sha256", name=op.f("uq_price_mail_source_sha256")),
    )
    op.create_index(op.f("ix_price_mail_provider_id"), "price_mail", ["provider_id"], unique=False)
    op.create_index(op.f("ix_price_mail_run_id"), "price_mail", ["run_id"], unique=False)
    op.execute(GRANTS)


def downgrade() -> None:
    for table in ("price_mail", "price_alarm", "price_letter", "host_turn"):
        op.drop_table(table)
