"""The ways to ask for a comparison: for the decisions of a case, for a quantity of a service before there is any case, for one choice."""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.errors import InputError, Message, NotFound
from core.i18n import N_
from core.money import ZERO
from core.units import UNITS
from services.budgets.ceiling import IMPLAUSIBLE
from services.compare.judging import Asked, Offer, Question, Scale, judge
from services.compare.market import Market, market_of
from services.compare.pricing import Fit, Tariff, fitting, price_on
from services.compare.reading import (
    ServiceName,
    Stated,
    Wanted,
    decisions_of,
    services_called,
    services_of,
    wanted_on,
)

#: A personal budget typically runs for about three months (DOMAIN).
USUAL_MONTHS = 3
MOST_MONTHS = 120

#: Quantities beyond this do not fit where the database keeps them, and so cannot be planned either.
TOO_MUCH = 100_000_000
DECIMALS = 4

NO_CEILING = N_(
    "No own unit cost of {service} per {unit} is known for {date}, so there is nothing to compare with. Import the unit costs."
)
NOTHING_REPLACED = N_("The decision states neither a granted amount nor a service it replaces.")
IMPLAUSIBLE_QUANTITY = N_("{quantity} × {unit} of {service} come to more than can be true. Check the quantity.")
DECISION_OVER = N_("The decision {decision} ended on {date}.")
NO_DECISION_DATE = N_("The decision {decision} has no date yet: today's own unit cost is used.")
CLOSED = N_("The case is closed: nothing more is planned in it.")
GONE = N_("The case is no longer in its source system: nothing more is planned in it.")
ORDERED = N_("{item} is already ordered ({order}): what is shown is the whole service, as if it were not.")
ORDERED_IN_PART = N_("{item} is ordered in part ({order}): what is shown is the rest.")
OUTSIDE = N_("{item}: the days from {first} to {last} lie outside the decision {decision} and are not counted.")
OTHERS_UNPRICED = N_("Other services of the plan have no price yet and are not counted.")
TOUCHED = N_("The budget is about to be calculated anew: what else it has to pay may change.")


class NothingToCompareError(InputError):
    """A case in which nothing is decided, or nothing any more."""


@dataclass(frozen=True)
class _Inquiry:
    """Who is asked and how the answer is judged; `provider`: of this one alone."""

    session: Session
    today: date
    settings: Budgets
    provider: int | None = None


@dataclass(frozen=True)
class Comparison:
    """The offers, cheapest first, beside the service they would replace. `reference` is our own unit cost of that service.

    `reference_day` is the day it was looked up for. `limit` is the ceiling with the tolerance; `beside` what the budget has to pay beside what is compared: other services of the
    plan, and what is ordered already. `reason` says why there is no ceiling, `notes` what else a reader should know.
    """

    case: str | None
    decision: str | None
    item: str | None
    baseline: str | None
    baseline_name: str | None
    quantity: Decimal | None
    unit: str | None
    first: date
    last: date
    ceiling: Decimal | None
    tolerance: Decimal
    limit: Decimal | None
    beside: Decimal
    reference: Tariff | None
    reference_day: date
    reason: Message | None
    notes: tuple[Message, ...]
    offers: tuple[Offer, ...]


def compare_service(
    session: Session,
    *,
    baseline: str,
    quantity: Decimal,
    unit: str | None = None,
    months: int = USUAL_MONTHS,
    today: date,
    settings: Budgets,
) -> Comparison:
    """Compare before there is a case: `quantity` of service `baseline` (code) over `months` months from `today`.

    `unit` defaults to the service's own. The ceiling is today's own unit cost. Raises NotFound, InputError.
    """
    if not (quantity.is_finite() and quantity > 0 and months > 0):
        raise InputError("Quantity and months must be more than nothing.")
    if quantity >= TOO_MUCH or -int(quantity.normalize().as_tuple().exponent) > DECIMALS:
        raise InputError("{value} is not a quantity.", value=str(quantity))
    if months > MOST_MONTHS:
        raise InputError("Prices are not compared for more than {count} months.", count=MOST_MONTHS)
    if unit is not None and unit not in UNITS:
        raise InputError("{value} is not a unit that is known. Known are: {known}", value=unit, known=", ".join(UNITS))
    service, services = services_called(session, baseline)
    days = (today, _months_later(today, months))
    asked = Asked(quantity, unit or service.unit, days, (days,))
    extras = {rule.extra for rule in settings.extras}
    market = market_of(session, services.all, baseline=service.id, extras=extras, days=days, reference_day=today)
    reference, ceiling, reason = _ceiling(market, service, asked, today)
    limit = None if ceiling is None else ceiling * (1 + settings.tolerance)
    scale = Scale(services, settings.extras)
    return Comparison(
        case=None,
        decision=None,
        item=None,
        baseline=service.code,
        baseline_name=service.name,
        quantity=quantity,
        unit=asked.unit,
        first=days[0],
        last=days[1] - timedelta(days=1),
        ceiling=ceiling,
        tolerance=settings.tolerance,
        limit=limit,
        beside=ZERO,
        reference=reference,
        reference_day=today,
        reason=reason,
        notes=(),
        offers=judge(Question({}, asked, ceiling, limit, {}), market.sellers, scale),
    )


