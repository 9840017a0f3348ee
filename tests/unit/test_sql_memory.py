"""How far a view was read: values of any kind survive being kept as JSON, and a column that changed its kind starts anew."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.cases.sql.memory import LatestSeen
from core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("early", "late"),
    [
        (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)),
        (date(2026, 11, 1), date(2026, 11, 2)),
        (9, 10),
        (Decimal("9.5"), Decimal("10.5")),
        (9.5, 10.25),
        ("2026-11-01", "2026-11-02"),
        (b"\x00\x09", b"\x00\x0a"),
    ],
)
def test_the_latest_value_is_kept(early: Any, late: Any) -> None:
    seen = LatestSeen({}, "c")
    for value in (early, late, None, early):
        seen.see(value)
    kept = LatestSeen(json.loads(json.dumps(seen.memory())), "c")
    assert kept.value == late
    assert type(kept.value) is type(late)
    kept.see(early)
    assert kept.value == late


def test_moments_alone_are_read_with_an_overlap() -> None:
    seen = LatestSeen({}, "c")
    assert seen.since(timedelta(minutes=10)) is None
    assert seen.memory() == {}
    seen.see(datetime(2026, 11, 2, 12, tzinfo=UTC))
    assert seen.since(timedelta(minutes=10)) == datetime(2026, 11, 2, 11, 50, tzinfo=UTC)
    days = LatestSeen({}, "c")
    days.see(date(2026, 11, 2))
    assert days.since(timedelta(minutes=10)) == date(2026, 11, 2)


def test_what_another_column_or_kind_left_says_nothing() -> None:
    seen = LatestSeen({}, "c")
    seen.see("2026-11-02")
    assert LatestSeen(seen.memory(), "d").value is None
    assert LatestSeen({"column": "c", "latest": {"kind": "colour", "value": "red"}}, "c").value is None
    again = LatestSeen(seen.memory(), "c")
    again.see(date(2026, 11, 1))
    assert again.value == date(2026, 11, 1)


@pytest.mark.parametrize("value", [True, ["a"]])
def test_what_has_no_order_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="The column c cannot tell what is new"):
        LatestSeen({}, "c").see(value)
