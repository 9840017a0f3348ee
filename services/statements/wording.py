"""A statement in plain words: selkokieli in Finnish, lätt svenska, plain English. What comes out is data for documents/pdf's `statement`.

Short sentences to `you`, one fact each; no word of the trade and no code of the database. Finnish does without inflecting what is put in.
Everything is written in the reader's language, so call it inside `speaking(…)`.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from core.i18n import N_, _, day, number, short_money
from core.units import amount
from services.statements import picture
from services.statements.reading import ZERO, Planned, Section, Share, Statement

_CHOSEN_BY: Final = {
    "child": N_("The child chose the provider."),
    "parent": N_("A parent chose the provider."),
    "adult": N_("You chose the provider."),
    "worker": N_("Your worker chose the provider."),
}
_EXTRAS: Final = {
    "travel": N_("The provider's travel is counted in."),
    "no_show": N_("Visits that nobody comes to are counted in."),
}


def title() -> str:
    """What the paper is called."""
    return _("Your personal budget")


def in_words(
    statement: Statement, *, organisation: str, contact: str, today: date, services: Mapping[str, str]
) -> dict[str, Any]:
    """All that is printed. `services`: what the reader calls each service, by code; `contact`: how the organisation is reached safely."""
    return {
        "reference": statement.case,
        "organisation": organisation,
        "about": [
            _("Case {case}. The figures are of {date}.").format(case=statement.case, date=day(today)),
            _("This paper tells what services you have and how much money there is for them."),
        ],
        "sections": [_section(one, services) for one in statement.sections],
        "goals": {"heading": _("Your goals"), "texts": list(statement.goals)},
        "change": {
            "heading": _("Do you want another provider?"),
            "sentences": [
                _("The provider is the one who gives you the service."),
                _("You may ask for another provider. Tell your worker."),
                _("Your worker tells you who else gives the service and what it costs there."),
            ],
        },
        "ask": {"heading": _("Who helps you?"), "sentences": list(whom_to_ask(statement, contact))},
    }


def whom_to_ask(statement: Statement, contact: str) -> Iterable[str]:
    """Who helps, how they are reached, and how not."""
    if statement.worker:
        yield _("Your own worker: {worker}.").format(worker=statement.worker)
    else:
        yield _("You have no worker of your own yet.")
    if statement.unit:
        yield _("Unit: {unit}.").format(unit=statement.unit)
    if contact:
        yield contact
    yield _("Ask if there is something you do not understand.")
    yield _("Do not write about your matters in ordinary e-mail. Others might read it.")


def _section(section: Section, services: Mapping[str, str]) -> dict[str, Any]:
    shown = picture.of(section)
    return {
        "heading": decision_name(section),
        "services_heading": _("Your service") if len(section.items) == 1 else _("Your services"),
        "services": [told_service(item, section, services) for item in section.items],
        "nothing_planned": "" if section.items else _("No services have been planned yet."),
        "money_heading": _("Where the money goes"),
        "money": list(told_money(section)),
        "picture": None if shown is None else {**shown, "alt": picture.alternative(section)},
        "why_heading": _("Why it may cost this much"),
        "why": list(told_why(section, services)),
    }


def decision_name(section: Section) -> str:
    """`Decision P-2026-101, 9.11.2026`."""
    if section.decided_on is None:
        return _("Decision {decision}").format(decision=section.decision)
    return _("Decision {decision}, {date}").format(decision=section.decision, date=day(section.decided_on))


def told_service(item: Planned, section: Section, services: Mapping[str, str]) -> dict[str, Any]:
    """A planned service: its name, how much of it is left, and sentences about when, who and for how much."""
    over = item.ended or section.over
    return {
        "name": services.get(item.service, item.service),
        "count": _count(item, over=over),
        "sentences": [*_when(item), *_who(item, over=over), *_prices(item), *_unpriced(item, section), *_bill(item)],
    }


def _count(item: Planned, *, over: bool) -> str:
    """`8 visits of 12 left (712 €)`: the money is of those that are ordered or planned and have a price."""
    if item.unit == "LS":
        agreed = _agreed(item)
        return _("Agreed as one sum.") if agreed is None else _("Agreed as one sum: {money}.").format(money=agreed)
    values = {
        "left": amount(item.left, item.unit),
        "used": amount(item.used, item.unit),
        "all": amount(item.quantity, item.unit),
        "number": number(item.quantity),
    }
    if not over and not item.left:
        return _("All used: {all}").format_map(values)
    if over or item.settled:
        return _("{used} of {number} used").format_map(values)
    if not item.money_left:
        return _("{left} of {number} left").format_map(values)
    return _("{left} of {number} left ({money})").format_map({**values, "money": short_money(item.money_left)})


def _agreed(item: Planned) -> str | None:
    if item.money_left is None:
        return None
    parts = ("invoiced", "ordered", "planned")
    return short_money(sum((line.gross or ZERO for line in item.lines if line.kind in parts), ZERO))


def _when(item: Planned) -> Iterable[str]:
    yield _("The service lasts from {first} to {last}.").format(first=day(item.first), last=day(item.last))
    if item.ended:
        yield _("This service has ended.")


def _who(item: Planned, *, over: bool) -> Iterable[str]:
    if item.provider is None and over:
        return
    if item.provider is None:
        yield _("Nobody has been chosen yet to give you the service. Your worker helps you to choose.")
        return
    yield _("The service is given by {provider}.").format(provider=item.provider)
    if item.chosen_by in _CHOSEN_BY:
        yield _(_CHOSEN_BY[item.chosen_by])
    if item.reason.strip():
        yield _("Reason: {reason}").format(reason=item.reason.strip())


def _prices(item: Planned) -> Iterable[str]:
    """What one visit costs, and from when on something else; then what is counted in beside it."""
    said: tuple[str, str] | None = None
    for line in item.lines:
        price = None if line.extra or line.kind not in {"planned", "ordered"} else _price(line)
        if price is None or price == said:
            continue
        values = {"quantity": price[0], "money": price[1], "date": day(line.first)}
        first = _("The price of {quantity} is {money}.")
        yield (first if said is None else _("From {date} on the price of {quantity} is {money}.")).format_map(values)
        said = price
    for extra, sentence in _EXTRAS.items():
        if any(line.extra == extra and line.gross for line in item.lines):
            yield _(sentence)


def _price(line: Share) -> tuple[str, str] | None:
    """How much of it costs how much; None for a lump sum, which has been told as a whole."""
    if line.price is None or line.price_unit in {None, "LS"} or line.price_base_quantity is None:
        return None
    exact = line.price == round(line.price, 2)
    money = short_money(line.price) if exact else f"{number(line.price)}\u00a0€"
    return amount(line.price_base_quantity, line.price_unit), money


def _unpriced(item: Planned, section: Section) -> Iterable[str]:
    """Which days have no price, and why. Without a provider none has, which has been said."""
    for first, last in sorted({(line.first, line.last) for line in item.lines if line.kind == "unpriced"}):
        values = {"first": day(first), "last": day(last)}
        if _outside(first, last, section):
            yield _("The decision does not cover the days from {first} to {last}.").format_map(values)
        elif item.provider is not None:
            yield _("The price from {first} to {last} is not known yet. Your worker finds it out.").format_map(values)


def _outside(first: date, last: date, section: Section) -> bool:
    before = section.valid_from is not None and last < section.valid_from
    return before or (section.valid_to is not None and first > section.valid_to)


def _bill(item: Planned) -> Iterable[str]:
    if item.free_of_charge:
        yield _("No bill for this service comes to you.")


def told_money(section: Section) -> Iterable[str]:
    """How it stands, never so that it frightens: what to do about it is the worker's task."""
    if section.over:
        yield from _ended(section)
        return
    if section.ceiling is None:
        yield _("It is not known yet how much your services may cost. Your worker finds it out.")
        return
    yield _("Your services may cost {money} in all.").format(money=short_money(section.ceiling))
    if section.free is None:
        yield not_known_yet(section)
    elif section.free >= 0:
        yield _("The money is enough for everything that has been planned.")
        if section.state == "near":
            yield _("Almost all of the money has a use.")
    else:
        more = short_money(-section.free)
        if section.state == "within_tolerance":
            yield _("What has been planned costs {money} more. So small a difference is allowed.").format(money=more)
        else:
            yield _("What has been planned costs {money} more.").format(money=more)
            yield _("You need not do anything now. Your worker looks at the plan together with you.")


