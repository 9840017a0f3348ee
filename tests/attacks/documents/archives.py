"""Archives and workbooks: what unpacks to more than it says, leads elsewhere, or asks the reader for all memory there is."""

import gzip
import io
import stat
import struct
import zipfile
from collections.abc import Callable
from typing import Final

from tests.attacks.bounds import MEBIBYTE
from tests.attacks.documents import Attack, Attacks
from tests.support import attacks
from tests.support.attacks import zip_of

_WORKSHEET: Final = "xl/worksheets/sheet1.xml"
_REFUSED: Final = "."


def long_directory(count: int) -> bytes:
    """A zip whose directory has `count` entries and says that it has none: each costs a reader a kilobyte before it can be counted."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, 0, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    return b"PK\3\4" + entry * count + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0, 0, len(entry) * count, 4, 0)


def link_in_zip() -> bytes:
    """A member that is a symbolic link to a file of ours."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        link = zipfile.ZipInfo("cases.xml")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return made.getvalue()


def _alone(content: Callable[[], bytes], says: str | None) -> Attack:
    return Attack(lambda *_: content(), says)


def _named(name: str, says: str = "leads out of it") -> Attack:
    return Attack(lambda *_: zip_of((name, b"<x/>")), says)


_ZIPS: Final[Attacks] = {
    "a bomb": _alone(attacks.zip_bomb, "times its packed size"),
    "a directory that lies": _alone(lambda: attacks.zip_with_lying_directory(bytes(4 * MEBIBYTE), 10), _REFUSED),
    "a directory that lies about the end": _alone(lambda: attacks.zip_with_lying_directory(b"x", 500_000), _REFUSED),
    "files that overlap": _alone(attacks.overlapping_zip, "times its packed size|overlap"),
    "files without number": _alone(lambda: zip_of(*((f"{number}.xml", b"") for number in range(2_500))), "at most"),
    "a directory without end": _alone(lambda: long_directory(300_000), "list of its files"),
    "a way out": _named("../../etc/cron.d/x"),
    "a way out on Windows": _named("..\\..\\x.xml"),
    "a place of its own": _named("/etc/cron.d/x"),
    "a drive": _named("C:/x.xml"),
    "a password": _alone(lambda: attacks.zip_with_flags(b"x", 1), "password"),
    "another way of packing": _alone(lambda: zip_of(("x.xml", b"<x/>"), method=zipfile.ZIP_LZMA), "method"),
    "cut short": Attack(lambda seed, _: seed[: len(seed) // 2], _REFUSED),
    "a name of 5,000 figures": _alone(lambda: zip_of(("9" * 5_000 + ".xml", b"<x/>")), None),
}  # fmt: skip

PACKED: Final[Attacks] = {
    **_ZIPS,
    "an archive in it": _alone(lambda: zip_of(("inner.zip", zip_of(("x.xml", b"<x/>")))), "another archive"),
    "an archive in it by another name": _alone(lambda: zip_of(("x.xml", gzip.compress(b"<x/>"))), "another archive"),
    "a link": _alone(link_in_zip, "not XML"),
    "a bomb of gzip": _alone(attacks.gzip_bomb, "unpacks to more"),
    "pieces of gzip without number": _alone(lambda: gzip.compress(b"", mtime=0) * 50_000, None),
    "gzip cut short": _alone(lambda: gzip.compress(b"<x/>" * 1_000, mtime=0)[:-9], _REFUSED),
    "gzip with a wrong sum": _alone(lambda: gzip.compress(b"<x/>" * 1_000, mtime=0)[:-8] + bytes(8), _REFUSED),
    "commands in a name": _alone(lambda: zip_of(("\x1b[2J\u202elmx.x", b"x")), "not XML"),
}


def _changed(name: str, change: Callable[[bytes], bytes], *more: tuple[str, bytes]) -> Callable[[bytes, str], bytes]:
    """A workbook with one part changed, and other parts beside."""

    def make(seed: bytes, _: str) -> bytes:
        with zipfile.ZipFile(io.BytesIO(seed)) as archive:
            parts = [(one, archive.read(one)) for one in archive.namelist()]
        return zip_of(*((one, change(content) if one == name else content) for one, content in parts), *more)

    return make


def _sheet(change: Callable[[bytes], bytes], says: str | None = None) -> Attack:
    return Attack(_changed(_WORKSHEET, change), says)


def _cell(more: str) -> Callable[[bytes], bytes]:
    return lambda content: content.replace(b"</sheetData>", f'<row r="400">{more}</row></sheetData>'.encode())


def _doctype(content: bytes) -> bytes:
    entities = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))
    return content.replace(
        b"<worksheet",
        f'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd"><!ENTITY e0 "ha">{entities}]><worksheet'.encode(),
        1,
    )


