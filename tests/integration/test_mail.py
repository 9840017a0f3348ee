"""E-mail against a real SMTP server in this process: what is transmitted, and what each answer means."""

import email
import socket
import ssl
from datetime import UTC, datetime

import pytest
import trustme
from aiosmtpd.smtp import AuthResult

from connectors import mail
from core.errors import Permanent, Transient, Unclear
from core.settings import Mail
from demo.smtp_sink import SmtpSink

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
    return mail.send(
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
            mail.send(settings(port), recipient="orders@provider.invalid", message=b"")
    assert not isinstance(raised.value, Unclear)


def test_a_server_that_never_greets_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(Transient):
        mail.send(
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
        mail.send(settings(sink.port), recipient="a@b.invalid>\r\nRCPT TO:<c@d.invalid", message=b"")
    assert not sink.messages


@pytest.mark.parametrize(
    ("code", "kind"),
    [(421, Transient), (450, Transient), (451, Transient), (500, Permanent), (552, Permanent), (354, Permanent)],
)
def test_codes(code: int, kind: type[Exception]) -> None:
    assert type(mail.reply_error(code, b"said\r\n so")) is kind


def test_the_message_id_names_the_document() -> None:
    first = mail.message_id("T-2026-000001", b"<a/>", "avain@county.invalid")
    assert first == mail.message_id("T-2026-000001", b"<a/>", "avain@county.invalid")
    assert first != mail.message_id("T-2026-000001", b"<b/>", "avain@county.invalid")
    assert first.startswith("<T-2026-000001.")
    assert first.endswith("@county.invalid>")
