"""Lists of cases: the budgets that need attention are found by their state.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_index(
        "ix_budget_version_state",
        "budget_version",
        ["state", "budget_id"],
        postgresql_where=sa.text("superseded_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_budget_version_state", "budget_version")
