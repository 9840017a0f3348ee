"""Keeps the lease of the work in hand alive, from a thread of its own on a connection of its own.

Celery's child runs one task at a time, so one keeper per process suffices. If the database cannot be reached the keeper tries on;
the lease may lapse meanwhile, and then the task's closing finds that out.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import structlog
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.database import engine
from services.work import Claimed, renew
from services.work.kinds import RENEW_SECONDS

log = structlog.get_logger()


class Keeper:
    """Renews one lease every RENEW_SECONDS while it is held."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: Claimed | None = None
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

    def _hold(self, claimed: Claimed | None) -> None:
        with self._changed:
            self._held = claimed
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
                with Session(own) as session, session.begin():
                    if not renew(session, claimed.work_id, claimed.token):
                        log.warning("lease_not_renewed", work=claimed.work_id, kind=claimed.kind)
            except SQLAlchemyError as error:
                log.warning("lease_renewal_failed", work=claimed.work_id, error=type(error).__name__)


@lru_cache(maxsize=1)
def keeper() -> Keeper:
    """This process's keeper. Made in the child, after the fork: threads do not survive one."""
    return Keeper()
