"""Tables that tell who is away: any order and language of the columns, workbooks as well as text; what cannot be understood is said."""

from datetime import date, datetime
from io import BytesIO

import pytest
from openpyxl import Workbook

from core.errors import InputError
from documents.absence_table import AbsenceRow, read_absences

CSV = (
    "Henkilönumero;Syy;Alkaa;Päättyy;Sijainen\nW-1;lääkärissä;1.12.2026;12.12.2026;W-2\n\nW-3;;2026-12-05;2026-12-05;\n"
)
ROWS = (
    AbsenceRow(2, "W-1", date(2026, 12, 1), date(2026, 12, 12), "W-2"),
    AbsenceRow(4, "W-3", date(2026, 12, 5), date(2026, 12, 5), None),
)


def read(content, **titles):
    return read_absences(content if isinstance(content, bytes) else content.encode(), encoding="cp1252", titles=titles)


@pytest.mark.parametrize("content", [CSV.encode(), CSV.encode("cp1252"), CSV.replace(";", "\t").encode("utf-16")])
def test_text_of_every_kind(content):
    assert read(content).rows == ROWS
    assert "lääkärissä" not in str(read(content))


def test_a_workbook_with_numbers_and_days():
    book = Workbook()
    book.create_sheet("Selite").append(["worker"])
    sheet = book.create_sheet("Poissaolot")
    sheet.append(["Poissaolot 2026"])
    sheet.append(["Sijainen", "Employee ID", "start date", "End date"])
    sheet.append([4712, 4711, datetime(2026, 12, 1), "12.12.2026"])  # noqa: DTZ001 - cells have no zone
    file = BytesIO()
    book.save(file)
    assert read(file.getvalue()).rows == (AbsenceRow(3, "4711", date(2026, 12, 1), date(2026, 12, 12), "4712"),)


def test_titles_of_the_sources_own():
    content = "hlo,tunnus,a,b\nAnna,W-1,1.12.2026,2.12.2026\n"
    (row,) = read(content, worker="Tunnus", first="A", last="B").rows
    assert (row.worker, row.last) == ("W-1", date(2026, 12, 2))
    with pytest.raises(InputError, match="columns that tell who is away"):
        read(content, worker="Tunnus", first="A", last="B", deputy="Sijainen")


@pytest.mark.parametrize(
    ("line", "field", "said"),
    [
        (";1.12.2026;2.12.2026;", "worker", "not said who"),
        ("W-1;31.11.2026;2.12.2026;", "first", "day is missing"),
        ("W-1;1.12.2026;;", "last", "day is missing"),
        ("W-1;1.12.1926;2.12.2026;", "first", "day is missing"),
        ("W-1;3.12.2026;2.12.2026;", "last", "before the first"),
        ("W-1;1.12.2026;2.12.2026;w-1", "deputy", "for themselves"),
        ("W-1;1.12.2026", "last", "day is missing"),
    ],
)
def test_a_row_that_says_nothing_stops_no_other(line, field, said):
    table = read(f"worker;from;to;deputy\n{line}\nW-9;1.12.2026;2.12.2026;\n")
    (fault,) = table.faults
    assert (fault.row, fault.field, said in str(fault.reason)) == (2, field, True)
    assert [one.worker for one in table.rows] == ["W-9"]


@pytest.mark.parametrize(
    "content", ["", "a;b\n1;2\n", "worker;from;to\nW-1;1.12.2026;2.12.2026", "<html></html>", "PK\x03\x04"]
)
def test_what_is_no_such_table_is_refused(content):
    with pytest.raises(InputError):
        read(content)