def not_known_yet(section: Section) -> str:
    """Why it cannot be told how much of the ceiling has a use: nobody is chosen, or a price is missing."""
    if any(item.provider is None and not item.ended for item in section.items):
        return _("When the provider has been chosen, it is known how much of this is needed.")
    return _("Some prices are not known yet. So we cannot tell yet how much of this is needed.")


def _ended(section: Section) -> Iterable[str]:
    if section.closed:
        yield _("Your case with us has been closed.")
    elif section.valid_to is not None:
        yield _("The decision was in force until {date}. It has ended.").format(date=day(section.valid_to))
    else:
        yield _("The decision has ended.")
    yield _("Nothing new is ordered.") if section.closed else _("Nothing new is ordered with it.")
    if section.not_used is not None and section.not_used > 0:
        yield _("{money} was not used.").format(money=short_money(section.not_used))


def told_why(section: Section, services: Mapping[str, str]) -> Iterable[str]:
    """Cost neutrality in three sentences, only where its figures are known."""
    if section.ceiling is None:
        return
    if section.granted_amount is not None:
        granted = short_money(section.granted_amount)
        if section.decided_on is None:
            yield _("The decision grants {money} for your services.").format(money=granted)
        else:
            yield _("The decision of {date} grants {money} for your services.").format(
                date=day(section.decided_on), money=granted
            )
    elif section.baseline is not None and section.baseline_quantity is not None:
        yield _("You get this instead of another service: {service}.").format(
            service=services.get(section.baseline, section.baseline)
        )
        yield _replaced(section, section.baseline_quantity, section.ceiling)
        yield _("What you get instead may cost about the same.")


def _replaced(section: Section, quantity: Decimal, ceiling: Decimal) -> str:
    return _("{quantity} of that service would cost {money}.").format(
        quantity=amount(quantity, section.baseline_unit), money=short_money(ceiling)
    )
