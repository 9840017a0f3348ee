"""What the same money buys elsewhere, as a family reads it: the comparison of services/compare in plain words, without files and units' codes.

The lowest price is marked as the lowest price, never as the best: choosing is theirs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from babel import Locale
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.errors import InputError, NotFound
from core.i18n import N_, _, day, language, ngettext, number, short_money
from core.money import ZERO
from core.units import amount
from services.compare import Comparison, Offer, compare_case
from services.compare.asking import CLOSED, DECISION_OVER, GONE, ORDERED, ORDERED_IN_PART
from services.compare.judging import shortened
from services.compare.market import Rating

#: So many are shown until somebody asks for all of them.
FIRST: Final = 10
_NOTHING_MORE: Final = frozenset({CLOSED, GONE, DECISION_OVER})
_IS_ORDERED: Final = frozenset({ORDERED, ORDERED_IN_PART})


@dataclass(frozen=True)
class Alternative:
    """One provider's service in words. `tone` goes with `enough`, which says the same; `remarks` are sentences for choosing by."""

    provider_id: int
    provider: str
    service: str
    costs: str
    enough: str
    tone: str
    buys: str
    remarks: tuple[str, ...]
    chosen: bool
    lowest: bool


@dataclass(frozen=True)
class Alternatives:
    """Alternatives side by side, the lowest price first, and how many more there are."""

    shown: tuple[Alternative, ...]
    more: int


@dataclass(frozen=True)
class Question:
    """A planned service and who could give it (`own`), and what could be had instead of it (`others`).

    `item`: its source's id, None where nothing is planned yet. `ordered`: it is, and cannot be had from another as it is. `waits`: for the
    worker's answer to a proposal. `may_propose`: neither, and the decision holds.
    """

    item: str | None
    name: str
    money: tuple[str, ...]
    own: Alternatives
    others: Alternatives
    ordered: bool
    waits: bool
    may_propose: bool


#: Rows in: a case. Rows out: the services planned in it, by what the source calls the planned service; `waits`: a proposal is open.
_PLANNED = text(
    """
    SELECT plan_item.external_id AS item, service.code,
           EXISTS (SELECT FROM family_proposal WHERE plan_item_id = plan_item.id AND state = 'open') AS waits
    FROM plan_item JOIN service ON service.id = service_id
    JOIN client_case ON client_case.id = plan_item.case_id
    WHERE client_case.number = :case
    """
)
_EXTRAS: Final = {
    "travel": N_("The provider's travel is counted in."),
    "no_show": N_("Visits that nobody comes to are counted in."),
}


def alternatives(
    session: Session, case: str, *, item: str = "", everything: bool = False, today: date, settings: Budgets
) -> list[Question]:
    """What could be had, for each planned service of a case (number) or for one of them; nothing where nothing is decided, or no more.

    Raises NotFound for a planned service that there is not.
    """
    try:
        found = compare_case(session, case, item=item or None, today=today, settings=settings)
    except NotFound:
        raise
    except InputError:  # nothing is decided, or nothing any more; or the planned service has ended
        return []
    planned = {row.item: row for row in session.execute(_PLANNED, {"case": case})}
    return [_question(one, planned, everything=everything) for one in found]


def _question(found: Comparison, planned: Mapping[str, Any], *, everything: bool) -> Question:
    wanted = planned.get(found.item or "")
    own = [one for one in found.offers if wanted is not None and one.service == wanted.code]
    others = [one for one in found.offers if wanted is None or one.service != wanted.code]
    said = {note.msgid for note in found.notes}
    ordered, over = bool(said & _IS_ORDERED), bool(said & _NOTHING_MORE)
    waits = wanted is not None and wanted.waits
    return Question(
        item=found.item,
        name=own[0].service_name if own else found.baseline_name or "",
        money=tuple(_money(found, over=over)),
        own=_side_by_side(own, everything=everything),
        others=_side_by_side(others, everything=everything),
        ordered=ordered,
        waits=waits,
        may_propose=wanted is not None and not (ordered or over or waits),
    )


