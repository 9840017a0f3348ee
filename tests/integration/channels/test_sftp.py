"""Orders by SFTP to a real server: whole files, the number as key, and what goes wrong said plainly."""

import errno
import os
from pathlib import Path
from typing import Any, ClassVar

import asyncssh
import pytest

from connectors.channels.sftp import SftpChannel
from core.errors import AlreadyDone, Permanent, Transient, Unclear
from tests.support.http_door import refused
from tests.support.orders_out import DOCUMENT, NUMBER, connections, delivery, here
from tests.support.sftp_server import HOST, HOST_KEY, OWN_KEY, USER, WORD, sftp_server


def channel(port: int, **over: Any) -> SftpChannel:
    settings = {
        "kind": "sftp",
        "host": HOST,
        "port": port,
        "username": USER,
        "password": None if "private_key" in over else WORD,
        "host_key": HOST_KEY.export_public_key().decode().strip(),
        "folder": "/in",
        **over,
    }
    return SftpChannel(connections(out=settings), resolver=here)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_order_is_put_whole_into_the_folder(root: Path, port: int) -> None:
    receipt = channel(port).send(delivery("sftp"))
    assert receipt.reply == f"{HOST}: /in/{NUMBER}.xml"
    assert names(root / "in") == [f"{NUMBER}.xml"]
    assert (root / "in" / f"{NUMBER}.xml").read_bytes() == DOCUMENT


def test_into_the_providers_own_folder_with_a_key(root: Path, port: int, tmp_path: Path) -> None:
    (root / "in/tukipolku").mkdir()
    OWN_KEY.write_private_key(str(tmp_path / "key"))
    channel(port, private_key=str(tmp_path / "key")).send(delivery("sftp", folder="tukipolku"))
    assert names(root / "in/tukipolku") == [f"{NUMBER}.xml"]


def test_a_repeat_is_recognised_and_other_bytes_are_an_alarm(root: Path, port: int) -> None:
    out = channel(port)
    out.send(delivery("sftp"))
    assert "same content" in refused(AlreadyDone, out.send, delivery("sftp"))
    assert "left as it is" in refused(Permanent, out.send, delivery("sftp", DOCUMENT + b" "))
    assert (root / "in" / f"{NUMBER}.xml").read_bytes() == DOCUMENT


def test_what_was_collected_is_written_again_under_its_name(root: Path, port: int) -> None:
    out = channel(port)
    out.send(delivery("sftp"))
    (root / "in" / f"{NUMBER}.xml").unlink()
    out.send(delivery("sftp", repeated=True))
    assert names(root / "in") == [f"{NUMBER}.xml"]


def test_what_a_crash_left_behind_is_written_over(root: Path, port: int) -> None:
    (root / "in" / f".{NUMBER}.xml.part").write_bytes(b"<Order>much more than the order itself" * 9)
    channel(port).send(delivery("sftp"))
    assert names(root / "in") == [f"{NUMBER}.xml"]
    assert (root / "in" / f"{NUMBER}.xml").read_bytes() == DOCUMENT


def test_a_folder_that_is_not_there_or_points_elsewhere(root: Path, port: int) -> None:
    assert "/out does not exist" in refused(Permanent, channel(port, folder="/out").send, delivery("sftp"))
    for folder in ("../out", "/etc", ".hidden"):
        assert "folder" in refused(Permanent, channel(port).send, delivery("sftp", folder=folder))
    assert names(root) == ["in"]


def test_a_host_key_that_changed_sends_nothing(root: Path) -> None:
    with sftp_server(root, host_keys=[asyncssh.generate_private_key("ssh-ed25519")]) as port:
        said = refused(Permanent, channel(port).send, delivery("sftp"))
    assert "shows another key" in said
    assert "Nothing was sent" in said
    assert not names(root / "in")


def test_a_login_that_is_not_accepted(port: int) -> None:
    assert "does not accept" in refused(Permanent, channel(port, password="another").send, delivery("sftp"))


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(Transient) as error:
        channel(1).send(delivery("sftp"))
    assert not isinstance(error.value, Unclear)


