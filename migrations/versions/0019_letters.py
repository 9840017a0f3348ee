"""The price manager's letters and alarms become those of everybody who is told by letter: the operator hears of reminders that are held.

Revision ID: 0019
Revises: 0018
"""

from alembic import op

revision = "0019"
down_revision = "0018"

#: Of each table: its former and its new name, constraints and the like under both.
RENAMED = {
    ("price_letter", "letter"): ("pk_{}", "uq_{}_message_id", "ck_{}_state"),
    ("price_alarm", "alarm"): ("pk_{}", "uq_{}_kind_subject"),
}
LETTER_OF_ALARM = ("fk_price_alarm_letter_id_price_letter", "fk_alarm_letter_id_letter")
INDEX = ("ix_price_alarm_letter_id", "ix_alarm_letter_id")
KIND = ("send_price_letter", "send_letter")


def _rename(former: int, new: int) -> None:
    """From the names at one place of each pair to those at the other; no row is read, but for Work that is looked up by its kind."""
    op.execute(f"ALTER INDEX {INDEX[former]} RENAME TO {INDEX[new]}")
    for names, patterns in RENAMED.items():
        op.rename_table(names[former], names[new])
        op.execute(f"ALTER SEQUENCE {names[former]}_id_seq RENAME TO {names[new]}_id_seq")
        for pattern in patterns:
            op.execute(
                f"ALTER TABLE {names[new]} RENAME CONSTRAINT {pattern.format(names[former])} TO {pattern.format(names[new])}"
            )
        if names[new] in {"alarm", "price_alarm"}:
            op.execute(
                f"ALTER TABLE {names[new]} RENAME CONSTRAINT {LETTER_OF_ALARM[former]} TO {LETTER_OF_ALARM[new]}"
            )
    for table in ("work", "run"):
        op.execute(f"UPDATE {table} SET kind = '{KIND[new]}' WHERE kind = '{KIND[former]}'")


def upgrade() -> None:
    _rename(0, 1)


def downgrade() -> None:
    # the former version knows no letters but the price manager's
    op.execute("DELETE FROM alarm WHERE kind LIKE 'reminders%' OR kind = 'address_refused'")
    _rename(1, 0)
