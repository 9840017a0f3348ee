"""Against poison: a message that cannot be read is set aside as a dead Work, and the worker goes on.

A plain Celery worker dies of a message whose body has the wrong shape, and the message comes back (celery #7975, #4308). Work
never depends on a message, so throwing a bad one away loses nothing; a Run keeps the trace of it for the operator.
"""

import hashlib
import json
from functools import lru_cache
from queue import Empty
from typing import Any

import structlog
from celery.worker.consumer import Consumer
from kombu.transport.redis import QoS, Transport
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.database import database_url, make_engine
from services.work.poison import record_poison
from workers.backpressure import BoundedChannel

log = structlog.get_logger()

#: Bytes of a body. A hint has about a hundred; a larger one is not even parsed.
LARGEST_BODY = 65_536


class SlotKeepingQoS(QoS):
    """What the worker has settled takes none of its slots, also when the broker could not be told.

    kombu frees the slot only after the broker's yes. A server that hangs for longer than the socket's time limit, or a connection that is half-open,
    costs a slot for each message then, for good: after a few of them the worker looks alive and takes no message again. The broker, which was not
    told, hands the message out once more after the visibility timeout; it is a hint, and finds its Work done.
    """

    def ack(self, delivery_tag: str) -> None:
        """Settle a message. Raises what the broker's connection raises."""
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        except Exception:
            self._quick_ack(delivery_tag)
            raise

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - theirs
        """Throw a message away, or give it back. Raises what the broker's connection raises."""
        try:
            super().reject(delivery_tag, requeue=requeue)  # type: ignore[no-untyped-call]
        except Exception:
            self._quick_ack(delivery_tag)
            raise


class GuardedChannel(BoundedChannel):
    """Reads the queue; what is not even JSON is set aside. It is off the queue already."""

    QoS = SlotKeepingQoS

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (ValueError, RecursionError) as error:
            set_aside(b"", "envelope", error)
            raise Empty from error


class GuardedTransport(Transport):
    """Redis, read through the guarded channel; what is JSON but no message is set aside with its content's digest."""

    Channel = GuardedChannel

    def _deliver(self, message: Any, queue: str) -> Any:
        try:
            return super()._deliver(message, queue)  # type: ignore[no-untyped-call]
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            set_aside(json.dumps(message).encode(), "envelope", error)
            return None


class GuardedConsumer(Consumer):
    """Hands hints to tasks; anything else is rejected into a Run before Celery takes it in.

    Catching what Celery raises would not do: a task it chokes on half-way keeps its slot (docs/reliability.md, "poison").
    """

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Any:
        """Celery's handler, for hints only, with everything it would still die of caught."""
        handle = super().create_task_handler(*args, **kwargs)

        def guarded(message: Any) -> Any:
            try:
                wrong = what_is_wrong(message, self.strategies)
                return handle(message) if wrong is None else self._reject(message, wrong, None)
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


def what_is_wrong(message: Any, known: Any) -> str | None:
    """None for a hint as `workers.queue.publish` writes it, else the reason, a key of services/work/poison.py.

    A hint names a task in `known`, carries a `work_id` and nothing else that Celery would act upon by itself (times, callbacks).
    """
    return _wrong_with_headers(message.headers, known) or _wrong_with_body(message)


def _wrong_with_headers(headers: Any, known: Any) -> str | None:
    if not isinstance(headers, dict) or not isinstance(headers.get("task"), str):
        return "shape"
    if headers["task"] not in known:
        return "task"
    timed = headers.get("eta") is not None or headers.get("expires") is not None
    return (
        "shape"
        if timed or not _are_limits(headers.get("timelimit")) or not isinstance(headers.get("id"), str)
        else None
    )


def _are_limits(limits: Any) -> bool:
    """Whether these are time limits as Celery writes those of the task it publishes: a pair of seconds or of nothing."""
    match limits:
        case None | [None | int() | float(), None | int() | float()]:
            return True
    return False


def _wrong_with_body(message: Any) -> str | None:
    if len(message.body) > LARGEST_BODY:
        return "body"
    try:
        payload = message.payload
    except Exception:  # noqa: BLE001 - not JSON, not UTF-8, another content type, nested too deep
        return "encoding"
    match payload:
        case [[], {"work_id": int(work_id)}, dict(embedded)] if 0 < work_id < 2**63 and not any(embedded.values()):
            return None
        case [list(), dict(), dict()]:
            return "arguments"
    return "body"


@lru_cache(maxsize=1)
def _own_engine() -> Engine:
    """The worker's main process has a connection for this alone; its children never use it."""
    return make_engine(database_url(), pool_size=1)


def set_aside(body: bytes, what: str, error: Exception | None) -> None:
    """Record a bad message; its content may be personal, so only its digest and size are kept."""
    digest = hashlib.sha256(body).hexdigest()
    kind = type(error).__name__ if error else ""
    log.error("poison_message", what=what, error=kind, sha256=digest, size=len(body))
    try:
        with Session(_own_engine()) as session, session.begin():
            record_poison(session, digest, what, size=len(body))
    except SQLAlchemyError:
        log.exception("poison_not_recorded")
