"""Against poison: a message that cannot be read is set aside as a dead Work, and the worker goes on.

A plain Celery worker dies of a message whose body has the wrong shape, and the message comes back (celery #7975, #4308). Work
never depends on a message, so throwing a bad one away loses nothing; a Run keeps the trace of it for the operator.
"""

import hashlib
from queue import Empty
from typing import Any

import structlog
from celery.worker.consumer import Consumer
from kombu.transport.redis import Channel, Transport
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.database import database_url, make_engine
from services.work.poison import record_poison

log = structlog.get_logger()


class GuardedChannel(Channel):
    """Reads the queue; what is not even a message envelope is set aside. It is off the queue already."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            set_aside(b"", "envelope", error)
            raise Empty from error


class GuardedTransport(Transport):
    """Redis, read through the guarded channel."""

    Channel = GuardedChannel


class GuardedConsumer(Consumer):
    """Hands messages to tasks; what no task can take is rejected into a Run instead of ending the worker."""

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Any:
        """Celery's handler, with everything it would die of caught, and what it would drop silently recorded."""
        handle = super().create_task_handler(*args, **kwargs)

        def guarded(message: Any) -> Any:
            try:
                return handle(message)
            except Exception as error:  # noqa: BLE001 - whatever a hostile body can raise
                self._reject(message, "body", error)
                return None

        return guarded

    def on_unknown_message(self, _body: Any, message: Any) -> None:
        """No task named, or not Celery's shape at all."""
        self._reject(message, "shape", None)

    def on_unknown_task(self, _body: Any, message: Any, exc: Exception) -> None:
        """A task this version does not have: its Work stays due for a version that does."""
        self._reject(message, "task", exc)

    def on_invalid_task(self, _body: Any, message: Any, exc: Exception) -> None:
        """A known task with arguments of the wrong shape."""
        self._reject(message, "arguments", exc)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """A body that is not JSON."""
        self._reject(message, "encoding", exc)

    def _reject(self, message: Any, what: str, error: Exception | None) -> None:
        body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
        set_aside(body, what, error)
        try:
            message.reject()
        except Exception:  # noqa: BLE001 - acknowledged already, or the broker has gone: either way it is off our hands
            log.info("poison_already_settled")


def set_aside(body: bytes, what: str, error: Exception | None) -> None:
    """Record a bad message; its content may be personal, so only its digest and size are kept."""
    digest = hashlib.sha256(body).hexdigest()
    kind = type(error).__name__ if error else ""
    log.error("poison_message", what=what, error=kind, sha256=digest, size=len(body))
    try:
        engine = make_engine(database_url(), pool_size=1)
        with Session(engine) as session, session.begin():
            record_poison(session, digest, what, size=len(body))
        engine.dispose()
    except SQLAlchemyError:
        log.exception("poison_not_recorded")
