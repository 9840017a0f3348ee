"""What makes a list wait for a person: large falls, many errors, prices of past days."""

from datetime import date

import pytest

from connectors.rejection import Rejection
from core.errors import Message
from tests.support.price_rows import in_force, reasons, row


@pytest.mark.parametrize(
    ("amount", "limit", "waits"), [("76", "0.20", False), ("75.99", "0.20", True), ("40", "1", False)]
)
def test_a_large_fall_waits(bring, amount, limit, waits):
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    fallen = row("NEPSY-VALMENNUS", amount, "2", first=date(2026, 12, 1))
    result = bring(fallen, settings={"alert_fall": limit})
    assert result.outcome == ("held" if waits else "succeeded")
    assert ("would fall 20 per cent" in reasons(result)) is waits


def test_many_errors_hold_the_list_and_few_do_not(session, bring, provider):
    def bad(count):
        return [
            Rejection(str(number), "price", None, Message("The price is missing.")) for number in range(10, 10 + count)
        ]

    assert bring(row("NEPSY-VALMENNUS", "95", "2"), rejections=bad(3)).outcome == "partly"
    more = row("NEPSY-VALMENNUS", "94", "2", first=date(2026, 12, 1))
    result = bring(more, rejections=bad(4))
    assert result.outcome == "held"
    assert "4 of 5 rows were rejected; more than the agreed share of 10 per cent" in reasons(result)
    assert bring(more, rejections=bad(4), settings={"max_rejected": "0.8"}).outcome == "partly"


@pytest.mark.parametrize("allowed", [False, True])
def test_back_dated_prices_wait_unless_the_source_allows_them(session, bring, allowed):
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    settings = {"allow_backdating": allowed}
    result = bring(row("NEPSY-VALMENNUS", "90", "2", first=date(2026, 11, 1)), settings=settings)
    assert result.outcome == ("succeeded" if allowed else "held")
    if not allowed:
        assert "past days, from 2026-11-01" in reasons(result)


def test_a_price_taken_from_past_days_waits_too(bring):
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    result = bring(row("NEPSY-VALMENNUS", "95", "2", valid_to=date(2026, 10, 31)))
    assert "past days, from 2026-11-01" in reasons(result)


def test_past_days_without_a_price_may_get_one(session, bring):
    assert bring(row("NEPSY-VALMENNUS", "95", "2", first=date(2026, 10, 1))).outcome == "succeeded"
    assert bring(row("NEPSY-VALMENNUS", "95", "2", first=date(2026, 9, 1))).outcome == "succeeded"
    assert [one[3:] for one in in_force(session)] == [(date(2026, 9, 1), None, 95)]
