"""Run and recognise operating system processes: the account they run as, whose they are, how they end.

A pid in a file proves nothing: the machine may have been restarted and the number given to somebody else. A process is taken
for ours only when its command line names our own directory.
"""

import os
import pwd
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ConfigurationError

#: How often a wait looks again, in seconds.
GLANCE = 0.02
_STOP_PATIENCE = 30.0
_COMMAND_PATIENCE = 120
#: Nothing of the caller's environment reaches a server: PGPORT, PGDATA or LC_ALL of a shell must not change what it does.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/"}


@dataclass(frozen=True)
class Account:
    """The operating system account servers run as; `switch` when this process is root and has to change to it."""

    name: str
    uid: int
    gid: int
    switch: bool

    @classmethod
    def own(cls) -> "Account":
        """The account of this process."""
        return cls(_account_name(os.geteuid()), os.geteuid(), os.getegid(), switch=False)

    @classmethod
    def unprivileged(cls, uid: int | None = None) -> "Account":
        """For root: the account with `uid`, else `postgres`, else `nobody`. PostgreSQL refuses to run as root."""
        if uid is not None:
            try:
                entry = pwd.getpwuid(uid)
            except KeyError:
                return cls(str(uid), uid, uid, switch=True)
            return cls(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)
        raise ConfigurationError(
            "PostgreSQL does not run as root, and this machine has neither the account postgres nor nobody: "
            "run Avain as an ordinary user"
        )

    @staticmethod
    def exists(uid: int) -> bool:
        """Whether the system knows an account with this number; initdb works for no other."""
        try:
            pwd.getpwuid(uid)
        except KeyError:
            return False
        return True

    def run(self, *command: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run a command as this account to its end, in a session of its own so that what it starts outlives us.

        Output is captured. An exit code other than 0 is the caller's to judge; a program that cannot be executed is
        `PermissionError` or another `OSError`.
        """
        identity: dict[str, Any] = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}
        return subprocess.run(  # noqa: PLW1510 - the exit code is returned
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=_COMMAND_PATIENCE,
            cwd="/",
            env=_ENVIRONMENT,
            umask=0o077,
            start_new_session=True,
            **identity,
        )

    def reaches(self, directory: Path) -> bool:
        """Whether this account can really enter `directory`; asked of the system, since ACLs and mounts decide too."""
        return self.run("/bin/sh", "-c", 'cd -- "$1"', "sh", directory).returncode == 0


def _account_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def read_pid(file: Path) -> int | None:
    """The number in the first line of a pid file; None when there is none."""
    try:
        return int(file.read_text("ascii", errors="replace").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def works_for(pid: int, directory: Path) -> bool:
    """Whether `pid` lives and one word of its command line is `directory` or a file in it. A zombie does not count."""
    name = os.fspath(directory)
    if Path("/proc/self/cmdline").exists():
        return any(word == name or word.startswith(name + "/") for word in _command_line(pid))
    shown = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )  # macOS
    return name in shown.stdout


def _command_line(pid: int) -> list[str]:
    """The words of a process's command line; one empty word for a zombie or no process."""
    try:
        return [os.fsdecode(word) for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]
    except OSError:
        return [""]


def end_strays(program: str, directory: Path, *signals: signal.Signals) -> None:
    """End processes of `program` that work for `directory` though no pid file there knows them: the file, or all of it, was deleted under
    them, or their starter was killed before they wrote it. On leaving they would take a successor's socket away.
    """
    for entry in Path("/proc").glob("[0-9]*"):  # elsewhere than on Linux such a stray stays
        # The name keeps somebody's `tail -f` of our log alive.
        if works_for(int(entry.name), directory) and Path(_command_line(int(entry.name))[0]).name == program:
            end(int(entry.name), directory, *signals)


def end(pid: int, directory: Path, *signals: signal.Signals) -> None:
    """End our process `pid`: each signal in turn, until one has ended it. The last one should be SIGKILL."""
    for number in signals:
        until = time.monotonic() + _STOP_PATIENCE
        if not works_for(pid, directory):
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        while time.monotonic() < until:
            if not works_for(pid, directory):
                return
            time.sleep(GLANCE)