def _money(found: Comparison, *, over: bool) -> Iterable[str]:
    if over:
        yield _("The decision is no longer in force. Nothing new can be chosen with it.")
    if found.ceiling is None:
        yield _("It is not known yet how much your services may cost. Your worker finds it out.")
        return
    yield _("There is {money} for this.").format(money=short_money(max(ZERO, found.ceiling - found.beside)))
    if found.beside:
        yield _("Your other services need {money} of your budget.").format(money=short_money(found.beside))


def _side_by_side(offers: Sequence[Offer], *, everything: bool) -> Alternatives:
    shown = tuple(offers) if everything else shortened(offers, FIRST)
    return Alternatives(tuple(_alternative(one) for one in shown), len(offers) - len(shown))


def _alternative(offer: Offer) -> Alternative:
    costs = ""
    if offer.total is not None and offer.quantity is not None:
        costs = _("{quantity}: {money} in all").format(
            quantity=amount(offer.quantity, offer.unit), money=short_money(offer.total)
        )
    enough, tone = _enough(offer)
    return Alternative(
        provider_id=offer.provider_id,
        provider=offer.provider,
        service=offer.service_name,
        costs=costs,
        enough=enough,
        tone=tone,
        buys=""
        if offer.buys is None
        else _("The money is enough for: {quantity}.").format(quantity=amount(offer.buys, offer.unit)),
        remarks=tuple(remarks(offer)),
        chosen=offer.chosen,
        lowest=offer.cheapest,
    )


def _enough(offer: Offer) -> tuple[str, str]:
    """Whether the money is enough, and how that is marked."""
    if offer.quantity is None:
        return _("It is counted in another way than what is planned, so the prices cannot be compared as such."), ""
    if offer.difference is None or offer.verdict == "unknown":
        return _("It cannot be told yet whether the money is enough. Ask your worker."), ""
    if offer.verdict == "fits":
        return _("The money is enough."), "good"
    more = _("It costs {money} more than there is.").format(money=short_money(-offer.difference))
    calm = (
        _("So small a difference is allowed.")
        if offer.verdict == "within_tolerance"
        else _("Ask your worker what can be done.")
    )
    return f"{more} {calm}", "care"


def remarks(offer: Offer) -> Iterable[str]:
    """What a provider may be chosen by, in sentences."""
    yield from (_(_EXTRAS[extra.extra]) for extra in offer.extras if extra.extra in _EXTRAS)
    yield from _facts(offer.facts)
    if offer.rating is not None:
        yield _rated(offer.rating)
    if offer.pending:
        yield _("The price may change soon.")


def _facts(facts: Mapping[str, Any]) -> Iterable[str]:
    if facts.get("home_visits"):
        yield _("Visits your home.")
    if facts.get("languages"):
        names = Locale(language()).languages
        spoken = ", ".join(names.get(code, code) for code in facts["languages"])
        yield _("Languages: {languages}").format(languages=spoken)
    if facts.get("areas"):
        yield _("Area: {areas}").format(areas=", ".join(facts["areas"]))
    if facts.get("specialisation"):
        yield _("Is good at: {what}").format(what=", ".join(facts["specialisation"]))
    if "earliest_start" in facts:
        yield _("Can begin on {date}.").format(date=day(date.fromisoformat(facts["earliest_start"])))
    elif "earliest_start_days" in facts:
        count = int(facts["earliest_start_days"])
        yield ngettext("Can begin in {count} day.", "Can begin in {count} days.", count).format(count=count)


def _rated(rating: Rating) -> str:
    said = ngettext(
        "Families have given it {average} out of 5 ({count} answer).",
        "Families have given it {average} out of 5 ({count} answers).",
        rating.answers,
    )
    return said.format(average=number(rating.average), count=rating.answers)
