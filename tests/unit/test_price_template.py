"""The template as it is written, filled in and read back, without anything being configured; nothing in it is a formula."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from connectors.prices import read_price_list
from connectors.prices.row import EXTRAS, TIME_CLASSES, PriceRow
from connectors.prices.table.cells import extra, time_class, vat_category, yes_or_no
from connectors.prices.table.wire import find_header
from connectors.prices.template import CHOICES, TITLES, Format, TemplateService, write_template
from connectors.prices.template.csv import write_csv
from connectors.prices.units import read_unit
from core.errors import RefusedInput
from documents.safe_cells import FORMULA_SIGNS, neutral, restored

SERVICES = [
    TemplateService("NEPSY", "Nepsy-valmennus", "E", "0"),
    TemplateService("=1+1", "@SUM(A1)", "S", "25,5"),
]
PROVIDER = "9999996-8"
#: What the provider writes: row, column, content.
FILLED = [
    (2, 3, "käynti"), (2, 4, "95,00"), (2, 11, "1.1.2027"),
    (3, 3, "45 min"), (3, 4, "60"), (3, 10, "ei"), (3, 12, "31.12.2027"),
    (4, 1, "NEPSY"), (4, 3, "käynti"), (4, 4, "120,00 €"), (4, 5, "sunnuntai"),
    (5, 3, "km"), (5, 4, "0,57"), (5, 6, "matkakorvaus"),
]  # fmt: skip
EXPECTED = [
    PriceRow("NEPSY", "C62", Decimal(95), "2", vat_category="E", vat_rate=Decimal(0), valid_from=date(2027, 1, 1), provider=PROVIDER, service_name="Nepsy-valmennus"),
    PriceRow("=1+1", "HUR", Decimal(60), "3", Decimal("0.75"), "S", Decimal("0.255"), False, valid_to=date(2027, 12, 31), provider=PROVIDER, service_name="@SUM(A1)"),
    PriceRow("NEPSY", "C62", Decimal(120), "4", time_class="sunday"),
    PriceRow("", "KMT", Decimal("0.57"), "5", extra="travel"),
]  # fmt: skip


def filled(form: Format, content: bytes) -> bytes:
    """The file as a provider saves it."""
    if form == "csv":
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
        rows += [[""] * len(TITLES) for _ in range(5 - len(rows))]
        for row, column, text in FILLED:
            rows[row - 1][column - 1] = text
        written = io.StringIO()
        csv.writer(written, delimiter=";").writerows(rows)
        return written.getvalue().encode("cp1252")
    book = load_workbook(io.BytesIO(content))
    for row, column, value in FILLED:
        book.worksheets[0].cell(row, column, value)
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_what_is_filled_in_is_read_back(form: Format) -> None:
    document = read_price_list(filled(form, write_template(form, SERVICES, business_id=PROVIDER)), file_name="h")
    assert document.rejections == []
    assert document.unknown_columns == []
    for row in document.rows:
        row.position = row.position.removeprefix("Hinnasto:")
    assert document.rows == EXPECTED


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_an_open_price_is_missing_and_an_empty_table_is_no_list(form: Format) -> None:
    document = read_price_list(write_template(form, SERVICES), file_name="h")
    assert [(one.external_id, one.field) for one in document.rejections] == [("NEPSY", "price"), ("=1+1", "price")]
    with pytest.raises(RefusedInput, match=r"\."):
        read_price_list(write_template(form), file_name="h")


def test_every_title_is_known_and_every_choice_is_understood() -> None:
    header = find_header([TITLES])
    assert header is not None
    assert header.unknown == ()
    units, times, extras, categories, answers = CHOICES.values()
    assert all(read_unit(one) for one in units)
    assert [time_class(one) for one in times] == list(TIME_CLASSES)
    assert [extra(one) for one in extras] == [one for one in EXTRAS if one]
    assert [vat_category(one) for one in categories] == list(categories)
    assert [yes_or_no(one) for one in answers] == [True, False]


def test_the_workbook_offers_lists_and_explains_itself() -> None:
    book = load_workbook(io.BytesIO(write_template("xlsx", SERVICES)))
    sheet = book.worksheets[0]
    offered = {str(one.sqref): one.formula1 for one in sheet.data_validations.dataValidation}
    assert offered["C2:C1000"] == '"käynti,h,45 min,vrk,vko,kk,urakka,km"'
    assert len(offered) == len(CHOICES)
    assert all(len(str(one)) <= 255 for one in offered.values())  # a workbook cannot hold a longer list
    assert book.sheetnames == ["Hinnasto", "Ohje", "Anvisning"]
    assert all(cell.value for name in book.sheetnames[1:] for (cell,) in book[name].iter_rows(max_col=1))
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}  # n: empty cells


def test_no_cell_of_a_csv_is_a_formula() -> None:
    content = write_csv([[f"{sign}cmd" for sign in FORMULA_SIGNS] + ["plain", ""]]).decode("utf-8-sig")
    (row,) = csv.reader(io.StringIO(content, newline=""), delimiter=";")
    assert not any(cell.startswith(FORMULA_SIGNS) for cell in row)
    assert row[-2:] == ["plain", ""]


@given(st.text(max_size=10))
def test_a_text_comes_back(text: str) -> None:
    assert not neutral(text).startswith(FORMULA_SIGNS)
    if not text.startswith("'"):
        assert restored(neutral(text)) == text
