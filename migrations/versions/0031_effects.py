"""What leaves this installation can be paused, and is until a restored one is released.

Revision ID: 0031
Revises: 0030

Effects may leave from the one database that `effects.home` names. A new installation, and one whose audit trail was written in this very database
and sealed on this very server, is at home in the database it is in; of any other nobody can tell whether it is the installation itself or a copy
of it: a person says so (avain effects release).
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"

FUNCTIONS = (
    # The database's own name: the server's identifier, the database in it, and the history it writes (a server that was set back to an earlier
    # point, or took over from another, begins a new one). What a server does not tell, stays empty. By the owner's rights: asking the server
    # may be forbidden to the application.
    """
    CREATE FUNCTION this_database() RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
        server text := '';
        history text := '';
    BEGIN
        BEGIN
            SELECT system_identifier INTO server FROM pg_control_system();
        EXCEPTION WHEN OTHERS THEN
            server := '';
        END;
        BEGIN
            history := substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8);
        EXCEPTION WHEN OTHERS THEN
            history := '';
        END;
        RETURN server || '/' || (SELECT oid FROM pg_database WHERE datname = current_database()) || '/' || history;
    END $$
    """,
    # Whether effects may leave from here: go; paused, by a person; or restored: this is not the database they may leave from.
    """
    CREATE FUNCTION effects_state() RETURNS text LANGUAGE sql STABLE AS $$
        SELECT coalesce(
            (SELECT CASE WHEN home IS DISTINCT FROM this_database() THEN 'restored' WHEN paused_at IS NOT NULL THEN 'paused' ELSE 'go' END
             FROM effects WHERE id = 1),
            'restored')
    $$
    """,
)
#: Rows made: one. At home here, if nothing was ever done here, or the trail was last sealed by this very server and its events are still stored by
#: the transactions that wrote them: where a dump was put in, that of pg_restore stored them all. (What was written within a savepoint has another
#: number, so not all need agree.)
BEGIN = """
    INSERT INTO effects (id, instance, home)
    SELECT 1, replace(gen_random_uuid()::text, '-', ''),
           CASE WHEN NOT EXISTS (SELECT FROM work)
                  OR (SELECT cluster FROM audit_sealing) = split_part(this_database(), '/', 1)
                     AND EXISTS (SELECT FROM (SELECT xid, xmin::text::bigint AS stored FROM audit_event ORDER BY id LIMIT 1000) AS first
                                 WHERE xid % 4294967296 = stored)
                THEN this_database() END
"""
GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT, UPDATE ON effects TO avain_app;
            GRANT SELECT, INSERT ON number_gap TO avain_app;
            GRANT SELECT, INSERT, UPDATE, DELETE ON sent_elsewhere, let_go TO avain_app;
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "effects",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("home", sa.Text(), nullable=True),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("away_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("away_why", postgresql.JSONB(), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_by", sa.Text(), nullable=True),
        sa.Column("paused_why", sa.Text(), server_default="", nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_effects_only_one")),
        sa.CheckConstraint("(paused_at IS NULL) = (paused_by IS NULL)", name=op.f("ck_effects_paused_by_somebody")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_effects")),
    )
    op.create_table(
        "number_gap",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False),
        sa.CheckConstraint("first <= last", name=op.f("ck_number_gap_some")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_gap")),
    )
    op.create_index("ix_number_gap_series", "number_gap", ["series", "first"])
    op.create_table(
        "sent_elsewhere",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sure", sa.Boolean(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("way", sa.Text(), server_default="", nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False),
        sa.Column("noted_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sent_elsewhere")),
    )
    op.create_table(
        "let_go",
        sa.Column("work_id", sa.BigInteger(), nullable=False),
        sa.Column("let_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["work_id"], ["work.id"], name=op.f("fk_let_go_work_id_work"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("work_id", name=op.f("pk_let_go")),
    )
    for statement in (*FUNCTIONS, BEGIN, GRANTS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP FUNCTION effects_state")
    op.execute("DROP FUNCTION this_database")
    for table in ("let_go", "sent_elsewhere", "number_gap", "effects"):
        op.drop_table(table)
