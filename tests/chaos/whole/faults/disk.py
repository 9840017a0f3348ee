"""A full disk: writes of the workers, or of PostgreSQL, are refused (RLIMIT_FSIZE, set on processes that run)."""

import os
import resource
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

import psutil

from core import embedded
from tests.chaos.whole.faults.base import Outcome, Rig, fault, outcome

_FULL: Final = (1024, resource.RLIM_INFINITY)
_ROOM: Final = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def _limit(pids: Iterable[int], limit: tuple[int, int]) -> int:
    """Set it; for how many that still live."""
    count = 0
    for pid in pids:
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            owner = psutil.Process(pid).uids().real
            if owner == os.getuid():
                psutil.Process(pid).rlimit(psutil.RLIMIT_FSIZE, limit)
                count += 1
            else:
                count += _limit_as(owner, psutil.Process(pid).gids().real, pid, limit)
    return count


def _limit_as(user: int, group: int, pid: int, limit: tuple[int, int]) -> bool:
    """The same for a process of another account, such as that which runs the servers for root: only that account itself may, always."""
    soft, hard = ("unlimited" if one == resource.RLIM_INFINITY else str(one) for one in limit)
    words = ["prlimit", "--pid", str(pid), f"--fsize={soft}:{hard}"]
    return (
        subprocess.run(words, user=user, group=group, extra_groups=[], capture_output=True, check=False).returncode == 0
    )


@fault(
    "disk full under the workers", "disk",
    stages=("nightly_prices", "nightly_cases", "generate_orders", "daily_reminders"),
    draw=lambda rng: {"seconds": round(rng.uniform(2, 5), 1)}, latest=1.5,
)  # fmt: skip
def workers_disk(rig: Rig, how: Mapping[str, Any]) -> Outcome:
    """No child of any worker can write a file beyond its first kilobyte: spool, outbox, log."""
    children = [child for worker in rig.workers for child in worker.children()]
    count = _limit(children, _FULL)
    time.sleep(how["seconds"])
    _limit(children, _ROOM)
    return outcome(rig, "room again") if count else Outcome("no child was there", met=False)


@fault("disk full under PostgreSQL", "postgres", draw=lambda rng: {"seconds": round(rng.uniform(1, 3), 1)})
def database_disk(rig: Rig, how: Mapping[str, Any]) -> Outcome:
    """No backend can make a file longer; one that cannot write its log takes the whole server down, which recovers by itself."""
    postmaster = embedded.pids(rig.servers).get("postgres")
    backends = [one.pid for one in psutil.Process(postmaster).children()] if postmaster else []
    if not _limit(backends, _FULL):
        return Outcome("no limit could be set", met=False)
    time.sleep(how["seconds"])
    _limit(backends, _ROOM)
    return outcome(rig, "room again")
