"""The file channel on a real disk: whole files, the number as key, and what goes wrong said plainly."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.channels.base import Delivery, Destination, Means
from connectors.channels.external import ExternalChannel
from connectors.channels.file import FileChannel
from connectors.channels.registry import CHANNELS, open_channel, problem
from core.errors import AlreadyDone, Permanent, Transient
from core.mail_settings import Mail
from core.settings import Organisation
from services.statements.bulk import file_name
from tests.support.full_disk import files_no_larger_than


def delivery(document: bytes = b"<Order/>\n", **settings) -> Delivery:
    return Delivery(
        order_id=1,
        number="T-2026-000001",
        document=document,
        sha256=hashlib.sha256(document).hexdigest(),
        channel="file",
        destination=Destination("9999999-2", settings=settings),
        approved_at=datetime(2026, 11, 16, tzinfo=UTC),
    )


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_an_order_is_put_into_the_providers_folder(tmp_path: Path) -> None:
    receipt = FileChannel(tmp_path / "outbox").send(delivery())
    assert receipt.reply == "9999999-2/T-2026-000001.xml"
    assert (tmp_path / "outbox" / receipt.reply).read_bytes() == b"<Order/>\n"
    assert names(tmp_path / "outbox" / "9999999-2") == ["T-2026-000001.xml"]


def test_a_repeat_is_recognised(tmp_path: Path) -> None:
    FileChannel(tmp_path).send(delivery(folder="tukipolku"))
    with pytest.raises(AlreadyDone, match="same content"):
        FileChannel(tmp_path).send(delivery(folder="tukipolku"))


def test_another_file_of_that_name_is_left_alone(tmp_path: Path) -> None:
    FileChannel(tmp_path).send(delivery())
    with pytest.raises(Permanent, match="left as it is"):
        FileChannel(tmp_path).send(delivery(b"<Other/>"))
    assert (tmp_path / "9999999-2" / "T-2026-000001.xml").read_bytes() == b"<Order/>\n"


def test_what_a_crash_left_behind_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "9999999-2").mkdir()
    (tmp_path / "9999999-2" / ".T-2026-000001.xml.part").write_bytes(b"<Ord")
    FileChannel(tmp_path).send(delivery())
    assert names(tmp_path / "9999999-2") == ["T-2026-000001.xml"]


@pytest.mark.parametrize("folder", ["../elsewhere", "/etc", "a/b", ".hidden", "a b", "x" * 65])
def test_a_folder_cannot_point_elsewhere(tmp_path: Path, folder: str) -> None:
    with pytest.raises(Permanent, match="folder"):
        FileChannel(tmp_path).send(delivery(folder=folder))
    assert not names(tmp_path)


@pytest.mark.parametrize(
    "number", ["../../elsewhere", "/tmp/order", "a/b", "..", ".hidden", "", "T-2026-000001\n", "x" * 65]
)
def test_a_number_cannot_point_elsewhere(tmp_path: Path, number: str) -> None:
    """It comes from a row, which others than Avain may have written."""
    with pytest.raises(Permanent, match=r"no number of ours|numero"):
        FileChannel(tmp_path / "outbox").send(replace(delivery(), number=number))
    assert not names(tmp_path)


def test_a_place_that_cannot_be_a_directory_needs_a_person(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")
    with pytest.raises(Permanent, match="could not be written"):
        FileChannel(tmp_path / "outbox").send(delivery())


def test_a_full_disk_passes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with files_no_larger_than(4), pytest.raises(Transient, match="could not be written"):
        FileChannel(tmp_path).send(delivery())
    assert not names(tmp_path / "9999999-2")
    FileChannel(tmp_path).send(delivery())


def test_the_registry_knows_every_channel_by_its_name(tmp_path: Path) -> None:
    assert set(CHANNELS) == {"email", "sftp", "https", "file", "external"}
    means = Means(tmp_path, Mail(), Organisation())
    assert all(open_channel(name, means).name == name for name in CHANNELS)
    reachable = Destination("9999999-2", email="a@b.invalid")
    assert [problem(name, reachable, {}) for name in ("email", "file", "external")] == [None, None, None]
    assert "e-mail address" in str(problem("email", Destination("9999999-2"), {}))
    assert "pigeon" in str(problem("pigeon", reachable, {}))
    with pytest.raises(Permanent, match="pigeon"):
        open_channel("pigeon", means)


def test_an_order_placed_elsewhere_is_only_recorded() -> None:
    assert "T-2026-000001" in ExternalChannel().send(delivery()).reply


@pytest.mark.parametrize(("case", "language"), [("../../etc/x", "fi"), ("/etc/x", "fi"), ("HB-2026-000001", "/../x")])
def test_nor_can_that_of_a_case(case: str, language: str) -> None:
    assert Path(file_name(case, language)).name == file_name(case, language)
