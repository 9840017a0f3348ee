"""E-mail against a real SMTP server in this process: what is transmitted, and what each answer means."""

import email
import email.policy
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import pytest
import trustme
from aiosmtpd.smtp import AuthResult

from connectors import mail, mail_server
from core.errors import Permanent, Transient, Unclear
from core.mail_settings import Mail
from demo.smtp_sink import Recorder, SmtpSink

WRITTEN = datetime(2026, 11, 16, 6, 0, tzinfo=UTC)


def settings(port: int, **over) -> Mail:
    values = {"host": "127.0.0.1", "port": port, "sender": "avain@county.invalid", "timeout_seconds": 5}
    return Mail(**{**values, **over})


def letter(**over) -> mail.Letter:
    values = {
        "sender": "avain@county.invalid",
        "recipient": "orders@provider.invalid",
        "subject": "T-2026-000001",
        "text": "Hyvää päivää,\n\n.yksi piste rivin alussa\n",
        "message_id": "<T-2026-000001.abc@county.invalid>",
        "written_at": WRITTEN,
        "attachments": (mail.Attachment("T-2026-000001.xml", "application/xml", b"<a>\xc3\xa4</a>\n" * 50),),
    }
    return mail.Letter(**{**values, **over})


def send(sink: SmtpSink, message: bytes | None = None, **over) -> str:
    return mail_server.send(
        settings(sink.port, **over), recipient="orders@provider.invalid", message=message or mail.compose(letter())
    )


def test_a_letter_is_the_same_bytes_every_time() -> None:
    assert mail.compose(letter()) == mail.compose(letter())
    assert mail.compose(letter(attachments=())) == mail.compose(letter(attachments=()))


def test_a_letter_is_seven_bit_with_network_line_ends() -> None:
    message = mail.compose(letter())
    assert message.isascii()
    assert message.count(b"\n") == message.count(b"\r\n")


def test_what_was_composed_is_what_arrives() -> None:
    message = mail.compose(letter())
    with SmtpSink() as sink:
        reply = send(sink, message)
    assert reply == "250 OK kept"
    assert [received.content for received in sink.messages] == [message]
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    assert parsed["Message-ID"] == "<T-2026-000001.abc@county.invalid>"
    assert parsed["Date"].datetime == WRITTEN
    body = parsed.get_body()
    assert body is not None
    assert body.get_content().splitlines()[2] == ".yksi piste rivin alussa"
    (attachment,) = parsed.iter_attachments()
    assert attachment.get_filename() == "T-2026-000001.xml"
    assert attachment.get_content() == b"<a>\xc3\xa4</a>\n" * 50


@pytest.mark.parametrize(
    ("step", "error", "said"),
    [
        ("451", Transient, "451 4.3.0 Try again later"),
        ("550", Permanent, "550 5.7.1 We do not want this"),
        ("reject-recipient", Permanent, "550 5.1.1 Nobody of that name"),
    ],
)
def test_an_answer_says_whether_to_try_again(step: str, error: type[Exception], said: str) -> None:
    with SmtpSink(script=[step]) as sink:
        with pytest.raises(error, match=said) as raised:
            send(sink)
        assert not isinstance(raised.value, Unclear)
        assert not sink.messages
        send(sink)  # the server itself is well
    assert len(sink.messages) == 1


@pytest.mark.parametrize(("step", "kept"), [("drop", 0), ("keep-and-drop", 1), ("delay:3", 0)])
def test_silence_after_the_message_is_unclear(step: str, kept: int) -> None:
    with SmtpSink(script=[step]) as sink, pytest.raises(Unclear, match="may or may not"):
        send(sink, timeout_seconds=0.5)
    assert len(sink.messages) == kept


def test_a_server_that_is_not_there_is_tried_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(Transient, match=f"127.0.0.1:{port}") as raised:
            mail_server.send(settings(port), recipient="orders@provider.invalid", message=b"")
    assert not isinstance(raised.value, Unclear)


def test_a_server_that_never_greets_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(Transient):
        mail_server.send(
            settings(mute.getsockname()[1], timeout_seconds=0.3), recipient="orders@provider.invalid", message=b""
        )


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    authority = trustme.CA()
    make = ssl.create_default_context

    def trusting() -> ssl.SSLContext:
        context = make()
        authority.configure_trust(context)
        return context

    monkeypatch.setattr(ssl, "create_default_context", trusting)
    return authority


def tls_context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def authenticate(server, session, envelope, mechanism, data) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"avain", b"right"), handled=False)


