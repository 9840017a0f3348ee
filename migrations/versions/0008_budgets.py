"""What budgets are made of beside prices: extras, invoices, deliveries; services the family is not billed for.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"

MACHINE_TIME = sa.text("clock_timestamp()")
KINDS = "kind IN ('planned', 'ordered', 'delivered', 'invoiced', 'unpriced')"
FORMER_KINDS = "kind IN ('planned', 'ordered', 'invoiced', 'unpriced')"
ORIGINALS = """
    UPDATE price SET original_id = first.id
    FROM (
        SELECT min(id) AS id, price_key_id, price_list_id, position, amount, vat_category, vat_rate, vat_inclusive
        FROM price GROUP BY price_key_id, price_list_id, position, amount, vat_category, vat_rate, vat_inclusive
    ) AS first
    WHERE price.copied_by_list_id IS NOT NULL AND price.id <> first.id
      AND (price.price_key_id, price.price_list_id, price.position, price.amount) = (first.price_key_id, first.price_list_id, first.position, first.amount)
      AND (price.vat_category, price.vat_rate, price.vat_inclusive) = (first.vat_category, first.vat_rate, first.vat_inclusive)
"""
#: What was calculated by the rules of another version is calculated again by those of this one, by the next night at the latest.
NOTE_ALL = "INSERT INTO budget_dirty (budget_id, cause) SELECT id, 'version' FROM budget"
GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT ON invoice, invoice_line, delivered TO avain_app;
            GRANT UPDATE (superseded_at) ON delivered TO avain_app;
            GRANT SELECT, INSERT, UPDATE, DELETE ON remembered TO avain_app;
            GRANT SELECT, INSERT, UPDATE, DELETE ON provider_rating TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.add_column("service", sa.Column("free_of_charge", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("price", sa.Column("original_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_price_original_id_price"), "price", "price", ["original_id"], ["id"])
    op.create_index("ix_price_original", "price", ["original_id"], postgresql_where=sa.text("original_id IS NOT NULL"))
    # the first version with the same provenance and words is what the others are copies of
    op.execute(ORIGINALS)
    for table in ("budget_line", "order_line"):
        op.add_column(table, sa.Column("extra", sa.Text(), server_default="", nullable=False))
        op.alter_column(table, "extra", server_default=None)
    op.add_column("budget_line", sa.Column("invoices", postgresql.ARRAY(sa.Text()), nullable=True))
    _kinds(KINDS)
    op.create_table(
        "remembered",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_remembered")),
    )
    op.create_table(
        "invoice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("issue_date", sa.Date(), nullable=False),
        sa.Column("final", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=MACHINE_TIME, nullable=False),
        sa.CheckConstraint("kind IN ('invoice', 'credit')", name=op.f("ck_invoice_kind")),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_invoice_provider_id_provider")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_invoice_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("provider_id", "number", name=op.f("uq_invoice_provider_id_number")),
    )
    op.create_table(
        "invoice_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Numeric(12, 4), nullable=True),
        sa.Column("net", sa.Numeric(12, 2), nullable=False),
        sa.Column("vat", sa.Numeric(12, 2), nullable=False),
        sa.Column("gross", sa.Numeric(12, 2), nullable=False),
        sa.CheckConstraint("net >= 0 AND vat >= 0 AND gross >= 0", name=op.f("ck_invoice_line_not_negative")),
        sa.CheckConstraint("gross = net + vat", name=op.f("ck_invoice_line_adds_up")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_line_invoice_id_invoice")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_invoice_line_order_line_id_order_line")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_line")),
    )
    op.create_index("ix_invoice_line_invoice_id", "invoice_line", ["invoice_id"])
    op.create_index("ix_invoice_line_order_line_id", "invoice_line", ["order_line_id"])
    op.create_table(
        "delivered",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("period", postgresql.DATERANGE(), nullable=False),
        sa.Column("quantity", sa.Numeric(12, 4), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=MACHINE_TIME, nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_delivered_quantity_not_negative")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_delivered_order_line_id_order_line")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_delivered_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivered")),
    )
    op.create_index("ix_delivered_order_line_id", "delivered", ["order_line_id"])
    op.create_table(
        "provider_rating",
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_provider_rating_provider_id_provider")),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name=op.f("fk_provider_rating_service_id_service")),
        sa.PrimaryKeyConstraint("service_id", "provider_id", name=op.f("pk_provider_rating")),
    )
    op.create_index("ix_provider_rating_provider_id", "provider_rating", ["provider_id"])
    op.create_index("ix_notice_untold", "notice", ["event"], postgresql_where=sa.text("told_at IS NULL"))
    op.execute(GRANTS)
    op.execute(NOTE_ALL)


def downgrade() -> None:
    op.drop_table("provider_rating")
    op.drop_index("ix_notice_untold", table_name="notice")
    for table in ("delivered", "invoice_line", "invoice", "remembered"):
        op.drop_table(table)
    # lines the former schema cannot hold go, and invoices with them: the budgets are calculated again
    op.execute("DELETE FROM budget_line WHERE kind = 'delivered'")
    op.execute(NOTE_ALL)
    _kinds(FORMER_KINDS)
    for table in ("budget_line", "order_line"):
        op.drop_column(table, "extra")
    op.drop_column("budget_line", "invoices")
    op.drop_index("ix_price_original", "price")
    op.drop_column("price", "original_id")
    op.drop_column("service", "free_of_charge")


def _kinds(allowed: str) -> None:
    op.drop_constraint(op.f("ck_budget_line_kind"), "budget_line", type_="check")
    op.create_check_constraint(op.f("ck_budget_line_kind"), "budget_line", allowed)
