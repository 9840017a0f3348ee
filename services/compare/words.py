"""A comparison in words, as the command line, the printed annex and the console all say it."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from core.i18n import N_, _, day, money, ngettext, number
from core.unit_conversion import conversion
from core.units import EXTRAS, amount, unit_price
from services.compare.asking import Comparison
from services.compare.judging import Offer
from services.compare.market import Rating
from services.compare.pricing import ExtraCost, Tariff

#: Said with every annex of a case whose client is under non-disclosure.
FOR_THOSE_WHO_DECIDE: Final = N_(
    "The client is under non-disclosure (turvakielto): show this paper only to those who decide."
)
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


def verdict_name(offer: Offer) -> str:
    """`within the tolerance`."""
    return _(_VERDICTS[offer.verdict])


def marks_of(offer: Offer) -> list[str]:
    """What else is to be known at a glance: `cheapest`, `chosen`, `price pending`."""
    return [_("cheapest")] * offer.cheapest + [_("chosen")] * offer.chosen + [_("price pending")] * offer.pending


def verdict_in_words(offer: Offer) -> str:
    """`fits, cheapest, chosen`."""
    return ", ".join([verdict_name(offer), *marks_of(offer)])


def price_in_words(offer: Offer) -> str:
    """`12 × 88,00 €/visit`, with a line for each price that follows and for each thing that comes beside it."""
    if not offer.prices:
        return "–"
    first, *later = offer.prices
    said = price_of(first)
    if offer.quantity is not None and conversion(offer.unit, first.unit) == first.base_quantity == 1:
        said = f"{number(offer.quantity)} × {said}"
    elif offer.quantity is not None:
        said = f"{amount(offer.quantity, offer.unit)}, {said}"
    turns = [_("from {date} on {price}").format(date=day(price.valid_from), price=price_of(price)) for price in later]
    return "\n".join([said, *turns, *(extra_in_words(extra) for extra in offer.extras)])


def extra_in_words(extra: ExtraCost) -> str:
    """`+ travel, 240 kilometres: 120,00 €`."""
    name = _(EXTRAS.get(extra.extra, extra.extra))
    return f"+ {name}, {amount(extra.quantity, extra.unit)}: {money(extra.gross)}"


def bought_in_words(offer: Offer) -> str:
    """`12 visits`, or `12 visits or 21,5 hours` where the provider has prices for both."""
    told = [] if offer.buys is None else [amount(offer.buys, offer.unit)]
    told += [amount(one.quantity, one.unit) for one in offer.also_buys]
    either = _("or")
    return f" {either} ".join(told) or "–"


def difference_in_words(offer: Offer) -> str:
    """`18,00 € left`, or `26,00 € over`; nothing where it is not known."""
    if offer.difference is None:
        return ""
    said = _("{amount} left") if offer.difference >= 0 else _("{amount} over")
    return said.format(amount=money(abs(offer.difference)))


def valid_in_words(offer: Offer) -> str:
    """Until when the price is known."""
    return _("until further notice") if offer.prices and offer.valid_until is None else day(offer.valid_until)


def price_of(price: Tariff) -> str:
    """`88,00 €/visit`."""
    return unit_price(price.amount, price.unit, price.base_quantity)


def origin_in_words(price: Tariff) -> str:
    """The row of the file a price stands in, with its sha256 and the run that brought it."""
    said = _("{file}:{position}, sha256 {sha256}, run {run}").format(
        file=price.file_name, position=price.position, sha256=price.sha256, run=price.run_id
    )
    return f"{said} ({_('price pending')})" if price.pending else said


def about_in_words(one: Comparison, *, origin: Callable[[Tariff], str] = origin_in_words) -> list[tuple[str, str]]:
    """What is compared with what, a label and a text each; `origin` words where our own unit cost stands."""
    said = [(_("Days"), f"{day(one.first)}–{day(one.last)}")]
    if one.case:
        about = _("Case {case}, decision {decision}").format(case=one.case, decision=one.decision)
        said.insert(0, (_("Case"), " · ".join(part for part in (about, one.item) if part)))
    if one.baseline_name:
        said.append((_("Is replaced"), f"{one.baseline_name}, {amount(one.quantity, one.unit)}"))
    if one.reference:
        price = _("{price}, in force on {date}").format(price=price_of(one.reference), date=day(one.reference_day))
        said.append((_("Own unit cost"), f"{price} ({origin(one.reference)})"))
    limit = _("{ceiling}; with the tolerance of {percent} % {limit}").format(
        ceiling=money(one.ceiling), percent=number(one.tolerance * 100), limit=money(one.limit)
    )
    said.append((_("Ceiling"), money(None) if one.ceiling is None else limit))
    if one.beside:
        said.append((_("The budget has to pay beside it"), money(one.beside)))
    return said
