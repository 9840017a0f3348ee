"""An index for what is acknowledged and still to be written down in the client information system.

Revision ID: 0023
Revises: 0022
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

CONDITION = "state = 'acknowledged' AND written_down_at IS NULL AND kind IN ('start', 'interval', 'before_end', 'final', 'plan_review')"


def upgrade() -> None:
    # who was handed one writes it down when it is settled, too
    op.drop_index("ix_follow_up_handed_to", "follow_up")
    op.execute("CREATE INDEX ix_follow_up_handed_to ON follow_up (handed_to_id) WHERE handed_to_id IS NOT NULL")
    op.execute(f"CREATE INDEX ix_follow_up_to_write_down ON follow_up (settled_at) WHERE {CONDITION}")


def downgrade() -> None:
    op.drop_index("ix_follow_up_to_write_down", "follow_up")
    op.drop_index("ix_follow_up_handed_to", "follow_up")
    op.execute(
        "CREATE INDEX ix_follow_up_handed_to ON follow_up (handed_to_id)"
        " WHERE handed_to_id IS NOT NULL AND state IN ('open', 'snoozed')"
    )
