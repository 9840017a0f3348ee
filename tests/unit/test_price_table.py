"""Every shape of table providers send; whole files that are no price list; rows that are no price."""

import io
from datetime import date
from decimal import Decimal

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from connectors.prices import read_price_list
from connectors.prices.row import PriceRow, Reading
from core.errors import RefusedInput

HEAD = "Palvelukoodi;Palvelu;Yksikkö;Hinta;Voimassa alkaen;Voimassa asti\n"


def read(text: str | bytes, encoding="cp1252"):
    content = text if isinstance(text, bytes) else text.encode()
    return read_price_list(content, file_name="hinnasto.csv", reading=Reading(encoding))


def only(text: str | bytes, **over) -> PriceRow:
    document = read(text, **over)
    assert document.rejections == []
    assert len(document.rows) == 1
    row: PriceRow = document.rows[0]
    return row


def why(text: str, header=HEAD) -> tuple[str, str, str]:
    document = read(header + text)
    assert document.rows == []
    (one,) = document.rejections
    return one.position, one.field, one.reason.text("en")


def workbook(rows, *, name="Hinnasto", more=()) -> bytes:
    book = Workbook()
    book.worksheets[0].title = name
    for row in rows:
        book.worksheets[0].append(row)
    for other, cells in more:
        sheet = book.create_sheet(other)
        for row in cells:
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_a_plain_finnish_list():
    assert only(HEAD + "ADHD;ADHD-valmennus;käynti;88,00 €;1.1.2026;31.12.2026\n") == PriceRow(
        service="ADHD",
        service_name="ADHD-valmennus",
        unit="C62",
        amount=Decimal(88),
        position="2",
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 12, 31),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_utf_8_with_or_without_mark_utf_16_else_the_configured_encoding(encoding):
    row = only((HEAD + "X;Perhetyö;käynti;60,-;;\n").encode(encoding))
    assert (row.service_name, row.unit, row.amount) == ("Perhetyö", "C62", Decimal(60))


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_separator_is_found(separator):
    text = (HEAD + "ADHD;Valmennus;h;1234.50;2026-01-01;\nNEPSY;Valmennus;h;60;2026-01-01;\n").replace(";", separator)
    document = read(text)
    assert [(row.service, row.amount) for row in document.rows] == [("ADHD", Decimal("1234.5")), ("NEPSY", Decimal(60))]


def test_a_comma_separated_list_with_quoted_decimal_commas():
    assert only('Palvelu,Yksikkö,Hinta\n"Valmennus, ""nepsy""",h,"1 234,50"\n').amount == Decimal("1234.5")
    assert only('Palvelu,Yksikkö,Hinta\n"Valmennus, ""nepsy""",h,"60,00"\n').service == 'Valmennus, "nepsy"'


def test_the_header_need_not_be_in_row_1():
    text = "Esimerkki Oy;;;;;\nHinnasto 2026; hinta sovitaan;;;;\n\n" + HEAD + "ADHD;;h;60;;\n;;;;;\n"
    assert only(text).position == "5"


@pytest.mark.parametrize(
    "text",
    [
        "Tjänst;Enhet;Pris;Gäller från;Gäller till\nX;timme;60,00;1.1.2026;31.12.2026\n",
        "Service;Unit;Price;Valid from;Valid to\nX;hour;60.00;2026-01-01;2026-12-31\n",
        "PALVELU: ;yksikkö*; Hinta (€, alv 0 %) ;Voimassa  alkaen;voimassa asti.\nX;t;60;01.01.2026;31.12.2026\n",
    ],
)
def test_column_names_in_three_languages(text):
    row = only(text)
    assert (row.service, row.unit, row.amount) == ("X", "HUR", Decimal(60))
    assert (row.valid_from, row.valid_to) == (date(2026, 1, 1), date(2026, 12, 31))


@pytest.mark.parametrize(
    ("title", "cell", "unit", "inclusive"),
    [
        ("Hinta €/h", "60", "HUR", None),
        ("Hinta (€/käynti)", "60", "C62", None),
        ("Hinta, sis. alv", "60 €/h", "HUR", True),
        ("Hinta alv 0 %", "60 €/h", "HUR", False),
        ("Pris exkl. moms", "60 €/h", "HUR", False),
        ("Price (incl. VAT)", "60 €/h", "HUR", True),
    ],
)
def test_what_the_title_of_the_price_says(title, cell, unit, inclusive):
    row = only(f"Palvelu;{title}\nX;{cell}\n")
    assert (row.unit, row.vat_inclusive) == (unit, inclusive)


