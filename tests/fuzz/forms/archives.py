"""Zips, among them workbooks: a part changed as what it is, lost, doubled or renamed; and a directory that does not tell the truth."""

import gzip
import io
import re
import warnings
import zipfile
import zlib
from random import Random
from typing import Final

from tests.fuzz.forms import Change, Form, plain, tables, trees

_NAMES: Final = (
    "x.xml",
    "../x.xml",
    "/x",
    "C:\\x",
    "a/b/../../x",
    "x" * 300,
    "x\x1b[31m",
    "ä.csv",
    "CON",
    "[Content_Types].xml",
    "mimetype",
    "META-INF/manifest.xml",
    "xl/vbaProject.bin",
    "xl/externalLinks/externalLink1.xml",
)
#: Where a sheet says how large it is, and cells where they stand and what they are.
_SHEET_WORDS: Final = (
    (r'ref="[^"]*"', ('ref="A1:XFD1048576"', 'ref="A1:A9999999"', 'ref="x"', 'ref=""', 'ref="B2:A1"')),
    (r'<row r="[^"]*"', ('<row r="1048576"', '<row r="99999999999"', '<row r="0"', '<row r="-1"', '<row r="x"', "<row")),
    (r'<c r="[^"]*"', ('<c r="XFD1048576"', '<c r="ZZZZZZ1"', '<c r="A0"', '<c r="A99999999999999999999"', '<c r="1A"', "<c")),
    (r't="[^"]*"', ('t="s"', 't="d"', 't="e"', 't="b"', 't="str"', 't="x"', "")),
    (r's="[^"]*"', ('s="99999"', 's="-1"', 's="x"')),
    (r"<v>[^<]*</v>", ("<v>1e308</v>", "<v>-1e400</v>", "<v>NaN</v>", "<v>99999999999</v>", "<v>-1</v>", "<v>2958466</v>", "<v>0.5</v>", "<v></v>", "<v>9999-12-31T23:59:59</v>", "<v>1" + "0" * 400 + "</v>", "<v>P1Y2M3DT4H</v>")),
    (r'formatCode="[^"]*"', ('formatCode="[h]:mm"', 'formatCode="yyyy"', 'formatCode="' + "y" * 10_000 + '"')),
    (r'numFmtId="[^"]*"', ('numFmtId="14"', 'numFmtId="46"', 'numFmtId="x"')),
    (r'sheetId="[^"]*"', ('sheetId="x"',)), (r'r:id="[^"]*"', ('r:id="rId99"', 'r:id=""')), (r'Target="[^"]*"', ('Target="../../x"', 'Target="http://127.0.0.1/x"', 'Target=""')),
    (r'count="[^"]*"', ('count="4294967295"', 'count="-1"')), (r'state="[^"]*"', ('state="veryHidden"',)), (r'date1904="[^"]*"', ('date1904="1"',)),
    (r'number-(rows|columns)-repeated="[^"]*"', ('number-columns-repeated="2000000000"', 'number-rows-repeated="1048576"')),
    (r"<table:table-cell", ('<table:table-cell table:number-columns-repeated="16384"', '<table:table-cell table:number-rows-spanned="-1"')),
    (r"<table:table-row", ('<table:table-row table:number-rows-repeated="1048576"',)),
    (r'value="[^"]*"', ('value="NaN"', 'value="1e400"', 'value="x"', 'value="-0"')), (r'date-value="[^"]*"', ('date-value="99999-99-99"', 'date-value="0000-00-00T00:00"')),
    (r'value-type="[^"]*"', ('value-type="time"', 'value-type="boolean"', 'value-type="percentage"', 'value-type="x"')),
)  # fmt: skip
#: Places in a directory entry that are numbers: version, flags, method, time, checksum, sizes, lengths, offset.
_FIELDS: Final = (4, 6, 8, 10, 12, 16, 20, 24, 28, 30, 32, 34, 36, 38, 42)


def part_changed(dice: Random, content: bytes) -> bytes:
    """One part changed as what it is: XML, a table, or bytes."""
    parts = _read(content)
    at = dice.randrange(len(parts))
    name, inside = parts[at]
    change: Change = plain.changed
    if inside.lstrip()[:1] == b"<":
        change = dice.choice(
            (sheet_changed, sheet_changed, trees.tree_changed, trees.values_changed, trees.text_changed)
        )
    elif name.endswith(".csv"):
        change = dice.choice(tables.TABLE.changes)
    try:
        parts[at] = name, change(dice, inside)
    except ValueError:
        parts[at] = name, plain.changed(dice, inside)
    return _write(parts)


def sheet_changed(dice: Random, inside: bytes) -> bytes:
    """What a part says of sizes, places, kinds and values made into something else."""
    text = inside.decode("utf-8")
    for _ in range(dice.randint(1, 4)):
        pattern, words = dice.choice(_SHEET_WORDS)
        found = list(re.finditer(pattern, text))
        if found:
            one = dice.choice(found)
            text = text[: one.start()] + dice.choice(words) + text[one.end() :]
    return text.encode()


def parts_changed(dice: Random, content: bytes) -> bytes:
    """A part lost, doubled, renamed, put in, or packed in another way."""
    parts = _read(content)
    at = dice.randrange(len(parts))
    match dice.randint(0, 5):
        case 0:
            del parts[at]
        case 1:
            parts.append((dice.choice((parts[at][0], f"{parts[at][0]}.csv", "xl/worksheets/sheet2.xml")), parts[at][1]))
        case 2:
            parts[at] = dice.choice(_NAMES), parts[at][1]
        case 3:
            parts.append(
                (dice.choice(_NAMES), dice.choice((b"", b"x", content, gzip.compress(content), bytes(2_000_000))))
            )
        case 4:
            parts += [(f"{number}.xml", b"<x/>") for number in range(dice.choice((10, 1100)))]
        case _:
            return _write(parts, dice.choice((zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)))
    return _write(parts)


def directory_changed(dice: Random, content: bytes) -> bytes:
    """A number in the directory, or before a part, that is another one."""
    marks = [found.start() for found in re.finditer(rb"PK(?:\x01\x02|\x03\x04|\x05\x06)", content)]
    if not marks:
        raise ValueError
    data = bytearray(content)
    at = dice.choice(marks) + dice.choice(_FIELDS)
    size = dice.choice((2, 4))
    data[at : at + size] = dice.choice((0, 1, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)).to_bytes(4, "little")[:size]
    return bytes(data)


def wrapped(dice: Random, content: bytes) -> bytes:
    """As gzip, or within another zip."""
    return gzip.compress(content, mtime=0) if dice.random() < 0.5 else _write([("inner.zip", content)])


def composed(dice: Random) -> bytes:
    """A zip of odd names."""
    return _write([(dice.choice(_NAMES), plain.garbage(dice)) for _ in range(dice.randint(0, 4))])


def _read(content: bytes) -> list[tuple[str, bytes]]:
    """Names and bytes of the parts, at least one. Raises ValueError."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = [(info.filename, archive.read(info)) for info in archive.infolist() if info.file_size < 10_000_000]
    # A change before this one has broken it: then it is changed on as plain bytes (forms/__init__.py).
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, zlib.error) as error:
        raise ValueError from error
    if not parts:
        raise ValueError
    return parts


def _write(parts: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as archive:
        warnings.simplefilter("ignore")  # the same name twice is meant
        for name, content in parts:
            archive.writestr(zipfile.ZipInfo(name[:60_000] or "x"), content, method, 1)
    return file.getvalue()


ARCHIVE: Final = Form((part_changed, part_changed, part_changed, parts_changed, directory_changed, wrapped), composed)
