"""A document about orders that was refused changed nothing: when it comes again it may be read anew into its row.

Revision ID: 0015
Revises: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"

_COLUMNS = "kind, number, sender, file_name, run_id"


def upgrade() -> None:
    op.execute(f"""
        DO $$ BEGIN
            IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
                GRANT UPDATE ({_COLUMNS}) ON incoming_document TO avain_app;
            END IF;
        END $$
    """)


def downgrade() -> None:
    op.execute(f"""
        DO $$ BEGIN
            IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
                REVOKE UPDATE ({_COLUMNS}) ON incoming_document FROM avain_app;
            END IF;
        END $$
    """)
