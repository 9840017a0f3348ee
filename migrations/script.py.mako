"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}

Before you commit this, see that it is safe beside running workers of the previous version:
- add columns as nullable or with a constant default; fill them in batches; tighten in a later release (expand, then contract);
- create an index on a large table with postgresql_concurrently=True outside a transaction;
- never rename or drop what the previous version still reads;
- new tables need a GRANT to avain_app (see 0001).
"""

from alembic import op
import sqlalchemy as sa
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
