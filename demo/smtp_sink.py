"""A mail server that only keeps what it is given: for the demo and for tests, on 127.0.0.1.

    python -m demo.smtp_sink --port 2525 --directory var/demo/mail [--script delay:3,451,accept]

Every accepted message is written, exactly as it came, to `<directory>/<nnnn>.eml`. A script makes it misbehave, one step per message
and then no more: `accept`, `delay:SECONDS` before answering, `421`, `450`, `451` and `550` refuse, `drop` hangs up without keeping the message,
`keep-and-drop` hangs up after keeping it (the gap of RFC 1047), `hang-up` hangs up after keeping it and saying so (between two messages),
`reject-recipient` answers 550 to RCPT, and `no-relay` as a server does that knows nobody.
"""

import argparse
import asyncio
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope, Session

_REPLIES = {
    "421": "421 4.3.2 Closing down (invented)",
    "450": "450 4.2.1 Mailbox busy (invented)",
    "451": "451 4.3.0 Try again later (invented)",
    "550": "550 5.7.1 We do not want this (invented)",
}
_RECIPIENT_REPLIES = {
    "reject-recipient": "550 5.1.1 Nobody of that name here (invented)",
    "no-relay": "554 5.7.1 Relay access denied (invented)",
}


@dataclass(frozen=True)
class Received:
    """One message the sink accepted: envelope and exact content (CRLF)."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


@dataclass
class Recorder:
    """aiosmtpd's handler: keeps messages, follows the script."""

    directory: Path | None = None
    script: list[str] = field(default_factory=list)
    messages: list[Received] = field(default_factory=list)
    pipelining: bool = True

    def __post_init__(self) -> None:
        self._number = 0
        if self.directory:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._number = max((int(path.stem) for path in self.directory.glob("[0-9]*.eml")), default=0)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd calls it by this name
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,
        envelope: Envelope,  # noqa: ARG002
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """As a mail server does, take several commands in one go."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]] if self.pipelining else responses

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        """Accept a recipient unless the script says otherwise."""
        if self.script and self.script[0] in _RECIPIENT_REPLIES:
            return _RECIPIENT_REPLIES[self.script.pop(0)]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Keep the message and answer, or do what the script says."""
        step, _, value = (self.script.pop(0) if self.script else "accept").partition(":")
        if step in _REPLIES:
            return _REPLIES[step]
        if step == "delay":
            await asyncio.sleep(float(value))
        if step != "drop":
            self._keep(envelope)
        if step in ("drop", "keep-and-drop") and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        if step == "hang-up" and isinstance(server.transport, asyncio.Transport):
            asyncio.get_running_loop().call_soon(server.transport.close)  # what was said goes out first
        return "250 OK kept"

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.original_content or b""
        self.messages.append(Received(str(envelope.mail_from), tuple(envelope.rcpt_tos), content))
        if self.directory:
            self._number += 1
            beside = self.directory / f".{self._number:04d}.part"
            beside.write_bytes(content)
            beside.replace(self.directory / f"{self._number:04d}.eml")


class SmtpSink:
    """The sink in a thread of this process: `with SmtpSink() as sink: … sink.port … sink.messages`."""

    def __init__(
        self, *, directory: Path | None = None, script: list[str] | None = None, port: int = 0, **smtp: Any
    ) -> None:
        self.recorder = Recorder(directory, list(script or []))
        self.host, self.port = "127.0.0.1", port
        self._smtp = smtp
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="smtp-sink", daemon=True)
        self._sessions: list[SMTP] = []

    @property
    def connections(self) -> int:
        """How often somebody connected."""
        return len(self._sessions)

    @property
    def messages(self) -> list[Received]:
        """What was accepted so far, in order."""
        return self.recorder.messages

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        try:
            server = await asyncio.get_running_loop().create_server(self._session, self.host, self.port)
        except OSError as error:
            self._failure = error
            self._ready.set()
            return
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for one in self._sessions:  # conversations a client left open
            if isinstance(one.transport, asyncio.Transport):
                one.transport.abort()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    def _session(self) -> SMTP:
        self._sessions.append(SMTP(self.recorder, hostname="sink.invalid", loop=self._loop, **self._smtp))
        return self._sessions[-1]


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m demo.smtp_sink", description="Keeps every e-mail it is given (127.0.0.1 only)."
    )
    parser.add_argument("--port", type=int, required=True, help="0: any free port, printed at start")
    parser.add_argument(
        "--directory", type=Path, help="where messages are kept as .eml; else they are forgotten in the end"
    )
    parser.add_argument(
        "--script",
        default="",
        help="misbehaviour, one step per message: delay:3,451,550,drop,keep-and-drop,hang-up,accept",
    )
    chosen = parser.parse_args()
    script = [step for step in chosen.script.split(",") if step]
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    with SmtpSink(directory=chosen.directory, script=script, port=chosen.port) as sink:
        print(f"listening on {sink.host}:{sink.port}", flush=True)
        ending.wait()


if __name__ == "__main__":
    main()
