"""Prices of other times and extras: as columns of their own, under a second row of titles, and as lines about the whole list."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.prices import read_price_list
from connectors.prices.row import PriceDocument, PriceRow, Reading
from connectors.prices.table.words import COLUMNS, column_of, times_of
from core.errors import RefusedInput


def read(text: str, **columns: str) -> PriceDocument:
    return read_price_list(text.encode(), file_name="hinnasto.csv", reading=Reading(columns=columns))


def prices(document: PriceDocument) -> dict[str, Any]:
    """Position → what is the price, and what for."""
    assert document.rejections == []
    return {row.position: (str(row.amount), row.unit, row.extra or row.time_class) for row in document.rows}


def why(text: str) -> list[tuple[str, str | None, str]]:
    return [(one.position, one.field, one.reason.text("en")) for one in read(text).rejections]


WIDE = {
    "2": ("60", "HUR", "weekday"),
    "2/evening": ("69", "HUR", "evening"),
    "2/saturday": ("72", "HUR", "saturday"),
    "2/sunday": ("120", "HUR", "sunday"),
}


@pytest.mark.parametrize(
    "text",
    [
        "Palvelu;Yksikkö;Arki;Ilta;Lauantai;Sunnuntai ja pyhät\nX;h;60;69;72;120\n",
        "Palvelu;Yksikkö;Hinta arkisin klo 8–18;Iltahinta (18–22);Hinta la;Su- ja pyhähinta\nX;h;60;69;72;120\n",
        "Palvelu;Hinta €/h;Iltalisä;Lauantaikorotus;Sunnuntaikorotus\nX;60;15 %;20 %;100 %\n",
        "Palvelu;Hinta €/h;Iltalisä %;La-korotus (€);Su kerroin\nX;60;15;12;2\n",
        "Palvelu;Hinta €/h;Ilta;La;Su\nX;60;×1,15;1,2x;200 %\nKerroin?;;;;\n".replace("Kerroin?;;;;\n", ""),
        "Tjänst;Enhet;Pris vardag;Pris kväll;Pris lördag;Pris söndag och helgdag\nX;timme;60;69;72;120\n",
        "Service;Unit;Weekday price;Evening price;Saturday price;Sunday price\nX;h;60;69;72;120\n",
    ],
)
def test_times_as_columns(text: str) -> None:
    assert prices(read(text)) == WIDE


def test_rows_carry_everything_else_of_their_row() -> None:
    head = "Palvelukoodi;Palvelu;Yksikkö;Arki;Ilta;ALV %;Alue;Voimassa alkaen;Voimassa asti\n"
    day, evening = read(head + "A;Apu;h;60;×1,15;0 %;Kylä;1.1.2026;31.12.2026\n").rows
    assert (evening.service, evening.service_name, evening.territory) == ("A", "Apu", "Kylä")
    assert (evening.vat_rate, evening.valid_from, evening.valid_to) == (
        Decimal(0),
        date(2026, 1, 1),
        date(2026, 12, 31),
    )
    assert (day.amount, evening.amount, evening.time_class) == (Decimal(60), Decimal(69), "evening")


@pytest.mark.parametrize(
    "text",
    [
        "Palvelu;Yksikkö;Hinta;;;\n;;arki;ilta;lauantai;sunnuntai\nX;h;60;69;72;120\n",
        ";;Hinta;;;\nPalvelu;Yksikkö;arki;ilta;lauantai;sunnuntai\nX;h;60;69;72;120\n",
        "Palvelu;Yksikkö;Hinta;Korotus;;\n;;;ilta;lauantai;sunnuntai\nX;h;60;15 %;20 %;100 %\n",
        "Palvelu;Yksikkö;Hinta;Kerroin;;\n;;arki;ilta;lauantai;sunnuntai\nX;h;60;1,15;1,2;2\n",
        ";;Hinta (€/h, alv 0 %);;;\nPalvelu;;arki;ilta;lauantai;sunnuntai\nX;;60;69;72;120\n",
    ],
)
def test_two_header_rows(text: str) -> None:
    assert {key.replace("3", "2"): value for key, value in prices(read(text)).items()} == WIDE


def test_what_a_group_says_of_its_columns() -> None:
    document = read(
        ";;Hinta €/h, alv 0 %;;Voimassa;\nKoodi;Palvelu;Arki;Ilta;alkaen;asti\nA;X;60;70;1.1.2026;31.12.2026\n"
    )
    assert [(row.unit, row.vat_inclusive, row.valid_to) for row in document.rows] == [
        ("HUR", False, date(2026, 12, 31))
    ] * 2
    document = read("Palvelu;;Hinta;Huom\nkoodi;nimi;€/käynti;\nA;Apu;60;hei\n")
    assert [(row.service, row.service_name, row.unit) for row in document.rows] == [("A", "Apu", "C62")]
    assert document.unknown_columns == ["Huom"]


def test_a_first_row_of_prices_is_no_second_header() -> None:
    assert prices(read("Palvelu;Aika;Hinta\nIltatyö;ilta;60 €/h\n")) == {"2": ("60", "HUR", "evening")}
    assert why("Palvelu;Yksikkö;Hinta\n;;sop.mukaan\nX;h;60\n")[0][0] == "2"


def test_weekends_are_two_times() -> None:
    assert prices(read("Palvelu;Yksikkö;Arki;La–su\nX;h;60;72\n")) == {
        "2": ("60", "HUR", "weekday"),
        "2/saturday": ("72", "HUR", "saturday"),
        "2/sunday": ("72", "HUR", "sunday"),
    }


def test_two_units_are_two_prices() -> None:
    assert prices(read("Palvelu;Tuntihinta;Käyntihinta\nX;60;70\n")) == {
        "2": ("60", "HUR", "weekday"),
        "2/käynti": ("70", "C62", "weekday"),
    }


def test_lines_about_the_whole_list() -> None:
    lines = "Iltalisä 15 %;;\nLauantaikorotus;;20 %\nSunnuntai;;×2\nYölisä;€;5\n"
    assert prices(read("Palvelu;Yksikkö;Hinta\nX;h;60\nY;käynti;50\n" + lines)) == {
        "2": ("60", "HUR", "weekday"), "3": ("50", "C62", "weekday"),
        "2/evening": ("69", "HUR", "evening"), "3/evening": ("57.5", "C62", "evening"),
        "2/saturday": ("72", "HUR", "saturday"), "3/saturday": ("60", "C62", "saturday"),
        "2/sunday": ("120", "HUR", "sunday"), "3/sunday": ("100", "C62", "sunday"),
        "2/night": ("65", "HUR", "night"), "3/night": ("55", "C62", "night"),
    }  # fmt: skip


def test_a_row_of_multipliers_under_columns_of_times() -> None:
    assert prices(read("Palvelu;Yksikkö;Arki;Ilta;La;Su\nX;h;60;;;\nKerroin;;1;1,15;1,2;2\n")) == WIDE


def test_a_price_that_is_stated_stays() -> None:
    text = "Palvelu;Yksikkö;Hinta;Aikaluokka\nX;h;60;\nX;h;75;ilta\nY;h;10;\nIltalisä;;15 %;\n"
    assert prices(read(text))["3"] == ("75", "HUR", "evening")
    assert set(prices(read(text))) == {"2", "3", "4", "4/evening"}


def test_euros_more_per_unit_are_for_prices_per_that_unit() -> None:
    assert set(prices(read("Palvelu;Yksikkö;Hinta\nX;h;60\nY;kk;500\nIltalisä;;5,00 €/h\n"))) == {"2", "3", "2/evening"}


def test_a_line_with_days_of_its_own_holds_on_them() -> None:
    head = "Palvelu;Yksikkö;Hinta;Voimassa alkaen;Voimassa asti\n"
    *_, evening = read(head + "X;h;60;1.1.2026;31.12.2026\nIltalisä;;15 %;1.6.2026;\n").rows
    assert (evening.valid_from, evening.valid_to) == (date(2026, 6, 1), date(2026, 12, 31))
    assert len(read(head + "X;h;60;1.1.2026;31.5.2026\nIltalisä;;15 %;1.6.2026;\n").rows) == 1


def test_lines_of_a_list_without_prices_are_said() -> None:
    assert why("Palvelu;Yksikkö;Hinta\nX;kk;60\nIltalisä;;5 €/h\nYölisä;;10 %\nYölisä;;20 %\nPyhälisä;;\n") == [
        ("6", "price", "The price is missing."),
        ("3", "price", "There is no price in the list that this could be about."),
        ("5", "price", "The list says this twice."),
    ]


@pytest.mark.parametrize(
    ("cells", "position", "reason"),
    [
        ("60;sop.mukaan", "2/evening", "is not a price"),
        (";15 %", "2/evening", "no ordinary price"),
        ("60;100 %", "2/evening", "cannot be told"),
        ("60;×20", "2/evening", "not a multiplier"),
        ("99999999;×2", "2/evening", "larger than a price can be"),
        ("60;0", "2/evening", "more than zero"),
        (";", "2", "The price is missing"),
    ],
)
def test_a_price_of_another_time_that_is_none(cells: str, position: str, reason: str) -> None:
    ((found, field, sentence),) = why(f"Palvelu;Yksikkö;Hinta;Ilta\nX;h;{cells}\n")
    assert (found, field) == (position, "price")
    assert reason in sentence


@pytest.mark.parametrize(
    ("title", "cell", "reason"),
    [
        ("Iltalisä", "15", "cannot be told"),
        ("Iltalisä", "150 %", "cannot be told"),
        ("Iltakerroin", "15 %", "cannot be told"),
        ("Iltakerroin", "paljon", "cannot be told"),
        ("Iltalisä €", "5 SEK", "only euros"),
    ],
)
def test_a_supplement_that_may_mean_two_things(title: str, cell: str, reason: str) -> None:
    assert reason in why(f"Palvelu;Yksikkö;Hinta;{title}\nX;h;60;{cell}\n")[0][2]


def test_a_supplement_per_another_unit_than_the_price() -> None:
    assert "per month but the supplement per h" in why("Palvelu;Yksikkö;Hinta;Iltalisä\nX;kk;500;5 €/h\n")[0][2]
    assert prices(read("Palvelu;Yksikkö;Hinta\nX;h;60\nIltalisä;%;15\n"))["2/evening"] == ("69", "HUR", "evening")


def test_what_is_wrong_with_a_row_is_said_once() -> None:
    ((position, field, _),) = why("Palvelu;Yksikkö;Arki;Ilta;La\nX;kenkä;60;70;80\n")
    assert (position, field) == ("2", "unit")


def test_a_product_is_rounded_half_up_to_four_decimals() -> None:
    _, evening = read("Palvelu;Yksikkö;Hinta;Iltakerroin\nX;h;0,5715;1,1501\n").rows
    assert evening.amount == Decimal("0.6573")


def test_extras_as_columns() -> None:
    text = "Palvelu;Yksikkö;Hinta;Matkakorvaus €/km;Peruuttamaton käynti\nX;h;60;0,57;50 %\nY;käynti;50;0,60;40 €\n"
    assert prices(read(text)) == {
        "2": ("60", "HUR", "weekday"), "2/travel": ("0.57", "KMT", "travel"), "2/no_show": ("30", "HUR", "no_show"),
        "3": ("50", "C62", "weekday"), "3/travel": ("0.6", "KMT", "travel"), "3/no_show": ("40", "C62", "no_show"),
    }  # fmt: skip


def test_extras_as_rows_come_beside_every_service() -> None:
    document = read("Palvelu;Yksikkö;Hinta\nX;h;60\nMatkakorvaus;km;0,57\nUteblivet besök;;40 €\n")
    assert [(row.service, row.service_name, row.unit, row.extra) for row in document.rows[1:]] == [
        ("", "Matkakorvaus", "KMT", "travel"),
        ("", "Uteblivet besök", "C62", "no_show"),
    ]
    assert prices(read("Palvelu;Yksikkö;Hinta\nX;h;60\nPeruuttamaton käynti;;50 %\n"))["2/no_show"] == (
        "30",
        "HUR",
        "no_show",
    )
    assert why("Palvelu;Yksikkö;Hinta\nX;h;60\nMatkakorvaus;km;\n")[0] == ("3", "price", "The price is missing.")


def test_extras_by_a_column_of_their_own() -> None:
    head = "Palvelukoodi;Yksikkö;Hinta;Lisämaksu\n"
    document = read(head + "A;h;60;\nA;km;0,57;matkakorvaus\n;;40;no-show\nA;h;1;-\n")
    assert [(row.service, row.unit, row.extra) for row in document.rows] == [
        ("A", "HUR", ""), ("A", "KMT", "travel"), ("", "C62", "no_show"), ("A", "HUR", ""),
    ]  # fmt: skip
    assert "is not known; allowed: travel, no_show" in why(head + "A;h;60;kahvi\n")[0][2]


def test_a_row_with_a_code_is_a_service_whatever_its_name() -> None:
    (row,) = read("Koodi;Palvelu;Yksikkö;Hinta\nM-1;Matkakorvaus;km;0,57\n").rows
    assert (row.service, row.extra) == ("M-1", "")


def test_the_providers_own_titles_come_first() -> None:
    columns = {"apu": "service_name", "mitta": "unit", "taksa": "price", "iltataksa": "price_evening", "hinta": ""}
    document = read("Apu;Mitta;Taksa;Iltataksa;Hinta;Kommentti\nX;h;60;70;kallis;hei\n", **columns)
    assert prices(document) == {"2": ("60", "HUR", "weekday"), "2/evening": ("70", "HUR", "evening")}
    assert document.unknown_columns == ["Kommentti"]
    with pytest.raises(RefusedInput):
        read("Apu;Mitta;Taksa\nX;h;60\n")


def test_whose_list_it_is_stands_in_a_column_and_its_contract_above() -> None:
    text = (
        "Tilaaja: Esimerkin hyvinvointialue, y-tunnus 9999996-8\nSopimusnumero: S-77\nPalvelu;Yksikkö;Hinta\nX;h;60\n"
    )
    assert (read(text).business_id, read(text).contract) == (None, "S-77")
    assert read("Sopimusnumero;S-1;\nPalvelu;Yksikkö;Hinta\nX;h;60\n").contract == "S-1"
    assert read("Sopimusnumero S-1;Avtalsnummer S-2;\nPalvelu;Yksikkö;Hinta\nX;h;60\n").contract is None
    assert read("Palvelu;Yksikkö;Hinta;Y-tunnus\nX;h;60;9999996-8\n").business_id == "9999996-8"
    assert read("Palvelu;Yksikkö;Hinta;Y-tunnus\nX;h;60;9999996-8\nY;h;6;0000000-0\n").business_id is None
    assert read("Palvelu;Yksikkö;Hinta;Y-tunnus\nX;h;60;9999996-8\nY;h;6;\n").business_id is None


@pytest.mark.parametrize("title", ["Hinta (SEK)", "Pris, kr", "Price $"])
def test_a_column_in_another_currency_refuses_the_list(title: str) -> None:
    with pytest.raises(RefusedInput, match="eu"):
        read(f"Palvelu;Yksikkö;{title}\nX;h;60\n")


def test_two_currencies_in_a_row_are_said() -> None:
    found = why("Palvelu;Yksikkö;Hinta;Valuutta\nX;h;60 € / 650 SEK;EUR\nY;h;60;SEK\n")
    assert [(position, field) for position, field, _ in found] == [("2", "price"), ("3", "currency")]
    assert all("only euros" in sentence for _, _, sentence in found)


def test_vat_of_a_title_and_of_a_basis() -> None:
    (row,) = read("Palvelu;Yksikkö;Hinta sis. alv 25,5 %\nX;h;60\n").rows
    assert (row.vat_rate, row.vat_inclusive) == (Decimal("0.255"), True)
    (row,) = read("Palvelu;Yksikkö;Hinta;ALV-peruste\nX;h;60;AVL 37 §\n").rows
    assert (row.vat_category, row.vat_rate) == ("E", None)


def test_a_minimum_may_be_written_with_its_unit() -> None:
    (row,) = read("Palvelu;Yksikkö;Hinta;Minimiveloitus\nX;h;60;2 h\n").rows
    assert row.minimum_quantity == Decimal(2)
    assert (
        "per visit but the minimum quantity is in hour"
        in why("Palvelu;Yksikkö;Hinta;Minimiveloitus\nX;käynti;60;2 h\n")[0][2]
    )


def test_formulas_are_text_here() -> None:
    (row,) = read('Palvelu;Yksikkö;Hinta\n"=HYPERLINK(""http://127.0.0.1"")";h;60\n').rows
    assert row.service == '=HYPERLINK("http://127.0.0.1")'
    assert "is not a price" in why("Palvelu;Yksikkö;Hinta\nX;h;=1+1\n")[0][2]


@pytest.mark.parametrize(
    ("title", "column"),
    [
        ("Palvelukoodi / Servicekod", "service_code"),
        ("Sisältää ALV / Inkl. moms", "vat_inclusive"),
        ("Pyhäkorotus", "supplement_sunday"),
        ("Viikonloppulisä", "supplement_saturday+supplement_sunday"),
        ("Hinta ilta ja yö", "price_evening+price_night"),
        ("Helgtillägg", "supplement_saturday+supplement_sunday"),
        ("Huom", None),
        ("Iltapala", None),
        ("Päivä", None),
    ],
)
def test_titles(title: str, column: str | None) -> None:
    assert column_of(title, {}) == column
    assert column is None or set(column.split("+")) <= set(COLUMNS)


@pytest.mark.parametrize(
    ("text", "times"), [("Päivä", ("weekday",)), ("su/pyhä", ("sunday",)), ("iltalisä", ()), ("", ())]
)
def test_times_of_cells(text: str, times: tuple[str, ...]) -> None:
    assert times_of(text) == times


def test_a_row_is_equal_to_its_like_and_has_a_hash() -> None:
    one, other = (PriceRow("A", "HUR", Decimal(1), "2") for _ in range(2))
    assert one == other
    assert len({one, other}) == 1


WORDS = st.sampled_from([
    "", " ", "Palvelu", "Palvelukoodi", "Yksikkö", "Hinta", "Hinta €/h", "Arki", "Ilta", "La–su", "Iltalisä", "Kerroin", "Su kerroin",
    "Matkakorvaus", "Peruuttamaton käynti", "Voimassa", "alkaen", "asti", "h", "käynti", "60", "60,00 €", "×1,15", "15 %", "50 %", "100 %",
    "1.1.2026", "31.12.2025", "Iltalisä 15 %", "Matkakorvaus 0,57 €/km", "sop.mukaan", "0", "-1", "1e308", "=1+1", "9" * 40, "Lisämaksu",
])  # fmt: skip


@given(st.lists(st.lists(WORDS, max_size=8), max_size=8))
def test_whatever_the_cells_hold_the_answer_is_prices_sentences_or_a_refusal(rows: list[list[str]]) -> None:
    head = ["Palvelu", "Yksikkö", "Hinta"]
    for table in (rows, [head, *rows]):
        try:
            document = read("".join(";".join(row) + "\n" for row in table))
        except RefusedInput:
            continue
        assert all(0 < row.amount <= Decimal("99999999.9999") for row in document.rows)
        assert len({row.position for row in document.rows}) == len(document.rows)
        assert all(one.reason.text("fi") and one.position for one in document.rejections)
