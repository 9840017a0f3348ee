"""An invoice that comes in is compared with those of the same number: found by it, however many documents there are.

Revision ID: 0025
Revises: 0024
"""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_index(op.f("ix_incoming_document_number"), "incoming_document", ["number"])


def downgrade() -> None:
    op.drop_index(op.f("ix_incoming_document_number"), "incoming_document")
