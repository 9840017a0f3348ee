"""Orders to the end: approvals by the month, declines, proposals, papers, answers, what providers deliver and bill.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"

MACHINE_TIME = sa.text("clock_timestamp()")
#: What was ordered before is taken to be as it is planned now: nobody remembers better.
REMEMBER = """
    UPDATE order_coverage
    SET item_quantity = plan_item.quantity, item_unit = plan_item.unit, item_period = plan_item.period, service_id = plan_item.service_id
    FROM plan_item WHERE plan_item.id = order_coverage.plan_item_id
"""
GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT ON order_approval, order_decline, order_proposal, order_paper, incoming_document, order_response,
                order_response_line TO avain_app;
            GRANT UPDATE (ended_at, ended_by) ON order_approval TO avain_app;
            GRANT UPDATE (withdrawn_at) ON order_decline TO avain_app;
            GRANT UPDATE (kind, details, settled_at, settled_by, outcome, note) ON order_proposal TO avain_app;
            GRANT UPDATE (superseded_at) ON order_paper TO avain_app;
            GRANT UPDATE (state, reason, content, provider_id, order_id, settled_at, settled_by, note) ON incoming_document TO avain_app;
            GRANT UPDATE (state, reason, note, settled_at, settled_by) ON order_response TO avain_app;
            GRANT UPDATE (link_epoch, answered_at, starts_on, cancelled_at, cancelled_by, closed_at) ON purchase_order TO avain_app;
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "order_approval",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("plan_item_id", sa.BigInteger(), nullable=False),
        sa.Column("choice_id", sa.BigInteger(), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("automatic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["choice_id"], ["choice.id"], name=op.f("fk_order_approval_choice_id_choice")),
        sa.ForeignKeyConstraint(
            ["plan_item_id"], ["plan_item.id"], name=op.f("fk_order_approval_plan_item_id_plan_item")
        ),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_order_approval_provider_id_provider")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_approval")),
    )
    op.create_index(op.f("ix_order_approval_plan_item_id"), "order_approval", ["plan_item_id"], unique=False)
    op.create_index(
        "uq_order_approval_live",
        "order_approval",
        ["plan_item_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "order_decline",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("choice_id", sa.BigInteger(), nullable=False),
        sa.Column("plan_item_id", sa.BigInteger(), nullable=False),
        sa.Column("declined_by", sa.Text(), nullable=False),
        sa.Column("declined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["choice_id"], ["choice.id"], name=op.f("fk_order_decline_choice_id_choice")),
        sa.ForeignKeyConstraint(
            ["plan_item_id"], ["plan_item.id"], name=op.f("fk_order_decline_plan_item_id_plan_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_decline")),
    )
    op.create_index(op.f("ix_order_decline_plan_item_id"), "order_decline", ["plan_item_id"], unique=False)
    op.create_index(
        "uq_order_decline_standing",
        "order_decline",
        ["choice_id"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "incoming_document",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", postgresql.JSONB(), nullable=True),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=MACHINE_TIME, nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('response', 'invoice', 'delivered', 'unknown')", name=op.f("ck_incoming_document_kind")
        ),
        sa.CheckConstraint(
            "state IN ('applied', 'held', 'refused', 'repeated', 'discarded')", name=op.f("ck_incoming_document_state")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["purchase_order.id"], name=op.f("fk_incoming_document_order_id_purchase_order")
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["provider.id"], name=op.f("fk_incoming_document_provider_id_provider")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_incoming_document_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incoming_document")),
        sa.UniqueConstraint("source", "sha256", name=op.f("uq_incoming_document_source_sha256")),
    )
    op.create_index(
        "ix_incoming_document_held",
        "incoming_document",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_index(op.f("ix_incoming_document_order_id"), "incoming_document", ["order_id"], unique=False)
    op.create_index(op.f("ix_incoming_document_provider_id"), "incoming_document", ["provider_id"], unique=False)
    op.create_table(
        "order_paper",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=MACHINE_TIME, nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('pdf', 'mail', 'cancellation')", name=op.f("ck_order_paper_kind")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["purchase_order.id"], name=op.f("fk_order_paper_order_id_purchase_order")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_paper")),
    )
    op.create_index(
        "uq_order_paper_present",
        "order_paper",
        ["order_id", "kind"],
        unique=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_table(
        "order_proposal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("plan_item_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('changed', 'ended', 'decision', 'case', 'provider')", name=op.f("ck_order_proposal_kind")
        ),
        sa.CheckConstraint("outcome IN ('cancelled', 'kept', 'gone')", name=op.f("ck_order_proposal_outcome")),
        sa.CheckConstraint("(outcome IS NULL) = (settled_at IS NULL)", name=op.f("ck_order_proposal_settled_somehow")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["purchase_order.id"], name=op.f("fk_order_proposal_order_id_purchase_order")
        ),
        sa.ForeignKeyConstraint(
            ["plan_item_id"], ["plan_item.id"], name=op.f("fk_order_proposal_plan_item_id_plan_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_proposal")),
    )
    op.create_index(op.f("ix_order_proposal_order_id"), "order_proposal", ["order_id"], unique=False)
    op.create_index(op.f("ix_order_proposal_plan_item_id"), "order_proposal", ["plan_item_id"], unique=False)
    op.create_index(
        "uq_order_proposal_open",
        "order_proposal",
        ["order_id", "plan_item_id"],
        unique=True,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "order_response",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("incoming_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", postgresql.JSONB(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=MACHINE_TIME, nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.CheckConstraint("code IN ('AB', 'AP', 'RE', 'CA')", name=op.f("ck_order_response_code")),
        sa.CheckConstraint(
            "state IN ('applied', 'held', 'refused', 'discarded')", name=op.f("ck_order_response_state")
        ),
        sa.ForeignKeyConstraint(
            ["incoming_id"], ["incoming_document.id"], name=op.f("fk_order_response_incoming_id_incoming_document")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["purchase_order.id"], name=op.f("fk_order_response_order_id_purchase_order")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_response")),
        sa.UniqueConstraint("order_id", "external_id", name=op.f("uq_order_response_order_id_external_id")),
    )
    op.create_index(
        "ix_order_response_held", "order_response", ["id"], unique=False, postgresql_where=sa.text("state = 'held'")
    )
    op.create_index(op.f("ix_order_response_incoming_id"), "order_response", ["incoming_id"], unique=False)
    op.create_table(
        "order_response_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("response_id", sa.BigInteger(), nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=12, scale=4), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=12, scale=4), nullable=True),
        sa.Column("base_quantity", sa.Numeric(precision=12, scale=4), nullable=True),
        sa.Column("period", postgresql.DATERANGE(), nullable=True),
        sa.CheckConstraint("code IN ('1', '3', '5', '7', '42')", name=op.f("ck_order_response_line_code")),
        sa.ForeignKeyConstraint(
            ["response_id"], ["order_response.id"], name=op.f("fk_order_response_line_response_id_order_response")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_response_line")),
    )
    op.create_index(op.f("ix_order_response_line_response_id"), "order_response_line", ["response_id"], unique=False)
    _widen()
    op.create_check_constraint(op.f("ck_invoice_match"), "invoice", "match IN ('matched', 'partly', 'over_price')")
    op.execute(REMEMBER)
    op.execute(GRANTS)


def _widen() -> None:
    """What the tables there are gain."""
    op.add_column("contract", sa.Column("no_show_terms", sa.Text(), server_default="", nullable=False))
    op.add_column("contract", sa.Column("cancellation_terms", sa.Text(), server_default="", nullable=False))
    op.add_column("delivered", sa.Column("incoming_id", sa.BigInteger(), nullable=True))
    op.add_column("delivered", sa.Column("told_by", sa.Text(), server_default="csv", nullable=False))
    op.create_index(op.f("ix_delivered_incoming_id"), "delivered", ["incoming_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_delivered_incoming_id_incoming_document"), "delivered", "incoming_document", ["incoming_id"], ["id"]
    )
    op.add_column("invoice", sa.Column("incoming_id", sa.BigInteger(), nullable=True))
    op.add_column("invoice", sa.Column("match", sa.Text(), server_default="matched", nullable=False))
    op.add_column("invoice", sa.Column("credits", sa.Text(), nullable=True))
    op.create_index(op.f("ix_invoice_incoming_id"), "invoice", ["incoming_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_invoice_incoming_id_incoming_document"), "invoice", "incoming_document", ["incoming_id"], ["id"]
    )
    op.add_column("order_coverage", sa.Column("item_period", postgresql.DATERANGE(), nullable=True))
    op.add_column("order_coverage", sa.Column("item_quantity", sa.Numeric(precision=12, scale=4), nullable=True))
    op.add_column("order_coverage", sa.Column("item_unit", sa.Text(), nullable=True))
    op.add_column("order_coverage", sa.Column("service_id", sa.BigInteger(), nullable=True))
    op.add_column("provider", sa.Column("order_period", sa.Text(), nullable=True))
    op.add_column("purchase_order", sa.Column("profile", sa.Text(), server_default="order_only", nullable=False))
    op.add_column("purchase_order", sa.Column("approval_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "purchase_order", sa.Column("automatic", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("purchase_order", sa.Column("replaces_id", sa.BigInteger(), nullable=True))
    op.add_column("purchase_order", sa.Column("link_epoch", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.add_column("purchase_order", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("purchase_order", sa.Column("starts_on", sa.Date(), nullable=True))
    op.add_column("purchase_order", sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("purchase_order", sa.Column("cancelled_by", sa.Text(), nullable=True))
    op.add_column("purchase_order", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_purchase_order_approval_id"), "purchase_order", ["approval_id"], unique=False)
    op.create_index(op.f("ix_purchase_order_replaces_id"), "purchase_order", ["replaces_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_purchase_order_replaces_id_purchase_order"),
        "purchase_order",
        "purchase_order",
        ["replaces_id"],
        ["id"],
    )
    op.create_foreign_key(
        op.f("fk_purchase_order_approval_id_order_approval"),
        "purchase_order",
        "order_approval",
        ["approval_id"],
        ["id"],
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_invoice_match"), "invoice")
    op.drop_constraint(op.f("fk_purchase_order_approval_id_order_approval"), "purchase_order", type_="foreignkey")
    op.drop_constraint(op.f("fk_purchase_order_replaces_id_purchase_order"), "purchase_order", type_="foreignkey")
    op.drop_index(op.f("ix_purchase_order_replaces_id"), table_name="purchase_order")
    op.drop_index(op.f("ix_purchase_order_approval_id"), table_name="purchase_order")
    op.drop_column("purchase_order", "closed_at")
    op.drop_column("purchase_order", "cancelled_by")
    op.drop_column("purchase_order", "cancelled_at")
    op.drop_column("purchase_order", "starts_on")
    op.drop_column("purchase_order", "answered_at")
    op.drop_column("purchase_order", "link_epoch")
    op.drop_column("purchase_order", "replaces_id")
    op.drop_column("purchase_order", "automatic")
    op.drop_column("purchase_order", "approval_id")
    op.drop_column("purchase_order", "profile")
    op.drop_column("provider", "order_period")
    op.drop_column("order_coverage", "service_id")
    op.drop_column("order_coverage", "item_unit")
    op.drop_column("order_coverage", "item_quantity")
    op.drop_column("order_coverage", "item_period")
    op.drop_constraint(op.f("fk_invoice_incoming_id_incoming_document"), "invoice", type_="foreignkey")
    op.drop_index(op.f("ix_invoice_incoming_id"), table_name="invoice")
    op.drop_column("invoice", "credits")
    op.drop_column("invoice", "match")
    op.drop_column("invoice", "incoming_id")
    op.drop_constraint(op.f("fk_delivered_incoming_id_incoming_document"), "delivered", type_="foreignkey")
    op.drop_index(op.f("ix_delivered_incoming_id"), table_name="delivered")
    op.drop_column("delivered", "told_by")
    op.drop_column("delivered", "incoming_id")
    op.drop_column("contract", "cancellation_terms")
    op.drop_column("contract", "no_show_terms")
    op.drop_table("order_response_line")
    op.drop_table("order_response")
    op.drop_table("order_proposal")
    op.drop_table("order_paper")
    op.drop_table("incoming_document")
    op.drop_table("order_decline")
    op.drop_table("order_approval")
