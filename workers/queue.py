"""Putting hints into the queue. A hint that cannot be sent is not missed: the tick sends it again."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog
from kombu.exceptions import OperationalError
from sqlalchemy.exc import SQLAlchemyError

from core.database import transaction
from services.work.queueing import mark_enqueued, unmark
from workers.app import connected_app
from workers.backpressure import QueueFullError

log = structlog.get_logger()

#: Kinds of Work that this process does itself.
_kept: ContextVar[Collection[str]] = ContextVar("kept", default=())


@contextmanager
def keep(kinds: Collection[str]) -> Iterator[None]:
    """Do not hint Work of these kinds: this process is about to do it. It is marked all the same, so that no tick offers it soon."""
    token = _kept.set(kinds)
    try:
        yield
    finally:
        _kept.reset(token)


def publish(rows: Iterable[tuple[int, str, str]]) -> int:
    """Send `(work id, kind, queue)` to the broker; how many went. What does not fit, or comes after the broker has failed, is due again at
    once: nobody waits for a message that does not exist.
    """
    sent, unsent, full = 0, [], set()
    app = connected_app()
    waiting = iter(rows)
    try:
        with app.connection_for_write(connect_timeout=2) as connection, app.amqp.Producer(connection) as producer:
            for work_id, kind, queue in waiting:
                unsent.append(work_id)
                if queue in full:
                    continue
                try:
                    app.send_task(
                        kind,
                        kwargs={"work_id": work_id},
                        queue=queue,
                        producer=producer,
                        argsrepr="",
                        kwargsrepr=str(work_id),
                    )
                except QueueFullError:
                    full.add(queue)
                    continue
                unsent.pop()
                sent += 1
    except (OperationalError, OSError) as error:
        log.warning("publish_failed", error=type(error).__name__, sent=sent)
    unsent += [work_id for work_id, _, _ in waiting]
    if unsent:
        _take_back(unsent)
    return sent


def hint(ids: list[int]) -> int:
    """Send fresh Work to the queue right after the commit that wrote it, instead of waiting for the next tick."""
    if not ids:
        return 0
    with transaction() as session:
        rows = mark_enqueued(session, ids, kept=_kept.get())
    return publish(row for row in rows if row[1] not in _kept.get())


def _take_back(ids: list[int]) -> None:
    """Unmark what was marked as enqueued and is not. If that cannot be done either, it is enqueued again a little later."""
    try:
        with transaction() as session:
            unmark(session, ids)
    except SQLAlchemyError as error:
        log.warning("not_unmarked", error=type(error).__name__, count=len(ids))