def compare_case(
    session: Session, case: str, *, item: str | None = None, today: date, settings: Budgets
) -> list[Comparison]:
    """Compare for each planned service of a case (number) that is not ended, or for one of them (`item`: its id in the source).

    The plan's own quantities and days count for the services it names, and what else the budget has to pay is taken off the money.
    A decision without a plan is compared for what it replaces. Raises NotFound, InputError.
    """
    stated = decisions_of(session, case)
    live = [one for one in stated if one.ended_at is None]
    wanted, ended = wanted_on(session, [one.decision_id for one in stated])
    if item is not None:
        item = item.removeprefix(f"{case}/")
        live = [one for one in live if any(plan.item == item for plan in wanted[one.decision_id])]
        if not live and (item in ended or any(plan.item == item for plans in wanted.values() for plan in plans)):
            raise InputError("The planned service {item} has ended.", item=f"{case}/{item}")
        if not live:
            raise NotFound("Case {case} has no planned service {item}.", case=case, item=item)
    if not live and stated:
        raise NothingToCompareError(Message("Every decision of case {case} has ended.", case=case))
    if not live:
        raise NothingToCompareError(Message("Case {case} has no decision yet.", case=case))
    inquiry = _Inquiry(session, today, settings)
    return [
        comparison
        for one in live
        for comparison in _compare_decision(inquiry, case, one, wanted[one.decision_id], item)
    ]


def compare_choice(
    session: Session, case: str, item: str, provider: int, *, today: date, settings: Budgets
) -> tuple[Comparison, Offer | None]:
    """What choosing `provider` (id) for one planned service would come to; None: it has no price for it. Raises as compare_case."""
    live = [one for one in decisions_of(session, case) if one.ended_at is None]
    wanted, _ = wanted_on(session, [one.decision_id for one in live])
    stated = next((one for one in live if any(plan.item == item for plan in wanted[one.decision_id])), None)
    if stated is None:
        raise NotFound("Case {case} has no planned service {item}.", case=case, item=item)
    plans = wanted[stated.decision_id]
    (comparison,) = _compare_decision(_Inquiry(session, today, settings, provider), case, stated, plans, item)
    service = next(plan.service_id for plan in plans if plan.item == item)
    code = services_of(session, None, [service]).all[service].code
    return comparison, next((offer for offer in comparison.offers if offer.service == code), None)


def _compare_decision(
    inquiry: _Inquiry, case: str, stated: Stated, plans: Sequence[Wanted], item: str | None
) -> list[Comparison]:
    """One comparison for each planned service, or one for a decision that plans none."""
    session, today, settings = inquiry.session, inquiry.today, inquiry.settings
    reference_day = stated.decided_on or today
    usual = (today, _months_later(today, USUAL_MONTHS))
    asked_for: list[Wanted | None] = [one for one in plans if item in {None, one.item}]
    services = services_of(session, stated.baseline_id, {plan.service_id for plan in asked_for if plan})
    baseline = services.baseline
    periods = [one.period for one in asked_for if one]
    days = (min(first for first, _ in periods), max(after for _, after in periods)) if periods else usual
    market = market_of(
        session,
        services.all,
        baseline=stated.baseline_id,
        extras={rule.extra for rule in settings.extras},
        days=days,
        reference_day=reference_day,
        frozen=stated.ceiling_price_id,
        provider=inquiry.provider,
    )
    replaced = Asked(stated.quantity, stated.unit, days, (days,))
    reference, ceiling, reason = _stated_ceiling(stated, market, baseline, replaced, reference_day)
    scale = Scale(services, settings.extras)
    found = []
    for plan in asked_for or [None]:
        asked, other = _asked(plan, plans, replaced)
        beside = _beside(stated, plan, plans)
        room = None if ceiling is None else ceiling - beside
        limit = None if ceiling is None else ceiling * (1 + settings.tolerance)
        elsewhere = {one.service_id for one in plans if plan is not None and one.service_id != plan.service_id}
        question = Question(
            planned={} if plan is None else {plan.service_id: asked},
            other=other,
            room=room,
            limit=None if limit is None else limit - beside,
            chosen={} if plan is None else {plan.service_id: plan.provider_id},
        )
        sellers = [seller for seller in market.sellers if seller.service_id not in elsewhere]
        found.append(
            Comparison(
                case=case,
                decision=stated.number,
                item=None if plan is None else plan.item,
                baseline=baseline.code if baseline else None,
                baseline_name=baseline.name if baseline else None,
                quantity=stated.quantity,
                unit=stated.unit,
                first=asked.whole[0],
                last=asked.whole[1] - timedelta(days=1),
                ceiling=ceiling,
                tolerance=settings.tolerance,
                limit=limit,
                beside=beside,
                reference=reference,
                reference_day=reference_day,
                reason=reason,
                notes=tuple(_notes(stated, plan, plans, today)),
                offers=judge(question, sellers, scale),
            )
        )
    return found


