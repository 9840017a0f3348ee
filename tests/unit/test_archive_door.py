"""The archive door: streams that end where they were agreed to end."""

import errno
import gzip
import io
import tracemalloc
import zipfile

import pytest

from core.errors import RefusedInput
from documents.archive import MEBIBYTE, ArchiveLimits, check_directory, members
from tests.support import attacks

TEXT = b"service;price\nADHD-valmennus;82,50\n" * 100


def read_all(data: bytes, name: str = "prices.zip", **limits: int) -> dict[str, bytes]:
    return {
        member.name: member.file.read() for member in members(io.BytesIO(data), name, limits=ArchiveLimits(**limits))
    }


def drain(data: bytes) -> None:
    for member in members(io.BytesIO(data), "a.gz"):
        while member.file.read(64 * 1024):
            pass


def refusal(data: bytes, **limits: int) -> str:
    with pytest.raises(RefusedInput) as error:
        read_all(data, "prices.zip", **limits)
    return error.value.message.text("en")


def test_a_plain_file_passes_as_it_is() -> None:
    assert read_all(TEXT, "prices.csv") == {"prices.csv": TEXT}
    assert read_all(b"", "empty.csv") == {"empty.csv": b""}


def test_a_gzip_gives_its_one_file() -> None:
    assert read_all(gzip.compress(TEXT), "prices.csv.gz") == {"prices.csv": TEXT}
    assert read_all(gzip.compress(TEXT) + gzip.compress(TEXT), "prices.csv") == {"prices.csv": TEXT * 2}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_gives_its_files_in_name_order_without_directories(method: int) -> None:
    data = attacks.zip_of(("b.csv", TEXT), ("a/", b""), ("a/ä.csv", b"x"), ("empty.csv", b""), method=method)
    assert list(read_all(data).items()) == [("a/ä.csv", b"x"), ("b.csv", TEXT), ("empty.csv", b"")]
    assert check_directory(io.BytesIO(data)) == ["a/ä.csv", "b.csv", "empty.csv"]


def test_members_can_be_read_line_by_line() -> None:
    for member in members(io.BytesIO(attacks.zip_of(("a.csv", TEXT))), "a.zip"):
        assert member.file.readline() == b"service;price\n"
        assert member.file.read(4) == b"ADHD"


def test_what_a_terminal_obeys_is_no_part_of_a_name() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("a\x1b[2J\nb.xml", "x")
    assert read_all(written.getvalue()) == {"a[2Jb.xml": b"x"}


def test_the_content_decides_not_the_name() -> None:
    assert read_all(attacks.zip_of(("a.csv", TEXT)), "prices.csv") == {"a.csv": TEXT}


def test_a_zip_without_files_gives_nothing() -> None:
    assert read_all(attacks.zip_of()) == {}


@pytest.mark.parametrize(
    "name",
    ["../a.csv", "a/../../b.csv", "/etc/a.csv", "..\\a.csv", "C:\\a.csv", "c:a.csv", "a\0b.csv", "\\\\server\\share"],
)
def test_names_that_lead_out_are_refused(name: str) -> None:
    data = attacks.zip_of(("x" * len(name.encode()), TEXT)).replace(b"x" * len(name.encode()), name.encode())
    assert "leads out" in refusal(data)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (attacks.zip_bomb(), "times its packed size"),
        (attacks.gzip_bomb(), "more than the accepted"),
        (attacks.overlapping_zip(), "overlap"),
        (attacks.zip_with_flags(TEXT, 1), "password"),
        (attacks.zip_with_flags(TEXT, 0x20), "method"),
        (attacks.zip_with_flags(TEXT, 0x40), "method"),
        (attacks.zip_of(("a.csv", TEXT), method=zipfile.ZIP_LZMA), "method"),
        (attacks.zip_of(("a.csv", TEXT), method=zipfile.ZIP_BZIP2), "method"),
        (attacks.zip_of(("inner.csv", attacks.zip_of(("a.csv", TEXT)))), "another archive"),
        (attacks.zip_of(("inner.csv", gzip.compress(TEXT))), "another archive"),
        (gzip.compress(attacks.zip_bomb()), "another archive"),
        (gzip.compress(gzip.compress(TEXT)), "another archive"),
        (attacks.zip_of(("a.csv", b"7z\xbc\xaf\x27\x1c rest")), "another archive"),
        (attacks.zip_with_lying_directory(TEXT, 10), "damaged"),
        (attacks.zip_with_lying_directory(TEXT, 10 * len(TEXT)), "damaged"),
        (b"PK\x03\x04 and nothing more", "damaged"),
        (b"\x1f\x8b and nothing more", "damaged"),
        (attacks.zip_of(("a.csv", TEXT))[:-30], "damaged"),
        (gzip.compress(TEXT)[:-12], "damaged"),
        (gzip.compress(TEXT)[:-8] + bytes(8), "damaged"),
        (gzip.compress(TEXT) + b"and something else", "damaged"),
    ],
    ids=[
        "zip bomb",
        "gzip bomb",
        "overlap",
        "encrypted",
        "patched data",
        "strong encryption",
        "lzma",
        "bzip2",
        "zip in zip",
        "gzip in zip",
        "zip in gzip",
        "gzip in gzip",
        "7z in zip",
        "claims less",
        "claims more",
        "cut zip",
        "cut gzip",
        "zip without end",
        "gzip without end",
        "wrong checksum",
        "more behind",
    ],
)
def test_attacks_and_damage_are_refused_in_words(data: bytes, says: str) -> None:
    assert says in refusal(data)


class FailingDisk(io.BytesIO):
    """A file of which the disk reads no more from some place on."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 60:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(size)


@pytest.mark.parametrize("data", [attacks.zip_of(("a.csv", TEXT)), gzip.compress(TEXT * 20)])
def test_a_disk_that_fails_is_no_fault_of_the_archive(data: bytes) -> None:
    with pytest.raises(OSError, match="Input/output error"):
        b"".join(member.file.read() for member in members(FailingDisk(data), "a"))


def test_a_changed_byte_is_found_by_the_checksum() -> None:
    data = bytearray(attacks.zip_of(("a.csv", TEXT), method=zipfile.ZIP_STORED))
    data[100] ^= 1
    assert "damaged" in refusal(bytes(data))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_given_twice_is_refused() -> None:
    assert "twice" in refusal(attacks.zip_of(("a.csv", TEXT), ("a.csv", b"other")))


def test_each_limit_is_told() -> None:
    data = attacks.zip_of(("a.csv", TEXT), ("b.csv", TEXT))
    assert "2 files; at most 1" in refusal(data, members=1)
    assert f"unpacks to {2 * len(TEXT)} bytes; at most 5000" in refusal(data, unpacked=5000)
    assert "10 times" in refusal(data, ratio=10, ratio_floor=1000)
    assert "accepted 500 bytes" in refusal(gzip.compress(TEXT), unpacked=500)


def test_a_short_file_of_equal_lines_is_no_attack() -> None:
    assert read_all(attacks.zip_of(("a.csv", b"0" * MEBIBYTE)))["a.csv"] == b"0" * MEBIBYTE
    assert len(read_all(gzip.compress(b"0" * MEBIBYTE))["prices.zip"]) == MEBIBYTE


def test_a_bomb_costs_little_memory_before_it_is_refused() -> None:
    bomb = attacks.gzip_bomb(256 * MEBIBYTE)
    tracemalloc.start()
    with pytest.raises(RefusedInput):
        drain(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MEBIBYTE


def test_what_is_no_zip_has_no_directory() -> None:
    with pytest.raises(RefusedInput):
        check_directory(io.BytesIO(TEXT))
