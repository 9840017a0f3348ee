"""Signs of life: a worker's main process notes every few seconds that it is there, for `avain doctor` and the health checks."""

import atexit
import os
import socket
import threading

import structlog
from celery.signals import worker_ready, worker_shutting_down
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.database import database_url, make_engine
from services.heartbeats import beat_heart, forget

log = structlog.get_logger()
_stopping = threading.Event()
_FAREWELL_SECONDS = 5.0


def own_name(kind: str) -> str:
    """This process's name among heartbeats: `worker@host:pid`."""
    return f"{kind}@{socket.gethostname()}:{os.getpid()}"


@worker_ready.connect
def _start(sender: object, **_: object) -> None:
    queues = ",".join(sorted(sender.app.amqp.queues.consume_from))  # type: ignore[attr-defined]
    thread = threading.Thread(target=_live, args=(queues,), name="signs-of-life", daemon=True)
    thread.start()
    # Without this an idle worker is often gone before its sign is taken away. Celery's own signal for it, worker_shutdown,
    # is not sent by a cold shutdown.
    atexit.register(_say_farewell, thread)


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    """Runs inside a signal handler: it may only set the flag."""
    _stopping.set()


def _say_farewell(thread: threading.Thread) -> None:
    _stopping.set()
    thread.join(_FAREWELL_SECONDS)


def _live(queues: str) -> None:
    engine = make_engine(database_url(), pool_size=1)
    name = own_name("worker")
    leaving = False
    while not leaving:
        leaving = _stopping.is_set()
        try:
            with Session(engine) as session, session.begin():
                if leaving:
                    forget(session, name)
                else:
                    beat_heart(session, name, "worker", queues)
        except SQLAlchemyError as error:
            log.warning("sign_of_life_failed", error=type(error).__name__)
        _stopping.wait(5)
