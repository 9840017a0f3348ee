"""SFTP against a real server: who is let in, what comes, and what is said when it does not."""

import asyncio
import hashlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import asyncssh
import pytest

from connectors.transports.base import Fetched, Visit
from connectors.transports.sftp import SftpFiles
from core.errors import ConfigurationError, NotFound, Permanent, RefusedInput, Transient
from core.source_settings import SftpFiles as Settings
from tests.support.http_door import head, raw_server, refused
from tests.support.sftp_server import USER, WORD, sftp_server

HOST = "files.test"
HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")
OWN_KEY = asyncssh.generate_private_key("ssh-ed25519")

Make = Callable[..., SftpFiles]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/out").mkdir(parents=True)
    return tmp_path / "root"


@pytest.fixture
def port(root: Path) -> Iterator[int]:
    with sftp_server(root, host_keys=[HOST_KEY], known=[OWN_KEY]) as port:
        yield port


def make(port: int, settled_after: float = 0, resolver: Any = lambda *_: ["127.0.0.1"], **settings: Any) -> SftpFiles:
    defaults: dict[str, Any] = {
        "kind": "sftp",
        "host": HOST,
        "port": port,
        "username": USER,
        "password": WORD if "private_key" not in settings else None,
        "host_key": HOST_KEY.export_public_key().decode().strip(),
        "path": "/out/*.xml",
    }
    return SftpFiles(Settings(**(defaults | settings)), resolver=resolver, settled_after=settled_after)


def put(root: Path, name: str, content: bytes = b"x") -> Path:
    path = root / "out" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(fetched: Fetched) -> list[str]:
    return [one.name for one in fetched.files]


def spooled(tmp_path: Path) -> list[str]:
    return [one.name for one in (tmp_path / "spool").glob("*")]


def test_files_come_in_name_order_as_hashed_copies(root: Path, port: int, tmp_path: Path) -> None:
    big = os.urandom(3_000_000)
    put(root, "b.xml", big)
    put(root, "a.xml", b"")
    put(root, "c.txt")
    put(root, ".hidden.xml")
    (root / "out/d.xml").mkdir()
    fetched = make(port).fetch(Visit(tmp_path / "spool"))
    assert names(fetched) == ["a.xml", "b.xml"]
    assert (fetched.growing, fetched.processed) == ((), ())
    assert fetched.files[1].path.read_bytes() == big
    assert fetched.files[1].sha256 == hashlib.sha256(big).hexdigest()
    assert fetched.files[1].size == len(big)
    assert (root / "out/b.xml").exists(), "nothing at the source is changed"
    assert make(port).look() == ["a.xml", "b.xml"]


def test_folders_below_a_pattern_and_a_path(root: Path, port: int, tmp_path: Path) -> None:
    put(root, "2026/11/a.xml")
    assert names(make(port, path="/out/**/*.xml").fetch(Visit(tmp_path / "spool"))) == ["a.xml"]
    assert names(make(port, path="/out/2026/11/a.xml").fetch(Visit(tmp_path / "spool"))) == ["a.xml"]
    assert names(make(port, path="out/2026/1?/a.xml").fetch(Visit(tmp_path / "spool"))) == ["a.xml"]


class Counts(asyncssh.SFTPServer):
    opened: ClassVar[list[bytes]] = []

    def open(self, path: bytes, pflags: int, attrs: Any) -> object:
        self.opened.append(path)
        return super().open(path, pflags, attrs)


def test_what_was_applied_is_not_carried_over_again(root: Path, tmp_path: Path) -> None:
    put(root, "a.xml", b"first")
    with sftp_server(root, host_keys=[HOST_KEY], handler=Counts) as port:
        spool = tmp_path / "spool"
        first = make(port).fetch(Visit(spool))
        processed = [first.files[0].sha256]
        first.files[0].path.unlink()
        Counts.opened.clear()
        again = make(port).fetch(Visit(spool, memory=first.memory, processed=processed))
        assert (again.files, again.processed, again.memory) == ((), ("a.xml",), first.memory)
        assert Counts.opened == []
        forgotten = make(port).fetch(Visit(spool, processed=processed))
        assert (forgotten.files, forgotten.processed) == ((), ("a.xml",)), "known by its bytes alone"
        assert spooled(tmp_path) == []
        anew = make(port).fetch(Visit(spool, memory=first.memory))
        assert names(anew) == ["a.xml"], "a visit that is told of no processed file brings everything"
        put(root, "a.xml", b"second")
        assert names(make(port).fetch(Visit(spool, memory=first.memory, processed=processed))) == ["a.xml"]


