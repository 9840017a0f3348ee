"""The Celery application and why each of its settings is what it is.

Recovery from any crash is lease expiry in the database (services/work), so everything here is chosen to make Celery a plain,
forgetful carrier of ids. Measurements behind it: docs/reliability.md.
"""

import os
from functools import cached_property
from typing import cast

# Read by billiard when it is first imported: children then ignore SIGTERM, which a supervisor may send to every process of the worker.
# What a worker does on it: workers/stopping.py. `avain worker` imports this module first; `celery -A workers.app worker` would come too late.
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")

from celery import Celery
from celery.signals import setup_logging, worker_process_init
from kombu.entity import Queue
from kombu.transport import TRANSPORT_ALIASES

from core.database import dispose_engine, redis_url
from core.logging import configure_logging
from core.redis import broker_url
from core.settings import settings
from services.work import KINDS, QUEUES

for _scheme in ("redis", "rediss"):
    TRANSPORT_ALIASES[_scheme] = "workers.guard:GuardedTransport"


class AvainCelery(Celery):
    """Celery whose workers stop as workers/stopping.py says."""

    @cached_property
    def Worker(self) -> type:  # noqa: N802 - the name Celery gave it
        """The class of worker processes."""
        from workers.stopping import Worker  # noqa: PLC0415 - only a worker wants it

        return cast("type", self.subclass_with_self(Worker))


app = AvainCelery("avain", include=["workers.tasks"])
app.conf.update(
    # A function of no arguments would be called at import; the URL is looked up when the broker is first needed.
    task_queues=[Queue(name, routing_key=name) for name in QUEUES],
    task_routes={kind.name: {"queue": kind.queue} for kind in KINDS.values()},
    task_default_queue="default",
    task_create_missing_queues=False,  # a misspelt queue is an error, not a place nobody looks into
    # The message is a hint: acknowledged when taken, so that the broker never redelivers beside the lease.
    task_acks_late=False,
    worker_lost_wait=2.0,  # seconds; what became of a dead child's task is the lease's business
    worker_prefetch_multiplier=1,  # a waiting message belongs to whoever is free first
    task_ignore_result=True,  # results are Runs in the database
    task_store_errors_even_if_ignored=False,
    worker_send_task_events=False,
    # Nobody commands workers through the broker, and whoever reaches it must not; and its pub/sub connection is the one that redis-py reads
    # without a time limit after it reconnected: a worker then looks alive and takes no messages (docs/reliability.md, "half-open").
    worker_enable_remote_control=False,
    # A delivery after DATA must not be cut because Redis hiccuped; the lease decides who goes on.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry_on_startup=True,  # Redis may come up after us
    broker_connection_max_retries=None,  # and may stay away as long as it likes
    task_publish_retry=False,  # the tick publishes again; a writer must not wait for Redis
    # Work kinds carry their own limits (workers/task.py); this one bounds anything else.
    task_time_limit=3600,
    broker_transport_options={
        # What was taken and not yet begun when a worker was killed returns as a stale hint, long after the tick sent a fresh one.
        "visibility_timeout": 900,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        # A half-open connection is noticed, not waited on for ever: kombu drops a silent one, and then needs the time limit to get on.
        "socket_timeout": 5,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 10,
    },
    task_serializer="json",
    accept_content=["json"],  # pickle would let whoever reaches Redis run code
    worker_hijack_root_logger=False,
    timezone="UTC",  # slots are computed by us (schedules/slots.py)
    enable_utc=True,
    worker_consumer="workers.guard:GuardedConsumer",
    beat_scheduler="workers.beat:TickScheduler",
    beat_max_loop_interval=1.0,
)


@setup_logging.connect
def _log_our_way(**_: object) -> None:
    """Celery's own log lines go through the same redaction as ours."""
    configure_logging(settings().log_format, settings().log_level)


@worker_process_init.connect
def _start_child_clean(**_: object) -> None:
    """A connection made before the fork belongs to the parent."""
    dispose_engine()


def connected_app() -> Celery:
    """The app with its broker looked up: embedded Valkey is started here if nobody named another."""
    app.conf.broker_url = broker_url(redis_url())
    return app
