"""Keeps the lease of the work in hand alive, from a thread of its own on a connection of its own, and says how far the work is.

Celery's child runs one task at a time, so one keeper per process suffices; a task may hold several pieces of Work (workers/series.py). If the database cannot be reached the keeper tries on;
the lease may lapse meanwhile, and then the task's closing finds that out.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache

import structlog
from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.database import engine
from services.work import Claimed, renew_all
from services.work.history import show_progress
from services.work.kinds import RENEW_SECONDS

log = structlog.get_logger()


class Keeper:
    """Renews the leases of one task every RENEW_SECONDS while they are held."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: Claimed | None = None
        self._counts: Callable[[], Mapping[str, int]] | None = None
        self._series: Callable[[], Collection[Claimed]] | None = None
        self._thread: threading.Thread | None = None

    @contextmanager
    def holding(self, claimed: Claimed) -> Iterator[None]:
        """Keep the lease of `claimed` alive for the length of the block."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._keep, name="lease-keeper", daemon=True)
            self._thread.start()
        self._hold(claimed)
        try:
            yield
        finally:
            self._hold(None)

    def watch(self, counts: Callable[[], Mapping[str, int]]) -> None:
        """Ask `counts` how far the work in hand is, each time the lease is renewed, and keep the answer with its Run."""
        self._counts = counts

    def keep_all(self, held: Callable[[], Collection[Claimed]]) -> None:
        """Keep, until the block of `holding` ends, what `held` says is in hand at each renewal, instead of that one alone."""
        self._series = held

    def progress(self) -> dict[str, int]:
        """How far the work in hand is, as far as it says so."""
        counts = self._counts
        return {name: number for name, number in counts().items() if number} if counts is not None else {}

    def _hold(self, claimed: Claimed | None) -> None:
        with self._changed:
            self._held, self._counts, self._series = claimed, None, None
            self._changed.notify()

    def _keep(self) -> None:
        own = create_engine(
            engine().url,
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"prepare_threshold": None, "connect_timeout": 3},
        )
        while True:
            with self._changed:
                claimed = self._held
                self._changed.wait(RENEW_SECONDS if claimed else None)
                if claimed is None or claimed is not self._held:
                    continue
            try:
                self._renew(own, claimed)
                progress = self.progress()
                if progress and claimed is self._held:
                    with Session(own) as session, session.begin():
                        show_progress(session, claimed, progress)
            except SQLAlchemyError as error:
                log.warning("lease_renewal_failed", work=claimed.work_id, error=type(error).__name__)

    def _renew(self, own: Engine, claimed: Claimed) -> None:
        series = self._series
        held = [claimed] if series is None else list(series())
        if not held:
            return
        with Session(own) as session, session.begin():
            renewed = renew_all(session, held)
        still = held if series is None else list(series())  # what has ended meanwhile is nobody's loss
        for one in still:
            if one in held and one.token not in renewed:
                log.warning("lease_not_renewed", work=one.work_id, kind=one.kind)


@lru_cache(maxsize=1)
def keeper() -> Keeper:
    """This process's keeper. Made in the child, after the fork: threads do not survive one."""
    return Keeper()
