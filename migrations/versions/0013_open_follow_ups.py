"""Follow-ups that are due are found among those still open, not among all there ever were.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_index("ix_follow_up_open", "follow_up", ["due"], postgresql_where=sa.text("state IN ('open', 'snoozed')"))
    op.drop_index("ix_follow_up_due", "follow_up")


def downgrade() -> None:
    op.create_index("ix_follow_up_due", "follow_up", ["due"])
    op.drop_index("ix_follow_up_open", "follow_up")
