"""Recording a choice of provider: by whom it was made, who wrote it down, when and why."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.clock import local_date
from core.errors import InputError, Message, NotFound
from models.case import Choice
from services import audit
from services.budgets import dirty
from services.compare import compare_choice
from services.family.overtaking import overtake
from services.follow_ups.planning import call_planning
from services.orders.weighing.judging import ENDED

#: Who can have chosen; `source` is written by the sync only.
CHOOSERS = ("child", "parent", "adult", "worker")


class AlreadyOrderedError(InputError):
    """The service is ordered: the order has to be cancelled before anybody else is chosen. Its params: item, order."""


class ReasonNeededError(InputError):
    """The choice takes the budget over its ceiling and the tolerance, and nobody has said why. `amount` is what it would come to."""

    def __init__(self, provider: str, amount: Decimal, ceiling: Decimal) -> None:
        super().__init__(
            Message(
                "With {provider} the budget would come to {euros}, over its ceiling of {of_euros} and the tolerance."
                " That can be chosen, but say why: --reason",
                provider=provider,
                euros=str(amount),
                of_euros=str(ceiling),
            )
        )
        self.provider, self.amount, self.ceiling = provider, amount, ceiling


class ChosenMeanwhileError(InputError):
    """Somebody has chosen since the choice that the person had before them."""


#: Rows in: a plan item. Rows out: none; it is held until the transaction ends so that it is not ordered meanwhile. A statement of its own:
#: one that waits for who is ordering it would see the orders as they were before it waited.
_HOLD = text("SELECT FROM plan_item WHERE id = :id FOR NO KEY UPDATE")
#: Rows in: a plan item that is held. Rows out: the item, with the order that already covers it.
_ITEM = text(
    """
    SELECT plan_item.decision_id, plan_item.service_id, plan_item.external_id, plan_item.ended_at, client_case.number AS case_number,
           client_case.number || '/' || plan_item.external_id AS reference,
           coalesce(decision.number, decision.external_id) AS decision, upper(decision.valid) - 1 AS last_day,
           (decision.ended_at IS NOT NULL OR client_case.status = 'closed' OR client_case.gone_at IS NOT NULL) AS over,
           (SELECT number FROM purchase_order JOIN order_coverage ON order_coverage.order_id = purchase_order.id
            WHERE order_coverage.plan_item_id = plan_item.id AND order_coverage.live LIMIT 1) AS order_number
    FROM plan_item
    JOIN decision ON decision.id = plan_item.decision_id
    JOIN client_case ON client_case.id = plan_item.case_id
    WHERE plan_item.id = :id
    """
)

#: Rows in: a provider and a service. Rows out: the provider and whether it offers the service.
_PROVIDER = text(
    """
    SELECT id, name, active,
           EXISTS (SELECT FROM provider_service WHERE provider_id = provider.id AND service_id = :service) AS offers
    FROM provider WHERE id = :id
    """
)

#: Rows in: a plan item that is held. Rows out: its current choice.
_CURRENT = text("SELECT id FROM choice WHERE plan_item_id = :id AND ended_at IS NULL")

#: Rows in: a plan item. Rows changed: its current choice, ended.
_END = text("UPDATE choice SET ended_at = :now WHERE plan_item_id = :id AND ended_at IS NULL")


def choose(
    session: Session,
    plan_item_id: int,
    provider_id: int,
    *,
    chosen_by: str,
    actor: str,
    reason: str,
    now: datetime,
    budgets: Budgets,
    shown: int | None = None,
    proposed: str = "",
) -> Choice:
    """Record that `provider_id` shall provide a plan item; ends the choice made before, marks the budget for recomputation and has
    the follow-ups planned.

    `chosen_by` is one of CHOOSERS, `actor` who recorded it. Nothing is too dear to be chosen, but what takes the budget over its ceiling
    and tolerance needs a reason. `shown` is the choice (id) that the person saw when choosing, 0 for none, None if that does not matter.
    `proposed`: a sentence that is kept before the reason, and is none. What a family proposed for the item is overtaken.
    Raises ReasonNeededError, AlreadyOrderedError, ChosenMeanwhileError, InputError when the item is ended or the provider is inactive or
    does not offer the service; NotFound when one of them does not exist.
    """
    if chosen_by not in CHOOSERS:
        raise InputError(
            "{value} cannot choose a provider; allowed: {allowed}", value=chosen_by, allowed=", ".join(CHOOSERS)
        )
    session.execute(_HOLD, {"id": plan_item_id})
    item = session.execute(_ITEM, {"id": plan_item_id}).one_or_none()
    if item is None:
        raise NotFound("There is no planned service {id}.", id=plan_item_id)
    _check_item(item, local_date(now))
    if shown is not None and shown != (session.execute(_CURRENT, {"id": plan_item_id}).scalar() or 0):
        raise ChosenMeanwhileError(Message("Somebody has chosen for {item} meanwhile.", item=item.reference))
    provider = session.execute(_PROVIDER, {"id": provider_id, "service": item.service_id}).one_or_none()
    if provider is None:
        raise NotFound("There is no provider {id}.", id=provider_id)
    if not provider.active:
        raise InputError("The provider {provider} is no longer active.", provider=provider.name)
    if not provider.offers:
        raise InputError(
            "The provider {provider} does not offer the service of {item}.", provider=provider.name, item=item.reference
        )
    if not reason.strip():
        _check_money(session, item, provider, now, budgets)
    session.execute(_END, {"id": plan_item_id, "now": now})
    overtake(session, plan_item_id, actor=actor, now=now)
    reason = " ".join(part for part in (proposed, reason) if part)
    choice = Choice(
        plan_item_id=plan_item_id,
        provider_id=provider_id,
        chosen_by=chosen_by,
        actor=actor,
        reason=reason,
        chosen_at=now,
    )
    session.add(choice)
    audit.record(
        session,
        actor,
        "choice.made",
        f"case:{item.case_number}",
        now=now,
        reason=reason,
        plan_item=plan_item_id,
        provider=provider_id,
        chosen_by=chosen_by,
    )
    dirty.mark_decisions(session, [item.decision_id], "choice")
    call_planning(session, plan_item_id)
    return choice


def _check_item(item: Row[Any], today: date) -> None:
    """Raise InputError when nobody can be chosen for an item any more, or not now."""
    if item.ended_at is not None:
        raise InputError("The planned service {item} has ended.", item=item.reference)
    if item.over:
        raise InputError(ENDED)
    if item.last_day is not None and item.last_day < today:
        raise InputError(
            "The decision {decision} ended on {date}.", decision=item.decision, date=item.last_day.isoformat()
        )
    if item.order_number is not None:
        raise AlreadyOrderedError(
            Message(
                "{item} is already ordered ({order}). Cancel that order first: avain order cancel {order}",
                item=item.reference,
                order=item.order_number,
            )
        )


def _check_money(session: Session, item: Row[Any], provider: Row[Any], now: datetime, budgets: Budgets) -> None:
    """Raise InputError if the provider's price takes the budget over its ceiling and tolerance, as a comparison would tell."""
    found, offer = compare_choice(
        session, item.case_number, item.external_id, provider.id, today=local_date(now), settings=budgets
    )
    if offer is not None and offer.verdict == "over" and offer.total is not None and found.ceiling is not None:
        raise ReasonNeededError(provider.name, found.beside + offer.total, found.ceiling)
