"""What is charged beside a service, and what providers' column titles mean.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

FORMER = ["provider_id", "service_id", "unit", "base_quantity", "time_class", "minimum_quantity", "territory"]
GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT, UPDATE, DELETE ON price_column_name TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.add_column("price_key", sa.Column("extra", sa.Text(), server_default="", nullable=False))
    op.alter_column("price_key", "extra", server_default=None)
    _unique([*FORMER, "extra"])
    op.create_table(
        "price_column_name",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["provider.id"], name=op.f("fk_price_column_name_provider_id_provider")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_column_name")),
        sa.UniqueConstraint("provider_id", "title", name=op.f("uq_price_column_name_provider_id_title")),
    )
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_table("price_column_name")
    op.execute("DELETE FROM price WHERE price_key_id IN (SELECT id FROM price_key WHERE extra <> '')")
    op.execute("DELETE FROM price_key WHERE extra <> ''")
    _unique(FORMER)
    op.drop_column("price_key", "extra")


def _unique(columns: list[str]) -> None:
    op.drop_constraint("uq_price_key", "price_key", type_="unique")
    op.create_unique_constraint("uq_price_key", "price_key", columns, postgresql_nulls_not_distinct=True)
