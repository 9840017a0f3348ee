"""A price list that was a Peppol catalogue keeps the catalogue's id: orders at its prices cite it.

Revision ID: 0015
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("price_list", sa.Column("catalogue", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("price_list", "catalogue")
