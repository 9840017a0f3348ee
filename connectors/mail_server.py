"""The organisation's mail server: handing messages over one after the other on one connection, and saying what its answers mean.

A connection is kept between messages, since greeting, TLS and login take longer than most messages do. Nothing depends on it: what
was cut meanwhile is opened again before a message is begun, and no failure of a former message touches the next. Between the end of DATA
and the server's answer nobody can know whether the message was taken (RFC 1047): that one case is raised as `Unclear`.
"""

import atexit
import os
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

from connectors.mail import address_problem
from connectors.smtp_answers import Patient, PatientTls
from core.errors import Message, Permanent, Transient, Unclear
from core.i18n import N_
from core.mail_settings import Mail
from core.reasons import os_reason
from core.steering import unsteered

#: Servers limit what one connection may bring; Exchange and Postfix let this much pass.
MOST_MAILS: Final = 100
#: A connection unused for longer is not used again: RFC 5321 lets servers leave after five minutes, many leave after one.
IDLE_SECONDS: Final = 30.0
#: One unused for longer than this is asked whether it is still there.
FRESH_SECONDS: Final = 1.0
_ANSWER_SECONDS: Final = 5.0
_FAREWELL_SECONDS: Final = 1.0
_LONGEST_REPLY: Final = 300
_YES: Final = 250
_WILL_FORWARD: Final = 251
_GO_AHEAD: Final = 354
_LEADING_DOT: Final = re.compile(rb"^\.", re.MULTILINE)
_ENHANCED: Final = re.compile(r"(?:^|\s)([245]\.\d{1,3}\.\d{1,3})(?=\s|$)")
#: Basic codes that speak of the mailbox where no enhanced one says more: unavailable, moved, name not allowed (RFC 5321, 4.2.2).
_OF_A_MAILBOX: Final = frozenset({550, 551, 553})


class AddressRefused(Permanent):
    """The server will never take a message for this address; others may be written to."""


class ServerUnreachable(Transient):
    """The server could not be reached, or did not let us in: no fault of any message, and the next would fare alike."""


class _Connection:
    """A conversation with a server that has greeted us and, where configured, trusts us."""

    def __init__(self, settings: Mail) -> None:
        """Whatever goes wrong here is between us and our own server and no fault of the message. Raises ServerUnreachable."""
        self.settings, self.mails = settings, 0
        self.waits = False  # the server does, for a message
        self._process = os.getpid()
        self.server = _greeted(settings)
        self.used_at = time.monotonic()

    def is_good(self, settings: Mail) -> bool:
        """Whether the next message may go this way; one that was left alone for a while is asked."""
        idle = time.monotonic() - self.used_at
        if self.settings != settings or self.mails >= MOST_MAILS or idle > IDLE_SECONDS:
            return False
        return idle <= FRESH_SECONDS or self.answers("NOOP")

    def answers(self, command: str) -> bool:
        """Whether the server says yes to a command that costs it nothing, and before long."""
        try:
            self.server.sock.settimeout(min(_ANSWER_SECONDS, self.settings.timeout_seconds))  # type: ignore[union-attr]
            good = self.server.docmd(command)[0] == _YES
            self.server.sock.settimeout(self.settings.timeout_seconds)  # type: ignore[union-attr]
        except (OSError, AttributeError):  # it hung up, now or before
            return False
        return good

    def close(self) -> None:
        """Say goodbye and go; the server's answer changes nothing and is not waited for long."""
        if self._process == os.getpid():  # else the conversation is our parent's: only our copy of its socket is closed
            with suppress(OSError):
                if self.server.sock is not None:
                    self.server.sock.settimeout(_FAREWELL_SECONDS)
                    self.server.quit()
        self.abandon()

    def abandon(self) -> None:
        """Go without a word: nobody listens, or nobody may."""
        with suppress(OSError):
            self.server.close()


class _Kept:
    """The process's connection while nobody uses it. Taking it makes it the taker's own, so that threads never share one."""

    def __init__(self) -> None:
        self._idle: list[_Connection] = []

    def take(self, settings: Mail) -> _Connection | None:
        """The kept connection, if it is a good one."""
        try:
            connection = self._idle.pop()
        except IndexError:
            return None
        if connection.is_good(settings):
            return connection
        connection.close()
        return None

    def keep(self, connection: _Connection) -> None:
        """For the next message."""
        if self._idle or connection.mails >= MOST_MAILS:
            connection.close()
        else:
            self._idle.append(connection)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def forget(self) -> None:
        """In a forked child: the conversation is the parent's."""
        while self._idle:
            self._idle.pop().abandon()


