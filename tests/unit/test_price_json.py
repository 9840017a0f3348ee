"""JSON price lists: the documented schema, and a sentence with its JSON path for everything else."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.prices import read_price_list
from connectors.prices.json.wire import json_schema
from connectors.prices.row import PriceDocument, PriceRow, Removal
from core.errors import RefusedInput
from core.settings import ROOT

SCHEMA = ROOT / "docs/formats/price-list-1.schema.json"
PRICE = {"service": "A", "unit": "HUR", "price": "60.00"}


def read(*prices: Any, **over: Any) -> PriceDocument:
    return read_price_list(json.dumps({"version": 1, "prices": prices, **over}).encode(), file_name="h.json")


def test_the_schema_is_current() -> None:
    assert SCHEMA.read_text("utf-8") == json_schema(), (
        "write it with: python -c 'from connectors.prices.json.wire import json_schema; print(json_schema(), end=\"\")' "
        f"> {SCHEMA.relative_to(ROOT)}"
    )


def test_all_a_price_can_say() -> None:
    document = read(
        {
            "service": "A", "service_name": "Apu", "unit": "HUR", "price": 60.1234, "base_quantity": "0.75", "minimum_quantity": 2,
            "time_class": "evening", "territory": "Kylä", "vat": {"category": "S", "rate": "0.255", "inclusive": True},
            "valid_from": "2026-01-01", "valid_to": "2026-12-31",
        },
        {"unit": "KMT", "price": 1, "extra": "travel", "vat": {"rate": 0}},
        business_id="99999968", contract="S-1", complete=False, removals=[{"service": "B"}, {"service": "C", "unit": "C62"}],
    )  # fmt: skip
    assert document.rows == [
        PriceRow(
            "A", "HUR", Decimal("60.1234"), "$.prices[0]", Decimal("0.75"), "S", Decimal("0.255"), True, "evening", Decimal(2), "Kylä",
            "", date(2026, 1, 1), date(2026, 12, 31), None, "Apu",
        ),
        PriceRow("", "KMT", Decimal(1), "$.prices[1]", vat_category="E", vat_rate=Decimal(0), extra="travel"),
    ]  # fmt: skip
    assert (document.business_id, document.contract, document.complete) == ("9999996-8", "S-1", False)
    assert document.removals == [Removal("B", "$.removals[0]"), Removal("C", "$.removals[1]", "C62")]


@pytest.mark.parametrize(
    ("over", "path", "reason"),
    [
        ({"price": 0}, ".price", "more than zero"),
        ({"price": -1}, ".price", "more than zero"),
        ({"price": "sop.mukaan"}, ".price", "is not a price"),
        ({"price": "60,00"}, ".price", "is not a price"),
        ({"price": True}, ".price", "is not a price"),
        ({"price": None}, ".price", "is not a price"),
        ({"price": 1e308}, ".price", "larger than a price can be"),
        ({"price": "60.12345"}, ".price", "more than four decimals"),
        ({"unit": "h"}, ".unit", "not written the way"),
        ({"unit": "XYZ"}, ".unit", "not a code of UN/ECE Rec 20"),
        ({"unit": 1}, ".unit", "not a text"),
        ({"service": ""}, ".service", "empty"),
        ({"service": "x" * 300}, ".service", "longer than 200"),
        ({"service": "a\u0000b"}, ".service", "control character"),
        ({"service": None}, "", "service is missing"),
        ({"time_class": "ilta"}, ".time_class", "known are"),
        ({"base_quantity": 0}, ".base_quantity", "is zero"),
        ({"base_quantity": -1}, ".base_quantity", "must not be negative"),
        ({"minimum_quantity": "x"}, ".minimum_quantity", "not a number"),
        ({"vat": {"rate": 25.5}}, ".vat.rate", "not a VAT rate"),
        ({"vat": {"category": "E", "rate": 0.1}}, ".vat", "exempt"),
        ({"vat": {"inclusive": "yes"}}, ".vat.inclusive", "neither true nor false"),
        ({"vat": {"category": "Q"}}, ".vat.category", "known are"),
        ({"valid_from": "1.1.2026"}, ".valid_from", "not a date"),
        ({"valid_from": "2026-02-31"}, ".valid_from", "not a date"),
        ({"valid_from": "2026-02-01", "valid_to": "2026-01-01"}, "", "before it begins"),
        ({"hinta": 1}, ".hinta", "does not have"),
    ],
)
def test_a_price_that_is_none_is_rejected_at_its_path(over: dict[str, Any], path: str, reason: str) -> None:
    document = read(PRICE, {**PRICE, **over})
    assert [row.position for row in document.rows] == ["$.prices[0]"]
    (rejected,) = document.rejections
    assert rejected.position == f"$.prices[1]{path}"
    assert rejected.field == (path.removeprefix(".") or None)
    assert reason in rejected.reason.text("en")


def test_what_is_missing_and_what_is_no_object() -> None:
    found = [(one.position, one.reason.text("en")) for one in read({"service": "A", "unit": "HUR"}, 3, []).rejections]
    assert found[0] == ("$.prices[0].price", "A value that must be there is missing.")
    assert [position for position, _ in found] == ["$.prices[0].price", "$.prices[1]", "$.prices[2]"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"version": 1, "prices": [', "cut short, line 1"),
        (b'{"version": 1}', 'a list "prices"'),
        (b'[{"service": "A"}]', 'a list "prices"'),
        (b'{"version": 2, "prices": [1]}', "$.version"),
        (b'{"prices": [1]}', "$.version"),
        (b'{"version": 1, "prices": []}', "empty"),
        (b'{"version": 1, "prices": [1], "currency": "SEK"}', "$.currency"),
        (b'{"version": 1, "prices": [1], "business_id": "1234567-8"}', "$.business_id"),
        (b'{"version": 1, "prices": [1], "kommentti": 1}', "$.kommentti"),
        (b'{"version": 1, "prices": [1], "removals": [{"service": "A"}]}', "complete = false"),
        (b'{"version": 1, "prices": [{"price": NaN}]}', "NaN"),
        (b'{"version": 1, "version": 1, "prices": []}', "same name twice"),
        (b'{"a": ' + b"[" * 100_000, "too deeply"),
        (b'{"version": ' + b"1" * 5000 + b', "prices": []}', "number that cannot be read"),
        (b'{"version": 1, "prices": ["\xe4"]}', "not UTF-8"),
    ],
)
def test_what_is_no_list_is_refused_as_a_whole(content: bytes, reason: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        read_price_list(content, file_name="h.json")
    assert reason in refused.value.message.text("en")


def test_a_list_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.prices.json.MOST_PRICES", 1)
    with pytest.raises(RefusedInput):
        read(PRICE, PRICE)
    monkeypatch.setattr("connectors.prices.json.LARGEST_FILE", 10)
    with pytest.raises(RefusedInput):
        read(PRICE)


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["rate", "category", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["service", "unit", "price", "vat", "valid_from", "extra", "x"]), VALUES))
def test_whatever_stands_in_a_price_the_answer_is_a_price_or_a_sentence(over: dict[str, Any]) -> None:
    try:
        document = read({**PRICE, **over})
    except RefusedInput:
        return
    assert len(document.rows) + len(document.rejections) == 1
    assert all(one.reason.text("en") for one in document.rejections)
