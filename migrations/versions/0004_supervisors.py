"""The supervisor of a case, where the source names one; reports about records that were taken in all the same.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

#: What rows of `client_case` refer to, before and after.
FORMER = {"client_id": "client", "responsible_worker_id": "worker", "co_worker_id": "worker", "unit_id": "unit"}
REFERENCES = {**FORMER, "supervisor_id": "worker"}


def upgrade() -> None:
    op.add_column("client_case", sa.Column("supervisor_id", sa.BigInteger(), nullable=True))
    op.add_column("case_staging", sa.Column("supervisor", sa.Text(), nullable=True))
    _check(REFERENCES)
    op.add_column("rejected_record", sa.Column("taken", sa.Boolean(), server_default=sa.text("false"), nullable=False))


def downgrade() -> None:
    op.execute("DELETE FROM rejected_record WHERE taken")
    op.drop_column("rejected_record", "taken")
    _check(FORMER)
    op.drop_column("case_staging", "supervisor")
    op.drop_column("client_case", "supervisor_id")


def _check(references: dict[str, str]) -> None:
    """Let the triggers of 0003 look at these columns."""
    asked = ", ".join(f"'{column}', '{target}'" for column, target in references.items())
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE OR REPLACE TRIGGER client_case_{event.lower()}_references AFTER {event} ON client_case"
            f" REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION check_references({asked})"
        )
    users = [("client_case", column) for column, target in references.items() if target == "worker"]
    asked = ", ".join(f"'{table}', '{column}'" for table, column in users)
    op.execute(
        "CREATE OR REPLACE TRIGGER worker_keep_referenced AFTER DELETE ON worker"
        f" REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION keep_referenced({asked})"
    )
