"""Readers with a fault each, and one without: what the harness must notice, and survive."""

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from core.errors import InputError, Message, Transient
from tests.fuzz.forms import Form
from tests.fuzz.reader import Reader


def _crash(content: bytes, folder: Path) -> Any:
    return dict[str, str]()["nothing"]


def _hang(content: bytes, folder: Path) -> Any:
    while True:
        pass


def _swallow(content: bytes, folder: Path) -> Any:
    return [bytes(64 * 1024 * 1024) for _ in range(100)]


def _die(content: bytes, folder: Path) -> Any:
    ctypes.string_at(0)


def _keep_nul(content: bytes, folder: Path) -> Any:
    return [{"name": "a\0b"}]


def _say_nothing(content: bytes, folder: Path) -> Any:
    raise Transient(Message("{nobody}"))


def _refuse(content: bytes, folder: Path) -> Any:
    raise InputError("The file is empty.")


#: What the harness must call each; `refuse` is as it should be.
CALLED: Final = {
    "crash": (_crash, "crash", "KeyError at tests/fuzz/faulty.py"),
    "hang": (_hang, "hang", "the process ended: SIGPROF"),
    "swallow": (_swallow, "memory", "MemoryError at tests/fuzz/faulty.py"),
    "die": (_die, "crash", "the process ended: SIGSEGV"),
    "keep_nul": (_keep_nul, "unfit", "NUL in [].*"),
    "say_nothing": (_say_nothing, "crash", "KeyError at core/errors.py"),
    "refuse": (_refuse, "refused", ""),
}
#: Valid: nothing comes of it, for documents that are valid are read before the process is confined.
_VALID: Final = b"valid"
_FORM: Final = Form((lambda dice, content: content + bytes([dice.randint(0, 255)]),), lambda _: b"composed")


def _unless_valid(read: Callable[[bytes, Path], Any]) -> Callable[[bytes, Path], Any]:
    return lambda content, folder: None if content == _VALID else read(content, folder)


READERS: Final = {
    name: Reader(name, "", _FORM, _unless_valid(read), lambda: [_VALID]) for name, (read, _, _) in CALLED.items()
}
