"""The quick reader of plain rows comes to what the plain one does, row by row, in CSV and in workbooks."""

import io
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.prices import read_price_list
from connectors.prices.row import PriceRow
from connectors.prices.table.client import open_tables
from connectors.prices.table.rows import Found, RowReader
from connectors.prices.table.wire import find_header
from tests.support.plain_prices import Header, to_price

TITLES = (
    "Koodi", "Palvelu", "Yksikkö", "Hinta", "ALV %", "ALV-luokka", "Sisältää ALV", "Aikaluokka", "Vähimmäismäärä", "Hintaperuste",
    "Alue", "Valuutta", "Voimassa alkaen", "Voimassa asti", "Y-tunnus",
)  # fmt: skip
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "Koodi": st.sampled_from(["A-1", "A-2", "", " B  3 ", 1001.0, 7]),
    "Palvelu": st.sampled_from(["Valmennus", "", "Tuki, henkilö", None]),
    "Yksikkö": st.sampled_from(["h", "käynti", "45 min", "", "kenkä", None]),
    "Hinta": st.sampled_from(
        [
            "60",
            "60,00 €",
            "60 €/h",
            "1 234,50",
            "sop.mukaan",
            "",
            "0",
            "-5",
            "0,5712",
            "1.234",
            60,
            60.5,
            True,
            None,
            "60 SEK",
        ]
    ),
    "ALV %": st.sampled_from(["", "0 %", "25,5 %", "paljon", 0.255, 1, True, None, "120"]),
    "ALV-luokka": st.sampled_from(["", "E", "S", "Q", "veroton", None]),
    "Sisältää ALV": st.sampled_from(["", "kyllä", "ei", "ehkä", True, 1, None]),
    "Aikaluokka": st.sampled_from(["", "arki", "Ilta", "joskus", None]),
    "Vähimmäismäärä": st.sampled_from(["", "2,5", "0", "-1", 1, True, 1.0, None]),
    "Hintaperuste": st.sampled_from(["", "10", "0", 1, True, None]),
    "Alue": st.sampled_from(["", "Esimerkkilä", None]),
    "Valuutta": st.sampled_from(["", "EUR", "SEK", None]),
    "Voimassa alkaen": st.sampled_from(["", "1.1.2026", "2026-12-31", "31.2.2026", date(2026, 5, 1), 46387, None]),
    "Voimassa asti": st.sampled_from(["", "31.12.2026", "2026-06-01", date(2026, 4, 1), None]),
    "Y-tunnus": st.sampled_from(["", "9999996-8", None]),
}


def plain(rows: list[list[Any]], header: Any) -> list[Any]:
    found = [to_price(row, Header.of(header), str(number)) for number, row in enumerate(rows, start=2)]
    blank = [all(cell is None or not str(cell).strip() for cell in row) for row in rows]
    return [one for one, is_blank in zip(found, blank, strict=True) if not is_blank]


@given(st.lists(st.tuples(*(CELLS[title] for title in TITLES)).map(list), min_size=1, max_size=12), st.integers(0, 15))
def test_rows_of_all_kinds_come_to_the_same(rows: list[list[Any]], short: int) -> None:
    rows[-1] = rows[-1][:short]
    header = find_header([TITLES])
    assert header is not None
    found = Found()
    RowReader(header, "", found).read_typed(rows, 2)
    expected = plain(rows, header)
    assert found.rows == [one for one in expected if isinstance(one, PriceRow)]
    told = [(one.position, one.field, one.external_id, one.reason.msgid) for one in found.rejections]
    assert told == [
        (one.position, one.field, one.external_id, one.reason.msgid)
        for one in expected
        if not isinstance(one, PriceRow)
    ]


@pytest.mark.parametrize("price", ["60", "60,00 €", "1\u00a0234,50 €/h"])
def test_what_is_remembered_of_a_row_is_not_mixed_with_another(price: str) -> None:
    head = "Koodi;Yksikkö;Hinta;ALV %;Voimassa alkaen\n"
    cells = [(unit, rate, first) for unit in ("h", "") for rate in ("", "0 %", "25,5") for first in ("", "1.1.2026")]
    text = head + "".join(f"S-{n};{unit};{price};{rate};{first}\n" for n, (unit, rate, first) in enumerate(cells * 3))
    rows = [
        list(row) for table in open_tables(text.encode(), "cp1252", lambda rows: len(rows[0])) for row in table.rows
    ]
    header = find_header(rows)
    assert header is not None
    document = read_price_list(text.encode(), file_name="x")
    expected = plain(rows[1:], header)
    assert document.rows == [one for one in expected if isinstance(one, PriceRow)]
    assert len(document.rejections) == len(expected) - len(document.rows)


def test_memory_of_a_long_list_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.prices.table.rows._REMEMBERED", 3)
    text = "Koodi;Yksikkö;Hinta\n" + "".join(f"S-{n};h;{n + 1}\n" for n in range(50))
    assert [row.amount for row in read_price_list(text.encode(), file_name="x").rows] == list(range(1, 51))


def test_the_reader_of_a_stream_needs_no_list() -> None:
    header = find_header([["Koodi", "Yksikkö", "Hinta"]])
    assert header is not None
    found = Found()
    RowReader(header, "H:", found).read((line.split(";") for line in io.StringIO("A;h;60\n")), 2)
    assert [(row.service, row.position) for row in found.rows] == [("A", "H:2")]
