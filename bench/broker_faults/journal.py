"""What tasks leave behind: one line per step in a shared file. It survives every kill, unlike anything kept in a process."""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Event:
    """`task` (the caller's name for it) reached `step` in process `pid`; `at` is the machine's clock in seconds."""

    task: str
    step: str
    pid: int
    at: float


def note(task: str, step: str) -> None:
    """Append one event to the file named by BENCH_JOURNAL. One write to a file opened for appending is never torn."""
    line = json.dumps({"task": task, "step": step, "pid": os.getpid(), "at": time.time()}) + "\n"
    handle = os.open(os.environ["BENCH_JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)


def read(file: Path) -> list[Event]:
    """Every event so far, oldest first."""
    if not file.exists():
        return []
    return [Event(**json.loads(line)) for line in file.read_text("utf-8").splitlines()]
