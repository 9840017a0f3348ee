"""Given-up work in groups, and telling once that a job failed for good and once that it recovered.

Revision ID: 0029
Revises: 0028
"""

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