def test_the_further_columns():
    head = "Palvelu;Yksikkö;Hinta;ALV %;Sisältää ALV;Aikaluokka;Vähimmäismäärä;Alue;Valuutta;Y-tunnus\n"
    row = only(head + "X;45 min;60;25,5 %;kyllä;Lauantai;2,5;Esimerkkilä;EUR;9999996-8\n")
    assert (row.vat_rate, row.vat_inclusive, row.time_class) == (Decimal("0.255"), True, "saturday")
    assert (row.unit, row.base_quantity, row.minimum_quantity) == ("HUR", Decimal("0.75"), Decimal("2.5"))
    assert (row.territory, row.provider) == ("Esimerkkilä", "9999996-8")
    assert only(head + "X;h;60;0 %;;;;;;\n").vat_category == "E"
    assert only(head + "X;h;60;veroton;;;;;;\n").vat_rate == Decimal(0)


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        ("X;;h;sop.mukaan;;", "price", "is not a price"),
        ("X;;h;0;;", "price", "more than zero"),
        ("X;;h;-60;;", "price", "more than zero"),
        ("X;;h;1e308;;", "price", "is not a price"),
        ("X;;h;60,12345;;", "price", "more than four decimals"),
        ("X;;h;60 SEK;;", "price", "only euros"),
        ("X;;h;;;", "price", "The price is missing"),
        ("X;;kenkä;60;;", "unit", "is not known"),
        ("X;;;60;;", "unit", "The unit is missing"),
        ("X;;käynti;60 €/h;;", "unit", "is 1 × hour, in the column of units 1 × visit"),
        ("X;;45 min;60 €/h;;", "unit", "is 1 × hour, in the column of units 0.75 × hour"),
        ("X;;h;60 €/kenkä;;", "unit", "is not known"),
        (";;h;60;;", "service", "The service is missing"),
        ("X;;h;60;31.12.2026;1.1.2026", "valid_to", "before it begins"),
        ("X;;h;60;31.2.2026;", "valid_from", "is not a date"),
        ("X;;h;60;1/2/2026;", "valid_from", "is not a date"),
    ],
)
def test_a_row_that_is_no_price_is_rejected_with_its_place(row, field, reason):
    position, found, sentence = why(row + "\n")
    assert (position, found) == ("2", field)
    assert reason in sentence


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("Valuutta", "SEK", "only euros"),
        ("ALV", "paljon", "not a number"),
        ("ALV", "120 %", "not a VAT rate"),
        ("ALV-luokka", "Q", "not a VAT category"),
        ("Sisältää ALV", "ehkä", "neither yes nor no"),
        ("Aikaluokka", "joskus", "is not known"),
        ("Vähimmäismäärä", "-1", "more than zero"),
        ("Hintaperuste", "0", "more than zero"),
    ],
)
def test_further_columns_are_checked(column, cell, reason):
    assert reason in why(f"X;h;60;{cell}\n", header=f"Palvelu;Yksikkö;Hinta;{column}\n")[2]


def test_the_rest_of_a_list_goes_on():
    document = read(HEAD + "A;;h;60;;\nB;;h;sop.mukaan;;\nC;;h;62;;\n")
    assert [row.service for row in document.rows] == ["A", "C"]
    assert [(one.position, one.external_id) for one in document.rejections] == [("3", "B")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\x7fELF\x02\x01\x00\x00\x00", "neither text (CSV) nor a workbook"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "The file is PNG"),
        (b"%PDF-1.7\n\x00\x01", "The file is PDF"),
        (b"PK\x03\x04 and no more", ""),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
        (b"<!DOCTYPE html><html><body>500</body></html>", "web page"),
        (b"Palvelu;Yksikk\x81;Hinta\n", "neither UTF-8 nor cp1252"),
        (b"Palvelu;Hinta\nX;" + b"6" * 10_000_000 + b"\n", "Row 2 is longer than 100000 characters"),
        (b'Palvelu;Hinta\n"X;60\n', "not a whole CSV file"),
        (b"a;b\n1;2\n", "No price table"),
        (b"Palvelu;Hinta;Yksikko\n;;\n", "table is empty"),
        (b"Palvelu;Hinta;Pris\nX;1;2\n", "two columns for the same thing"),
    ],
)
def test_what_is_no_price_list_is_refused_as_a_whole(content, reason):
    with pytest.raises(RefusedInput) as refused:
        read(content)
    assert reason in refused.value.message.text("en")


def test_an_unknown_encoding_is_said():
    with pytest.raises(RefusedInput, match="rot-99"):
        read(HEAD.encode("cp1252"), encoding="rot-99")


def test_a_file_that_is_too_large_is_not_looked_into(monkeypatch):
    monkeypatch.setattr("connectors.prices.table.client.LARGEST_FILE", 10)
    with pytest.raises(RefusedInput):
        read(HEAD)


def test_a_workbook_with_a_letterhead_instructions_and_real_dates():
    content = workbook(
        [
            ["Esimerkki Oy"],
            [],
            ["Koodi", "Palvelu", "Yksikkö", "Hinta", "Voimassa alkaen", "Voimassa asti", "ALV %"],
            [1001, "Tukihenkilö", "h", 49.0, date(2026, 1, 1), 46387, 0.255],
            ["NEPSY", "Valmennus", "krt", "95,00 €", "1.1.2026", None, 0],
            ["X", "Muu", "h", 1e308, None, None, None],
        ],
        more=[("Ohje", [["Täytä hinnat"]])],
    )
    document = read_price_list(content, file_name="h.xlsx")
    first, second = document.rows
    assert (first.service, first.amount, first.position) == ("1001", Decimal(49), "Hinnasto:4")
    assert (first.valid_from, first.valid_to, first.vat_rate) == (
        date(2026, 1, 1),
        date(2026, 12, 31),
        Decimal("0.255"),
    )
    assert (second.amount, second.valid_from, second.vat_category) == (Decimal(95), date(2026, 1, 1), "E")
    assert [one.position for one in document.rejections] == ["Hinnasto:6"]


def test_dates_of_the_1904_calendar():
    book = Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.worksheets[0].append(["Palvelu", "Yksikkö", "Hinta", "Voimassa alkaen"])
    book.worksheets[0].append(["X", "h", 60, date(2026, 1, 1)])
    buffer = io.BytesIO()
    book.save(buffer)
    assert only(buffer.getvalue()).valid_from == date(2026, 1, 1)


def test_the_same_list_in_csv_and_in_a_workbook():
    rows = [
        ["Palvelukoodi", "Palvelu", "Yksikkö", "Hinta", "Voimassa alkaen"],
        ["ADHD", "Perhe", "käynti", "88,00 €", "1.1.2026"],
        ["TUKI", "Tuki", "45 min", "1 049,50", "2026-02-01"],
    ]
    text = "".join(";".join(row) + "\n" for row in rows)
    assert read(text).rows == read_price_list(workbook(rows), file_name="h.xlsx").rows
