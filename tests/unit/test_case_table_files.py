"""Table files that must not be applied, and what shows that one is whole."""

import codecs
from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors.cases.contract import a_record
from documents import delimited
from tests.support.tables import Reader, as_csv, as_xlsx, csv_of, one_table, profile_text


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "The file is empty."),
        (codecs.BOM_UTF8, "The file is empty."),
        (b" \r\n ", "The file is empty."),
        (b"\x00\x01\x02", "The file is neither text (CSV) nor a workbook"),
        (b"<html><body>500</body></html>\n", "The file is a web page or XML, not a table."),
        (b"Etunimi;Sukunimi\r\nAino;Keksitty\r\n", "No row names the columns of the profile (Asiakkuus, Asiakas, "),
        (csv_of().replace(b"Tila", b"Tilat"), "The file lacks a column that the profile reads: Tila is not known. Did you mean Tilat?"),
        (csv_of().replace(b"Tila", b"Vaihe"), "The file lacks a column that the profile reads: Tila is not known. There are: Arvio, Asiakas, "),
        (csv_of().replace(b"Tavoite 1", "Yksikkö".encode()), "The file has the column Yksikkö more than once."),
        (csv_of()[:-2], "The file does not end with a line break: it seems to have been cut short."),
        (csv_of().replace(b"Eka", b'"Eka'), "The file is not a whole CSV file ("),
        (csv_of().replace(b"Eka", b'"Eka"x'), "The file is not a whole CSV file ("),
        (csv_of().replace(b"Eka", b"e" * 10_000_000), "Row 2 is longer than 100000 characters."),
        (csv_of().replace(b"Eka", b'"' + b"e\n" * 100_000), "Row 2 is longer than 100000 characters. Perhaps a quotation mark is never closed."),
        (csv_of().replace(b"Eka", b"Eka \xff"), "The file is a mix of UTF-8 and something else, near byte "),
        (csv_of(encoding="utf-8-sig").replace(b"Eka", b"Eka \xff"), "The file is neither UTF-8 nor utf-8-sig text."),
        (csv_of(encoding="cp1252").replace(b"Eka", b"Eka \x81"), "The file is neither UTF-8 nor cp1252 text."),
        (csv_of(encoding="utf-16")[:-1], "The file is neither UTF-8 nor utf-16 text."),
        (as_xlsx({"S": one_table([a_record()])})[:-100], ""),
        (as_xlsx({"S": []}), "No row names the columns"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, ""),
        (as_xlsx({"A": one_table([a_record()]), "B": one_table([a_record()])}), "The sheets A and B both have columns of the profile."),
    ],
)  # fmt: skip
def test_a_file_that_must_not_be_applied_says_why(reader: Reader, content: bytes, why: str) -> None:
    assert reader.refusal(content).startswith(f"asiakkuudet.csv: {why}")


def test_the_sheet_of_the_profile_is_taken(reader: Reader) -> None:
    book = as_xlsx({"A": one_table([a_record("C-1")]), "B": one_table([a_record("C-2")])})
    assert [one.external_id for one in reader.records(book, profile_text(sections='[table]\nsheet = "B"'))] == ["C-2"]
    said = reader.refusal(book, profile_text(sections='[table]\nsheet = "C"'))
    assert said == "asiakkuudet.csv: The workbook lacks the sheet of the profile: C is not known. There are: A, B"


class TestFooter:
    TEXT = profile_text(sections='[table]\nfooter = "LOPPU"')

    def with_footer(self, *cells: str, after: Sequence[Sequence[str]] = ()) -> bytes:
        return as_csv([*one_table([a_record()]), [*cells], [], *after])

    def test_it_proves_that_the_file_is_whole(self, reader: Reader) -> None:
        assert len(reader.records(self.with_footer("LOPPU"), self.TEXT)) == 1
        assert len(reader.records(self.with_footer("LOPPU", "2").rstrip(), self.TEXT)) == 1
        assert "seems to have been cut short" in reader.refusal(csv_of(), self.TEXT)

    def test_the_number_in_it_is_checked(self, reader: Reader) -> None:
        assert reader.refusal(self.with_footer("LOPPU", "3"), self.TEXT).endswith(
            "The footer says 3 rows; the file has 2."
        )
        assert len(reader.records(self.with_footer("LOPPU", "002"), self.TEXT)) == 1
        assert reader.refusal(self.with_footer("LOPPU", "9" * 5000), self.TEXT).endswith(
            f"The footer says {'9' * 20} rows; the file has 2."
        )

    def test_nothing_stands_below_it(self, reader: Reader) -> None:
        assert "There are rows below the footer LOPPU, from row 6 on." in reader.refusal(
            self.with_footer("LOPPU", after=[["x"]]), self.TEXT
        )


def test_a_source_that_writes_no_last_line_break_can_say_so(reader: Reader) -> None:
    assert len(reader.records(csv_of()[:-2], profile_text(sections="[table]\nline_break_at_end = false"))) == 1


def test_a_long_row_is_told_before_it_is_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    assert delimited.LONGEST_ROW < 131_072, "csv's own limit of a field, whose sentence says less"
