"""Recording a choice of provider: by whom it was made, who wrote it down, when and why."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from models.case import Choice
from services import audit
from services.budgets import dirty
from services.follow_ups.planning import call_planning

#: Who can have chosen; `source` is written by the sync only.
CHOOSERS = ("child", "parent", "adult", "worker")

#: Rows in: a plan item. Rows out: the item, held until the transaction ends so that it is not ordered meanwhile, with the order
#: that already covers it and the provider chosen so far.
_ITEM = text(
    """
    SELECT plan_item.decision_id, plan_item.service_id, plan_item.ended_at, client_case.number AS case_number,
           client_case.number || '/' || plan_item.external_id AS reference,
           (SELECT number FROM purchase_order JOIN order_coverage ON order_coverage.order_id = purchase_order.id
            WHERE order_coverage.plan_item_id = plan_item.id AND order_coverage.live LIMIT 1) AS order_number
    FROM plan_item JOIN client_case ON client_case.id = plan_item.case_id
    WHERE plan_item.id = :id
    FOR NO KEY UPDATE OF plan_item
    """
)

#: Rows in: a provider and a service. Rows out: the provider and whether it offers the service.
_PROVIDER = text(
    """
    SELECT name, active,
           EXISTS (SELECT FROM provider_service WHERE provider_id = provider.id AND service_id = :service) AS offers
    FROM provider WHERE id = :id
    """
)

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
) -> Choice:
    """Record that `provider_id` shall provide a plan item; ends the choice made before, marks the budget for recomputation and has
    the follow-ups planned.

    `chosen_by` is one of CHOOSERS, `actor` who recorded it. Raises InputError when the item is ended or ordered already, or when
    the provider is inactive or does not offer the service; NotFound when one of them does not exist.
    """
    if chosen_by not in CHOOSERS:
        raise InputError(
            "{value} cannot choose a provider; allowed: {allowed}", value=chosen_by, allowed=", ".join(CHOOSERS)
        )
    item = session.execute(_ITEM, {"id": plan_item_id}).one_or_none()
    if item is None:
        raise NotFound("There is no planned service {id}.", id=plan_item_id)
    if item.ended_at is not None:
        raise InputError("The planned service {item} has ended.", item=item.reference)
    if item.order_number is not None:
        raise InputError(
            "{item} is already ordered ({order}). Cancel that order first: avain order cancel {order}",
            item=item.reference,
            order=item.order_number,
        )
    provider = session.execute(_PROVIDER, {"id": provider_id, "service": item.service_id}).one_or_none()
    if provider is None:
        raise NotFound("There is no provider {id}.", id=provider_id)
    if not provider.active:
        raise InputError("The provider {provider} is no longer active.", provider=provider.name)
    if not provider.offers:
        raise InputError(
            "The provider {provider} does not offer the service of {item}.", provider=provider.name, item=item.reference
        )
    session.execute(_END, {"id": plan_item_id, "now": now})
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
