"""Seals over the audit trail, one chain a month; payloads may be purged without breaking it.

Revision ID: 0030
Revises: 0029
"""

from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_audit_event_cases ON audit_event USING gin ((details -> 'cases') jsonb_path_ops)"
        " WITH (fastupdate = off) WHERE details ? 'cases'"
    )


def downgrade() -> None:
    op.drop_index("ix_audit_event_cases", "audit_event")
