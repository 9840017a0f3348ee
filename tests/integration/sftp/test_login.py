"""Who lets us in by SFTP, and whom we trust."""

import socket
import time
from pathlib import Path

import asyncssh
import pytest

from connectors.transports.base import Visit
from core.errors import ConfigurationError, Permanent, Transient
from tests.support.http_door import head, raw_server, refused
from tests.support.sftp_server import HOST_KEY, OWN_KEY, make, put, sftp_server


@pytest.mark.parametrize("form", ["openssh", "pkcs8-pem"])
def test_a_key_with_a_passphrase_lets_us_in(form: str, root: Path, port: int, tmp_path: Path) -> None:
    put(root, "a.xml")
    key = tmp_path / "id"
    key.write_bytes(OWN_KEY.export_private_key(form, passphrase="open it"))
    transport = make(port, private_key=key, passphrase="open it")
    assert transport.look() == ["a.xml"]
    for wrong in ("shut", None):
        said = refused(ConfigurationError, make(port, private_key=key, passphrase=wrong).look)
        assert "cannot be opened" in said
        assert "open it" not in said
    assert "no such file" in refused(ConfigurationError, make(port, private_key=tmp_path / "none").look)


def test_a_stranger_is_not_let_in(root: Path, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused(Permanent, make(port, password="guess").look)
    assert "does not accept the user name" in said
    assert "guess" not in said
    key = tmp_path / "id"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(key)
    assert "does not accept" in refused(Permanent, make(port, private_key=key).look)


def test_the_account_s_own_ssh_set_up_takes_no_part(
    root: Path, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    OWN_KEY.write_private_key(home / ".ssh/id_ed25519")
    (home / ".ssh/config").write_text("Host *\n  User somebody\n  Port 1\n")
    (home / ".ssh/known_hosts").write_text(
        f"* {asyncssh.generate_private_key('ssh-ed25519').export_public_key().decode()}"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "no-agent"))
    put(root, "a.xml")
    assert make(port).look() == ["a.xml"]
    refused(Permanent, make(port, password="guess").look)


def test_another_host_key_is_refused_and_both_are_shown(root: Path, tmp_path: Path) -> None:
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    for shown in (other, asyncssh.generate_private_key("ssh-ed25519")):
        with sftp_server(root, host_keys=[shown]) as port:
            said = refused(Permanent, make(port).look)
        assert shown.get_fingerprint() in said
        assert HOST_KEY.get_fingerprint() in said
    with sftp_server(root, host_keys=[other, HOST_KEY]) as port:
        assert make(port).look() == [], "of several keys the server shows the one we know"
    rsa = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    with sftp_server(root, host_keys=[other, rsa]) as port:
        assert make(port, host_key=rsa.export_public_key().decode()).look() == []


def test_a_host_key_that_is_none(port: int) -> None:
    broken = HOST_KEY.export_public_key().decode()[:40] + "AAAA"
    assert "not a public key" in refused(ConfigurationError, make(port, host_key=broken).look)


def test_addresses_are_judged_and_tried_in_turn(root: Path, port: int) -> None:
    said = refused(Permanent, make(port, allow_private=False).look)
    assert "may not connect" in said
    assert make(port, resolver=lambda *_: ["::1", "127.0.0.1"]).look() == []

    def unknown(*_: object) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    assert "not known" in refused(Transient, make(port, resolver=unknown).look)


def test_a_closed_port_and_what_is_no_ssh(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert "nothing answers there" in refused(Transient, make(port).look)

    def talk(connection: socket.socket) -> None:
        head(connection)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with raw_server(talk) as port:
        refused((Transient, Permanent), make(port).look)  # type: ignore[arg-type]


def test_a_server_that_says_nothing_holds_nobody(root: Path, tmp_path: Path) -> None:
    with raw_server(lambda connection: time.sleep(0.6)) as port:
        started = make(port)
        assert "in time" in refused(Transient, lambda: started.fetch(Visit(tmp_path / "spool", seconds=0.3)))


def test_a_user_without_sftp(root: Path) -> None:
    with sftp_server(root, host_keys=[HOST_KEY], sftp_factory=None) as port:
        assert "did not open SFTP" in refused(Transient, make(port).look)


def test_a_server_of_another_age() -> None:
    def old(connection: socket.socket) -> None:
        connection.sendall(b"SSH-1.0-ancient\r\n")
        head(connection)

    with raw_server(old) as port:
        assert "no way of secure connection" in refused(Permanent, make(port).look)
