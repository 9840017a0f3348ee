"""Orders that no longer say what is planned: noticed, shown to whoever is responsible, and settled by a person. Never edited silently.

What a plan said when it was ordered stands with the order (`order_coverage`). Where it says something else now, was ended, rests on
another decision, or another provider was chosen, cancelling that order is proposed; what is planned now then waits for approval like
anything else. A difference that somebody chose to keep is not proposed again; one that goes away by itself is settled as gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import InputError, Message, NotFound
from core.i18n import N_
from services import audit
from services.access.cases import TIED, visible_cases
from services.access.people import Person
from services.orders.news import OrderNews, tell_workers
from services.orders.sending import ending

OUTCOMES = ("cancelled", "kept")
PAGE = 200

_SENTENCES = {
    "changed": N_("What {order} orders is planned otherwise now. Cancel it and order anew, or keep it."),
    "ended": N_("What {order} orders is not planned any more. Cancel it, or keep it."),
    "decision": N_("{order} rests on a decision that has ended or is another now. Cancel it, or keep it."),
    "case": N_("The case of {order} is closed or gone. Cancel the order, or keep it."),
    "provider": N_("For what {order} orders another provider is chosen now. Cancel it and order anew, or keep it."),
}


@dataclass(frozen=True)
class Watched:
    """How many orders were found to differ from what is planned, and how many no longer do."""

    found: int
    gone: int


@dataclass(frozen=True)
class Proposal:
    """An order that should be cancelled, and why. `details`: what was ordered (`then`) and what is planned (`now`): quantity, unit,
    first_day, last_day, service (code), provider (name), decision (number).
    """

    id: int
    order_number: str
    order_state: str
    case_number: str
    item: str
    service: str
    provider: str
    total_gross: Decimal
    kind: str
    details: dict[str, Any]
    found_at: datetime

    @property
    def reason(self) -> Message:
        """Why, as a sentence."""
        return sentence(self.kind, self.order_number)


#: Common table expression. Rows in: today. Rows out: `difference`, one for each planned service of an order that binds, has days to come
#: and does not say what is planned now: the gravest of what differs.
_DIFFERENCE = """
    WITH ordered AS MATERIALIZED (
        SELECT DISTINCT ON (order_coverage.order_id, order_coverage.plan_item_id) order_coverage.*, purchase_order.number AS order_number,
               purchase_order.decision_id, purchase_order.provider_id
        FROM order_coverage JOIN purchase_order ON purchase_order.id = order_coverage.order_id
        WHERE order_coverage.live AND upper(order_coverage.period) > :today
          AND purchase_order.state IN ('approved', 'sending', 'sent', 'received', 'accepted', 'changed', 'failed')
        ORDER BY order_coverage.order_id, order_coverage.plan_item_id, order_coverage.id
    ), compared AS (
        SELECT ordered.order_id, ordered.plan_item_id, ordered.order_number,
               CASE WHEN client_case.status = 'closed' OR client_case.gone_at IS NOT NULL THEN 'case'
                    WHEN decision.ended_at IS NOT NULL OR plan_item.decision_id <> ordered.decision_id THEN 'decision'
                    WHEN plan_item.ended_at IS NOT NULL THEN 'ended'
                    WHEN choice.provider_id <> ordered.provider_id THEN 'provider'
                    WHEN (ordered.item_quantity, ordered.item_unit, ordered.item_period, ordered.service_id)
                         IS DISTINCT FROM (plan_item.quantity, plan_item.unit, plan_item.period, plan_item.service_id)
                         AND ordered.item_quantity IS NOT NULL THEN 'changed'
               END AS kind,
               jsonb_build_object(
                   'then', jsonb_build_object(
                       'quantity', trim_scale(item_quantity)::text, 'unit', item_unit, 'first_day', lower(item_period),
                       'last_day', upper(item_period) - 1, 'service', was_service.code, 'provider', was_provider.name,
                       'decision', was_decision.number),
                   'now', jsonb_build_object(
                       'quantity', trim_scale(plan_item.quantity)::text, 'unit', plan_item.unit, 'first_day', lower(plan_item.period),
                       'last_day', upper(plan_item.period) - 1, 'service', service.code, 'provider', provider.name,
                       'decision', decision.number)
               ) AS details
        FROM ordered
        JOIN plan_item ON plan_item.id = ordered.plan_item_id
        JOIN decision ON decision.id = plan_item.decision_id
        JOIN client_case ON client_case.id = plan_item.case_id
        JOIN service ON service.id = plan_item.service_id
        JOIN decision AS was_decision ON was_decision.id = ordered.decision_id
        JOIN provider AS was_provider ON was_provider.id = ordered.provider_id
        LEFT JOIN service AS was_service ON was_service.id = ordered.service_id
        LEFT JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
        LEFT JOIN provider ON provider.id = choice.provider_id
    ), difference AS MATERIALIZED (SELECT * FROM compared WHERE kind IS NOT NULL)
