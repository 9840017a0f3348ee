"""A task's lease whose transactions are parts of a test's own, so that all of it is rolled back in the end."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy.orm import Session

from core.settings import Settings
from workers.task import Closing


class InTest:
    """A lease whose transactions are parts of the test's own."""

    def __init__(self, session: Session, settings: Settings) -> None:
        self.session, self.settings, self.run_id = session, settings, 0
        self.claimed, self.subject_id = self, None
        self.endings: list[Closing] = []

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A savepoint."""
        with self.session.begin_nested():
            yield self.session

    def shows(self, counts: Callable[[], Mapping[str, int]]) -> None:
        """Asked for once: what is told while it is under way can be told."""
        counts()

    @contextmanager
    def closing(self) -> Iterator[Closing]:
        """A savepoint, after which it is known what was reported."""
        ending = Closing(self.session)
        with self.session.begin_nested():
            yield ending
        self.endings.append(ending)
