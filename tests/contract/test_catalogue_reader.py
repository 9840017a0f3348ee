"""The contract of price readers over Peppol catalogues."""

from collections.abc import Sequence
from dataclasses import replace

from connectors.prices.row import PriceDocument, Reading
from connectors.prices.ubl_catalogue import read_catalogue
from connectors.prices.units import read_unit
from tests.contract.price_reader import HEAD, PriceReaderContract
from tests.support.catalogues import catalogue, line, price


def _read(content: bytes, *, file_name: str) -> PriceDocument:
    """Unlike other lists a catalogue always says that VAT is not included; what it says of it is taken out here."""
    document = read_catalogue(content, file_name=file_name, reading=Reading())
    assert {row.vat_inclusive for row in document.rows} <= {False}
    return replace(document, rows=[replace(row, vat_inclusive=None) for row in document.rows])


def _day(text: str) -> str | None:
    return "-".join(f"{int(part):02d}" for part in reversed(text.split("."))) if text else None


class TestCatalogue(PriceReaderContract):
    """Peppol T19."""

    reader = staticmethod(_read)

    def write(self, table: Sequence[Sequence[str]]) -> bytes:
        lines = []
        for code, name, unit, amount, first, last in table[1:] if table[:1] == [HEAD] else ():
            known = read_unit(unit)
            stated = price(amount.replace(",", "."), start=_day(first), end=_day(last))
            lines.append(line(code, stated, name=name, unit=known and known[0]))
        content: bytes = catalogue(*lines, start=None, end=None)
        return content
