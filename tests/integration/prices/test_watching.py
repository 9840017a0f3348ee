"""What the price manager should hear of: prices missing for next year, and prices that end soon."""

from dataclasses import replace
from datetime import date

from sqlalchemy import text

from services.prices.watching import ending_soon, missing_years
from tests.factories.price import make_price, make_price_key
from tests.support.price_rows import TODAY, row, use


def test_next_years_prices_are_missed_from_november(session, bring, provider, nepsy, support):
    bring(row("NEPSY-VALMENNUS", "95", "2", valid_to=date(2026, 12, 31)), row("TUKIHENKILO", "49", "3", unit="HUR"))
    use(session, nepsy, provider)
    use(session, support, provider)
    assert missing_years(session, date(2026, 10, 31)) == []
    (missing,) = missing_years(session, date(2026, 11, 1))
    assert (missing.service, missing.unit, missing.year, missing.items) == ("NEPSY-VALMENNUS", "C62", 2027, 1)
    bring(row("NEPSY-VALMENNUS", "96", "2", first=date(2027, 1, 1)), complete=False)
    assert missing_years(session, date(2026, 11, 1)) == []


def test_who_goes_on_next_year_is_asked_by_contract_or_by_plan(session, bring, provider, nepsy):
    bring(row("NEPSY-VALMENNUS", "95", "2", valid_to=date(2026, 12, 31)))
    use(session, nepsy, provider, last=date(2026, 12, 15))
    assert len(missing_years(session, TODAY)) == 1, "its contract goes on"
    session.execute(text("UPDATE contract SET valid = '[2026-01-01,2027-01-01)'"))
    assert missing_years(session, TODAY) == []
    use(session, nepsy, provider)  # a plan that goes on
    assert missing_years(session, TODAY)[0].items == 2


def test_prices_that_end_soon_with_none_after_them(session, bring, provider, nepsy, support):
    bring(row("NEPSY-VALMENNUS", "95", "2", valid_to=date(2027, 1, 15)), row("TUKIHENKILO", "49", "3", unit="HUR"))
    assert [(one.items, one.needed_after) for one in ending_soon(session, TODAY)] == [(0, False)]
    use(session, nepsy, provider)
    use(session, support, provider)
    (ending,) = ending_soon(session, TODAY)
    assert (ending.service, ending.last, ending.needed_after) == ("NEPSY-VALMENNUS", date(2027, 1, 15), True)
    assert ending_soon(session, TODAY, days=59) == []
    bring(row("NEPSY-VALMENNUS", "96", "2", first=date(2027, 1, 16)), complete=False)
    assert ending_soon(session, TODAY) == []
    assert replace(ending, needed_after=False) != ending


def test_our_own_unit_costs_are_watched_too(session, nepsy):
    make_price(session, nepsy, last=date(2026, 12, 31))
    make_price(session, nepsy, key=make_price_key(session, nepsy, time_class="evening"), last=date(2026, 12, 31))
    assert [(one.provider, one.provider_id, one.service) for one in missing_years(session, TODAY)] == [
        ("", None, "NEPSY-VALMENNUS")
    ]
    assert [(one.business_id, one.last) for one in ending_soon(session, TODAY)] == [("", date(2026, 12, 31))]
