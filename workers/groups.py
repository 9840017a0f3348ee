"""Which queues are served by which worker processes. docker-compose.yml and `avain up` start one process per group.

Slow reads of the outside have a group of their own, so that a hanging source delays nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Queues that share a worker, and how many tasks it does at once."""

    queues: tuple[str, ...]
    concurrency: int


GROUPS: dict[str, Group] = {
    "fetch": Group(("fetch",), 4),
    "inside": Group(("sync", "prices", "budgets", "default"), 2),
    "outside": Group(("orders", "reminders"), 2),
}


def run_worker(groups: Sequence[str], *, concurrency: int | None = None) -> None:
    """Become the worker of one group, or of several together, until stopped. Called by `avain worker`; ends with SystemExit.

    Several in one process is for small machines: it is smaller than one for each, and a hanging source then takes slots from all of them.
    """
    from core.settings import settings  # noqa: PLC0415
    from workers.app import connected_app  # noqa: PLC0415 - importing it sets signal handling, which only a worker wants

    chosen, lives = [GROUPS[group] for group in dict.fromkeys(groups)], settings().workers
    app = connected_app()
    app.conf.update(
        worker_soft_shutdown_timeout=lives.stop_seconds,  # workers/stopping.py
        worker_max_tasks_per_child=lives.tasks_per_child,  # leaks end with the child
        worker_max_memory_per_child=lives.memory_per_child_mb * 1024,  # KiB
    )
    app.worker_main(
        [
            "worker",
            "--queues", ",".join(queue for group in chosen for queue in group.queues),
            "--concurrency", str(concurrency or sum(group.concurrency for group in chosen)),
            "--hostname", f"{'-'.join(dict.fromkeys(groups))}@%h",
            "--loglevel", settings().log_level,
            # workers need not know of each other: the database tells them all there is to know
            "--without-mingle", "--without-gossip", "--without-heartbeat",
        ]
    )  # fmt: skip


def run_beat() -> None:
    """Become beat, until stopped."""
    from core.settings import settings  # noqa: PLC0415
    from workers.app import connected_app  # noqa: PLC0415

    connected_app().start(["beat", "--loglevel", settings().log_level, "--pidfile", ""])
