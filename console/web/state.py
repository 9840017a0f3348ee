"""What one console process knows: its settings, and the way to the database."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.settings import Settings


@dataclass(frozen=True)
class Console:
    """`transaction` opens a session that commits when its block ends well; tests hand in one of their own."""

    settings: Settings
    transaction: Callable[[], AbstractContextManager[Session]]

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by https."""
        return self.settings.console.origin.startswith("https:")

    @property
    def cookie(self) -> str:
        """The session cookie's name; `__Host-` binds it to this very host, and browsers allow that by https only."""
        return "__Host-avain" if self.secure else "avain"
