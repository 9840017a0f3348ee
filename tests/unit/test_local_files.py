"""The local transport: which files, in which order, and that half a file is never taken for a whole one."""

import hashlib
import os
from pathlib import Path

import pytest

from connectors.transports.base import SourceFile, Visit
from connectors.transports.local import LocalFiles
from core.errors import NotFound, Transient


def put(path: Path, content: bytes = b"x", *, settled: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if settled:
        os.utime(path, (0, 0))
    return path


def test_files_come_in_name_order_as_hashed_copies(tmp_path: Path) -> None:
    for name in ("b-2.xml", "a/b-1.xml", "b-3.txt", "b-10.xml"):
        put(tmp_path / "in" / name, name.encode())
    (tmp_path / "in/b-4.xml").mkdir()
    fetched = LocalFiles(f"{tmp_path}/in/**/*.xml").fetch(Visit(tmp_path / "spool"))
    assert [one.name for one in fetched.files] == ["b-1.xml", "b-10.xml", "b-2.xml"]
    assert fetched.growing == ()
    for one in fetched.files:
        content = one.path.read_bytes()
        assert (one.size, one.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert one.path == tmp_path / "spool" / f"{one.sha256}-{one.name}"
        assert SourceFile.from_json(one.to_json()) == one
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "in/b-2.xml").exists(), "nothing at the source is changed"


def test_a_pattern_may_match_nothing_but_a_path_must_be_there(tmp_path: Path) -> None:
    assert LocalFiles(f"{tmp_path}/*.xml").fetch(Visit(tmp_path / "spool")).files == ()
    with pytest.raises(NotFound):
        LocalFiles(str(tmp_path / "absent.xml")).fetch(Visit(tmp_path / "spool"))


def test_a_fresh_file_is_watched_and_left_if_it_grows(tmp_path: Path) -> None:
    quiet = put(tmp_path / "quiet.xml", settled=False)
    growing = put(tmp_path / "growing.xml", settled=False)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        with growing.open("ab") as file:
            file.write(b"more")

    fetched = LocalFiles(f"{tmp_path}/*.xml", settled_after=60, wait=wait).fetch(Visit(tmp_path / "spool"))
    assert ([one.name for one in fetched.files], fetched.growing) == ([quiet.name], (growing.name,))
    assert all(0 < seconds <= 60 for seconds in waits)
    assert len(waits) == 2


def test_a_file_written_to_while_it_is_copied_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "cases.xml", b"whole")
    from connectors.transports import local

    copy = local._copy

    def copy_and_grow(source: Path, spool: Path) -> SourceFile:
        made = copy(source, spool)
        put(path, b"whole and more")
        return made

    monkeypatch.setattr(local, "_copy", copy_and_grow)
    fetched = LocalFiles(str(path)).fetch(Visit(tmp_path / "spool"))
    assert (fetched.files, fetched.growing) == ((), ("cases.xml",))
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_file_taken_away_under_our_hands_is_tried_again(tmp_path: Path) -> None:
    path = put(tmp_path / "cases.xml", settled=False)
    with pytest.raises(Transient, match=r"cases\.xml"):
        LocalFiles(str(path), settled_after=60, wait=lambda _: path.unlink()).fetch(Visit(tmp_path / "spool"))
