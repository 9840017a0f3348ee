"""Seals over the audit trail, one chain a month; payloads may be purged without breaking it.

Revision ID: 0030
Revises: 0029

No row of the trail is written anew: the new columns are filled in the catalogue. Events from before are taken to be of this migration's own
transaction, for nobody writes while it holds the table; the sealer finds them as it finds all others.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"

#: Sealed rows change in one way only: a payload that was kept long enough becomes empty, and its salt goes with it. The switch is
#: thrown by audit_purge() alone, which only the owner may call; what the rows may become is checked row by row even so.
GUARDS = (
    """
    CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND current_setting('avain.audit_purge', true) = 'on' THEN
            RETURN NULL;
        END IF;
        RAISE EXCEPTION 'table % is insert-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$
    """,
    """
    CREATE FUNCTION only_audit_purge() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        emptied audit_event;
    BEGIN
        emptied := OLD;
        emptied.actor := '';
        emptied.subject := '';
        emptied.reason := '';
        emptied.details := '{}';
        emptied.purged_by := NEW.purged_by;
        IF NEW IS DISTINCT FROM emptied OR OLD.purged_by IS NOT NULL OR NEW.purged_by IS NULL OR OLD.action IN ('audit.purged', 'audit.anchored_anew')
           OR OLD.recorded_at > clock_timestamp() - interval '2 years' THEN
            RAISE EXCEPTION 'event % may not be purged', OLD.id USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE FUNCTION only_salt_goes() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        without audit_seal;
    BEGIN
        without := OLD;
        without.salt := NULL;
        IF NEW IS DISTINCT FROM without THEN
            RAISE EXCEPTION 'table % is insert-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
    END $$
    """,
    "DROP TRIGGER audit_event_insert_only ON audit_event",
    """
    CREATE TRIGGER audit_event_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()
    """,
    """
    CREATE TRIGGER audit_seal_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seal
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()
    """,
    "CREATE TRIGGER audit_event_purge BEFORE UPDATE ON audit_event FOR EACH ROW EXECUTE FUNCTION only_audit_purge()",
    "CREATE TRIGGER audit_seal_purge BEFORE UPDATE ON audit_seal FOR EACH ROW EXECUTE FUNCTION only_salt_goes()",
    # Removes the payload of sealed events recorded before a moment, under the event that records it; how many. What records purging and anchoring
    # itself stays.
    """
    CREATE FUNCTION audit_purge(recorded_before timestamptz, record bigint) RETURNS bigint
    LANGUAGE plpgsql SET avain.audit_purge TO 'on' AS $$
    DECLARE
        purged bigint;
    BEGIN
        WITH seals AS (
            UPDATE audit_seal SET salt = NULL FROM audit_event
            WHERE audit_event.id = audit_seal.event_id AND audit_event.recorded_at < recorded_before
              AND audit_event.purged_by IS NULL AND audit_event.action NOT IN ('audit.purged', 'audit.anchored_anew')
            RETURNING audit_seal.event_id
        ), events AS (
            UPDATE audit_event SET actor = '', subject = '', reason = '', details = '{}', purged_by = record
            FROM seals WHERE audit_event.id = seals.event_id RETURNING 1
        )
        SELECT count(*) INTO purged FROM events;
        RETURN purged;
    END $$
    """,
    "REVOKE ALL ON FUNCTION audit_purge FROM PUBLIC",
    "INSERT INTO audit_sealing (id, anchors) VALUES (1, 0)",
    """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            GRANT SELECT, INSERT ON audit_seal TO avain_app;
            GRANT SELECT, UPDATE ON audit_sealing TO avain_app;
            -- when and in which transaction something was recorded the database alone says: else the application could write events of the past
            REVOKE INSERT ON audit_event FROM avain_app;
            GRANT INSERT (business_at, actor, action, subject, reason, details, purged_by) ON audit_event TO avain_app;
        END IF;
    END $$
    """,
)
BACK = (
    """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            REVOKE INSERT (business_at, actor, action, subject, reason, details, purged_by) ON audit_event FROM avain_app;
            GRANT INSERT ON audit_event TO avain_app;
        END IF;
    END $$
    """,
    "DROP TRIGGER audit_event_purge ON audit_event",
    "DROP TRIGGER audit_event_insert_only ON audit_event",
    """
    CREATE TRIGGER audit_event_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    "DROP FUNCTION audit_purge",
)


def upgrade() -> None:
    op.create_table(
        "audit_seal",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("payload_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("month", "position", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_seal_event_id")),
    )
    op.create_table(
        "audit_sealing",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=True),
        sa.Column("cluster", sa.Text(), nullable=True),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("anchors", sa.BigInteger(), nullable=False),
        sa.Column("anchored_month", sa.Date(), nullable=True),
        sa.Column("anchored_position", sa.BigInteger(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_sealing_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_sealing")),
    )
    # a default that is the same all through one transaction: kept once in the catalogue for the rows there are
    op.add_column(
        "audit_event",
        sa.Column(
            "xid", sa.BigInteger(), server_default=sa.text("(pg_current_xact_id()::text::bigint)"), nullable=False
        ),
    )
    op.add_column("audit_event", sa.Column("purged_by", sa.BigInteger(), nullable=True))
    op.create_index("ix_audit_event_xid", "audit_event", ["xid"])
    for statement in GUARDS:
        op.execute(statement)
    op.execute(
        "CREATE INDEX ix_audit_event_cases ON audit_event USING gin ((details -> 'cases') jsonb_path_ops)"
        " WITH (fastupdate = off) WHERE details ? 'cases'"
    )


def downgrade() -> None:
    op.drop_index("ix_audit_event_cases", "audit_event")
    for statement in BACK:
        op.execute(statement)
    op.drop_index("ix_audit_event_xid", "audit_event")
    op.drop_column("audit_event", "purged_by")
    op.drop_column("audit_event", "xid")
    op.drop_table("audit_sealing")
    op.drop_table("audit_seal")
    for function in ("only_salt_goes", "only_audit_purge", "refuse_audit_change"):
        op.execute(f"DROP FUNCTION {function}")
