"""Follow-ups are planned by the million: what they refer to is checked once per statement (docs/adr/0004), and an index holds only orders'.

Revision ID: 0024
Revises: 0023
"""

from alembic import op

revision = "0024"
down_revision = "0023"

REFERENCES = {"case_id": "client_case", "plan_item_id": "plan_item"}
#: What refers to `client_case`, by table and column, before and after.
FORMER_USERS = (("decision", "case_id"), ("plan_item", "case_id"))
USERS = (*FORMER_USERS, ("follow_up", "case_id"))

GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_app') THEN
            {what} DELETE ON plan_item {how} avain_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    for column, target in REFERENCES.items():
        op.drop_constraint(f"fk_follow_up_{column}_{target}", "follow_up", type_="foreignkey")
    asked = ", ".join(f"'{column}', '{target}'" for column, target in REFERENCES.items())
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER follow_up_{event.lower()}_references AFTER {event} ON follow_up"
            f" REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION check_references({asked})"
        )
    _keep("client_case", USERS)
    _keep("plan_item", (("follow_up", "plan_item_id"),))
    op.drop_index("ix_follow_up_order_id", table_name="follow_up")
    op.execute("CREATE INDEX ix_follow_up_order_id ON follow_up (order_id) WHERE order_id IS NOT NULL")
    op.execute(GRANTS.format(what="REVOKE", how="FROM"))


def downgrade() -> None:
    op.execute(GRANTS.format(what="GRANT", how="TO"))
    op.drop_index("ix_follow_up_order_id", table_name="follow_up")
    op.create_index("ix_follow_up_order_id", "follow_up", ["order_id"])
    op.execute("DROP TRIGGER plan_item_keep_referenced ON plan_item")
    _keep("client_case", FORMER_USERS)
    for event in ("insert", "update"):
        op.execute(f"DROP TRIGGER follow_up_{event}_references ON follow_up")
    for column, target in REFERENCES.items():
        op.create_foreign_key(f"fk_follow_up_{column}_{target}", "follow_up", target, [column], ["id"])


def _keep(target: str, users: tuple[tuple[str, str], ...]) -> None:
    """Let nobody delete rows of a table that these refer to."""
    asked = ", ".join(f"'{table}', '{column}'" for table, column in users)
    op.execute(
        f"CREATE OR REPLACE TRIGGER {target}_keep_referenced AFTER DELETE ON {target}"
        f" REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION keep_referenced({asked})"
    )
