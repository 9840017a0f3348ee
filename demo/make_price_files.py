"""Writes the demo's price lists as providers would send them: `python -m demo.make_price_files`.

Deterministic, so that the committed files can be compared with what this writes: an XLSX is a zip whose members and properties
carry times, and openpyxl puts the present there.
"""

import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Final

from openpyxl import Workbook
from openpyxl.styles import Font

FOLDER: Final = Path(__file__).parent / "data" / "prices"
_MADE: Final = datetime(2026, 11, 2, 12, 0)  # noqa: DTZ001 - a workbook's properties know no zone

#: Semicolons, decimal commas, Windows-1252, a letterhead above the header, and one price that is none.
ESIMERKKIVALMENNUS: Final = """\
Esimerkkivalmennus Oy (keksitty);;;;;
Hinnasto 2026–2027, hinnat euroina;;;;;
;;;;;
Tuotekoodi;Tuote;Yksikkö;Hinta (alv 0 %);Voimassa alkaen;Voimassa asti
ADHD-01;ADHD-valmennus, käynti perheen luona;käynti;88,00 €;1.1.2026;
NEPSY-01;Nepsy-valmennus;käynti;92,00 €;1.1.2026;
NEPSY-01;Nepsy-valmennus, ilta;ilta/käynti;sop.mukaan;1.1.2026;
"""
KAVERIPAJA: Final = """\
Tjänst;Enhet;Pris;Gäller från;Gäller till
professionell stödperson;timme;52,00 €;1.1.2026;31.12.2027
musikverkstad;timme;41,50 €;1.1.2026;31.12.2027
"""
OWN: Final = """\
Palvelukoodi,Palvelu,Yksikkö,Hinta,Voimassa alkaen
PERHETYO,perhetyö,käynti,"89,50",2026-01-01
"""
TUKIPOLKU: Final = (
    ("Tukipolku Oy (keksitty)",),
    ("Hinnasto ostopalveluihin",),
    (),
    ("Palvelukoodi", "Palvelu", "Yksikkö", "Hinta €", "ALV %", "Voimassa alkaen", "Voimassa asti"),
    ("TUKIHENKILO", "Ammatillinen tukihenkilö", "h", 49.0, 0, date(2026, 1, 1), date(2027, 12, 31)),
    ("NEPSY-VALMENNUS", "Nepsy-valmennus", "krt", 95.0, 0, date(2026, 1, 1), date(2027, 12, 31)),
)


def files() -> dict[str, bytes]:
    """File name → content."""
    return {
        "esimerkkivalmennus.csv": ESIMERKKIVALMENNUS.replace("\n", "\r\n").encode("cp1252"),
        "kaveripaja.csv": KAVERIPAJA.encode(),
        "own.csv": OWN.encode(),
        "tukipolku.xlsx": _workbook(),
    }


def _workbook() -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Hinnasto"
    for row in TUKIPOLKU:
        sheet.append(row)
    for cell in sheet[4]:
        cell.font = Font(bold=True)
    for row_number in (5, 6):
        sheet.cell(row_number, 4).number_format = "#,##0.00"
        for column in (6, 7):
            sheet.cell(row_number, column).number_format = "d.m.yyyy"
    guide = book.create_sheet("Ohje")
    guide.append(("Hinnat ovat voimassa toistaiseksi, ellei päättymispäivää ole.",))
    book.properties.creator = "Tukipolku Oy (keksitty)"
    book.properties.created = book.properties.modified = _MADE
    buffer = io.BytesIO()
    book.save(buffer)
    return _without_times(buffer.getvalue())


def _without_times(content: bytes) -> bytes:
    """The same zip, stored (compressors differ), with one fixed time in every member and in the one property that saving overwrites."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(result, "w") as target:
        for name in sorted(source.namelist()):
            data = source.read(name)
            if name == "docProps/core.xml":
                start, end = data.index(b"<dcterms:modified"), data.index(b"</dcterms:modified>")
                opening = data.index(b">", start) + 1
                data = data[:opening] + _MADE.strftime("%Y-%m-%dT%H:%M:%SZ").encode() + data[end:]
            target.writestr(zipfile.ZipInfo(name, date_time=_MADE.timetuple()[:6]), data)
    return result.getvalue()


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (FOLDER / name).write_bytes(content)


if __name__ == "__main__":
    main()
