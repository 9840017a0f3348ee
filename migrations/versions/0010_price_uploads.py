"""Price lists that people bring to the console: the file, whose it is, and the list it became.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

MACHINE_TIME = sa.text("clock_timestamp()")
GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT, UPDATE ON price_upload TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "price_upload",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("chosen", sa.Text(), nullable=True),
        sa.Column("insisted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("business_id", sa.Text(), nullable=True),
        sa.Column("reason", postgresql.JSONB(), nullable=True),
        sa.Column("columns", postgresql.JSONB(), nullable=False),
        sa.Column("price_list_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=MACHINE_TIME, nullable=False),
        sa.CheckConstraint(
            "state IN ('reading', 'asking', 'refused', 'read', 'discarded')", name=op.f("ck_price_upload_state")
        ),
        sa.CheckConstraint("state <> 'read' OR price_list_id IS NOT NULL", name=op.f("ck_price_upload_read_is_a_list")),
        sa.ForeignKeyConstraint(
            ["price_list_id"], ["price_list.id"], name=op.f("fk_price_upload_price_list_id_price_list")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_upload")),
    )
    op.create_index("ix_price_upload_price_list_id", "price_upload", ["price_list_id"])
    op.create_index("ix_price_upload_kept", "price_upload", ["id"], postgresql_where=sa.text("content IS NOT NULL"))
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_table("price_upload")
