"""Follow-ups of orders and of plans beside those of planned services; what was done about them; days of mails; calendar addresses.

Every follow-up knows its case, which is filled in for those there are: one pass over the table.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"

KINDS = ("start", "interval", "before_end", "final", "approval", "plan_review", "order_unanswered", "hand_over")
FORMER_KINDS = ("start", "interval", "before_end", "final", "plan_review")
DIGEST_STATES = ("composed", "sending", "repeated", "sent", "withdrawn", "expired", "failed", "bounced")

GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT ON follow_up_event TO avain_app;
            GRANT SELECT, INSERT, UPDATE ON digest_day, calendar_feed TO avain_app;
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO avain_app;
        END IF;
    END $$
"""


def _among(column: str, allowed: tuple[str, ...]) -> str:
    return f"{column} IN ('" + "', '".join(allowed) + "')"


def upgrade() -> None:
    # follow-ups take their place (docs/adr/0011): nobody is to be told of one matter in two ways
    op.execute("DELETE FROM notice WHERE kind IN ('order_unanswered', 'hand_over_open')")
    op.add_column("follow_up", sa.Column("case_id", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE follow_up SET case_id = plan_item.case_id FROM plan_item WHERE plan_item.id = follow_up.plan_item_id"
    )
    op.alter_column("follow_up", "case_id", nullable=False)
    op.create_foreign_key(op.f("fk_follow_up_case_id_client_case"), "follow_up", "client_case", ["case_id"], ["id"])
    op.alter_column("follow_up", "plan_item_id", nullable=True)
    op.add_column("follow_up", sa.Column("order_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_follow_up_order_id_purchase_order"), "follow_up", "purchase_order", ["order_id"], ["id"]
    )
    op.add_column("follow_up", sa.Column("handed_to_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_follow_up_handed_to_id_worker"), "follow_up", "worker", ["handed_to_id"], ["id"])
    op.add_column("follow_up", sa.Column("sealed_note", sa.LargeBinary(), nullable=True))
    op.add_column("follow_up", sa.Column("written_down_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("follow_up", sa.Column("written_down_by", sa.Text(), nullable=True))
    op.drop_constraint("uq_follow_up_plan_item_id_kind_planned_for", "follow_up")
    op.create_unique_constraint(
        "uq_follow_up_once",
        "follow_up",
        ["case_id", "plan_item_id", "order_id", "kind", "planned_for"],
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(op.f("ix_follow_up_plan_item_id"), "follow_up", ["plan_item_id"])
    op.create_index(op.f("ix_follow_up_order_id"), "follow_up", ["order_id"])
    op.create_index(
        "ix_follow_up_handed_to",
        "follow_up",
        ["handed_to_id"],
        postgresql_where=sa.text("handed_to_id IS NOT NULL AND state IN ('open', 'snoozed')"),
    )
    op.drop_constraint(op.f("ck_follow_up_kind"), "follow_up")
    op.create_check_constraint(op.f("ck_follow_up_kind"), "follow_up", _among("kind", KINDS))
    op.create_check_constraint(
        op.f("ck_follow_up_of_one_thing"), "follow_up", "plan_item_id IS NULL OR order_id IS NULL"
    )
    op.create_table(
        "follow_up_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("follow_up_id", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            _among("act", ("acknowledged", "snoozed", "handed_over", "not_needed", "written_down", "corrected")),
            name=op.f("ck_follow_up_event_act"),
        ),
        sa.ForeignKeyConstraint(
            ["follow_up_id"], ["follow_up.id"], name=op.f("fk_follow_up_event_follow_up_id_follow_up")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_event")),
    )
    op.create_index(op.f("ix_follow_up_event_follow_up_id"), "follow_up_event", ["follow_up_id"])
    op.add_column("digest", sa.Column("recipient", sa.Text(), nullable=True))
    op.add_column("digest", sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_digest_local_date", "digest", ["local_date"])
    op.create_check_constraint(op.f("ck_digest_state"), "digest", _among("state", DIGEST_STATES))
    op.create_table(
        "digest_day",
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("mails", sa.Integer(), server_default="0", nullable=False),
        sa.Column("workers", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", postgresql.JSONB(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.CheckConstraint(_among("state", ("composed", "held", "released")), name=op.f("ck_digest_day_state")),
        sa.PrimaryKeyConstraint("local_date", name=op.f("pk_digest_day")),
    )
    # the days of the former version: what the storm guard compares with
    op.execute(
        "INSERT INTO digest_day (local_date, state, mails) SELECT local_date, 'composed', count(*) FROM digest GROUP BY local_date"
    )
    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_calendar_feed_worker_id_worker")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("token", name=op.f("uq_calendar_feed_token")),
    )
    op.create_index(op.f("ix_calendar_feed_worker_id"), "calendar_feed", ["worker_id"])
    op.add_column("worker", sa.Column("refused_email", sa.Text(), nullable=True))
    op.add_column("worker", sa.Column("refused_reason", postgresql.JSONB(), nullable=True))
    op.add_column("worker", sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("absence", sa.Column("source", sa.Text(), nullable=True))
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_column("absence", "source")
    for column in ("refused_at", "refused_reason", "refused_email"):
        op.drop_column("worker", column)
    op.drop_table("calendar_feed")
    op.drop_table("digest_day")
    op.drop_constraint(op.f("ck_digest_state"), "digest")
    op.drop_index("ix_digest_local_date", "digest")
    for column in ("bounced_at", "recipient"):
        op.drop_column("digest", column)
    op.drop_table("follow_up_event")
    # the former version knows none that are of no planned service
    op.execute(
        "DELETE FROM follow_up WHERE plan_item_id IS NULL OR kind NOT IN ('start', 'interval', 'before_end', 'final', 'plan_review')"
    )
    op.drop_constraint(op.f("ck_follow_up_of_one_thing"), "follow_up")
    op.drop_constraint(op.f("ck_follow_up_kind"), "follow_up")
    op.create_check_constraint(op.f("ck_follow_up_kind"), "follow_up", _among("kind", FORMER_KINDS))
    op.drop_index("ix_follow_up_handed_to", "follow_up")
    op.drop_index(op.f("ix_follow_up_order_id"), "follow_up")
    op.drop_index(op.f("ix_follow_up_plan_item_id"), "follow_up")
    op.drop_constraint("uq_follow_up_once", "follow_up")
    op.create_unique_constraint(
        "uq_follow_up_plan_item_id_kind_planned_for", "follow_up", ["plan_item_id", "kind", "planned_for"]
    )
    for column in ("written_down_by", "written_down_at", "sealed_note", "handed_to_id", "order_id"):
        op.drop_column("follow_up", column)
    op.alter_column("follow_up", "plan_item_id", nullable=False)
    op.drop_column("follow_up", "case_id")
