"""Delimited text: cells, rows and columns lost, doubled and rewritten; other separators, quotation marks and encodings."""

import csv
import io
from random import Random
from typing import Final

from tests.fuzz.forms import Form, plain

_SEPARATORS: Final = (";", ",", "\t", "|", " ")
_ENDS: Final = ("\n", "\r\n", "\r", "\n\n", "")
_ENCODINGS: Final = ("utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-32", "iso-8859-15")
_TITLES: Final = (
    "Palvelukoodi", "Hinta", "Yksikkö", "Iltahinta", "Viikonloppulisä", "Hinta (SEK)", "Lauantaikerroin", "ALV %", "Voimassa alkaen", "Voimassa asti", "Vähimmäismäärä", "Y-tunnus",
    "Matkakorvaus", "Peruuttamaton käynti", "Tilausnumero", "Alku", "Loppu", "Määrä", "Työntekijä", "Sijainen", "Hintaperuste", "Lisämaksu", "Valuutta", "Sis. alv", "Alue",
)  # fmt: skip
_CELLS: Final = (
    "×1,15", "115 %", "+15 %", "15%", "60,-", "60,00 €/h", "EUR 60.00", "2 h", "45 min", "käynti", "ei", "kyllä", "S", "E", "37 §", "arki", "ilta", "su", "ma-pe klo 8-16",
    "matkakorvaus", "peruuttamaton käynti, veloitetaan 50 %", "25,5 %", "Sopimus 2026/7", "100 000 000,00", "0,00005", "12345678901234567890,12", "9" * 60 + " min", "0,0001 h",
)  # fmt: skip


def cells_changed(dice: Random, content: bytes) -> bytes:
    """A few cells hold something else: a word, another cell's, a title's."""
    rows, separator = _read(content)
    for _ in range(dice.randint(1, 6)):
        row = dice.choice(rows)
        if row:
            row[dice.randrange(len(row))] = _cell(dice, rows)
    return _write(rows, separator)


def table_changed(dice: Random, content: bytes) -> bytes:
    """A row or a column lost, doubled, moved or put in."""
    rows, separator = _read(content)
    at, column = dice.randrange(len(rows)), dice.randint(0, max(map(len, rows)))
    match dice.randint(0, 6):
        case 0:
            del rows[at]
        case 1:
            rows[at:at] = [list(rows[at]) for _ in range(dice.choice((1, 2, 500)))]
        case 2:
            rows.insert(dice.randint(0, len(rows)), rows.pop(at))
        case 3:
            rows = [row[:column] + row[column + 1 :] for row in rows]
        case 4:
            for row in rows:
                row.insert(column, _cell(dice, rows))
            rows[0][column] = dice.choice(_TITLES)
        case 5:
            rows.insert(at, [_cell(dice, rows) for _ in range(dice.choice((0, 1, 5, 600)))])
        case _:
            rows = [row[column:] + row[:column] for row in rows]
    return _write(rows, separator)


def text_changed(dice: Random, content: bytes) -> bytes:
    """Written in another way: separator, ends of lines, encoding, quotation marks."""
    rows, separator = _read(content)
    text = _write(rows, dice.choice((separator, *_SEPARATORS))).decode("utf-8").replace("\r\n", dice.choice(_ENDS))
    if dice.random() < 0.3:
        at = dice.randint(0, len(text))
        text = text[:at] + dice.choice(('"', '""', '"x', 'x"', "\n", ";", "\x00", "\r")) + text[at:]
    return text.encode(dice.choice(_ENCODINGS), "replace")


def composed(dice: Random) -> bytes:
    """A table of known titles in any order over any cells."""
    rows = [[dice.choice(_TITLES) for _ in range(dice.randint(1, 8))]]
    rows += [[_cell(dice, rows) for _ in rows[0]] for _ in range(dice.randint(0, 6))]
    return _write(rows, dice.choice(_SEPARATORS[:3]))


def _cell(dice: Random, rows: list[list[str]]) -> str:
    others = dice.choice(rows)
    return dice.choice(
        (plain.word(dice), plain.word(dice), dice.choice(_CELLS), dice.choice(_TITLES), dice.choice(others or [""]))
    )


def _read(content: bytes) -> tuple[list[list[str]], str]:
    """The rows, at least one. Raises ValueError."""
    text = content.decode("utf-8-sig")
    separator = max(_SEPARATORS[:3], key=text.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise ValueError from error
    if not rows:
        raise ValueError
    return rows, separator


def _write(rows: list[list[str]], separator: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


TABLE: Final = Form((cells_changed, cells_changed, table_changed, text_changed), composed)
