"""Names of files as others choose them, and folders that others write into: ways out, links, listings without end."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import asyncssh
import pytest

from connectors.channels.file import FileChannel
from connectors.transports import sftp_session
from connectors.transports.base import Visit
from connectors.transports.local import LocalFiles
from connectors.transports.spooling import plain_name, spool_path
from core.errors import AlreadyDone, AvainError, Permanent, Transient
from core.natural import in_order
from tests.attacks.bounds import MEBIBYTE, bounded
from tests.support.orders_out import delivery
from tests.support.sftp_server import HOST_KEY, make, sftp_server

#: Names as a listing, a header, a mail or an archive may bring them.
NAMES: Final = (
    "../../etc/passwd", "/etc/passwd", "..\\..\\boot.ini", "C:\\x.xml", "a\0.xml", "..", ".", "", "\u202egpj.exe", "a\u200b.xml", "\x1b[2Ja.xml", "a\r\nb.xml",
    "\udce4.xml", "a" * 5_000 + ".xml", "9" * 5_000 + ".xml", "-rf", "$(touch x).xml", "`id`.xml", "con", "a/../../b", "\u2066x\u2069", "....//x", "~root/x",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_no_name_leads_out_of_the_spool(name: str, tmp_path: Path) -> None:
    shown = plain_name(name)
    assert shown.isprintable()
    path = spool_path(tmp_path, "0" * 64, shown)
    assert path.parent == tmp_path
    assert path.resolve().parent == tmp_path
    path.write_bytes(b"x")
    with bounded():
        sorted([name, "a-1.xml", shown], key=in_order)


class _Endless(asyncssh.SFTPServer):
    """A folder with files without number."""

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        number = 0
        while True:
            number += 1
            yield asyncssh.SFTPName(b"%d.xml" % number, attrs=asyncssh.SFTPAttrs(permissions=0o100644, size=1, mtime=1))


class _Deep(asyncssh.SFTPServer):
    """A folder within a folder, and so on."""

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        yield asyncssh.SFTPName(b"x", attrs=asyncssh.SFTPAttrs(permissions=0o040755))

    def stat(self, path: bytes) -> Any:
        return asyncssh.SFTPAttrs(permissions=0o040755)


class _Liar(asyncssh.SFTPServer):
    """A file that is a byte by its listing, and never ends."""

    def stat(self, path: bytes) -> Any:
        return asyncssh.SFTPAttrs(permissions=0o100644, size=1, mtime=1)

    def fstat(self, file_obj: Any) -> Any:
        return asyncssh.SFTPAttrs(permissions=0o100644, size=1, mtime=1)

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        return object()

    def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        return bytes(size)

    def close(self, file_obj: Any) -> None:
        pass


class _Named(asyncssh.SFTPServer):
    """Files whose names are ways out."""

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        for name in (b"../../../etc/passwd.xml", b"a\0b.xml"):
            yield asyncssh.SFTPName(name, attrs=asyncssh.SFTPAttrs(permissions=0o100644, size=1, mtime=1))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/out").mkdir(parents=True)
    return tmp_path / "root"


def _serving(root: Path, handler: type[asyncssh.SFTPServer]) -> Any:
    return sftp_server(root, host_keys=[HOST_KEY], handler=handler)


def test_a_listing_without_end_is_left(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp_session, "MOST_NAMES", 500)
    with _serving(root, _Endless) as port, bounded(memory=128 * MEBIBYTE), pytest.raises(Permanent, match="500"):
        make(port).fetch(Visit(tmp_path / "spool"))


def test_folders_without_end_are_left(root: Path, tmp_path: Path) -> None:
    with _serving(root, _Deep) as port, bounded(memory=128 * MEBIBYTE), pytest.raises(Permanent, match="50"):
        make(port, path="/out/**/*.xml").fetch(Visit(tmp_path / "spool"))


def test_a_file_larger_than_its_listing_says_is_left(root: Path, tmp_path: Path) -> None:
    with _serving(root, _Liar) as port, bounded(memory=128 * MEBIBYTE), pytest.raises(AvainError):
        make(port, path="/out/a.xml", max_bytes=4 * MEBIBYTE).fetch(Visit(tmp_path / "spool", seconds=20))
    assert not list((tmp_path / "spool").glob("*"))


def test_a_name_that_is_a_path_is_no_file(root: Path, tmp_path: Path) -> None:
    with _serving(root, _Named) as port, pytest.raises(AvainError):
        make(port).fetch(Visit(tmp_path / "spool"))
    assert not (tmp_path / "spool").exists() or not list((tmp_path / "spool").iterdir())


def _shared(tmp_path: Path) -> tuple[Path, Path]:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (tmp_path / "share").mkdir()
    return tmp_path / "share", secret


def test_a_file_that_becomes_a_link_between_look_and_read_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share, secret = _shared(tmp_path)
    file = share / "cases.xml"
    file.write_text("<cases/>")
    os.utime(file, (1, 1))
    opened = os.open

    def swapped(path: Any, *rest: Any, **more: Any) -> int:
        if Path(path) == file:
            file.unlink()
            file.symlink_to(secret)
        return opened(path, *rest, **more)

    monkeypatch.setattr("connectors.transports.local.os.open", swapped)
    with pytest.raises(Transient, match=r"replaced|korvattu"):
        LocalFiles(str(share / "*.xml")).fetch(Visit(tmp_path / "spool"))
    assert not [one for one in (tmp_path / "spool").glob("*") if one.read_bytes() == b"secret"]


def test_applied_files_are_moved_over_nobody_s_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who shares the folder lays a link under the name a copy will have; on another file system the file is copied."""
    share, secret = _shared(tmp_path)
    (share / "done").mkdir()
    (share / "cases.xml").write_text("<cases/>")
    (share / "done/.cases.xml.part").symlink_to(secret)
    renamed = Path.replace

    def across(path: Path, target: Any) -> Path:
        if path.suffix == ".part":
            return renamed(path, target)
        raise OSError(18, "another file system")

    monkeypatch.setattr(Path, "replace", across)
    from connectors.transports.putting_away import move_aside

    move_aside(share / "cases.xml", share / "done")
    assert secret.read_text() == "secret"
    assert (share / "done/cases.xml").read_text() == "<cases/>"


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    (tmp_path / "outbox/9999996-8").mkdir(parents=True)
    return tmp_path / "outbox"


