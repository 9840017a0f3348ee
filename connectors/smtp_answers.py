"""Listening to a mail server's answers for a bounded time: one that drips bytes, or says line after line, must not hold a worker."""

import smtplib
import time
from typing import Final

_LONGEST_LINE: Final = 8192
_MOST_LINES: Final = 200


class Patient(smtplib.SMTP):
    """The library's conversation, which would listen for ever to a server that never comes to the end of its answer."""

    def getreply(self) -> tuple[int, bytes]:
        """The code (-1: none that can be read) and words of an answer. Raises SMTPServerDisconnected also for one that goes on for too long."""
        said: list[bytes] = []
        patience = self.sock.gettimeout()  # type: ignore[union-attr]
        until = time.monotonic() + (patience or self.timeout)
        try:
            while len(said) < _MOST_LINES:
                line = self._line(until)
                said.append(line[4:].strip())
                if not line[:3].isdigit():
                    return -1, b"\n".join(said)
                if line[3:4] != b"-":
                    return int(line[:3]), b"\n".join(said)
        except OSError as error:
            self.close()
            raise smtplib.SMTPServerDisconnected(f"Connection unexpectedly closed: {error}") from error
        finally:
            if self.sock is not None:
                self.sock.settimeout(patience)
        self.close()
        raise smtplib.SMTPServerDisconnected("an answer of too many lines")

    def _line(self, until: float) -> bytes:
        """One line. Each read may take as long as is left for the whole answer."""
        if self.file is None:
            self.file = self.sock.makefile("rb")  # type: ignore[union-attr]
        line = b""
        while True:
            waiting = self.file.peek(1)
            line += self.file.read(waiting.find(b"\n") + 1 or len(waiting))
            if line.endswith(b"\n"):
                return line
            left = until - time.monotonic()
            if not waiting or left <= 0 or len(line) > _LONGEST_LINE:
                raise smtplib.SMTPServerDisconnected("no end of the line")
            self.sock.settimeout(left)  # type: ignore[union-attr]


class PatientTls(Patient, smtplib.SMTP_SSL):
    """The same within TLS from the first byte."""
