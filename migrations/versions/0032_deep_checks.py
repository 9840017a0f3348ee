"""What the nightly consistency check found."""

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Forwards."""


def downgrade() -> None:
    """Backwards."""
