"""In which order lists were applied, which of them undoes another, and which list made a copy of a price.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

STATES = "state IN ('applied', 'held', 'discarded', 'refused', 'rolled_back', 'rollback')"
#: Rows changed: lists that were applied, in the order in which they were read: nothing tells more of them.
ORDER = "UPDATE price_list SET applied_order = id WHERE state = 'applied'"
#: Rows changed: shortened copies, each made by the list that ended the version it shortens.
COPIES = """
    UPDATE price SET copied_by_list_id = (
        SELECT whole.superseded_by_list_id FROM price AS whole
        WHERE whole.price_key_id = price.price_key_id AND whole.price_list_id = price.price_list_id AND whole.id < price.id
          AND whole.position = price.position AND whole.superseded_at IS NOT NULL AND lower(whole.valid) = lower(price.valid)
        ORDER BY whole.id DESC LIMIT 1
    )
"""


def upgrade() -> None:
    op.add_column("price_list", sa.Column("applied_order", sa.BigInteger(), nullable=True))
    op.add_column("price_list", sa.Column("rolls_back_list_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_price_list_rolls_back_list_id_price_list"), "price_list", "price_list", ["rolls_back_list_id"], ["id"]
    )
    op.drop_constraint(op.f("ck_price_list_state"), "price_list", type_="check")
    op.create_check_constraint(op.f("ck_price_list_state"), "price_list", STATES)
    op.create_check_constraint(
        op.f("ck_price_list_rollback_of_a_list"), "price_list", "state <> 'rollback' OR rolls_back_list_id IS NOT NULL"
    )
    op.add_column("price", sa.Column("copied_by_list_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_price_copied_by_list_id_price_list"), "price", "price_list", ["copied_by_list_id"], ["id"]
    )
    op.create_index(
        "ix_price_copied",
        "price",
        ["copied_by_list_id"],
        unique=False,
        postgresql_where=sa.text("copied_by_list_id IS NOT NULL"),
    )
    op.execute(ORDER)
    op.execute(COPIES)


def downgrade() -> None:
    op.drop_index("ix_price_copied", table_name="price", postgresql_where=sa.text("copied_by_list_id IS NOT NULL"))
    op.drop_constraint(op.f("fk_price_copied_by_list_id_price_list"), "price", type_="foreignkey")
    op.drop_column("price", "copied_by_list_id")
    op.drop_constraint(op.f("ck_price_list_rollback_of_a_list"), "price_list", type_="check")
    op.drop_constraint(op.f("ck_price_list_state"), "price_list", type_="check")
    # what was undone or undoes stays readable to the earlier version: as a list whose prices are not in force
    op.execute("UPDATE price_list SET state = 'discarded' WHERE state IN ('rolled_back', 'rollback')")
    op.create_check_constraint(
        op.f("ck_price_list_state"), "price_list", "state IN ('applied', 'held', 'discarded', 'refused')"
    )
    op.drop_constraint(op.f("fk_price_list_rolls_back_list_id_price_list"), "price_list", type_="foreignkey")
    op.drop_column("price_list", "rolls_back_list_id")
    op.drop_column("price_list", "applied_order")
