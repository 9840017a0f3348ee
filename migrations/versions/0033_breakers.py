"""Connections that fail are left alone for a while."""

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Forwards."""


def downgrade() -> None:
    """Backwards."""
