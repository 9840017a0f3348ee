"""The promises of a price reader (connectors/prices/): the same list in any form gives the same prices.

class TestMine(PriceReaderContract):
    def write(self, table): ...
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any, ClassVar

import pytest

from connectors.prices import read_price_list
from connectors.prices.row import PriceDocument, PriceRow
from core.errors import RefusedInput

HEAD = ("Palvelukoodi", "Palvelu", "Yksikkö", "Hinta", "Voimassa alkaen", "Voimassa asti")
GOOD = (
    ("TUKIHENKILO", "Tukihenkilö", "h", "49,00", "1.1.2026", ""),
    ("NEPSY-VALMENNUS", "Nepsy-valmennus", "krt", "95,5", "1.1.2026", "31.12.2026"),
    ("MATKA", "Matkakorvaus", "km", "0,5712", "", ""),
)
EXPECTED = (
    PriceRow("TUKIHENKILO", "HUR", Decimal(49), "", valid_from=date(2026, 1, 1), service_name="Tukihenkilö"),
    PriceRow("NEPSY-VALMENNUS", "C62", Decimal("95.5"), "", valid_from=date(2026, 1, 1), valid_to=date(2026, 12, 31), service_name="Nepsy-valmennus"),
    PriceRow("MATKA", "KMT", Decimal("0.5712"), "", service_name="Matkakorvaus"),
)  # fmt: skip


class PriceReaderContract(ABC):
    """Write a table of texts in the form the reader reads."""

    reader: ClassVar[Callable[..., PriceDocument]] = staticmethod(read_price_list)
    #: Whether nothing in the form shows that its end is missing (CSV): the guard against vanished rows is all there is.
    may_be_cut: ClassVar[bool] = False
    #: What the form says of every price by itself: in UBL a price is without VAT.
    says: ClassVar[Mapping[str, Any]] = {}

    @abstractmethod
    def write(self, table: Sequence[Sequence[str]]) -> bytes:
        """A file with these rows."""

    def test_the_same_list_gives_the_same_prices(self) -> None:
        content = self.write([HEAD, *GOOD])
        document = self.reader(content, file_name="list")
        assert document.rejections == []
        assert tuple(replace(row, position="") for row in document.rows) == tuple(
            replace(one, **self.says) for one in EXPECTED
        )
        assert len({row.position for row in document.rows}) == len(GOOD)
        assert (document.file_name, document.sha256) == ("list", sha256(content).hexdigest())

    def test_a_row_that_is_no_price_is_rejected_with_its_place_and_the_rest_goes_on(self) -> None:
        bad = ("X", "X", "h", "n. 50", "", "")
        document = self.reader(self.write([HEAD, GOOD[0], bad, GOOD[1]]), file_name="list")
        assert [row.service for row in document.rows] == ["TUKIHENKILO", "NEPSY-VALMENNUS"]
        (rejected,) = document.rejections
        assert (rejected.external_id, rejected.field) == ("X", "price")
        assert rejected.position not in {row.position for row in document.rows}

    @pytest.mark.parametrize("table", [[], [HEAD], [("Nimi", "Osoite"), ("A", "B")]], ids=["nothing", "head", "other"])
    def test_what_is_no_price_list_is_refused(self, table: Sequence[Sequence[str]]) -> None:
        with pytest.raises(RefusedInput):
            self.reader(self.write(table), file_name="list")

    def test_a_name_that_looks_like_a_formula_is_text(self) -> None:
        row = ("F", "=1+1", *GOOD[0][2:])
        document = self.reader(self.write([HEAD, row]), file_name="list")
        assert [one.service_name for one in document.rows] == ["=1+1"]

    def test_a_file_cut_short_is_refused_or_gives_fewer_prices_but_no_others(self) -> None:
        content = self.write([HEAD, *GOOD])
        for size in range(0, len(content), max(1, len(content) // 40)):
            try:
                document = self.reader(content[:size], file_name="list")
            except RefusedInput:
                continue
            assert self.may_be_cut
            assert {replace(row, position="") for row in document.rows[:-1]} <= {
                replace(one, **self.says) for one in EXPECTED
            }
