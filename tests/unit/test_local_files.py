"""The local transport: which files, in which order, and that half a file is never taken for a whole one."""

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from connectors.transports.base import Fetched, SourceFile, Visit
from connectors.transports.local import LocalFiles
from connectors.transports.putting_away import move_aside
from connectors.transports.spooling import plain_name
from core.errors import ConfigurationError, NotFound, Permanent, Transient
from core.settings import ROOT


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
    assert [one.name for one in fetched.files] == ["b-1.xml", "b-2.xml", "b-10.xml"]
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

    def copy_and_grow(source: Path, spool: Path, within: Path | None) -> SourceFile:
        made = copy(source, spool, within)
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


def fetch(transport: LocalFiles, tmp_path: Path, **told: Any) -> Fetched:
    return transport.fetch(Visit(tmp_path / "spool", **told))


def test_what_was_applied_is_not_brought_again(tmp_path: Path) -> None:
    put(tmp_path / "a.xml", b"a")
    put(tmp_path / "b.xml", b"b")
    known = hashlib.sha256(b"a").hexdigest()
    fetched = fetch(LocalFiles(f"{tmp_path}/*.xml"), tmp_path, processed=[known])
    assert ([one.name for one in fetched.files], fetched.processed) == (["b.xml"], ("a.xml",))
    assert [one.name[65:] for one in (tmp_path / "spool").iterdir()] == ["b.xml"]


def test_pipes_devices_and_folders_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.xml")
    (tmp_path / "folder.xml").mkdir()
    assert LocalFiles(f"{tmp_path}/*.xml").look() == []
    for path in (tmp_path / "pipe.xml", tmp_path / "folder.xml", Path("/dev/null")):
        with pytest.raises(NotFound, match="not an ordinary file"):
            LocalFiles(str(path)).look()
    monkeypatch.setattr(Path, "is_file", lambda _: True)  # it took a file's place since it was looked at
    with pytest.raises(NotFound, match="not an ordinary file"):
        LocalFiles(str(tmp_path / "pipe.xml")).look()


def test_links_lead_nowhere_else(tmp_path: Path) -> None:
    outside = put(tmp_path / "secret/outside.xml")
    put(tmp_path / "in/2026.xml")
    (tmp_path / "in/latest.xml").symlink_to("2026.xml")
    (tmp_path / "in/outside.xml").symlink_to(outside)
    (tmp_path / "in/broken.xml").symlink_to("none.xml")
    (tmp_path / "in/circle.xml").symlink_to("circle.xml")
    for name in ("round", "about"):
        (tmp_path / "in" / name).symlink_to(".", target_is_directory=True)
    assert LocalFiles(f"{tmp_path}/in/**/*.xml").look() == ["2026.xml", "latest.xml"]
    assert LocalFiles(str(tmp_path / "in/outside.xml")).look() == ["outside.xml"], "named by the operator himself"


def test_hidden_files_are_another_s_temporary_ones(tmp_path: Path) -> None:
    put(tmp_path / ".cases.xml")
    put(tmp_path / ".tmp/cases.xml")
    assert LocalFiles(f"{tmp_path}/**/*.xml").look() == []
    assert LocalFiles(f"{tmp_path}/.*.xml").look() == [".cases.xml"]


def test_a_relative_pattern_and_one_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "in/a.xml")
    monkeypatch.chdir(tmp_path)
    assert LocalFiles("in/*.xml").look() == ["a.xml"]
    assert LocalFiles("i?/a.xml").look() == ["a.xml"]
    if sys.version_info < (3, 13):
        with pytest.raises(ConfigurationError, match="between two slashes"):
            LocalFiles(f"{tmp_path}/in/**.xml").look()


def test_a_folder_that_cannot_be_read_is_not_taken_for_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> bool:
        raise OSError(errno.ESTALE, "stale")

    monkeypatch.setattr(Path, "is_file", gone)
    for path in ("a.xml", "*.xml"):
        put(tmp_path / "a.xml")
        with pytest.raises(Transient, match="network drive"):
            LocalFiles(f"{tmp_path}/{path}").look()


def test_a_full_disk_at_the_spool_may_pass_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a.xml")

    def full(*_: object) -> bytes:
        raise OSError(errno.ENOSPC, "full")

    (tmp_path / "spool").mkdir()
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(Transient, match=r"spool: the disk is full"):
        fetch(LocalFiles(str(tmp_path / "a.xml")), tmp_path)
    assert list((tmp_path / "spool").iterdir()) == []