def test_an_order_is_written_over_nobody_s_link(outbox: Path, tmp_path: Path) -> None:
    """Whoever collects orders may write into their folder: a link under the name of the order's first half leads us nowhere."""
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (outbox / "9999996-8/.T-2026-000001.xml.part").symlink_to(secret)
    FileChannel(outbox).send(delivery("file"))
    assert secret.read_text() == "secret"
    assert (outbox / "9999996-8/T-2026-000001.xml").is_file()


@pytest.mark.parametrize("what", ["link", "device"])
def test_what_lies_in_an_order_s_place_is_not_followed(what: str, outbox: Path, tmp_path: Path) -> None:
    same = tmp_path / "same.xml"
    same.write_bytes(delivery("file").document)
    (outbox / "9999996-8/T-2026-000001.xml").symlink_to(same if what == "link" else Path("/dev/zero"))
    with bounded(memory=64 * MEBIBYTE), pytest.raises(Permanent):
        FileChannel(outbox).send(delivery("file"))


def test_the_same_order_in_its_place_is_a_repeat(outbox: Path) -> None:
    FileChannel(outbox).send(delivery("file"))
    with pytest.raises(AlreadyDone):
        FileChannel(outbox).send(delivery("file"))


@pytest.mark.parametrize("folder", ["..", "../x", "a/b", "/tmp", ".hidden", "a\0b", "", "ä", "a" * 65])
def test_a_provider_s_folder_is_one_plain_name(folder: str, outbox: Path) -> None:
    from connectors.channels.file import folder_problem

    assert folder_problem(folder) is not None
