"""Runs `avain` commands for the demo, each in a process of its own, without loading the program anew every time.

    python -m demo.commands        reads one JSON list of arguments a line, answers each with {"code", "stdout", "stderr"}

A command does what it would do when typed; only the second it takes Python to import everything is spent once. The process forks
while it has neither threads nor connections.
"""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self


def serve() -> None:
    """Answer requests on standard input until it closes."""
    from cli.main import main  # noqa: PLC0415 - the whole point: once

    for line in sys.stdin:
        answer = _in_a_child(main, json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _in_a_child(main: Any, arguments: list[str]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            os._exit(_command(main, arguments, out, err))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
    return {"code": code, "stdout": texts[0], "stderr": texts[1]}


def _command(main: Any, arguments: list[str], out: IO[bytes], err: IO[bytes]) -> int:
    """In the child: become the command."""
    with Path(os.devnull).open("rb") as nothing:
        for number, stream in enumerate((nothing, out, err)):
            os.dup2(stream.fileno(), number)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode, encoding="utf-8") for number, mode in enumerate("rww"))
    sys.argv = ["avain", *arguments]
    code: Any = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException as unforeseen:  # noqa: BLE001 - as the interpreter would
        sys.excepthook(type(unforeseen), unforeseen, unforeseen.__traceback__)
        code = 1
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    return int(code)


class Commands:
    """The other end of `serve`."""

    def __init__(self, environment: dict[str, str], directory: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "demo.commands"], cwd=directory, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:  # closes both pipes
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process.wait(30)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command to its end."""
        if self._process.stdin is None or self._process.stdout is None:
            raise BrokenPipeError
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return subprocess.CompletedProcess(list(arguments), answer["code"], answer["stdout"], answer["stderr"])


if __name__ == "__main__":
    serve()
