"""What a reader is to the harness."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fuzz.forms import Form


@dataclass(frozen=True)
class Reader:
    """`read` takes a document and a folder of its own, and gives what it found; `about` is for people. `valid` gives documents to begin with,
    `once` those that were faults before.
    """

    name: str
    about: str
    form: Form
    read: Callable[[bytes, Path], Any]
    valid: Callable[[], Sequence[bytes]]
    once: Callable[[], Sequence[bytes]] = tuple

    def seeds(self) -> list[bytes]:
        """What documents are made from: of five, four are valid."""
        valid, once = list(self.valid()), list(self.once())
        return valid * (4 * len(once) // len(valid) + 1) + once
