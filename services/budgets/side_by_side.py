"""Recompute much at once in one process: threads, each with a connection of its own, for it is the database that calculates.

Worker processes help each other instead (workers/tasks/budgets.py): one of them dying leaves the others at work.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.clock import business_now
from services.budgets.recompute import CHUNK, Recomputed, Sweep


def recompute_noted(
    within: Callable[[], AbstractContextManager[Session]],
    *,
    settings: Budgets,
    threads: int = 1,
    limit: int = CHUNK,
    show: Callable[[int], None] = lambda _done: None,
) -> Recomputed:
    """Calculate all that is noted and free, each chunk in a transaction that `within` opens; `show` is told how many are done.

    What the first thread to fail raises ends the others after the chunk they are at; so does an interruption.
    """
    over, counting, counted = threading.Event(), threading.Lock(), Recomputed()

    def count(done: Recomputed) -> None:
        nonlocal counted
        with counting:
            counted += done
            show(counted.recomputed)

    def work() -> None:
        sweep = Sweep(settings, limit=limit)
        try:
            while not over.is_set():
                with within() as session:
                    done = sweep.chunk(session, business_now(session))
                if done is None:
                    break
                count(done)
        except BaseException:
            over.set()
            raise

    if threads == 1:
        work()
        return counted
    with ThreadPoolExecutor(threads, thread_name_prefix="budgets") as pool:
        try:
            for one in [pool.submit(work) for _ in range(threads)]:
                one.result()
        finally:
            over.set()
    return counted