def ods_of(rows: str) -> bytes:
    """A spreadsheet of OpenDocument with these rows."""
    content = (
        '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet><table:table table:name="A">'
        f"{rows}</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    return zip_of(("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", content.encode()))


def _ods(rows: str, says: str | None) -> Attack:
    return _alone(lambda: ods_of(rows), says)


WORKBOOKS: Final[Attacks] = {
    **{name: attack if attack.says != "at most" else Attack(attack.make, _REFUSED) for name, attack in _ZIPS.items()},
    "a bomb beside the sheets": Attack(_changed("", bytes, ("xl/media/x.bin", bytes(64 * MEBIBYTE))), "times its packed size"),
    "a cell far from all others": _sheet(_cell('<c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c>'), "memory|rows|columns"),
    "a size that lies": _sheet(lambda content: content.replace(b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>', 1)),
    "strings that lie": Attack(_changed("xl/sharedStrings.xml", lambda content: content.replace(b"<sst", b'<sst count="4294967295" uniqueCount="4294967295"', 1))),
    "a string that is not there": _sheet(_cell('<c r="A400" t="s"><v>4294967295</v></c>')),
    "entities": _sheet(lambda content: _cell('<c r="A400" t="inlineStr"><is><t>&e9;&f;</t></is></c>')(_doctype(content))),
    "a command as a formula": _sheet(_cell("<c r=\"A400\" t=\"str\"><f>cmd|' /C calc'!A1</f><v>x</v></c>")),
    "a table elsewhere": Attack(
        _changed(
            _WORKSHEET,
            _cell('<c r="A400"><f>[1]Sheet1!A1</f><v>1</v></c>'),
            ("xl/externalLinks/externalLink1.xml", b"<externalLink/>"),
            ("xl/externalLinks/_rels/externalLink1.xml.rels", b'<Relationships><Relationship Target="http://127.0.0.1:9/x.xlsx" TargetMode="External"/></Relationships>'),
        )
    ),
    "macros": Attack(_changed("", bytes, ("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)))),
    "what a terminal obeys": _sheet(_cell('<c r="A400" t="inlineStr"><is><t>_x001B_[2J_x0000__xD800_</t></is></c>')),
    "depth": _sheet(_cell("<c><is>" * 20_000 + "</is></c>" * 20_000)),
    "no number": _sheet(_cell('<c r="A400"><v>NaN</v></c><c r="B400"><v>1E999</v></c>')),
    "a day beyond calendars": _sheet(_cell('<c r="A400" t="d"><v>99999-12-31T00:00:00</v></c><c r="B400" s="1"><v>999999999999</v></c>')),
    "rows without number": _ods('<table:table-row table:number-rows-repeated="1048576"><table:table-cell table:number-columns-repeated="16384" office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row>', _REFUSED),
    "columns without number": _ods('<table:table-row><table:table-cell table:number-columns-repeated="4000000000" office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row>', _REFUSED),
    "sheets without number": _ods("".join(f'</table:table><table:table table:name="{number}">' for number in range(5_000)), _REFUSED),
    "spaces without number": _ods('<table:table-row><table:table-cell office:value-type="string"><text:p><text:s text:c="4000000000"/></text:p></table:table-cell></table:table-row>', _REFUSED),
    "another's workbook": _alone(lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 100_000, _REFUSED),
}  # fmt: skip
