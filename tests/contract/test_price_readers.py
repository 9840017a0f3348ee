"""The contract of price readers over every form Avain reads."""

import io
from collections.abc import Sequence

import pytest
from openpyxl import Workbook

from core.errors import RefusedInput
from tests.contract.price_reader import GOOD, HEAD, PriceReaderContract


class TestCsv(PriceReaderContract):
    """Semicolons, UTF-8."""

    def write(self, table: Sequence[Sequence[str]]) -> bytes:
        return "".join(";".join(row) + "\r\n" for row in table).encode()


class TestCsvOfAnOlderProgram(PriceReaderContract):
    """Tabs, the Windows code page."""

    def write(self, table: Sequence[Sequence[str]]) -> bytes:
        return "".join("\t".join(row) + "\r\n" for row in table).encode("cp1252")


class TestXlsx(PriceReaderContract):
    """A workbook of texts."""

    def write(self, table: Sequence[Sequence[str]]) -> bytes:
        book, content = Workbook(), io.BytesIO()
        for row in table:
            book.worksheets[0].append(list(row))
        book.save(content)
        return content.getvalue()

    def test_a_workbook_cut_short_is_refused(self) -> None:
        content = self.write([HEAD, *GOOD])
        with pytest.raises(RefusedInput):
            self.reader(content[: len(content) // 2], file_name="list")