def test_a_file_still_growing_is_left(root: Path, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(root, "quiet.xml")
    growing = put(root, "growing.xml")
    sleep = asyncio.sleep

    async def meanwhile(seconds: float) -> None:
        if seconds == 0.25:
            growing.write_bytes(b"and more")
        await sleep(0)

    monkeypatch.setattr("connectors.transports.sftp.asyncio.sleep", meanwhile)
    fetched = make(port, settled_after=0.25).fetch(Visit(tmp_path / "spool"))
    assert (names(fetched), fetched.growing) == (["quiet.xml"], ("growing.xml",))


class GrowsWhileRead(asyncssh.SFTPServer):
    def read(self, file_obj: Any, offset: int, size: int) -> Any:
        data = super().read(file_obj, offset, size)
        if offset == 0:
            with Path(os.fsdecode(file_obj.name)).open("ab") as same:
                same.write(b"more")
        return data


def test_a_file_written_to_while_it_is_read_is_left(root: Path, tmp_path: Path) -> None:
    put(root, "a.xml", b"some")
    with sftp_server(root, host_keys=[HOST_KEY], handler=GrowsWhileRead) as port:
        fetched = make(port, max_bytes=10_000).fetch(Visit(tmp_path / "spool"))
    assert (fetched.files, fetched.growing) == ((), ("a.xml",))
    assert spooled(tmp_path) == []


def test_a_key_with_a_passphrase_lets_us_in(root: Path, port: int, tmp_path: Path) -> None:
    put(root, "a.xml")
    key = tmp_path / "id"
    key.write_bytes(OWN_KEY.export_private_key("pkcs8-pem", passphrase="open it"))
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


class Hangs(asyncssh.SFTPServer):
    async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        await asyncio.sleep(2)
        return b""


def test_a_file_that_does_not_come_ends_with_the_visit(root: Path, tmp_path: Path) -> None:
    put(root, "a.xml", b"some")
    with sftp_server(root, host_keys=[HOST_KEY], handler=Hangs) as port:
        assert "in time" in refused(Transient, lambda: make(port).fetch(Visit(tmp_path / "spool", seconds=0.5)))
    assert spooled(tmp_path) == []


class Cuts(asyncssh.SFTPServer):
    def __init__(self, channel: Any, chroot: bytes) -> None:
        super().__init__(channel, chroot)
        self._connection = channel.get_connection()

    def read(self, file_obj: Any, offset: int, size: int) -> Any:
        self._connection.abort()
        return b"half"


def test_a_cut_connection_leaves_no_half_file(root: Path, tmp_path: Path) -> None:
    put(root, "a.xml", b"x" * 100_000)
    with sftp_server(root, host_keys=[HOST_KEY], handler=Cuts) as port:
        assert "failed" in refused(Transient, lambda: make(port).fetch(Visit(tmp_path / "spool")))
    assert spooled(tmp_path) == []


class Fails(asyncssh.SFTPServer):
    error: Callable[[str], asyncssh.SFTPError] = asyncssh.SFTPFailure

    def open(self, path: bytes, pflags: int, attrs: Any) -> object:
        raise self.error("no")


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (asyncssh.SFTPPermissionDenied, Permanent, "does not permit"),
        (asyncssh.SFTPNoSuchFile, Transient, "taken away"),
        (asyncssh.SFTPFailure, Transient, "reports an error (4)"),
    ],
)
def test_what_the_server_says_of_a_file(
    error: type[asyncssh.SFTPError], kind: type[Exception], says: str, root: Path, tmp_path: Path
) -> None:
    put(root, "a.xml")
    handler = type("Failing", (Fails,), {"error": error})
    with sftp_server(root, host_keys=[HOST_KEY], handler=handler) as port:
        assert says in refused(kind, lambda: make(port).fetch(Visit(tmp_path / "spool")))  # type: ignore[arg-type]


def test_what_is_not_there(root: Path, port: int) -> None:
    assert "/out/none.xml does not exist" in refused(NotFound, make(port, path="/out/none.xml").look)
    assert "not an ordinary file" in refused(NotFound, make(port, path="/out").look)
    assert "folder /none does not exist" in refused(NotFound, make(port, path="/none/*.xml").look)
    assert make(port, path="*.xml").look() == []


class Closed(asyncssh.SFTPServer):
    def scandir(self, path: bytes) -> Any:
        raise asyncssh.SFTPPermissionDenied("no")


