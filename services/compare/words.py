"""A comparison in words, as the command line and the printed annex both say it."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from core.i18n import N_, _, day, money, ngettext, number
from core.units import amount, unit_price
from services.compare.judging import EXTRA_NAMES, ExtraCost, Offer
from services.compare.market import Rating
from services.compare.pricing import Tariff

_VERDICTS: Final = {
    "fits": N_("fits"),
    "within_tolerance": N_("within the tolerance"),
    "over": N_("would go over"),
    "unknown": N_("cannot be told"),
}


def facts_in_words(facts: Mapping[str, Any]) -> str:
    """What a family chooses a provider by: `home visits, fi, sv, starts in 14 days`."""
    said = [", ".join(facts.get(name, ())) for name in ("areas", "specialisation", "languages")]
    if "home_visits" in facts:
        said.append(_("home visits") if facts["home_visits"] else _("no home visits"))
    if "earliest_start" in facts:
        said.append(_("starts on {date}").format(date=day(date.fromisoformat(facts["earliest_start"]))))
    if "earliest_start_days" in facts:
        said.append(_("starts in {count} d").format(count=facts["earliest_start_days"]))
    return ", ".join(one for one in said if one)


def rating_in_words(rating: Rating) -> str:
    """`4,6/5 (12 answers)`."""
    said = ngettext("{average}/5 ({count} answer)", "{average}/5 ({count} answers)", rating.answers)
    return said.format(average=number(rating.average), count=rating.answers)


def known_of(offer: Offer) -> str:
    """The facts for choosing, and what those thought who answered."""
    said = (facts_in_words(offer.facts), rating_in_words(offer.rating) if offer.rating else "")
    return ", ".join(one for one in said if one)


def verdict_in_words(offer: Offer) -> str:
    """`fits, cheapest, chosen`."""
    marks = [_("cheapest")] * offer.cheapest + [_("chosen")] * offer.chosen + [_("price pending")] * offer.pending
    return ", ".join([_(_VERDICTS[offer.verdict]), *marks])


def price_in_words(offer: Offer) -> str:
    """`12 × 88,00 €/visit`, with a line for each thing that comes beside it."""
    each = unit_price(*_priced(offer.prices[0])) if offer.prices else "–"
    said = each if offer.quantity is None else f"{number(offer.quantity)} × {each}"
    return "\n".join([said, *(extra_in_words(extra) for extra in offer.extras)])


def extra_in_words(extra: ExtraCost) -> str:
    """`+ travel, 240 kilometres: 120,00 €`."""
    name = _(EXTRA_NAMES.get(extra.extra, extra.extra))
    return f"+ {name}, {amount(extra.quantity, extra.unit)}: {money(extra.gross)}"


def bought_in_words(offer: Offer) -> str:
    """`12 visits`, or `12 visits or 21,5 hours` where the provider has prices for both."""
    told = [] if offer.buys is None else [amount(offer.buys, offer.unit)]
    told += [amount(one.quantity, one.unit) for one in offer.also_buys]
    return f" {_('or')} ".join(told) or "–"


def valid_in_words(offer: Offer) -> str:
    """Until when the price is known."""
    return _("until further notice") if offer.prices and offer.valid_until is None else day(offer.valid_until)


def price_of(price: Tariff) -> str:
    """`88,00 €/visit`."""
    return unit_price(*_priced(price))


def origin_in_words(price: Tariff) -> str:
    """The row of the file a price stands in, with its sha256 and the run that brought it."""
    said = _("{file}:{position}, sha256 {sha256}, run {run}").format(
        file=price.file_name, position=price.position, sha256=price.sha256, run=price.run_id
    )
    return f"{said} ({_('price pending')})" if price.pending else said


def _priced(price: Tariff) -> tuple[Any, str, Any]:
    return price.amount, price.unit, price.base_quantity
