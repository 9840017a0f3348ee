"""Reading workbooks in a confined child: values, positions, and everything that must be refused."""

import io
import random
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from core.errors import InputError, RefusedInput
from documents.archive import ArchiveLimits
from documents.workbook import MEBIBYTE, Sheet, WorkbookLimits, read_workbook
from tests.support import attacks

MOMENT = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - a workbook knows no time zones
ODS_TYPE = ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet")
ODS_CONTENT = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
    '<office:body><office:spreadsheet><table:table table:name="Hinnasto"><table:table-row>'
    '<table:table-cell office:value-type="string"><text:p>ADHD-valmennus</text:p></table:table-cell>'
    '<table:table-cell office:value-type="float" office:value="82.5"><text:p>82,50</text:p></table:table-cell>'
    "</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"
)
NOISE = random.Random(1).randbytes(15_000).hex()
ODS_MANIFEST = """<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml">{}</manifest:file-entry></manifest:manifest>"""
ENCRYPTION = '<manifest:encryption-data manifest:checksum-type="SHA1/1K" manifest:checksum="x"/>'


def workbook(cells: dict[str, Any], *, title: str = "Hinnasto", extra_sheets: int = 0) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = title
    for place, value in cells.items():
        sheet[place] = value
    for number in range(extra_sheets):
        book.create_sheet(f"S{number}")
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def table(rows: int) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Hinnasto")
    for number in range(rows):
        sheet.append([f"Palvelu {number}", 82.5 + number, date(2026, 1, 1), True, "HUR", number])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def ods(manifest_part: str = "") -> bytes:
    return attacks.zip_of(
        ODS_TYPE,
        ("content.xml", ODS_CONTENT.encode()),
        ("META-INF/manifest.xml", ODS_MANIFEST.format(manifest_part).encode()),
    )


def refusal(data: bytes | Path, **limits: Any) -> str:
    with pytest.raises(InputError) as error:
        read_workbook(data, limits=WorkbookLimits(**limits))
    return error.value.message.text("en")


def test_every_kind_of_cell_comes_back_at_its_place() -> None:
    data = workbook(
        {
            "B2": "Päätös ñ 漢",
            "C2": 12,
            "D2": 82.55,
            "B3": True,
            "C3": date(2026, 1, 2),
            "D3": MOMENT,
            "B4": time(12, 30),
            "C4": timedelta(hours=30),
        }
    )
    assert read_workbook(data) == [
        Sheet(
            "Hinnasto",
            [
                [None, None, None, None],
                [None, "Päätös ñ 漢", 12.0, 82.55],
                [None, True, date(2026, 1, 2), MOMENT],
                [None, time(12, 30), timedelta(hours=30), None],
            ],
        )
    ]


def test_empty_and_further_sheets_keep_their_order(tmp_path: Path) -> None:
    path = tmp_path / "prices.xlsx"
    path.write_bytes(workbook({}, title="Tyhjä", extra_sheets=2))
    assert read_workbook(path) == [Sheet("Tyhjä", []), Sheet("S0", []), Sheet("S1", [])]


def test_ods_is_read() -> None:
    assert read_workbook(ods()) == [Sheet("Hinnasto", [["ADHD-valmennus", 82.5]])]


def test_twenty_thousand_rows_are_read_whole() -> None:
    (sheet,) = read_workbook(table(20_000))
    assert len(sheet.rows) == 20_000
    assert sheet.rows[-1] == ["Palvelu 19999", 20081.5, date(2026, 1, 1), True, "HUR", 19999.0]


def test_a_reader_under_a_daemonic_parent_works() -> None:
    """Celery's pool children are daemonic: multiprocessing would refuse a child there."""
    script = (
        "import multiprocessing, sys\n"
        "from documents.workbook import read_workbook\n"
        "def work(): sys.exit(len(read_workbook(sys.stdin.buffer.read())[0].rows))\n"
        "child = multiprocessing.get_context('fork').Process(target=work, daemon=True)\n"
        "child.start(); child.join(); sys.exit(child.exitcode)\n"
    )
    # multiprocessing gives its child an empty standard input, so the bytes are handed over before.
    script = script.replace("sys.stdin.buffer.read()", "data").replace(
        "def work", "data = sys.stdin.buffer.read()\ndef work"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=workbook({"A3": 1}), check=False, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 3


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a workbook"),
        (b"service;price\n", "not a workbook"),
        (b"\xef\xbb\xbf \n<html><table><tr><td>1</td></tr></table></html>", "web page"),
        (b'<?xml version="1.0"?><Workbook/>', "web page"),
        (b"PK\x03\x04 and nothing more", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512) + "EncryptedPackage".encode("utf-16-le"), "password"),
        (attacks.zip_of(("readme.txt", b"hello")), "damaged"),
        (attacks.zip_bomb(name="xl/worksheets/sheet1.xml"), "times its packed size"),
        (attacks.overlapping_zip(), "overlap"),
        (ods(ENCRYPTION), "password"),
    ],
    ids=[
        "empty",
        "csv",
        "html",
        "xml",
        "cut zip",
        "empty ole",
        "encrypted xlsx",
        "other zip",
        "bomb",
        "overlap",
        "encrypted ods",
    ],
)
def test_what_is_no_usable_workbook_is_refused_in_words(data: bytes, says: str) -> None:
    sentence = refusal(data)
    assert says in sentence
    assert "Traceback" not in sentence


def test_a_workbook_cut_short_is_refused() -> None:
    data = workbook({"A1": "x"})
    for length in (len(data) // 2, len(data) - 10):
        assert "damaged" in refusal(data[:length])


def test_a_damaged_sheet_is_refused_not_skipped() -> None:
    """Valid zip, checksums right, but the sheet's XML stops in the middle."""
    import zipfile

    parts = zipfile.ZipFile(io.BytesIO(table(50)))
    data = attacks.zip_of(
        *((name, parts.read(name)[:900] if "sheet1" in name else parts.read(name)) for name in parts.namelist()),
    )
    assert "damaged" in refusal(data)


def test_two_far_corners_do_not_take_the_machine_down() -> None:
    sentence = refusal(workbook({"A1": 1, "XFD1048576": 2}))
    assert "memory" in sentence
    assert "512 MB" in sentence


def test_what_unpacks_too_far_is_refused_before_it_is_read() -> None:
    assert "1000" in refusal(table(100), unpacked=ArchiveLimits(unpacked=1000))
    assert "at most 3" in refusal(table(100), unpacked=ArchiveLimits(members=3))


def test_limits_are_told_with_what_was_found() -> None:
    assert "51 rows; at most 50" in refusal(table(51), rows=50)
    assert "6 columns; at most 5" in refusal(table(2), columns=5)
    assert "3 sheets; at most 2" in refusal(workbook({}, extra_sheets=2), sheets=2)
    assert "bytes; at most 100" in refusal(table(1), packed=100)
    assert len(read_workbook(table(50), limits=WorkbookLimits(rows=50, columns=6, sheets=1))[0].rows) == 50


def test_one_long_text_repeated_does_not_fill_the_disk() -> None:
    data = workbook({f"A{row}": NOISE for row in range(1, 200)})
    assert "more text than the accepted 1 MB" in refusal(data, answer=MEBIBYTE)


def test_too_little_memory_is_told_as_such() -> None:
    assert "64 MB" in refusal(workbook({"A1": 1, "Z200000": 2}), memory=64 * MEBIBYTE)


def test_too_little_time_is_told_as_such() -> None:
    with pytest.raises(RefusedInput) as error:
        read_workbook(table(50), limits=WorkbookLimits(seconds=0))
    assert "0 seconds" in error.value.message.text("en")