def test_starttls_and_login(authority: trustme.CA) -> None:
    with SmtpSink(tls_context=tls_context(authority), authenticator=authenticate, auth_required=True) as sink:
        send(sink, security="starttls", username="avain", password="right")
        with pytest.raises(Transient, match="535"):
            send(sink, security="starttls", username="avain", password="wrong")
    assert len(sink.messages) == 1


def test_a_certificate_of_somebody_else_is_not_trusted(authority: trustme.CA) -> None:
    with (
        SmtpSink(tls_context=tls_context(authority, "elsewhere.invalid")) as sink,
        pytest.raises(Transient, match="could not be used"),
    ):
        send(sink, security="starttls")
    assert not sink.messages


def test_without_starttls_on_offer_nothing_is_sent() -> None:
    with SmtpSink() as sink, pytest.raises(Transient):
        send(sink, security="starttls")
    assert not sink.messages


@pytest.mark.parametrize(
    "over",
    [
        {"recipient": "a@b.invalid\r\nBcc: everybody@c.invalid"},
        {"recipient": "a@b.invalid,c@d.invalid"},
        {"recipient": "Nimi <a@b.invalid>"},
        {"recipient": "pöytä@b.invalid"},
        {"recipient": "a..b@b.invalid"},
        {"recipient": ""},
        {"sender": "avain@county.invalid\nX: y"},
        {"subject": "T-1\r\nBcc: everybody@c.invalid"},
        {"message_id": "<a@b>\r\nX: y"},
    ],
)
def test_no_header_can_be_smuggled_in(over: dict[str, str]) -> None:
    with pytest.raises(Permanent):
        mail.compose(letter(**over))


def test_an_address_with_a_line_break_is_never_spoken() -> None:
    with SmtpSink() as sink, pytest.raises(Permanent):
        mail_server.send(settings(sink.port), recipient="a@b.invalid>\r\nRCPT TO:<c@d.invalid", message=b"")
    assert not sink.messages


@pytest.mark.parametrize(
    ("code", "kind"),
    [(421, Transient), (450, Transient), (451, Transient), (500, Permanent), (552, Permanent), (354, Permanent)],
)
def test_codes(code: int, kind: type[Exception]) -> None:
    assert type(mail_server.reply_error(code, b"said\r\n so")) is kind


def test_the_message_id_names_the_document() -> None:
    first = mail.message_id("T-2026-000001", b"<a/>", "avain@county.invalid")
    assert first == mail.message_id("T-2026-000001", b"<a/>", "avain@county.invalid")
    assert first != mail.message_id("T-2026-000001", b"<b/>", "avain@county.invalid")
    assert first.startswith("<T-2026-000001.")
    assert first.endswith("@county.invalid>")


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """No connection of another test is found, and none is left."""
    mail_server.leave()
    yield
    mail_server.leave()


@pytest.mark.parametrize("pipelining", [False, True])
def test_mails_go_over_one_connection(pipelining: bool) -> None:
    with SmtpSink(script=["accept", "451", "550", "reject-recipient", "no-relay", "accept"]) as sink:
        sink.recorder.pipelining = pipelining
        send(sink)
        for error in (Transient, Permanent, mail_server.AddressRefused, Permanent):
            with pytest.raises(error):
                send(sink)
        send(sink)
        assert sink.connections == 1
    assert len(sink.messages) == 2


def test_a_connection_brings_so_many_mails_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_server, "MOST_MAILS", 2)
    with SmtpSink() as sink:
        for _ in range(5):
            send(sink)
        assert sink.connections == 3
    assert len(sink.messages) == 5


@pytest.mark.parametrize("fresh", [0.0, 60.0])
def test_a_connection_that_was_cut_between_two_mails_is_opened_again(
    monkeypatch: pytest.MonkeyPatch, fresh: float
) -> None:
    """Whether it is asked first, or the cut is noticed by the mail itself."""
    monkeypatch.setattr(mail_server, "FRESH_SECONDS", fresh)
    with SmtpSink(script=["hang-up", "accept", "hang-up"]) as sink:
        for _ in range(4):
            send(sink)
        assert sink.connections == 3
    assert len(sink.messages) == 4


def test_a_connection_left_alone_too_long_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_server, "IDLE_SECONDS", 0.0)
    with SmtpSink() as sink:
        send(sink)
        send(sink)
        assert sink.connections == 2


def test_other_settings_get_a_connection_of_their_own() -> None:
    with SmtpSink() as sink, SmtpSink() as other:
        send(sink)
        send(other)
        send(other, sender="tilaukset@county.invalid")
        assert (sink.connections, other.connections) == (1, 2)
    assert [one.sender for one in other.messages] == ["avain@county.invalid", "tilaukset@county.invalid"]


