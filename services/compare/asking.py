"""The two ways to ask for a comparison: for the decisions of a case, or for a quantity of a service before there is any case."""

import calendar
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.errors import InputError, Message, NotFound
from core.i18n import N_
from services.compare.judging import Comparison, Question, judge
from services.compare.pricing import Tariff, price_on
from services.compare.reading import (
    Seller,
    Stated,
    Wanted,
    decisions_of,
    sellers_of,
    service_called,
    service_of,
    steps,
    wanted_on,
)

#: A personal budget typically runs for about three months (DOMAIN).
USUAL_MONTHS = 3

NO_CEILING = N_(
    "No own unit cost of {service} per {unit} is known for {date}, so there is nothing to compare with. Import the unit costs."
)
NOTHING_REPLACED = N_("The decision states neither a granted amount nor a service it replaces.")


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
    if quantity <= 0 or months <= 0:
        raise InputError("Quantity and months must be more than nothing.")
    service = service_called(session, baseline)
    question = Question(service, quantity, unit or service.unit, today, _months_later(today, months), None)
    return _compare(session, question, today, settings)


def compare_case(
    session: Session, case: str, *, item: str | None = None, today: date, settings: Budgets
) -> list[Comparison]:
    """Compare for each decision of a case (number), or for the one that plans `item` (the item's id in the source).

    The plan's own quantities and days count for the services it names. Raises NotFound, InputError.
    """
    decisions = decisions_of(session, case)
    wanted = wanted_on(session, [one.decision_id for one in decisions])
    if item is not None:
        decisions = [one for one in decisions if any(plan.item == item for plan in wanted[one.decision_id])]
        if not decisions:
            raise NotFound("Case {case} has no planned service {item}.", case=case, item=item)
    if not decisions:
        raise InputError(
            "Case {case} has no decision yet. Compare without it: avain compare --baseline SERVICE --quantity N",
            case=case,
        )
    return [
        _compare_decision(
            session, case, stated, _only(wanted[stated.decision_id], item), today=today, settings=settings
        )
        for stated in decisions
    ]


def _only(plans: list[Wanted], item: str | None) -> tuple[Wanted, ...]:
    return tuple(one for one in plans if item is None or one.item == item)


def _compare_decision(
    session: Session, case: str, stated: Stated, wanted: tuple[Wanted, ...], *, today: date, settings: Budgets
) -> Comparison:
    question = Question(
        baseline=None if stated.baseline_id is None else service_of(session, stated.baseline_id),
        quantity=stated.quantity,
        unit=stated.unit,
        first=min((one.first for one in wanted), default=today),
        after=max((one.after for one in wanted), default=_months_later(today, USUAL_MONTHS)),
        ceiling=stated.ceiling if stated.ceiling is not None else stated.granted_amount,
        wanted=wanted,
    )
    return _compare(session, question, stated.decided_on or today, settings, case=case, decision=stated.number)


def _compare(
    session: Session,
    question: Question,
    reference_day: date,
    settings: Budgets,
    *,
    case: str | None = None,
    decision: str | None = None,
) -> Comparison:
    """Read, price, judge. The reference price is that of `reference_day`."""
    sellers = sellers_of(
        session,
        question.baseline.id if question.baseline else None,
        {one.service_id for one in question.wanted},
        min(question.first, reference_day),
        max(question.after, reference_day + timedelta(days=1)),
    )
    reference = _reference(question, sellers, reference_day)
    ceiling = question.ceiling
    if ceiling is None and reference is not None and question.quantity is not None:
        ceiling = reference.gross(question.quantity)
    limit = None if ceiling is None else ceiling * (1 + settings.tolerance)
    asked = replace(question, ceiling=ceiling)
    offered = [_within(question, one) for one in sellers if one.provider_id is not None]
    return Comparison(
        case=case,
        decision=decision,
        baseline=question.baseline.code if question.baseline else None,
        baseline_name=question.baseline.name if question.baseline else None,
        quantity=question.quantity,
        unit=question.unit,
        first=question.first,
        last=question.after - timedelta(days=1),
        ceiling=ceiling,
        limit=limit,
        reference=reference,
        reason=None if ceiling is not None else _why_no_ceiling(question, reference_day),
        offers=judge(asked, [one for one in offered if one.tariffs], steps(session), limit),
    )


def _within(question: Question, seller: Seller) -> Seller:
    """The seller without prices that only held before the period in question, such as on the day of the decision."""
    lasting = [one for one in seller.tariffs if one.valid_before is None or one.valid_before > question.first]
    return replace(seller, tariffs=tuple(one for one in lasting if one.valid_from < question.after))


def _reference(question: Question, sellers: list[Seller], day: date) -> Tariff | None:
    own = [tariff for one in sellers if one.provider_id is None and one.unit == question.unit for tariff in one.tariffs]
    return price_on(own, day, question.quantity) if question.quantity is not None else None


def _why_no_ceiling(question: Question, day: date) -> Message:
    if question.baseline is None or question.quantity is None or question.unit is None:
        return Message(NOTHING_REPLACED)
    return Message(NO_CEILING, service=question.baseline.code, unit=question.unit, date=day.isoformat())


def _months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
