"""What comes by SFTP from a real server, and what is said when it does not."""

import asyncio
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import asyncssh
import pytest

from connectors.transports.base import Visit
from core.errors import NotFound, Permanent, RefusedInput, Transient
from tests.support.http_door import refused
from tests.support.interrupting import ENDINGS, interrupted
from tests.support.sftp_server import HOST_KEY, make, names, put, sftp_server, spooled


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


def test_a_file_that_is_too_large_is_refused(root: Path, port: int, tmp_path: Path) -> None:
    put(root, "a.xml", b"x" * 101)
    said = refused(RefusedInput, lambda: make(port, max_bytes=100).fetch(Visit(tmp_path / "spool")))
    assert "larger than the accepted 100 bytes" in said
    assert spooled(tmp_path) == []


def test_names_of_any_bytes_do_no_harm(root: Path, port: int, tmp_path: Path) -> None:
    strange = os.fsencode(root / "out") + b"/p\xe4iv\xe4\x1b[2J.xml"
    Path(os.fsdecode(strange)).write_bytes(b"x")
    fetched = make(port).fetch(Visit(tmp_path / "spool"))
    assert names(fetched) == ["piv[2J.xml"]
    assert str(fetched.memory).isascii()


class Silent(asyncssh.SFTPServer):
    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        await asyncio.sleep(20)
        return b""


@pytest.mark.parametrize("how", ENDINGS)
def test_a_visit_to_a_server_that_hangs_ends_when_its_process_must(
    root: Path, tmp_path: Path, how: BaseException
) -> None:
    put(root, "a.xml", b"first")
    with sftp_server(root, host_keys=[HOST_KEY], handler=Silent) as port:
        began = time.monotonic()
        with interrupted(how, after=1.5):
            make(port).fetch(Visit(tmp_path / "spool"))
        assert time.monotonic() - began < 8
