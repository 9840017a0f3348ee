"""The contract of price readers over the Peppol catalogue."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from tests.contract.price_reader import HEAD, PriceReaderContract

catalogues = pytest.importorskip("tests.support.catalogues")

_UNITS = {"h": "HUR", "krt": "C62", "km": "KMT"}


class TestCatalogue(PriceReaderContract):
    """A line for each row of the table, with its one price."""

    says: ClassVar[Mapping[str, Any]] = {"vat_inclusive": False}

    def write(self, table: Sequence[Sequence[str]]) -> bytes:
        if table and table[0] != HEAD:
            return b"<Directory/>"
        lines = [
            catalogues.line(
                code,
                catalogues.price(
                    price.replace(",", "."),
                    unit=_UNITS[unit],
                    start=_iso(first),
                    end=_iso(last),
                    minimum_unit=_UNITS[unit],
                ),
                number=str(number),
                unit=_UNITS[unit],
                name=name,
            )
            for number, (code, name, unit, price, first, last) in enumerate(table[1:], start=1)
        ]
        content: bytes = catalogues.catalogue(*lines, start=None, end=None)
        return content


def _iso(day: str) -> str | None:
    return "-".join(part.zfill(2) for part in reversed(day.split("."))) if day else None