class Limited(asyncssh.SFTPServer):
    """Does to `step` whatever `trouble` says."""

    step: ClassVar[str] = ""
    trouble: ClassVar[OSError | None] = None

    def _stumble(self, step: str) -> None:
        if step == self.step and self.trouble is not None:
            raise self.trouble

    def open(self, path: bytes, pflags: int, attrs: Any) -> object:
        if pflags & asyncssh.FXF_WRITE:
            self._stumble("open")
        return super().open(path, pflags, attrs)

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        self._stumble("write")
        return super().write(file_obj, offset, data)  # type: ignore[return-value]

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._stumble("rename")
        super().posix_rename(oldpath, newpath)

    def fsync(self, file_obj: object) -> None:
        self._stumble("fsync")
        super().fsync(file_obj)


@pytest.mark.parametrize(
    ("step", "number", "kind", "said"),
    [
        ("write", errno.ENOSPC, Transient, "No space left on device"),
        ("fsync", errno.EDQUOT, Transient, "could not take the file"),
        ("rename", errno.ENOSPC, Transient, "No space left on device"),
        ("open", errno.EACCES, Permanent, "does not permit writing to /in"),
        ("rename", errno.EACCES, Permanent, "does not permit writing to /in"),
    ],
)
def test_a_full_disk_passes_and_no_permission_needs_a_person(  # noqa: PLR0917 - parameters
    root: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int, kind: type[Transient | Permanent], said: str
) -> None:
    monkeypatch.setattr(Limited, "step", step)
    monkeypatch.setattr(Limited, "trouble", OSError(number, os.strerror(number)))
    with sftp_server(root, host_keys=[HOST_KEY], handler=Limited) as port:
        with pytest.raises(kind) as error:
            channel(port).send(delivery("sftp"))
        assert said in error.value.message.text("en")
        assert not isinstance(error.value, Unclear), "it answered: the file is not there"
        assert f"{NUMBER}.xml" not in names(root / "in")
        monkeypatch.setattr(Limited, "trouble", None)
        channel(port).send(delivery("sftp"))
    assert names(root / "in") == [f"{NUMBER}.xml"]


class Abrupt(asyncssh.SFTPServer):
    """Hangs up when it was asked to rename: after doing it, or instead."""

    does_it: ClassVar[bool] = True

    def __init__(self, channel: Any, chroot: bytes | None = None) -> None:
        super().__init__(channel, chroot)
        self._connection = channel.get_connection()

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if self.does_it:
            super().posix_rename(oldpath, newpath)
        self._connection.abort()


@pytest.mark.parametrize("does_it", [True, False])
def test_the_last_word_that_was_not_heard(root: Path, monkeypatch: pytest.MonkeyPatch, *, does_it: bool) -> None:
    monkeypatch.setattr(Abrupt, "does_it", does_it)
    with sftp_server(root, host_keys=[HOST_KEY], handler=Abrupt) as port, pytest.raises(Unclear):
        channel(port).send(delivery("sftp"))
    with sftp_server(root, host_keys=[HOST_KEY]) as port:
        if does_it:
            with pytest.raises(AlreadyDone):
                channel(port).send(delivery("sftp", repeated=True))
        else:
            channel(port).send(delivery("sftp", repeated=True))
    assert names(root / "in") == [f"{NUMBER}.xml"]


class Plain(asyncssh.SFTPServer):
    """An old server without the extensions of OpenSSH."""

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPOpUnsupported("no posix-rename here")

    def fsync(self, file_obj: object) -> None:
        raise asyncssh.SFTPOpUnsupported("no fsync here")


def test_a_server_without_extensions(root: Path) -> None:
    with sftp_server(root, host_keys=[HOST_KEY], handler=Plain) as port:
        channel(port).send(delivery("sftp"))
    assert names(root / "in") == [f"{NUMBER}.xml"]


class DropBox(asyncssh.SFTPServer):
    """A folder into which things may be put, and no more."""

    def open(self, path: bytes, pflags: int, attrs: Any) -> object:
        if pflags & asyncssh.FXF_READ and Path(self.map_path(path).decode()).exists():
            raise asyncssh.SFTPPermissionDenied("only to be dropped into")
        return super().open(path, pflags, attrs)


def test_a_box_that_may_only_be_dropped_into(root: Path) -> None:
    with sftp_server(root, host_keys=[HOST_KEY], handler=DropBox) as port:
        out = channel(port)
        out.send(delivery("sftp"))
        refused(AlreadyDone, out.send, delivery("sftp", repeated=True))
        refused(Permanent, out.send, delivery("sftp", DOCUMENT * 2))
    assert names(root / "in") == [f"{NUMBER}.xml"]
