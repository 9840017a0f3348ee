"""A look at all sources at once: what is there, and nobody waits longer for a silent server than for an answering one.

A name that does not resolve or a share that hangs cannot be interrupted from Python, so each look has a thread of its own, and one
that does not come back in time is left behind.
"""

import threading
import time
from typing import Final

from core.errors import AvainError, Transient
from core.source_settings import Sources
from services.sources import Source, all_sources, transport_of

#: A little more than the transports give themselves.
PATIENCE_SECONDS: Final = 12.0


class Look:
    """One look, begun when it is made. `files`: names at the source; `error`: why they are not known."""

    def __init__(self, configured: Sources, source: Source) -> None:
        self.source = source
        self.files: list[str] = []
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._look, args=(configured,), daemon=True)
        self._thread.start()

    def wait(self, until: float) -> None:
        """Wait for the answer, at most until that moment (of `time.monotonic`)."""
        self._thread.join(max(0.0, until - time.monotonic()))
        if self._thread.is_alive():
            self.error = Transient("The source {source} did not answer in time.", source=self.source.name)

    def _look(self, configured: Sources) -> None:
        try:
            self.files = transport_of(configured, self.source).look()
        except Exception as error:  # noqa: BLE001 - whoever waits decides what it means
            self.error = error


def look_at_all(configured: Sources, patience: float = PATIENCE_SECONDS) -> list[Look]:
    """What is at each source now, cases first, by name. Raises what is no error of ours."""
    looks = [Look(configured, source) for source in all_sources(configured)]
    until = time.monotonic() + patience
    for look in looks:
        look.wait(until)
    for look in looks:
        if look.error is not None and not isinstance(look.error, AvainError):
            raise look.error
    return looks
