"""How long the console waits for what a browser has to say. uvicorn itself waits for ever: whoever sends one byte now and then, of a head or of
a body, would keep a connection (and with a body a page's place) for as long as they like, and a few hundred of them the whole console.

    uvicorn.Config(..., http="console.web.patience:Patient")

It is h11's protocol, which is strict about where a request ends, so that a proxy in front and the console agree about it.
"""

from asyncio import BaseTransport, TimerHandle
from typing import Any, Final

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

log = structlog.get_logger()

#: A request may take so long (seconds) to come in, and a second more for each so many bytes of it. No line that people work with is slower.
SECONDS: Final = 20.0
BYTES_A_SECOND: Final = 4096

#: As long as they have one of these, more is to come of a request.
_UNDER_WAY: Final = (h11.IDLE, h11.SEND_BODY)


class Patient(H11Protocol):
    """One connection. Between requests uvicorn's own time for idle ones counts."""

    seconds = SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._end: TimerHandle | None = None
        self._began, self._taken = 0.0, 0

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._begin()

    def data_received(self, data: bytes) -> None:
        if self._end is None:
            self._begin()
        self._taken += len(data)
        super().data_received(data)

    def handle_events(self) -> None:
        super().handle_events()
        if self.conn.their_state not in _UNDER_WAY:
            self._stop()
        elif self.conn.their_state is h11.SEND_BODY and self._end is None:
            self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def _begin(self) -> None:
        self._began, self._taken = self.loop.time(), 0
        self._end = self.loop.call_later(self.seconds, self._look)

    def _stop(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None

    def _look(self) -> None:
        left = self._began + self.seconds + self._taken / BYTES_A_SECOND - self.loop.time()
        if self.flow.read_paused:  # it is we who are slow
            left = self.seconds
        if left > 0:
            self._end = self.loop.call_later(left, self._look)
            return
        self._end = None
        log.info("console_waited_in_vain", bytes=self._taken)
        self.transport.close()
