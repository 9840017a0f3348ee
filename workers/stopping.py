"""A worker that is asked to stop: what its children have in hand is finished, or given back, and it is gone within half a minute.

Celery knows two ways, and neither does: a warm shutdown waits for the work in hand however long it takes, a soft one sits out its whole
time even when all work ended in the first second. Here the main process shuts down warmly (it takes no more, hands back what it took and
did not begin, waits for its children), and beside that a thread sees that it comes to an end:

- at once every child is told, so that one with a long series of effects ends it after the present one;
- after `worker_soft_shutdown_timeout` seconds, or when asked again, what is still in hand is cut and given back: due again, its attempt not
  counted. An effect on the outside is never cut between its first byte and its record (`uncut`);
- CUT_SECONDS later what has not heard, such as a call that never comes back from C, is killed: there its lease runs out;
- LAST_SECONDS later the main process ends, whatever it waits for.

Children ignore SIGTERM (REMAP_SIGTERM, workers/app.py), which a supervisor may send to all processes of the group at once; they hear SIGUSR2 (it
stops) and SIGRTMIN (its time is over).
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any, Final

import structlog
from celery import platforms
from celery.apps.worker import Worker as CeleryWorker
from celery.signals import worker_process_init, worker_shutting_down
from celery.worker import state

log = structlog.get_logger()

#: What was cut has so long to give its work back; an effect that is under way, to end.
CUT_SECONDS: Final = 7.0
LAST_SECONDS: Final = 1.5
_STOPS: Final = signal.SIGUSR2
_OVER: Final = signal.SIGRTMIN


class Worker(CeleryWorker):
    """Celery's worker, stopped our way."""

    def install_platform_tweaks(self, worker: Any) -> None:
        """Celery's signal handlers, with ours in place of those that end it."""
        super().install_platform_tweaks(worker)
        # inherited by children, who are deaf until they have handlers, and with them their first work
        for number in (_STOPS, _OVER):
            signal.signal(number, signal.SIG_IGN)
        ending = _Ending(self, float(self.app.conf.worker_soft_shutdown_timeout))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, ending.asked)
        threading.Thread(target=ending.see_through, name="ending", daemon=True).start()


class _Ending:
    """How one worker ends."""

    def __init__(self, worker: Worker, seconds: float) -> None:
        self._worker, self._seconds = worker, seconds
        self._wishes: SimpleQueue[int] = SimpleQueue()  # may be filled from within a signal handler
        self._begun = False

    def asked(self, number: int, _frame: FrameType | None) -> None:
        """SIGTERM and the first Ctrl-C ask for an orderly end; SIGQUIT and a second Ctrl-C want it now. More SIGTERMs change nothing."""
        again, self._begun = self._begun, True
        if not again:
            worker_shutting_down.send(sender=self._worker.hostname, sig=number, how="Warm", exitcode=platforms.EX_OK)
            state.should_stop = platforms.EX_OK
            self._wishes.put(number)
        if number == signal.SIGQUIT or (again and number == signal.SIGINT):
            self._wishes.put(number)

    def see_through(self) -> None:
        """Wait to be asked, then do what the module promises. The process is mostly gone before this ends."""
        self._wishes.get()
        log.info("worker_stopping", seconds=self._seconds)
        self._tell_children(_STOPS)
        with suppress(Empty):
            self._wishes.get(timeout=self._seconds)
        self._tell_children(_OVER)
        time.sleep(CUT_SECONDS)
        if self._tell_children(signal.SIGKILL):
            log.warning("children_killed")
        time.sleep(LAST_SECONDS)
        log.warning("worker_ended_hard")
        os._exit(platforms.EX_FAILURE)

    def _tell_children(self, number: int) -> int:
        """Send a signal to those that live; how many. Looks at what is known of them: to wait for them is the main thread's."""
        pool = getattr(self._worker.pool, "_pool", None)
        living = [one.pid for one in list(getattr(pool, "_pool", ())) if one._popen and one._popen.returncode is None]  # noqa: SLF001
        for pid in living:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return len(living)


class _Child:
    """What this process was told, and whether it may be interrupted just now."""

    def __init__(self) -> None:
        self.told = False
        self.over = False
        self.cut = False
        self.interruptible = 0
        self.uncut = 0

    def hear(self, number: int, _frame: FrameType | None) -> None:
        self.told = True
        self.over = self.over or number == _OVER
        self.look()

    def look(self) -> None:
        """Raises SystemExit if it is time, once: what follows, giving back, is not to be interrupted."""
        if self.over and self.interruptible and not self.uncut and not self.cut:
            self.cut = True
            # nor by a time limit that Celery's main process, in the middle of ending, has not taken back
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
            raise SystemExit


_child = _Child()


@worker_process_init.connect
def _listen(**_: object) -> None:
    for number in (_STOPS, _OVER):
        signal.signal(number, _child.hear)


def stopping() -> bool:
    """Whether this process was told that its worker stops: what it does after the present effect can be left to another."""
    return _child.told


@contextmanager
def interruptible() -> Iterator[None]:
    """The block is ended by SystemExit when its time is over; elsewhere a task is not interrupted."""
    _child.interruptible += 1
    try:
        _child.look()
        yield
    finally:
        _child.interruptible -= 1


@contextmanager
def ending_quietly() -> Iterator[None]:
    """A task that was cut has ended for Celery, which need not look for a lost process: this one goes when it finds that no more comes."""
    try:
        yield
    except SystemExit:
        if not _child.cut:
            raise


@contextmanager
def uncut() -> Iterator[None]:
    """What is outside our reach is under way in the block, until it is recorded: SystemExit waits until its end.

    It bounds its own time. Where that is longer than a worker has for stopping, the process is killed in it, and the fate of the effect is
    as unknown as after any other death (docs/reliability.md).
    """
    _child.uncut += 1
    try:
        yield
    finally:
        _child.uncut -= 1
    _child.look()
