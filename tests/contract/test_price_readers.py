"""The contract of price readers over every form Avain reads. A Peppol catalogue has its own in test_catalogue_reader.py."""

import json
from collections.abc import Sequence
from typing import ClassVar

from tests.contract.price_reader import HEAD, PriceReaderContract
from tests.support.price_files import json_list, ods, xlsx


class TestCsv(PriceReaderContract):
    """Semicolons, UTF-8."""

    may_be_cut: ClassVar[bool] = True

    def write(self, table: Sequence[Sequence[str]]) -> bytes:
        return "".join(";".join(row) + "\r\n" for row in table).encode()


class TestCsvOfAnOlderProgram(PriceReaderContract):
    """Tabs, the Windows code page."""

    may_be_cut: ClassVar[bool] = True

    def write(self, table: Sequence[Sequence[str]]) -> bytes:
        return "".join("\t".join(row) + "\r\n" for row in table).encode("cp1252")


class TestXlsx(PriceReaderContract):
    """A workbook of texts."""

    def write(self, table: Sequence[Sequence[str]]) -> bytes:
        return xlsx(table)


class TestOds(PriceReaderContract):
    """An OpenDocument spreadsheet of texts."""

    def write(self, table: Sequence[Sequence[str]]) -> bytes:
        return ods(table)


class TestJson(PriceReaderContract):
    """The documented schema."""

    def write(self, table: Sequence[Sequence[str]]) -> bytes:
        return json_list(table) if not table or table[0] == HEAD else json.dumps(table).encode()
