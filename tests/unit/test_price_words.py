"""A price is told with everything that tells it from another."""

from decimal import Decimal

from core.i18n import speaking
from core.units import what_is_priced
from services.prices.words import amount_in_words, per_what

ONE, NONE = Decimal(1), Decimal(0)


def test_what_a_price_is_for():
    with speaking("en"):
        assert per_what("HUR", ONE, "weekday", NONE, "") == "hour"
        assert per_what("HUR", Decimal("0.75"), "evening", Decimal(10), "Espoo") == (
            "0.75 hours, evening, from 10 hours on, Espoo"
        )
        assert what_is_priced("ADHD", "no_show") == "ADHD (no-show)"
        assert what_is_priced("ADHD", "") == "ADHD"
        assert (amount_in_words(Decimal("0.5712")), amount_in_words(Decimal(60))) == ("0.5712 €", "€60.00")