def test_names_of_any_length_and_bytes_do_no_harm(tmp_path: Path) -> None:
    put(tmp_path / f"{'ä' * 120}.xml")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/p\xe4iv\x1b[2J\n.xml")).touch()
    fetched = fetch(LocalFiles(f"{tmp_path}/*.xml", settled_after=0), tmp_path)
    assert [one.name for one in fetched.files] == ["piv[2J.xml", f"{'ä' * 120}.xml"]
    assert all(one.path.is_file() for one in fetched.files)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\out\\a.xml", "a.xml"),
        ("", "file"),
        ("a/", "file"),
        ("..", "file"),
        (" \n", "file"),
        ("\u202eslx.a", "slx.a"),
    ],
)
def test_plain_names(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def applied(fetched: Fetched) -> dict[str, str]:
    return {one.name: one.sha256 for one in fetched.files}


@pytest.fixture(params=["same file system", "another file system"])
def _file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "another file system":
        replace = Path.replace

        def refuse(self: Path, target: Path) -> Path:
            if self.parent != target.parent:
                raise OSError(errno.EXDEV, "another file system")
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", refuse)


@pytest.mark.usefixtures("_file_system")
@pytest.mark.parametrize("move_to", ["done", "/kept"])
def test_applied_files_are_moved_and_never_over_another(move_to: str, tmp_path: Path) -> None:
    folder = tmp_path / "in/done" if move_to == "done" else tmp_path / "kept"
    kept = Path("done") if move_to == "done" else folder
    transport = LocalFiles(f"{tmp_path}/in/**/*.xml.gz", move_to=kept)
    for day, content in enumerate((b"one", b"two", b"three"), start=1):
        path = put(tmp_path / "in/a.xml.gz", content)
        os.utime(path, (1_795_000_000 + day, 1_795_000_000 + day))
        fetched = fetch(transport, tmp_path)
        assert list(applied(fetched)) == ["a.xml.gz"], "what was put away is not found again"
        transport.put_away(applied(fetched))
        assert not path.exists()
        transport.put_away(applied(fetched))
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == {
        "a.xml.gz": b"one",
        "a-2026-11-18.xml.gz": b"two",
        "a-2026-11-18-2.xml.gz": b"three",
    }
    assert (folder / "a.xml.gz").stat().st_mtime == 1_795_000_001


def test_a_newer_file_and_a_link_stay(tmp_path: Path) -> None:
    transport = LocalFiles(f"{tmp_path}/*.xml", move_to=Path("done"))
    newer, other = put(tmp_path / "a.xml", b"old"), put(tmp_path / "b.xml")
    (tmp_path / "link.xml").symlink_to("b.xml")
    fetched = fetch(transport, tmp_path)
    put(newer, b"new")
    transport.put_away({name: digest for name, digest in applied(fetched).items() if name != "b.xml"})
    assert (newer.read_bytes(), other.exists(), (tmp_path / "link.xml").exists()) == (b"new", True, True)
    assert not (tmp_path / "done").exists()


def test_without_a_place_nothing_is_moved(tmp_path: Path) -> None:
    path = put(tmp_path / "a.xml")
    LocalFiles(str(path)).put_away({"a.xml": hashlib.sha256(b"x").hexdigest()})
    assert path.exists()


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    path = put(tmp_path / "a.xml")
    (tmp_path / "taken").write_text("a file")
    for folder in ("none/deep", "taken"):
        transport = LocalFiles(str(path), move_to=Path(folder))
        with pytest.raises(Permanent, match="was applied but cannot be moved"):
            transport.put_away(applied(fetch(transport, tmp_path)))
        assert path.exists()


def test_a_copy_that_fails_half_way_leaves_the_file_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path / "a.xml", b"whole")
    transport = LocalFiles(str(path), move_to=Path("done"))
    fetched = fetch(transport, tmp_path)

    def across(*_: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    def full(_source: BinaryIO, target: BinaryIO, _chunk: int) -> None:
        target.write(b"wh")
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "replace", across)
    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(Permanent, match="the disk is full"):
        transport.put_away(applied(fetched))
    assert path.read_bytes() == b"whole"
    assert list((tmp_path / "done").iterdir()) == []


def move_in_a_process(path: Path, folder: Path, *before: str) -> int:
    """Move a file in a process of its own; `before` are lines of code it runs first, `die` kills it. Its exit code."""
    lines = (
        "import errno, os, shutil, signal",
        "from pathlib import Path",
        "from connectors.transports.putting_away import move_aside",
        "def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)",
        *before,
        f"move_aside(Path({str(path)!r}), Path({str(folder)!r}))",
    )
    return subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=ROOT, check=False, timeout=60).returncode


_ACROSS = (
    "rename = Path.replace",
    "def across(path, target):",
    "    if path.name.endswith('.part'): return rename(path, target)",
    "    raise OSError(errno.EXDEV, 'another file system')",
    "Path.replace = across",
)


@pytest.mark.parametrize(
    ("world", "death"),
    [((), "Path.replace = die"), (_ACROSS, "os.fsync = die"), (_ACROSS, "Path.unlink = die")],
    ids=["before-it-is-moved", "half-copied", "copied"],
)
def test_a_move_that_was_killed_is_done_again_and_leaves_one_file(
    world: tuple[str, ...], death: str, tmp_path: Path
) -> None:
    path, folder = put(tmp_path / "a.xml", b"whole"), tmp_path / "done"
    assert move_in_a_process(path, folder, *world, death) == -9
    assert path.read_bytes() == b"whole"
    assert move_in_a_process(path, folder, *world) == 0
    assert not path.exists()
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == {"a.xml": b"whole"}


def test_what_only_looks_like_what_was_put_away_is_kept_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "done"
    for name, content, moment in (("a", b"one", 1), ("b", b"two", 1), ("c", b"one", 90_000)):
        path = put(tmp_path / "a.xml", content)
        os.utime(path, (moment, moment))
        move_aside(path, folder)
        assert not path.exists(), name
    kept = {one.name: one.read_bytes() for one in folder.iterdir()}
    assert kept == {"a.xml": b"one", "a-1970-01-01.xml": b"two", "a-1970-01-02.xml": b"one"}


def test_a_file_that_somebody_moved_meanwhile_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "done").mkdir()
    assert move_aside(tmp_path / "gone.xml", tmp_path / "done") == tmp_path / "gone.xml"
    assert list((tmp_path / "done").iterdir()) == []