def test_a_folder_that_may_not_be_listed_is_not_taken_for_empty(root: Path) -> None:
    with sftp_server(root, host_keys=[HOST_KEY], handler=Closed) as port:
        assert "does not permit" in refused(Permanent, make(port).look)


def test_a_user_without_sftp(root: Path) -> None:
    with sftp_server(root, host_keys=[HOST_KEY], sftp_factory=None) as port:
        assert "did not open SFTP" in refused(Transient, make(port).look)


def test_a_server_of_another_age() -> None:
    def old(connection: socket.socket) -> None:
        connection.sendall(b"SSH-1.0-ancient\r\n")
        head(connection)

    with raw_server(old) as port:
        assert "no way of secure connection" in refused(Permanent, make(port).look)


def test_a_file_that_is_too_large_is_refused(root: Path, port: int, tmp_path: Path) -> None:
    put(root, "a.xml", b"x" * 101)
    said = refused(RefusedInput, lambda: make(port, max_bytes=100).fetch(Visit(tmp_path / "spool")))
    assert "larger than the accepted 100 bytes" in said
    assert spooled(tmp_path) == []


def applied(fetched: Fetched) -> dict[str, str]:
    return {one.name: one.sha256 for one in fetched.files}


@pytest.mark.parametrize("move_to", ["done", "/kept"])
def test_applied_files_are_moved_and_never_over_another(move_to: str, root: Path, port: int, tmp_path: Path) -> None:
    folder = root / "out/done" if move_to == "done" else root / "kept"
    transport = make(port, path="/out/**/*.xml", after="move", move_to=move_to)
    for day, content in enumerate((b"one", b"two", b"three"), start=1):
        path = put(root, "a.xml", content)
        os.utime(path, (1_795_000_000 + day, 1_795_000_000 + day))
        fetched = transport.fetch(Visit(tmp_path / "spool"))
        assert names(fetched) == ["a.xml"], "what was put away is not found again"
        transport.put_away(applied(fetched))
        assert not path.exists()
        transport.put_away(applied(fetched))
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == {
        "a.xml": b"one",
        "a-2026-11-18.xml": b"two",
        "a-2026-11-18-2.xml": b"three",
    }


def test_a_newer_file_under_the_same_name_stays(root: Path, port: int, tmp_path: Path) -> None:
    transport = make(port, after="move", move_to="done")
    path = put(root, "a.xml", b"old")
    put(root, "b.xml", b"another")
    fetched = transport.fetch(Visit(tmp_path / "spool"))
    path.write_bytes(b"new")
    transport.put_away({name: digest for name, digest in applied(fetched).items() if name == "a.xml"})
    assert path.read_bytes() == b"new"
    assert not (root / "out/done").exists()
    assert (root / "out/b.xml").exists(), "nobody said that it was applied"


def test_without_a_place_nothing_is_moved(root: Path, port: int) -> None:
    path = put(root, "a.xml")
    make(1).put_away({"a.xml": hashlib.sha256(b"x").hexdigest()})
    make(1, after="move", move_to="done").put_away({})
    assert path.exists()


def test_a_folder_that_cannot_be_used_is_said(root: Path, port: int, tmp_path: Path) -> None:
    path = put(root, "a.xml")
    transport = make(port, after="move", move_to="/none/deep")
    fetched = transport.fetch(Visit(tmp_path / "spool"))
    said = refused(Permanent, transport.put_away, applied(fetched))
    assert "cannot be moved to /none/deep" in said
    assert path.exists()


class CutsRename(Cuts):
    def read(self, file_obj: Any, offset: int, size: int) -> Any:
        return asyncssh.SFTPServer.read(self, file_obj, offset, size)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._connection.abort()


def test_a_connection_cut_while_moving_may_pass_by_itself(root: Path, tmp_path: Path) -> None:
    put(root, "a.xml")
    with sftp_server(root, host_keys=[HOST_KEY], handler=CutsRename) as port:
        transport = make(port, after="move", move_to="done")
        fetched = transport.fetch(Visit(tmp_path / "spool"))
        refused(Transient, transport.put_away, applied(fetched))


def test_names_of_any_bytes_do_no_harm(root: Path, port: int, tmp_path: Path) -> None:
    strange = os.fsencode(root / "out") + b"/p\xe4iv\xe4\x1b[2J.xml"
    Path(os.fsdecode(strange)).write_bytes(b"x")
    fetched = make(port).fetch(Visit(tmp_path / "spool"))
    assert names(fetched) == ["piv[2J.xml"]
    assert str(fetched.memory).isascii()
