"""Quantities and prices as people read them; sentences inside sentences."""

from decimal import Decimal

import pytest

from core.errors import Message
from core.i18n import speaking
from core.units import amount, per, unit_price
from services.budgets.news import is_news
from services.budgets.reasons import NO_PRICE, NO_PROVIDER
from services.budgets.writing import Result


def test_quantities_and_prices_are_words():
    with speaking("en"):
        assert amount(Decimal(1), "C62") == "1 visit"
        assert amount(Decimal("7.50"), "HUR") == "7.5 hours"
        assert [amount(Decimal(2), unit) for unit in ("DAY", "WEE", "MON", "XYZ")] == [
            "2 days",
            "2 weeks",
            "2 months",
            "2 XYZ",
        ]
        assert {amount(Decimal(2), unit) for unit in ("C62", "H87", "E48", "ACT")} == {"2 visits"}
        assert amount(None, "C62") == "–"
        assert per("C62", Decimal(1)) == "visit"
        assert per("HUR", Decimal("0.75")) == "0.75 hours"
        assert unit_price(Decimal("88.0000"), "C62", Decimal(1)) == "€88.00/visit"
        assert unit_price(Decimal("80.0000"), "H87", Decimal(1)) == "€80.00/visit"
        assert unit_price(Decimal("51.3333"), "HUR", Decimal(1)) == "51.3333 €/hour"


def test_a_message_inside_a_message_survives_storage():
    outer = Message("Cause: {cause}.", cause=Message("a change of prices"))
    assert Message.from_json(outer.to_json()).text("en") == "Cause: a change of prices."
    assert Message.from_json(outer.to_json()) == outer


def result(state: str, before: str | None, *, reasons=(), reasons_before=None, version: int | None = 1) -> Result:
    def listed(msgids):
        return [{"msgid": msgid, "params": {}} for msgid in msgids]

    return Result(
        1, state, listed(reasons), "prices", version, before, None if reasons_before is None else listed(reasons_before)
    )


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (result("near", None), False),
        (result("near", "ok"), True),
        (result("near", "over"), False),
        (result("within_tolerance", "near"), True),
        (result("over", None), True),
        (result("over", "unpriced"), True),
        (result("over", "over"), False),
        (result("near", "unpriced"), False),
        (result("over", "near", version=None), False),
        (result("ok", "over"), False),
        (result("ended", "ok"), False),
        (result("unpriced", None, reasons=[NO_PROVIDER]), False),
        (result("unpriced", None, reasons=[NO_PRICE]), True),
        (result("unpriced", "unpriced", reasons=[NO_PRICE], reasons_before=[NO_PROVIDER]), True),
        (result("unpriced", "unpriced", reasons=[NO_PRICE, NO_PROVIDER], reasons_before=[NO_PRICE]), False),
    ],
)
def test_what_is_news(told, expected):
    assert is_news(told) is expected
