"""A family's page in plain words: selkokieli in Finnish, lätt svenska, plain English. What comes out is data for console/templates/my.

First the few facts that matter, then what happens next, then everything else. The sentences about services and money are those of the
printed statement. Nothing frightens and nothing is hidden: what is over is told in the same calm words as on paper.

Everything is written in the reader's language, so call it inside `speaking(…)`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from core.i18n import N_, _, day, number, short_money
from core.units import amount
from services.family.overview import Ordered, Overview, Proposed
from services.statements import picture
from services.statements.reading import ZERO, Planned, Section
from services.statements.wording import decision_name, not_known_yet, told_money, told_service, told_why, whom_to_ask

#: Units that people count one by one, and so many of them at most are drawn.
_VISITS: Final = frozenset({"C62", "H87", "E48", "ACT"})
_DRAWN: Final = 40

#: How an order stands, for those for whom it was made; `{provider}` stands in some.
_ORDER_STATES: Final = {
    **dict.fromkeys(("approved", "sending"), N_("Your worker has ordered this. The order is on its way.")),
    **dict.fromkeys(("sent", "received"), N_("The order has been sent. {provider} has not answered yet.")),
    "accepted": N_("{provider} has promised to give you this."),
    "changed": N_("{provider} would like to change something. Your worker looks at it."),
    "rejected": N_("{provider} cannot give you this. Your worker looks for another way with you."),
    "failed": N_("The order has not reached {provider} yet. Your worker takes care of it."),
    "cancelled": N_("This order has been cancelled."),
    "closed": N_("This order has ended."),
}
_OVER: Final = frozenset({"rejected", "cancelled", "closed"})


@dataclass(frozen=True)
class Fact:
    """One fact at the top: a figure in large letters, what it is, and perhaps a sentence about it."""

    figure: str
    about: str
    note: str = ""


@dataclass(frozen=True)
class Step:
    """Something that happens next. `item`: the planned service (its source's id) that the family itself can do something about."""

    sentence: str
    item: str = ""


@dataclass(frozen=True)
class OrderTold:
    """An order in plain words: how much on which days, and how it stands. `promised`: the provider has accepted it."""

    what: str
    state: str
    promised: bool


@dataclass(frozen=True)
class ServiceTold:
    """A planned service. `dots`: visits used and visits in all, where these can be drawn; `orders` those that count, `earlier` those that did.
    `left`: how much of it is left, without any money.

    `may_propose`: nobody gives it for sure yet, and no proposal waits. `provider`: who gives it, None where nobody is chosen.
    """

    item: str
    name: str
    count: str
    sentences: tuple[str, ...]
    dots: tuple[int, int] | None
    orders: tuple[OrderTold, ...]
    earlier: tuple[OrderTold, ...]
    said: tuple[str, ...]
    provider: str | None
    may_propose: bool
    left: str


@dataclass(frozen=True)
class SectionTold:
    """One decision."""

    heading: str
    over: bool
    facts: tuple[Fact, ...]
    picture: dict[str, Any] | None
    money: tuple[str, ...]
    services: tuple[ServiceTold, ...]
    why: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """The whole page. `remark` says what is to be known of the figures; `open`: the family can still do something."""

    number: str
    figures_of: str
    remark: str
    open: bool
    sections: tuple[SectionTold, ...]
    steps: tuple[Step, ...]
    goals: tuple[str, ...]
    ask: tuple[str, ...]
    worker: str | None

    @property
    def may_propose(self) -> bool:
        """Whether there is a service to propose somebody for."""
        return any(one.may_propose for one in self.services_now)

    @property
    def services_now(self) -> list[ServiceTold]:
        """The services of decisions that hold, while the case is open."""
        return [one for section in self.sections if self.open and not section.over for one in section.services]


def in_words(found: Overview, *, today: date) -> Told:
    """All that a family's page says."""
    statement = found.statement
    return Told(
        number=statement.case,
        figures_of=_("The figures are of {date}.").format(date=day(today)),
        remark="" if found.fresh else _("Something has just changed. The newest figures are here in a moment."),
        open=statement.open,
        sections=tuple(_section(one, found, today) for one in statement.sections),
        steps=tuple(_steps(found, today)),
        goals=statement.goals,
        ask=tuple(whom_to_ask(statement, found.contact)),
        worker=statement.worker,
    )


def _section(section: Section, found: Overview, today: date) -> SectionTold:
    return SectionTold(
        heading=decision_name(section),
        over=section.over,
        facts=tuple(_facts(section, found.services)),
        picture=_drawn(section),
        money=tuple(told_money(section)),
        services=tuple(_service(item, section, found, today) for item in section.items),
        why=tuple(told_why(section, found.services)),
    )


def _facts(section: Section, services: Mapping[str, str]) -> Iterable[Fact]:
    for item in section.items:
        if item.unit == "LS" or (item.ended and not section.over):
            continue
        name = services.get(item.service, item.service)
        values = {"service": name, "number": number(item.quantity)}
        if section.over or item.settled:
            yield Fact(amount(item.used, item.unit), _("{service}: used of {number}").format_map(values))
        elif item.left:
            yield Fact(amount(item.left, item.unit), _("{service}: left of {number}").format_map(values))
        else:
            yield Fact(amount(item.used, item.unit), _("{service}: all used").format_map(values))
    yield _money_fact(section)


def _money_fact(section: Section) -> Fact:
    """Euros that are left; of what is over, what was not used. What is not known is a dash and a sentence why."""
    if section.over and (section.not_used is None or section.not_used < 0):
        return Fact(short_money(section.invoiced + section.delivered), _("was used"))
    if section.over:
        return Fact(short_money(section.not_used or ZERO), _("was not used"))
    if section.ceiling is None:
        return Fact("–", _("It is not known yet how much your services may cost. Your worker finds it out."))
    left = section.ceiling - section.invoiced - section.delivered
    about = _("left of {money}").format(money=short_money(section.ceiling))
    return Fact(short_money(max(ZERO, left)), about, " ".join(_of_what_is_left(section, left)))


def _of_what_is_left(section: Section, left: Decimal) -> Iterable[str]:
    """What is to be known of it. More used or planned than there is is said, and that nothing has to be done about it."""
    if left < 0:
        yield _("{money} more has been used.").format(money=short_money(-left))
        yield _("You need not do anything now.")
    elif section.free is None:
        yield not_known_yet(section)
    elif section.free < 0:
        yield _("What has been planned costs {money} more.").format(money=short_money(-section.free))
        allowed = section.state == "within_tolerance"
        yield _("So small a difference is allowed.") if allowed else _("You need not do anything now.")
    elif section.free:
        yield _("{money} of it has no use yet.").format(money=short_money(section.free))
    elif left:
        yield _("All of it has a use already.")


def _drawn(section: Section) -> dict[str, Any] | None:
    """The bar with the place of each part in it, in hundredths of its width."""
    bar = picture.of(section)
    if bar is None:
        return None
    parts, at = [], 0.0
    for part in bar["parts"]:
        share = part["share"] * 100
        parts.append({**part, "x": f"{at:.2f}", "width": f"{share:.2f}" if share else ""})
        at += share
    mark = None if bar["mark"] is None else f"{bar['mark'] * 100:.2f}"
    return {**bar, "parts": parts, "mark": mark, "alt": picture.alternative(section)}


def _service(item: Planned, section: Section, found: Overview, today: date) -> ServiceTold:
    told = told_service(item, section, found.services)
    orders = [one for one in found.ordered if one.item_id == item.id]
    now = [one for one in orders if one.state not in _OVER and one.last >= today]
    proposed = (found.proposed or {}).get(item.id)
    over = section.over or item.ended
    return ServiceTold(
        item=item.item,
        name=told["name"],
        count=told["count"],
        sentences=tuple(told["sentences"]),
        dots=_dots(item),
        orders=tuple(_order(one) for one in now),
        earlier=tuple(_order(one) for one in orders if one not in now),
        said=() if over else tuple(_said(proposed)),
        provider=item.provider,
        may_propose=not over and (proposed is None or proposed.state != "open") and not any(one.live for one in orders),
        left="" if item.unit == "LS" or over else _("Left: {left}").format(left=amount(item.left, item.unit)),
    )


def _dots(item: Planned) -> tuple[int, int] | None:
    """Visits used and in all, where they are few enough to be counted with a finger."""
    if item.unit not in _VISITS or item.quantity != item.quantity.to_integral_value() or item.quantity > _DRAWN:
        return None
    every = int(item.quantity)
    return min(every, int(item.used)), every


def _order(one: Ordered) -> OrderTold:
    what = _("{quantity}, {first} – {last}, {provider}").format(
        quantity=amount(one.quantity, one.unit), first=day(one.first), last=day(one.last), provider=one.provider
    )
    return OrderTold(what, _(_ORDER_STATES[one.state]).format(provider=one.provider), one.state == "accepted")


def _said(proposed: Proposed | None) -> Iterable[str]:
    if proposed is None:
        return
    if proposed.state == "open":
        yield _("You have proposed {provider}. Your worker answers you.").format(provider=proposed.provider)
        return
    yield _("You proposed {provider}. That was not possible.").format(provider=proposed.provider)
    if proposed.why.strip():
        yield _("Reason: {reason}").format(reason=proposed.why.strip())


def _steps(found: Overview, today: date) -> Iterable[Step]:
    """What happens next: first what the family itself can do, then what others do, then what has a day."""
    if not found.statement.open:
        return
    live = [(item, section) for section in found.statement.sections if not section.over for item in section.items]
    told = [_step(item, found, today) for item, _section in live if not item.ended]
    yield from sorted((one for one in told if one is not None), key=lambda one: not one.item)
    if not found.statement.sections:
        yield Step(_("There is no budget yet. Your worker tells you when it has been decided."))
    if found.talk is not None and found.talk > today:
        yield Step(_("Your worker asks you about {date} how it is going.").format(date=day(found.talk)))
    elif found.talk is not None:
        yield Step(_("Your worker asks you soon how it is going."))


def _step(item: Planned, found: Overview, today: date) -> Step | None:
    """The next thing that happens with a planned service; None when it goes on as it is, or is over."""
    values = {"service": found.services.get(item.service, item.service), "provider": item.provider or ""}
    proposed = (found.proposed or {}).get(item.id)
    orders = [one for one in found.ordered if one.item_id == item.id and one.live]
    if proposed is not None and proposed.state == "open":
        said = _("{service}: your worker answers your proposal.")
    elif item.last < today:
        return None
    elif item.provider is None:
        return Step(_("{service}: choose who gives it to you.").format_map(values), item.item)
    elif not orders:
        said = _("{service}: your worker orders it from {provider}.")
    else:
        return _step_of_order(orders, values, today)
    return Step(said.format_map(values))


def _step_of_order(orders: Sequence[Ordered], values: Mapping[str, str], today: date) -> Step | None:
    """Of an order that counts: its provider's answer, the first contact, the first day, the last."""
    one = next((order for order in orders if order.last >= today), orders[-1])
    first = one.starts_on or one.first
    known = {**values, "provider": one.provider, "date": day(first), "last": day(orders[-1].last)}
    if one.state not in {"accepted", "changed", "closed"}:
        said = _("{service}: {provider} tells whether they can give it.")
    elif one.state == "changed":
        said = _("{service}: your worker talks with you about what {provider} proposes.")
    elif first > today and one.handed_over:
        said = _("{service}: it begins on {date}. {provider} contacts you.")
    elif first > today:
        said = _("{service}: it begins on {date}.")
    else:
        said = _("{service}: it goes on until {last}.")
    return Step(said.format_map(known))