def _asked(plan: Wanted | None, plans: Sequence[Wanted], replaced: Asked) -> tuple[Asked, Asked]:
    """How much of the planned service, and of any other that might stand in its place.

    What replaces the whole plan is compared for the quantity the decision replaces; what replaces one service among several, or the
    rest of one that is ordered in part, for the quantity of that.
    """
    if plan is None:
        return replaced, replaced
    asked = Asked(plan.quantity, plan.unit, plan.period, plan.open or plan.within)
    alone = len(plans) == 1 and not (plan.open and plan.orders)
    if not alone or replaced.quantity is None:
        return asked, asked
    return asked, Asked(replaced.quantity, replaced.unit, plan.period, plan.within)


def _beside(stated: Stated, plan: Wanted | None, plans: Sequence[Wanted]) -> Decimal:
    """What the budget has to pay beside what is compared: what is ordered, and the other planned services.

    Orders of a service that is compared as if it were not ordered are not among it.
    """
    others = sum((one.planned for one in plans if one is not plan), start=ZERO)
    return stated.bound + others - (ZERO if plan is None or plan.open else plan.bound)


def _notes(stated: Stated, plan: Wanted | None, plans: Sequence[Wanted], today: date) -> list[Message]:
    notes = []
    if stated.gone_at is not None:
        notes.append(Message(GONE))
    elif stated.status == "closed":
        notes.append(Message(CLOSED))
    if stated.ends_before is not None and stated.ends_before <= today:
        last = stated.ends_before - timedelta(days=1)
        notes.append(Message(DECISION_OVER, decision=stated.number, date=last.isoformat()))
    if stated.decided_on is None and stated.granted_amount is None:
        notes.append(Message(NO_DECISION_DATE, decision=stated.number))
    if plan is None:
        return notes
    if plan.orders:
        said = ORDERED_IN_PART if plan.open else ORDERED
        notes.append(Message(said, item=plan.item, order=", ".join(plan.orders)))
    notes += [
        Message(
            OUTSIDE,
            item=plan.item,
            decision=stated.number,
            first=first.isoformat(),
            last=(after - timedelta(days=1)).isoformat(),
        )
        for first, after in plan.outside
    ]
    if any(one.unpriced for one in plans if one is not plan):
        notes.append(Message(OTHERS_UNPRICED))
    if stated.touched and (len(plans) > 1 or plan.orders):
        notes.append(Message(TOUCHED))
    return notes


def _stated_ceiling(
    stated: Stated, market: Market, baseline: ServiceName | None, replaced: Asked, reference_day: date
) -> tuple[Tariff | None, Decimal | None, Message | None]:
    """The ceiling of a decision with the price it came from: as its budget froze it, else as it would be."""
    if stated.ceiling is not None:
        return next((one for one in market.own if one.price_id == stated.ceiling_price_id), None), stated.ceiling, None
    if stated.granted_amount is not None:
        return None, stated.granted_amount, None
    return _ceiling(market, baseline, replaced, reference_day)


def _ceiling(
    market: Market, baseline: ServiceName | None, asked: Asked, day: date
) -> tuple[Tariff | None, Decimal | None, Message | None]:
    """What a quantity of the replaced service costs us on a day, at which own unit cost; or why that is not known."""
    if baseline is None or asked.quantity is None or asked.unit is None:
        return None, None, Message(NOTHING_REPLACED)
    fit: Fit | None = price_on((fit for fit in fitting(market.own, asked.unit) if fit.allows(asked.quantity)), day)
    if fit is None:
        return None, None, Message(NO_CEILING, service=baseline.code, unit=asked.unit, date=day.isoformat())
    figure, gross = fit.figure(asked.quantity)
    if figure >= IMPLAUSIBLE:
        said = Message(IMPLAUSIBLE_QUANTITY, quantity=str(asked.quantity), unit=asked.unit, service=baseline.code)
        return fit.tariff, None, said
    return fit.tariff, gross, None


def _months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
