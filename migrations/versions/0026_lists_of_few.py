"""Lists of who sees few cases are put in order from indexes alone; the rows themselves are looked up until a page is full.

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

_TO_WRITE_DOWN = "state = 'acknowledged' AND written_down_at IS NULL AND kind IN ('start', 'interval', 'before_end', 'final', 'plan_review')"


def upgrade() -> None:
    op.create_index(
        "ix_plan_item_in_force",
        "plan_item",
        ["case_id"],
        postgresql_include=["id", "period"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_index("uq_choice_current", "choice")
    op.create_index(
        "uq_choice_current",
        "choice",
        ["plan_item_id"],
        unique=True,
        postgresql_include=["chosen_at"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_follow_up_open_of_case",
        "follow_up",
        ["case_id"],
        postgresql_include=["due", "id"],
        postgresql_where=sa.text("state IN ('open', 'snoozed')"),
    )
    op.create_index(
        "ix_follow_up_to_write_down_of_case",
        "follow_up",
        ["case_id"],
        postgresql_include=["settled_at", "id"],
        postgresql_where=sa.text(_TO_WRITE_DOWN),
    )


def downgrade() -> None:
    op.drop_index("ix_follow_up_to_write_down_of_case", "follow_up")
    op.drop_index("ix_follow_up_open_of_case", "follow_up")
    op.drop_index("uq_choice_current", "choice")
    op.create_index(
        "uq_choice_current", "choice", ["plan_item_id"], unique=True, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.drop_index("ix_plan_item_in_force", "plan_item")