def test_a_cut_within_a_mail_costs_the_next_nothing() -> None:
    with SmtpSink(script=["accept", "keep-and-drop"]) as sink:
        send(sink)
        with pytest.raises(Unclear):
            send(sink)
        send(sink)
        assert sink.connections == 2
    assert len(sink.messages) == 3


def test_a_connection_does_not_cross_a_fork() -> None:
    with SmtpSink() as sink:
        send(sink)
        child = os.fork()
        if child == 0:
            try:
                send(sink)
                mail_server.leave()
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        send(sink)
        assert sink.connections == 2
    assert len(sink.messages) == 3


def test_starttls_and_tls_are_kept_too(authority: trustme.CA) -> None:
    with SmtpSink(tls_context=tls_context(authority), require_starttls=True) as sink:
        send(sink, security="starttls")
        send(sink, security="starttls")
        assert sink.connections == 1
    assert len(sink.messages) == 2


@pytest.mark.parametrize(
    ("reply", "of_address"),
    [
        ((550, b"5.1.1 Unknown"), True),
        ((550, b"No such user"), True),
        ((553, b"mailbox name not allowed"), True),
        ((550, b"5.2.1 Disabled"), True),
        ((552, b"5.2.2 Mailbox full"), False),
        ((550, b"5.7.1 Not allowed to relay"), False),
        ((554, b"Relay access denied"), False),
        ((550, b"5.1.8 Sender address rejected"), False),
        ((530, b"Authentication required"), False),
    ],
)
def test_only_what_is_about_the_address_refuses_the_address(reply: tuple[int, bytes], of_address: bool) -> None:
    """A server that would relay for nobody must not make everybody unreachable."""

    class Refusing(Recorder):
        async def handle_RCPT(self, *_args: object) -> str:  # noqa: N802
            return f"{reply[0]} {reply[1].decode()}"

    with SmtpSink() as sink:
        sink.recorder.__class__ = Refusing
        with pytest.raises(Permanent) as raised:
            send(sink)
    assert isinstance(raised.value, mail_server.AddressRefused) is of_address


@contextmanager
def liar(*answers: bytes, last: bytes) -> Iterator[int]:
    """The port of a server that says these things whatever it is told, and then `last` for ever."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def lie() -> None:
            client, _ = door.accept()
            with client, suppress(OSError):
                for answer in answers:
                    client.sendall(answer)
                    client.recv(65536)
                while True:
                    client.sendall(last)
                    time.sleep(0.001)

        thread = threading.Thread(target=lie)
        thread.start()
        yield door.getsockname()[1]
    thread.join(10)


@pytest.mark.parametrize("last", [b"220-and on\r\n", b"2", b"220 " + b"x" * 9000])
def test_a_server_that_never_ends_its_greeting_is_hung_up_on(last: bytes) -> None:
    with liar(last=last) as port, pytest.raises(mail_server.ServerUnreachable):
        mail_server.send(settings(port, timeout_seconds=0.5), recipient="a@provider.invalid", message=b"x")


GREETED = (b"220 hello\r\n", b"250 hello\r\n", b"250 yes\r\n", b"250 yes\r\n", b"354 go\r\n")


@pytest.mark.parametrize("last", [b"250-taken\r\n", b"2", b"nonsense\r\n", b"100 well\r\n"])
def test_an_answer_to_a_message_that_says_nothing_is_unclear(last: bytes) -> None:
    with liar(*GREETED, last=last) as port, pytest.raises(Unclear):
        mail_server.send(settings(port, timeout_seconds=0.5), recipient="a@provider.invalid", message=b"x")
    mail_server.leave()


def test_another_good_answer_than_usual_means_taken() -> None:
    with liar(*GREETED, b"252-well\r\n252 taken, I think\r\n", last=b"221 bye\r\n") as port:
        assert "taken" in mail_server.send(settings(port), recipient="a@provider.invalid", message=b"x")
        mail_server.leave()


def test_a_sender_that_is_refused_is_no_fault_of_the_message() -> None:
    """Nobody's mail would be taken: all of them wait until somebody has looked, rather than each being given up."""

    class Refusing(Recorder):
        async def handle_MAIL(self, *_args: object) -> str:  # noqa: N802
            return "550 5.7.1 You may not send"

    with SmtpSink() as sink:
        sink.recorder.__class__ = Refusing
        with pytest.raises(mail_server.ServerUnreachable, match="You may not send"):
            send(sink)
