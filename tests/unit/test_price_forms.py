"""A file's form by its content; what is no price list; workbooks as providers send them, and as attackers do."""

import io
import re
import zipfile
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.prices import READERS, read_price_list
from connectors.prices.forms import form_of
from core.errors import RefusedInput
from tests.support.price_files import ods, xlsx

CATALOGUE = '<?xml version="1.0"?>\n<!-- a list --><Catalogue xmlns="urn:oasis:names:specification:ubl:schema:xsd:Catalogue-2"/>'
HEAD = ["Palvelu", "Yksikkö", "Hinta", "Voimassa alkaen"]


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"Palvelu;Hinta\n", "table"),
        ("Palvelu;Hinta\n".encode("utf-16"), "table"),
        (b"PK\x03\x04", "table"),
        (b"", "table"),
        (b'{"version": 1}', "json"),
        (b'\xef\xbb\xbf \n{"version": 1}', "json"),
        ('{"version": 1}'.encode("utf-16"), "json"),
        ('{"version": 1}'.encode("utf-16-le"), "json"),
        (b'[{"service": 1}]', "json"),
        (b"[Palvelu];Hinta\n", "table"),
        (CATALOGUE.encode(), "ubl_catalogue"),
        (b"\xef\xbb\xbf" + CATALOGUE.encode(), "ubl_catalogue"),
        (CATALOGUE.encode("utf-16"), "ubl_catalogue"),
        (CATALOGUE.replace("<Cat", "<ubl:Cat").encode("utf-16-be"), "ubl_catalogue"),
    ],
)
def test_the_content_decides(content: bytes, form: str) -> None:
    assert form_of(content) == form
    assert form in READERS


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<!DOCTYPE html><html><body>500</body></html>", "sent a web page"),
        (b"\n <HTML><head><title>Login</title>", "sent a web page"),
        ("<html>".encode("utf-16"), "sent a web page"),
        (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', "sent a web page"),
        (b"<table><tr><td>Hinta</td></tr></table>", "sent a web page"),
        (b"<Invoice/>", "whose root element is Invoice"),
        (b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>', "whose root element is Workbook"),
        (b"<!-- " + b"<!--" * 10_000, "whose root element is"),
        (b"%PDF-1.7", "The file is PDF"),
        (b"\xff\xd8\xff\xe0", "The file is JPEG"),
        (b"{\\rtf1", "The file is RTF"),
        (b"\x1f\x8b\x08\x00", "neither text (CSV) nor a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "cannot be read as a workbook"),
        (b"PK\x03\x04" + b"\0" * 100, ""),
    ],
)
def test_what_is_no_price_list_is_refused_with_what_it_is(content: bytes, reason: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        read_price_list(content, file_name="hinnasto.csv")
    assert reason in refused.value.message.text("en")


def test_merged_titles_of_a_workbook() -> None:
    rows: list[list[Any]] = [
        ["Esimerkki Oy"], [],
        ["Palvelu", "Yksikkö", "Hinta", None, None, None, "Voimassa", None],
        [None, None, "arki", "ilta", "lauantai", "sunnuntai", "alkaen", "asti"],
        ["Valmennus", "h", 60, 69.0, "×1,2", "100,00 €", date(2026, 1, 1), datetime(2026, 12, 31)],  # noqa: DTZ001
    ]  # fmt: skip
    content = xlsx(rows, merge=["A1:D1", "A3:A4", "B3:B4", "C3:F3", "G3:H3"])
    document = read_price_list(content, file_name="h.xlsx")
    assert [(row.position, row.time_class, row.amount) for row in document.rows] == [
        ("5", "weekday", Decimal(60)), ("5/evening", "evening", Decimal(69)),
        ("5/saturday", "saturday", Decimal(72)), ("5/sunday", "sunday", Decimal(100)),
    ]  # fmt: skip
    assert {(row.valid_from, row.valid_to) for row in document.rows} == {(date(2026, 1, 1), date(2026, 12, 31))}


def test_values_of_formulas_percent_cells_and_errors() -> None:
    content = xlsx(
        [[*HEAD, "Iltalisä", "ALV %"], ["X", "h", 12345, None, 0.15, 0.255], ["Y", "h", "#DIV/0!", None, None, None]]
    )
    document = read_price_list(_with_formula(content), file_name="h.xlsx")
    assert [(row.amount, row.vat_rate) for row in document.rows] == [
        (Decimal("61.7"), Decimal("0.255")), (Decimal("70.955"), Decimal("0.255")),
    ]  # fmt: skip
    (rejected,) = document.rejections
    assert "is not a price" in rejected.reason.text("en")


def _with_formula(content: bytes) -> bytes:
    """The cell of 12345 as a formula with the value a spreadsheet program kept beside it."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("sheet1.xml"):
                data = re.sub(
                    rb'(<c r="C2"[^>]*?)( t="n")?><v>12345</v>', rb"\1><f>B1*1.1</f><v>61.700000000000003</v>", data
                )
                assert b"<f>" in data
            new.writestr(name, data)
    return changed.getvalue()


def test_an_open_document_with_days_and_numbers() -> None:
    (row,) = read_price_list(ods([HEAD, ["X", "h", 60.5, date(2026, 1, 1)]]), file_name="h.ods").rows
    assert (row.amount, row.valid_from) == (Decimal("60.5"), date(2026, 1, 1))


def test_a_zip_bomb_under_a_workbooks_name() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/worksheets/sheet1.xml", b"0" * 20_000_000)
    with pytest.raises(RefusedInput, match="100"):
        read_price_list(content.getvalue(), file_name="h.xlsx")


def test_a_workbook_with_a_password() -> None:
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")
    with pytest.raises(RefusedInput) as refused:
        read_price_list(content, file_name="h.xlsx")
    assert "password" in refused.value.message.text("en")


def test_truth_is_no_number() -> None:
    content = xlsx(
        [["Palvelu", "Yksikkö", "Hinta", "Hintaperuste"], ["X", "h", 60, 1], ["Y", "h", 60, True], ["Z", "h", True, 1]]
    )
    document = read_price_list(content, file_name="h.xlsx")
    assert [row.service for row in document.rows] == ["X"]
    assert [(one.external_id, one.field) for one in document.rejections] == [("Y", "base_quantity"), ("Z", "price")]


def test_several_sheets_and_lines_on_a_sheet_of_their_own() -> None:
    first = [HEAD, ["X", "h", 60, None]]
    from openpyxl import Workbook

    book, content = Workbook(), io.BytesIO()
    for name, rows in (
        ("Hinnat", first),
        ("Lisät", [HEAD[:3], ["Iltalisä", "", "15 %"]]),
        ("Ohje", [["Täytä hinnat"]]),
    ):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(content)
    document = read_price_list(content.getvalue(), file_name="h.xlsx")
    assert [(row.position, row.amount) for row in document.rows] == [
        ("Hinnat:2", Decimal(60)), ("Hinnat:2/evening", Decimal(69)),
    ]  # fmt: skip
