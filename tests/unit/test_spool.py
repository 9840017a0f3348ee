"""What is removed from the spool when its reading has ended: the paths come from rows, which others may have written."""

from pathlib import Path
from uuid import uuid4

import pytest

from connectors.transports.base import SourceFile
from core.settings import Settings
from services.work.lease import Claimed
from workers.spool import reading
from workers.task import Lease


def lease(home: Path) -> Lease:
    return Lease(Claimed(1, "apply_cases", "k", None, {}, 1, uuid4(), 1), Settings().model_copy(update={"home": home}))


def put(path: Path) -> SourceFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"<cases/>")
    return SourceFile(path, path.name, "0" * 64, 8)


def test_a_copy_goes_with_its_folder(tmp_path: Path) -> None:
    file = put(tmp_path / "spool/county/7/cases.xml")
    with reading(lease(tmp_path), [file]):
        pass
    assert not file.path.parent.exists()


@pytest.mark.parametrize("row", ["spool/../anchors", "spool/county/../../anchors", "spool/county/../..", "spool/link", "anchors", "spool"])  # fmt: skip
def test_no_path_in_a_row_removes_anything_outside_of_the_spool(tmp_path: Path, row: str) -> None:
    kept, other = put(tmp_path / "anchors/audit.log"), put(tmp_path / "spool/county/8/cases.xml")
    (tmp_path / "spool/link").symlink_to(tmp_path / "anchors")
    with reading(lease(tmp_path), [SourceFile(tmp_path / row / "cases.xml", "cases.xml", "0" * 64, 8)]):
        pass
    assert kept.path.exists()
    assert other.path.exists()