_kept = _Kept()
os.register_at_fork(after_in_child=_kept.forget)


@atexit.register
def leave() -> None:
    """Close the connection kept for the next message, if there is one."""
    _kept.close()


def send(
    settings: Mail,
    *,
    recipient: str,
    message: bytes,
    before: Callable[[], None] = lambda: None,
    meanwhile: Callable[[], None] = lambda: None,
) -> str:
    """Hand `message` over; returns the server's answer. `before` is called when the server waits for it, before its first byte goes; what that
    raises ends the conversation, and the server has nothing. `meanwhile` is called when the server has it and thinks: it must not raise.

    Raises Transient (not taken, may be later; ServerUnreachable: nor would any other), Unclear (perhaps taken), AddressRefused or another
    Permanent (refused).
    """
    problem = address_problem(recipient) or address_problem(settings.sender)
    if problem:
        raise Permanent(problem)
    connection = _announced(settings, recipient)
    try:
        before()
        reply = _hand_over(connection, message, meanwhile)
    except BaseException:  # among them the end of this process: half a message is none, if nobody says that it is whole
        connection.abandon()
        raise
    code, answer = reply
    if not 200 <= code < 300:
        _start_over(connection)
        raise reply_error(code, answer) if 400 <= code < 600 else _unclear(f"{code} {_readable(answer)}")
    connection.used_at = time.monotonic()
    _kept.keep(connection)
    return f"{code} {_readable(answer)}"


def check_server(settings: Mail) -> str:
    """Greet the mail server and leave, for `avain doctor`: its answer. Raises Transient with what is wrong."""
    connection = _Connection(settings)
    try:
        return _expect(connection.server.noop())
    except OSError as error:
        raise _unreachable(settings, error) from error
    finally:
        connection.close()


def reply_error(code: int, answer: bytes | str) -> Transient | Permanent:
    """What a refusal means (RFC 5321, 4.2.1): 4xx passes by itself, everything else needs a person."""
    said = _readable(answer)
    if 400 <= code < 500:
        return Transient("The mail server put the message off: {code} {answer}", code=code, answer=said)
    return Permanent("The mail server refused the message: {code} {answer}", code=code, answer=said)


def is_of_address(status: str) -> bool:
    """Whether a permanent failure (RFC 3463, `5.1.1`) means that nothing can be delivered to the address, this message or another.

    5.1 is the address (not 5.1.7 and 5.1.8, the sender's), 5.2 the mailbox but for 5.2.2 (full) and 5.2.3 (message too long), 5.4.4 that no
    server is known for it; 5.0.0 is said where no more is known. System, protocol, content and policy speak of others.
    """
    if status in {"5.1.7", "5.1.8", "5.2.2", "5.2.3"}:
        return False
    return status.startswith(("5.0.", "5.1.", "5.2.")) or status == "5.4.4"


class _Refusal(NamedTuple):
    """The first command the server said no to, and how."""

    command: str
    code: int
    answer: bytes


def _announced(settings: Mail, recipient: str) -> _Connection:
    """A connection whose server waits for the message. One that was kept and is gone, or is tired of us, is no failure of the message: a new
    one is opened.
    """
    kept = _kept.take(settings)
    if kept is not None:
        with suppress(OSError):
            refusal = _announce(kept, recipient)
            if refusal is None:
                return kept
            if refusal.command != "MAIL":
                _start_over(kept)
                raise _meaning(refusal)
        kept.close()
    connection = _Connection(settings)
    try:
        refusal = _announce(connection, recipient)
    except OSError as error:
        connection.abandon()
        raise _unreachable(settings, error) from error
    if refusal is not None:
        _start_over(connection)
        if refusal.command == "MAIL":  # it does not know yet for whom: the next would fare alike
            said = smtplib.SMTPResponseException(refusal.code, refusal.answer)
            raise _unreachable(settings, said) from said
        raise _meaning(refusal)
    return connection


