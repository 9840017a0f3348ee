"""Families' own page: links, sessions, proposals, ratings, wishes.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"

GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT, UPDATE ON family_link, family_proposal, family_wish TO avain_app;
            GRANT SELECT, INSERT, UPDATE, DELETE ON family_session TO avain_app;
            GRANT SELECT, INSERT ON family_rating TO avain_app;
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "family_link",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("wrong_codes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.CheckConstraint("holder IN ('client', 'support')", name=op.f("ck_family_link_holder")),
        sa.ForeignKeyConstraint(["case_id"], ["client_case.id"], name=op.f("fk_family_link_case_id_client_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_family_link")),
        sa.UniqueConstraint("token", name=op.f("uq_family_link_token")),
    )
    op.create_index("ix_family_link_case", "family_link", ["case_id", "id"], unique=False)
    op.create_table(
        "family_rating",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("plan_item_id", sa.BigInteger(), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=True),
        sa.Column("voice", sa.Text(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("rated_by", sa.Text(), nullable=False),
        sa.Column("rated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("voice IN ('child', 'parent', 'adult')", name=op.f("ck_family_rating_voice")),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_family_rating_rating")),
        sa.ForeignKeyConstraint(["case_id"], ["client_case.id"], name=op.f("fk_family_rating_case_id_client_case")),
        sa.ForeignKeyConstraint(
            ["plan_item_id"], ["plan_item.id"], name=op.f("fk_family_rating_plan_item_id_plan_item")
        ),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_family_rating_provider_id_provider")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_family_rating")),
    )
    op.create_index("ix_family_rating_item", "family_rating", ["plan_item_id", "voice", "id"], unique=False)
    op.create_table(
        "family_wish",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("voice", sa.Text(), nullable=False),
        sa.Column("ticks", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("sealed_words", sa.LargeBinary(), nullable=True),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_by", sa.Text(), nullable=True),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("noted_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["client_case.id"], name=op.f("fk_family_wish_case_id_client_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_family_wish")),
        sa.UniqueConstraint("place", name=op.f("uq_family_wish_place")),
    )
    op.create_index("ix_family_wish_case", "family_wish", ["case_id", "id"], unique=False)
    op.create_index(
        "ix_family_wish_waiting", "family_wish", ["id"], unique=False, postgresql_where=sa.text("noted_at IS NULL")
    )
    op.create_index(
        "ix_family_wish_words",
        "family_wish",
        ["written_at"],
        unique=False,
        postgresql_where=sa.text("sealed_words IS NOT NULL"),
    )
    op.create_table(
        "family_proposal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("plan_item_id", sa.BigInteger(), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("voice", sa.Text(), nullable=False),
        sa.Column("total", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("offer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_why", sa.Text(), nullable=False),
        sa.Column("choice_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'confirmed', 'declined', 'withdrawn', 'overtaken')",
            name=op.f("ck_family_proposal_state"),
        ),
        sa.CheckConstraint("voice IN ('child', 'parent', 'adult')", name=op.f("ck_family_proposal_voice")),
        sa.ForeignKeyConstraint(["case_id"], ["client_case.id"], name=op.f("fk_family_proposal_case_id_client_case")),
        sa.ForeignKeyConstraint(["choice_id"], ["choice.id"], name=op.f("fk_family_proposal_choice_id_choice")),
        sa.ForeignKeyConstraint(
            ["plan_item_id"], ["plan_item.id"], name=op.f("fk_family_proposal_plan_item_id_plan_item")
        ),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_family_proposal_provider_id_provider")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_family_proposal")),
    )
    op.create_index("ix_family_proposal_case", "family_proposal", ["case_id", "id"], unique=False)
    op.create_index(op.f("ix_family_proposal_plan_item_id"), "family_proposal", ["plan_item_id"], unique=False)
    op.create_index(
        "ix_family_proposal_waiting",
        "family_proposal",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "uq_family_proposal_open",
        "family_proposal",
        ["plan_item_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "family_session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("cookie", sa.LargeBinary(), nullable=False),
        sa.Column("link_id", sa.BigInteger(), nullable=True),
        sa.Column("blind_index", sa.LargeBinary(), nullable=True),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("flash", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(link_id IS NULL) <> (blind_index IS NULL)", name=op.f("ck_family_session_one_way_in")),
        sa.ForeignKeyConstraint(["link_id"], ["family_link.id"], name=op.f("fk_family_session_link_id_family_link")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_family_session")),
        sa.UniqueConstraint("cookie", name=op.f("uq_family_session_cookie")),
    )
    op.create_index("ix_family_session_expires_at", "family_session", ["expires_at"], unique=False)
    op.create_index(op.f("ix_family_session_link_id"), "family_session", ["link_id"], unique=False)
    op.create_index("ix_client_non_disclosure", "client", ["id"], postgresql_where=sa.text("non_disclosure"))
    # counted by the next night; until then nothing is told
    op.add_column("provider_rating", sa.Column("families", sa.Integer(), server_default="0", nullable=False))
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_column("provider_rating", "families")
    op.drop_index("ix_client_non_disclosure", table_name="client", postgresql_where=sa.text("non_disclosure"))
    op.drop_index(op.f("ix_family_session_link_id"), table_name="family_session")
    op.drop_index("ix_family_session_expires_at", table_name="family_session")
    op.drop_table("family_session")
    op.drop_index("uq_family_proposal_open", table_name="family_proposal", postgresql_where=sa.text("state = 'open'"))
    op.drop_index(
        "ix_family_proposal_waiting", table_name="family_proposal", postgresql_where=sa.text("state = 'open'")
    )
    op.drop_index(op.f("ix_family_proposal_plan_item_id"), table_name="family_proposal")
    op.drop_index("ix_family_proposal_case", table_name="family_proposal")
    op.drop_table("family_proposal")
    op.drop_index(
        "ix_family_wish_words", table_name="family_wish", postgresql_where=sa.text("sealed_words IS NOT NULL")
    )
    op.drop_index("ix_family_wish_waiting", table_name="family_wish", postgresql_where=sa.text("noted_at IS NULL"))
    op.drop_index("ix_family_wish_case", table_name="family_wish")
    op.drop_table("family_wish")
    op.drop_index("ix_family_rating_item", table_name="family_rating")
    op.drop_table("family_rating")
    op.drop_index("ix_family_link_case", table_name="family_link")
    op.drop_table("family_link")
