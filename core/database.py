"""The way to PostgreSQL: one engine per process, sessions that commit at the edge.

Connections are plain enough for PgBouncer in transaction mode: no prepared statements, no session settings, no advisory locks.
An engine must not cross a fork: `dispose_engine` is called in every new worker child.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.orm import Session

from core.settings import settings

if TYPE_CHECKING:
    from core.embedded import Embedded


#: A statement that is broken off has so long to end.
_BREAK_OFF_SECONDS = 2.0


class _Connection(psycopg.Connection[Any]):
    """A connection whose statement ends with who waits for it: a time limit, or a worker that stops.

    psycopg does so for Ctrl-C alone; else the server would go on, holding its locks against whoever tries again.
    """

    def wait(self, *args: Any, **kwargs: Any) -> Any:
        """As psycopg's."""
        try:
            return super().wait(*args, **kwargs)
        except (psycopg.Error, KeyboardInterrupt):
            raise
        except BaseException:
            self._break_off(args[0])
            raise

    def _break_off(self, waiting_for: Any) -> None:
        """Leaves the connection fit for a rollback, or closed."""
        active = psycopg.pq.TransactionStatus.ACTIVE
        if self.pgconn.transaction_status == active:
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=_BREAK_OFF_SECONDS)
                super().wait(waiting_for, timeout=_BREAK_OFF_SECONDS)
        if self.pgconn.transaction_status == active:
            self.close()


def make_engine(url: str, *, pool_size: int = 5) -> Engine:
    """An engine for a PostgreSQL URL of any spelling (`postgres://`, `postgresql://`, with or without a driver)."""
    parsed = make_url(url.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql+psycopg")
    made = create_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=5,
        pool_pre_ping=True,
        pool_recycle=1800,
        hide_parameters=True,  # parameters can be personal, and errors reach logs
        connect_args={"prepare_threshold": None, "connect_timeout": 5, "application_name": "avain"},
    )
    event.listen(made, "do_connect", _connect)
    return made


def _connect(_dialect: object, _record: object, words: list[Any], named: dict[str, Any]) -> _Connection:
    return _Connection.connect(*words, **named)


@lru_cache(maxsize=1)
def database_url() -> str:
    """The application's URL: configured, or that of the running embedded server."""
    configured = settings().database_url
    if configured is not None:
        return configured.get_secret_value()
    return _embedded().database_url


@lru_cache(maxsize=1)
def database_owner_url() -> str:
    """The URL for migrations: the owner's where one is configured, else the application's."""
    configured = settings().database_owner_url or settings().database_url
    if configured is not None:
        return configured.get_secret_value()
    return _embedded().database_owner_url


@lru_cache(maxsize=1)
def redis_url() -> str:
    """Celery's broker URL: configured, or that of the running embedded Valkey."""
    configured = settings().redis_url
    if configured is not None:
        return configured.get_secret_value()
    return _embedded().redis_url


@lru_cache(maxsize=1)
def _embedded() -> "Embedded":
    """The embedded servers, started if need be; looked up once a process, for their sockets stay where they are."""
    from core.embedded import ensure_running  # noqa: PLC0415 - the extra is absent in production

    return ensure_running()


@lru_cache(maxsize=1)
def engine() -> Engine:
    """This process's engine."""
    return make_engine(database_url())


def dispose_engine() -> None:
    """Forget the engine without closing its sockets: they belong to the parent process."""
    if engine.cache_info().currsize:
        engine().dispose(close=False)
        engine.cache_clear()


@contextmanager
def transaction() -> Iterator[Session]:
    """A session that commits when the block ends well and rolls back when it does not."""
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def statements() -> Iterator[Session]:
    """A session over one connection in which every statement is a transaction of its own, for one after the other in quick succession."""
    with engine().connect() as connection:
        bare = connection.execution_options(isolation_level="AUTOCOMMIT")
        with Session(bare, expire_on_commit=False) as session:
            yield session
