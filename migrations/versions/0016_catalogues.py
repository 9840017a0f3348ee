"""A price list that was a Peppol catalogue keeps the catalogue's id: orders at its prices cite it.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("price_list", sa.Column("catalogue", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("price_list", "catalogue")
