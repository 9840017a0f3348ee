"""The journal of what left: one line each, whole or not there, read back as it was written."""

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.effects.journal import Line, files, gone_by, latest, lines, write

TOKEN = "0197e0a8-5d1e-4a51-9c36-111111111111"
AT = datetime(2026, 11, 23, 6, 5, 4, 321000, tzinfo=UTC)


def line(event="gone", at=AT, host="tuuli", **values) -> Line:
    given = {"kind": "deliver_order", "key": "T-2026-000001", "sha256": "ab", "way": "sftp", "run": 7, "token": TOKEN}
    return Line(at, event, host, "instance", **{**given, **values})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "effects"
    said = [line("going"), line("gone"), Line(AT, "numbers", "tuuli", "instance", numbers={"T-2026": 12})]
    for one in said:
        write(folder, one, months=13)
    assert files([folder]) == [folder / "tuuli-2026-11.jsonl"]
    assert list(lines(files([folder]))) == said
    assert (folder / "tuuli-2026-11.jsonl").stat().st_mode & 0o007 == 0


def test_what_left_in_an_attempt_is_found_among_all(tmp_path: Path) -> None:
    other = TOKEN.replace("1", "2")
    for one in (line("going"), line("gone", key="T-2026-000002", token=other), line("back", token=other), line("gone")):
        write(tmp_path, one, months=13)
    (file,) = files([tmp_path])
    with file.open("ab") as opened:
        opened.write(b'{"event": "gone", "token": "' + TOKEN.encode())
    assert gone_by(tmp_path, {TOKEN}) == [line("gone")]
    assert gone_by(tmp_path, set()) == []
    assert gone_by(tmp_path / "nowhere", {TOKEN}) == []


def test_half_a_line_of_a_full_disk_hurts_no_other(tmp_path: Path) -> None:
    write(tmp_path, line(), months=13)
    (file,) = files([tmp_path])
    with file.open("ab") as opened:
        opened.write(b'{"event": "gone", "key": "T-20')
    write(tmp_path, line(key="T-2026-000002"), months=13)
    assert [one.key for one in lines([file])] == ["T-2026-000001", "T-2026-000002"]


def test_what_is_no_line_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "other.jsonl"
    file.write_bytes(
        b'[]\nnull\n{"event": "gone"}\n{"event": "flown", "at": "2026-11-23T00:00:00+00:00"}\n\xff\xfe\n'
        + b"x" * 10_000 + b"\n" + line().written()
    )  # fmt: skip
    assert list(lines([file])) == [line()]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"token": "t"}, {"run": 2**63}, {"run": -1}, {"run": float("inf")}, {"run": []}, {"key": "T-\x00"}, {"key": "\ud800"}, {"host": ""},
        {"instance": ""}, {"event": ["gone"]}, {"at": "0001-01-01T00:00:00+14:00"}, {"numbers": {"T-2026": 10**12}}, {"numbers": {"T-2026": -1}},
        {"numbers": {"T": 5}}, {"numbers": {"T-2026": float("inf")}}, {"numbers": [1]}, "[" * 1990,
    ],
)  # fmt: skip
def test_what_avain_cannot_have_written_is_no_line_and_fails_nothing(
    tmp_path: Path, spoilt: str | dict[str, object]
) -> None:
    good = line().written().decode()
    bad = spoilt if isinstance(spoilt, str) else json.dumps(json.loads(good) | spoilt)
    (tmp_path / "tuuli-2026-11.jsonl").write_text(f"{good}{bad}\n")
    assert list(lines(files([tmp_path]))) == [line()]
    assert latest(tmp_path) == [line()]


def test_each_host_and_month_has_a_file_and_old_months_go(tmp_path: Path) -> None:
    for month in range(1, 13):
        write(tmp_path, line(at=AT.replace(year=2025, month=month)), months=13)
    write(tmp_path, line(host="meri"), months=2)
    assert [one.name for one in files([tmp_path])] == ["meri-2026-11.jsonl"]
    (tmp_path / "not-a-month.jsonl").touch()
    write(tmp_path, line(at=AT.replace(month=12)), months=2)
    assert len(files([tmp_path])) == 3


def test_the_ends_of_the_files_tell_the_last_attempt_and_the_last_numbers(tmp_path: Path) -> None:
    assert latest(tmp_path / "nowhere") == []
    for run in range(1, 200):
        write(tmp_path, line(run=run), months=13)
    write(tmp_path, Line(AT, "numbers", "tuuli", "instance", numbers={"T-2026": 4}), months=13)
    write(tmp_path, line(run=7, host="meri"), months=13)
    write(tmp_path, line(run=6, at=AT.replace(month=10)), months=13)
    write(tmp_path, line(run=5, at=AT.replace(month=9)), months=13)
    found = latest(tmp_path)
    assert {(one.host, one.event, one.run) for one in found} == {
        ("tuuli", "gone", 199), ("tuuli", "numbers", 0), ("meri", "gone", 7), ("tuuli", "gone", 6),
    }  # fmt: skip


def test_a_line_that_does_not_fit_does_not_stand_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, line(), months=13)
    really = os.write
    monkeypatch.setattr(os, "write", lambda handle, content: really(handle, content[:5]))
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write(tmp_path, line(run=8), months=13)
    monkeypatch.undo()
    write(tmp_path, line(run=9), months=13)
    assert [one.run for one in lines(files([tmp_path]))] == [7, 9]
