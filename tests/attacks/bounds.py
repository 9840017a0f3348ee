"""Bounds in which an attack must come to its end, whatever comes of it."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

MEBIBYTE: Final = 1024 * 1024
SECONDS: Final = 5.0
MEMORY: Final = 512 * MEBIBYTE
#: By the wall clock, on a machine that is busy with much else: whoever hangs is ended.
_PATIENCE: Final = 120


@contextmanager
def bounded(seconds: float = SECONDS, memory: int = MEMORY) -> Iterator[None]:
    """The block may use so many `seconds` of processors, its children's too, and so many bytes of memory beyond what the process has; a
    child inherits that bound, and one that reads a workbook has a tighter one of its own (documents/workbook.py).
    """
    before, limits = _processor_seconds(), resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGALRM, _hangs)
    signal.alarm(_PATIENCE)
    resource.setrlimit(resource.RLIMIT_AS, (_virtual_memory() + memory, limits[1]))
    try:
        yield
    except MemoryError:
        pytest.fail(f"more than {memory // MEBIBYTE} MB of memory")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
    used = _processor_seconds() - before
    assert used <= seconds, f"{used:.1f} seconds of processors"


def _hangs(*_: object) -> None:
    pytest.fail("it hangs")


def _processor_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _virtual_memory() -> int:
    with open("/proc/self/statm", encoding="ascii") as numbers:  # noqa: PTH123 - no file
        return int(numbers.read().split()[0]) * resource.getpagesize()
