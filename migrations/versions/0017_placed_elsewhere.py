"""Where an order was placed that goes out by another system or by telephone: that system's number for it, when and by whom.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT UPDATE (placed_reference, placed_at, placed_by) ON purchase_order TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.add_column("purchase_order", sa.Column("placed_reference", sa.Text(), nullable=True))
    op.add_column("purchase_order", sa.Column("placed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("purchase_order", sa.Column("placed_by", sa.Text(), nullable=True))
    op.execute(GRANTS)


def downgrade() -> None:
    for column in ("placed_by", "placed_at", "placed_reference"):
        op.drop_column("purchase_order", column)