"""

#: Rows in: now. Rows changed: proposals that wait, told anew where they differ in another way, and settled where nothing differs any
#: more. New ones, but for what somebody chose to keep as it is. Rows out: the new ones, and how many are gone.
_WATCH = text(
    f"""
    {_DIFFERENCE}, changed AS (
        UPDATE order_proposal SET kind = difference.kind, details = difference.details FROM difference
        WHERE order_proposal.order_id = difference.order_id AND order_proposal.plan_item_id = difference.plan_item_id AND settled_at IS NULL
          AND (order_proposal.kind, order_proposal.details) IS DISTINCT FROM (difference.kind, difference.details)
    ), gone AS (
        UPDATE order_proposal SET settled_at = :now, settled_by = 'avain', outcome = 'gone'
        WHERE settled_at IS NULL AND NOT EXISTS (
            SELECT FROM difference
            WHERE difference.order_id = order_proposal.order_id AND difference.plan_item_id = order_proposal.plan_item_id
        )
        RETURNING id
    ), new AS (
        INSERT INTO order_proposal (order_id, plan_item_id, kind, details, found_at, note)
        SELECT order_id, plan_item_id, kind, details, :now, '' FROM difference
        WHERE NOT EXISTS (
            SELECT FROM order_proposal
            WHERE order_proposal.order_id = difference.order_id AND order_proposal.plan_item_id = difference.plan_item_id
              AND (settled_at IS NULL
                   OR outcome = 'kept' AND order_proposal.kind = difference.kind AND order_proposal.details = difference.details)
        )
        ORDER BY order_id, plan_item_id
        ON CONFLICT DO NOTHING
        RETURNING id, order_id, kind
    )
    SELECT new.id, new.order_id, new.kind, difference.order_number, (SELECT count(*) FROM gone) AS gone
    FROM (SELECT) AS one
    LEFT JOIN new ON true
    LEFT JOIN LATERAL (SELECT order_number FROM difference WHERE difference.order_id = new.order_id LIMIT 1) AS difference ON true
    """  # noqa: S608 - our own words
)

#: Rows in: who looks. Rows out: proposals that wait, oldest first.
_OPEN = text(
    f"""
    SELECT order_proposal.id, purchase_order.number AS order_number, purchase_order.state AS order_state,
           client_case.number AS case_number, client_case.number || '/' || plan_item.external_id AS item, service.name_fi AS service,
           provider.name AS provider, purchase_order.total_gross, kind, details, found_at
    FROM order_proposal
    JOIN purchase_order ON purchase_order.id = order_proposal.order_id
    JOIN provider ON provider.id = purchase_order.provider_id
    JOIN plan_item ON plan_item.id = order_proposal.plan_item_id
    JOIN client_case ON client_case.id = plan_item.case_id
    JOIN service ON service.id = plan_item.service_id
    WHERE order_proposal.settled_at IS NULL
      AND (CAST(:order_number AS text) IS NULL OR purchase_order.number = :order_number)
      AND (CAST(:sees_everything AS boolean) OR client_case.id IN (SELECT tied.id FROM ({TIED}) AS tied))
      AND order_proposal.id > :after
    ORDER BY order_proposal.id LIMIT :limit
    """  # noqa: S608 - our own words
)

#: Rows in: a proposal. Rows out: it, held until the transaction ends, with its order.
_ONE = text(
    """
    SELECT order_proposal.id, plan_item_id, settled_at, number
    FROM order_proposal JOIN purchase_order ON purchase_order.id = order_proposal.order_id
    WHERE order_proposal.id = :id FOR NO KEY UPDATE OF order_proposal
    """
)
#: Rows in: a proposal. Rows changed: it, settled: the order is kept as it is.
_KEEP = text(
    "UPDATE order_proposal SET settled_at = :now, settled_by = :actor, outcome = 'kept', note = :note WHERE id = :id"
)

_EVERYTHING: dict[str, Any] = {"me": None, "sees_everything": True, "as_worker": False, "as_supervisor": False}


def sentence(kind: str, order_number: str) -> Message:
    """What a proposal says."""
    return Message(_SENTENCES.get(kind, kind), order=order_number)


def watch(session: Session, now: datetime) -> Watched:
    """Compare every order that binds and has days to come with what is planned now; tell the responsible workers of what is new."""
    rows: Sequence[Row[Any]] = session.execute(_WATCH, {"now": now, "today": local_date(now)}).all()
    new = [row for row in rows if row.id is not None]
    tell_workers(
        session,
        [
            OrderNews(row.order_id, "order_proposal", f"proposal:{row.id}", sentence(row.kind, row.order_number))
            for row in new
        ],
    )
    return Watched(len(new), rows[0].gone)


def open_proposals(
    session: Session,
    *,
    today: date,
    person: Person | None = None,
    order_number: str | None = None,
    after: int = 0,
    limit: int = PAGE,
) -> list[Proposal]:
    """Proposals that wait about cases `person` may see (None: all), oldest first; the next page goes on `after` the id of the last."""
    seen = visible_cases(person, today) if person else {**_EVERYTHING, "today": today}
    values = {**seen, "order_number": order_number, "after": after, "limit": limit}
    return [Proposal(**row) for row in session.execute(_OPEN, values).mappings()]


def settle(
    session: Session, proposal_id: int, outcome: str, *, actor: str, reason: str, now: datetime
) -> ending.Cancelled | None:
    """Cancel the order, so that what is planned now waits for approval, or keep it as it is. Returns what follows from cancelling.

    Cancelling settles all that waits about the order, and its services' months are not ordered by themselves any more. Raises NotFound;
    InputError when it is settled already, without a reason, or when the order cannot be cancelled any more.
    """
    if outcome not in OUTCOMES:
        raise InputError("{value} settles no proposal; allowed: {allowed}", value=outcome, allowed=", ".join(OUTCOMES))
    if not reason.strip():
        raise InputError("Settling a proposal needs a reason.")
    one = session.execute(_ONE, {"id": proposal_id}).one_or_none()
    if one is None:
        raise NotFound("There is no proposal {id}.", id=proposal_id)
    if one.settled_at is not None:
        raise InputError("It was settled before.")
    cancelled = None
    if outcome == "cancelled":
        cancelled = ending.cancel(session, one.number, actor=actor, reason=reason, now=now)
    else:
        session.execute(_KEEP, {"id": one.id, "actor": actor, "note": reason, "now": now})
    audit.record(
        session,
        actor,
        "order.proposal_settled",
        f"order:{one.number}",
        now=now,
        reason=reason,
        outcome=outcome,
        plan_item=one.plan_item_id,
    )
    return cancelled