def _announce(connection: _Connection, recipient: str) -> _Refusal | None:
    """Say from whom and to whom, and that a message comes; in one go where the server offers that (RFC 2920)."""
    server = connection.server
    commands = {
        "MAIL": (f"MAIL FROM:<{connection.settings.sender}>", _YES),
        "RCPT": (f"RCPT TO:<{recipient}>", _YES),
        "DATA": ("DATA", _GO_AHEAD),
    }
    in_one_go = server.has_extn("pipelining")
    if in_one_go:
        server.send("".join(f"{command}\r\n" for command, _ in commands.values()))
    refusal = None
    for name, (command, wanted) in commands.items():
        code, answer = server.getreply() if in_one_go else server.docmd(command)
        connection.waits = name == "DATA" and code == _GO_AHEAD
        if code != wanted and not (name == "RCPT" and code == _WILL_FORWARD):
            refusal = refusal or _Refusal(name, code, answer)
            if not in_one_go:
                break
    return refusal


def _meaning(refusal: _Refusal) -> Transient | Permanent:
    said = _readable(refusal.answer)
    if refusal.command == "RCPT" and refusal.code >= 500 and _refuses_address(refusal.code, said):
        return AddressRefused("The mail server refused the address: {code} {answer}", code=refusal.code, answer=said)
    return reply_error(refusal.code, refusal.answer)


def _hand_over(connection: _Connection, message: bytes, meanwhile: Callable[[], None]) -> tuple[int, bytes]:
    connection.mails += 1
    connection.waits = False
    whole = _LEADING_DOT.sub(b"..", message)
    try:
        connection.server.send(whole + (b".\r\n" if whole.endswith(b"\r\n") else b"\r\n.\r\n"))
        meanwhile()
        return connection.server.getreply()
    except OSError as error:  # includes disconnection and timeout
        raise _unclear(_reason(error)) from error


def _unclear(why: Message | str) -> Unclear:
    silence = Message(
        N_("The mail server fell silent ({error}) after the message was handed over; it may or may not have taken it."),
        error=why,
    )
    return Unclear(silence)


def _start_over(connection: _Connection) -> None:
    """After a refusal: the next message is a new one, if the server still talks to us."""
    if not connection.waits and connection.answers("RSET"):
        connection.used_at = time.monotonic()
        _kept.keep(connection)
    else:
        connection.abandon()


def _refuses_address(code: int, said: str) -> bool:
    """Whether a 5xx to RCPT is about the address. A server that relays for nobody refuses every address, and means us."""
    enhanced = _ENHANCED.search(said)
    return is_of_address(enhanced[1]) if enhanced else code in _OF_A_MAILBOX


def _expect(reply: tuple[int, bytes]) -> str:
    code, answer = reply
    if not 200 <= code < 300:
        raise reply_error(code, answer)
    return f"{code} {_readable(answer)}"


def _greeted(settings: Mail) -> smtplib.SMTP:
    host = settings.sender.rpartition("@")[2]  # stated, since looking up our own name can hang
    server: smtplib.SMTP | None = None
    try:
        if settings.security == "tls":
            server = PatientTls(
                settings.host,
                settings.port,
                host,
                timeout=settings.timeout_seconds,
                context=ssl.create_default_context(),
            )
        else:
            server = Patient(settings.host, settings.port, host, timeout=settings.timeout_seconds)
        # a message's last segment need not wait until those before it are acknowledged, which many systems put off for 40 ms
        server.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # type: ignore[union-attr]
        server.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if settings.username and settings.password:
            server.login(settings.username, settings.password.get_secret_value())
    except OSError as error:  # SMTPException is one, so are TLS and socket errors
        if server is not None:
            server.close()
        raise _unreachable(settings, error) from error
    return server


def _unreachable(settings: Mail, error: OSError) -> ServerUnreachable:
    return ServerUnreachable(
        "The mail server {host}:{port} could not be used: {error}",
        host=settings.host,
        port=settings.port,
        error=_reason(error),
    )


def _reason(error: OSError) -> Message | str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_readable(error.smtp_error)}"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return Message("the connection was cut")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Message("it does not offer the security or login asked for")
    return os_reason(error)


def _readable(answer: bytes | str) -> str:
    """One line of what the server said, short enough to keep."""
    said = answer.decode("ascii", "replace") if isinstance(answer, bytes) else answer
    return unsteered(" ".join(said.split()))[:_LONGEST_REPLY]
