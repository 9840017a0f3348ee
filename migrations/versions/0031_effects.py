"""What leaves this installation can be paused, and is until a restored one is released."""

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Forwards."""


def downgrade() -> None:
    """Backwards."""
