"""Reports of what was delivered, as CSV: titles in three languages, figures and days as people write them, and a sentence for each bad row."""

from datetime import date
from decimal import Decimal

import pytest

from core.errors import RefusedInput
from documents.delivered_csv import MOST_ROWS, DeliveredRow, read_delivered

FINNISH = "Tilausnumero;Rivi;Alku;Loppu;Määrä\nT-2026-000123;1;1.11.2026;30.11.2026;12,5\n"


def test_titles_are_known_in_three_languages_in_any_order_and_separator():
    expected = (DeliveredRow(2, "T-2026-000123", 1, date(2026, 11, 1), date(2026, 11, 30), Decimal("12.5")),)
    swedish = (
        "Antal\tTill\tFrån\tRad\tBeställningsnummer\tAnmärkning\n12.5\t2026-11-30\t2026-11-01\t1\tT-2026-000123\tx\n"
    )
    english = 'order_number,line,from,to,quantity\nt-2026-000123,1,2026-11-01,2026-11-30,"12,5"\n'
    for content in (FINNISH.encode(), FINNISH.encode("cp1252"), swedish.encode("utf-16"), english.encode("utf-8-sig")):
        assert read_delivered(content).rows == expected
        assert read_delivered(content).faults == ()


def test_titles_may_stand_below_others_and_the_line_may_be_missing():
    text = "Toteumat;;;\n;;;\nTilaus;Alkaa;Päättyy;Toteutunut\nT-2026-000123;1.11.2026;30.11.2026;1 234,5\n;;;\n"
    (row,) = read_delivered(text.encode()).rows
    assert (row.row, row.line, row.quantity) == (4, None, Decimal("1234.5"))


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("HB-2026-000123;1;1.11.2026;30.11.2026;1", "order's number"),
        (";1;1.11.2026;30.11.2026;1", "order's number"),
        ("T-2026-000123;eka;1.11.2026;30.11.2026;1", "the line"),
        ("T-2026-000123;1;31.11.2026;30.11.2026;1", "the first or the last day"),
        ("T-2026-000123;1;1.11.1926;30.11.2026;1", "the first or the last day"),
        ("T-2026-000123;1;11/1/2026;30.11.2026;1", "the first or the last day"),
        ("T-2026-000123;1;30.11.2026;1.11.2026;1", "before the first"),
        ("T-2026-000123;1;1.11.2026;30.11.2026;-1", "the quantity"),
        ("T-2026-000123;1;1.11.2026;30.11.2026;paljon", "the quantity"),
        ("T-2026-000123;1;1.11.2026;30.11.2026", "the quantity"),
        ("T-2026-000123;1;1.11.2026;30.11.2026;1.234,5", "the quantity"),
    ],
)
def test_a_row_that_says_nothing_is_told_and_stops_no_other(row, why):
    report = read_delivered(f"{FINNISH}{row}\nT-2026-000124;1;1.11.2026;30.11.2026;3\n".encode())
    assert [one.order for one in report.rows] == ["T-2026-000123", "T-2026-000124"]
    (fault,) = report.faults
    assert fault.text("en").startswith("Row 3: ")
    assert why in fault.text("en")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (FINNISH.rstrip().encode(), "cut short"),
        (b"<html><body>login</body></html>", "web page"),
        (b"%PDF-1.7\n\x00\x01", "neither text"),
        (b"a;b;c\n1;2;3\n", "columns that tell what was delivered"),
        (b"a;b\n" * 40, "columns that tell what was delivered"),
        (FINNISH.encode() + b'T-2026-000123;1;"1.11.2026', "CSV"),
    ],
)
def test_what_is_no_such_table_is_refused(content, why):
    with pytest.raises(RefusedInput, match=why):
        read_delivered(content)


def test_a_file_has_an_end(monkeypatch):
    monkeypatch.setattr("documents.delivered_csv.MOST_ROWS", 3)
    read_delivered((FINNISH + "T-2026-000124;1;1.11.2026;30.11.2026;3\n").encode())
    with pytest.raises(RefusedInput, match="more than 3"):
        read_delivered((FINNISH + "T-2026-000124;1;1.11.2026;30.11.2026;3\n" * 2).encode())
    assert MOST_ROWS > 3
