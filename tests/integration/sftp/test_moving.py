"""Applied files are put away at the SFTP server, never over another."""

import hashlib
import os
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from connectors.transports.base import Fetched, Visit
from core.errors import Permanent, Transient
from tests.support.http_door import refused
from tests.support.sftp_server import HOST_KEY, make, names, put, sftp_server


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


class CutsRename(asyncssh.SFTPServer):
    def __init__(self, channel: Any, chroot: bytes) -> None:
        super().__init__(channel, chroot)
        self._connection = channel.get_connection()

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._connection.abort()


def test_a_connection_cut_while_moving_may_pass_by_itself(root: Path, tmp_path: Path) -> None:
    put(root, "a.xml")
    with sftp_server(root, host_keys=[HOST_KEY], handler=CutsRename) as port:
        transport = make(port, after="move", move_to="done")
        fetched = transport.fetch(Visit(tmp_path / "spool"))
        refused(Transient, transport.put_away, applied(fetched))
