"""Archives of cases: what comes out of them, under which names, and what is refused."""

import gzip
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.cases.base import RefusedFile
from connectors.cases.packed import unpacked
from connectors.cases.xml.client import XmlCases
from connectors.rejection import Rejection
from connectors.transports.base import SourceFile
from core.errors import InputError, Transient
from documents.archive import ArchiveLimits
from tests.support import attacks

XML = b"<a>1</a>"
BROKEN_CASE = b'<cases xmlns="urn:avain:cases:1">\n<case id="C-1"><nonsense/></case>\n</cases>'


def fetched(folder: Path, name: str, content: bytes) -> SourceFile:
    digest = hashlib.sha256(content).hexdigest()
    path = folder / f"{digest}-{name}"
    path.write_bytes(content)
    return SourceFile(path, name, digest, len(content))


def contents(files: list[SourceFile]) -> dict[str, bytes]:
    return {one.name: one.path.read_bytes() for one in files}


def refusal(file: SourceFile, **limits: int) -> str:
    with pytest.raises(RefusedFile) as refused:
        unpacked([file], limits=ArchiveLimits(**limits))
    assert refused.value.file == file.name
    return refused.value.message.text("en")


def test_plain_files_stay_as_they_are(tmp_path: Path) -> None:
    files = [fetched(tmp_path, "b.xml", XML), fetched(tmp_path, "empty.xml", b""), fetched(tmp_path, "P.csv", b"P")]
    assert unpacked(files) == files


@pytest.mark.parametrize("pack", [lambda: gzip.compress(XML), lambda: attacks.zip_of(("a.xml", XML))])
def test_what_is_unpacked_is_its_owner_s_alone(tmp_path: Path, pack: Callable[[], bytes]) -> None:
    """A spool that was there before may be a folder that others can look into."""
    former = os.umask(0)
    try:
        (found,) = unpacked([fetched(tmp_path, "cases", pack())])
    finally:
        os.umask(former)
    assert found.path.stat().st_mode & 0o777 == 0o600


def test_archives_become_their_files_in_their_place(tmp_path: Path) -> None:
    archive = fetched(tmp_path, "export.zip", attacks.zip_of(("b/2.xml", b"two"), ("a/2.xml", b"one"), ("a/", b"")))
    packed = fetched(tmp_path, "cases.xml.gz", gzip.compress(XML))
    disguised = fetched(tmp_path, "cases.xml", gzip.compress(b"<b/>"))
    last = fetched(tmp_path, "z.xml", XML)
    found = unpacked([archive, packed, disguised, last])
    assert contents(found) == {
        "export.zip/a/2.xml": b"one",
        "export.zip/b/2.xml": b"two",
        "cases.xml.gz/cases.xml": XML,
        "cases.xml": b"<b/>",
        "z.xml": XML,
    }
    assert [one.sha256 for one in found[:2]] == [archive.sha256] * 2, "known as what was fetched"
    assert found[2].size == len(XML)
    assert {one.path.parent for one in found} == {tmp_path}, "removed with the spool"
    assert contents(unpacked([archive, packed, disguised, last])) == contents(found), "a repeat finds the same"


def test_a_position_says_where_in_the_archive(tmp_path: Path) -> None:
    archive = fetched(tmp_path, "asiakkuudet.zip", attacks.zip_of(("part1.xml", BROKEN_CASE)))
    ((file, found),) = XmlCases().read(unpacked([archive]), identity="none")
    assert isinstance(found, Rejection)
    assert f"{file.name}:{found.position}" == "asiakkuudet.zip/part1.xml:2"


@pytest.mark.parametrize("inside", ["[Content_Types].xml", "mimetype"])
def test_a_workbook_is_a_file_in_itself(inside: str, tmp_path: Path) -> None:
    workbook = fetched(tmp_path, "cases.xlsx", attacks.zip_of((inside, b"x"), ("xl/workbook.xml", b"x")))
    assert unpacked([workbook]) == [workbook]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (attacks.zip_bomb(), "times its packed size"),
        (attacks.gzip_bomb(), "more than the accepted"),
        (attacks.overlapping_zip(), "overlap"),
        (attacks.zip_of(("a.xml", XML))[:-30], "damaged"),
        (gzip.compress(XML)[:-4], "damaged"),
        (attacks.zip_of(("../a.xml", XML)), "leads out"),
        (attacks.zip_of(("a.zip", attacks.zip_of(("a.xml", XML)))), "another archive"),
        (attacks.zip_of(), "holds no files"),
    ],
    ids=["zip bomb", "gzip bomb", "overlap", "cut zip", "cut gzip", "leads out", "zip in zip", "empty zip"],
)
def test_attacks_and_damage_refuse_the_file(content: bytes, says: str, tmp_path: Path) -> None:
    assert says in refusal(fetched(tmp_path, "cases.zip", content))


def test_what_is_unpacked_is_counted(tmp_path: Path) -> None:
    data = gzip.compress(b"x" * 2000)
    assert "more than the accepted 1000 bytes" in refusal(fetched(tmp_path, "a.gz", data), unpacked=1000)


def test_a_copy_that_is_gone_is_said(tmp_path: Path) -> None:
    file = fetched(tmp_path, "a.zip", b"x")
    file.path.unlink()
    with pytest.raises(InputError, match="is gone"):
        unpacked([file])


def test_a_disk_that_does_not_take_it_may_pass_by_itself(tmp_path: Path) -> None:
    file = fetched(tmp_path, "a.gz", gzip.compress(XML))
    (tmp_path / f"{file.sha256}-1-a").mkdir()
    with pytest.raises(Transient, match="cannot be unpacked: it is a directory"):
        unpacked([file])
