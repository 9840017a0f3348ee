"""What was found of one thing, and what those who look are handed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import database
from core.errors import Message
from core.settings import Settings

State = Literal["ok", "warning", "broken"]
#: The worst first, as pages show them.
STATES: Final[tuple[State, ...]] = ("broken", "warning", "ok")

#: A statement that hangs gives way to the next check.
_STATEMENT_SECONDS: Final = 3


@dataclass(frozen=True)
class Finding:
    """One thing examined: what was found, and what to do about it (None: nothing). Read in the language of whoever reads."""

    name: Message
    state: State
    found: Message | str
    advice: Message | None = None

    def to_json(self) -> dict[str, str]:
        """For `--json`."""
        return {
            "name": self.name.text(),
            "state": self.state,
            "found": str(self.found),
            "advice": self.advice.text() if self.advice else "",
        }


@dataclass(frozen=True)
class Ground:
    """What is examined: an installation's settings and the ways to its database and queue; those of this process unless others are named."""

    settings: Settings
    transaction: Callable[[], AbstractContextManager[Session]] = database.transaction
    redis_url: Callable[[], str] = database.redis_url

    @contextmanager
    def looking(self) -> Iterator[Session]:
        """A session that can only read, and not for long. What it sets for itself is taken back at the end of the block."""
        with self.transaction() as session:
            only_looking = session.begin_nested()
            session.execute(text(f"SET LOCAL statement_timeout = '{_STATEMENT_SECONDS}s'"))
            session.execute(text("SET LOCAL transaction_read_only = on"))
            yield session
            only_looking.rollback()


def some(names: Sequence[str], shown: int = 10) -> Message | str:
    """The first of them, and how many there are."""
    named = ", ".join(names[:shown])
    return named if len(names) <= shown else Message("{workers} … ({count} in all)", workers=named, count=len(names))
