"""What an approval has to know about a planned service, read for any number of them in one statement."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import DATEMULTIRANGE, DATERANGE, Range
from sqlalchemy.orm import Session

from connectors.channels.base import Destination
from documents.order import Profile


@dataclass(frozen=True)
class Seller:
    """The chosen provider as an order sees it."""

    id: int
    name: str
    business_id: str
    endpoint_scheme: str | None
    endpoint_id: str | None
    country: str
    language: str
    active: bool
    channel: str
    profile: Profile
    destination: Destination


@dataclass(frozen=True)
class Standing:
    """That the months of a service may be ordered as they come: what was approved (gross euros), by whom and why."""

    id: int
    gross: Decimal
    approved_by: str
    reason: str
    automatic: bool


@dataclass(frozen=True)
class Item:
    """A planned service, the decision it rests on, and who was chosen to provide it. `period` is [first, day after the last).

    `order_period`: whole or monthly. `open`: its days that no live order covers. `declined`: why its choice shall not be ordered.
    `standing`: the approval of its months, of the choice made now. `proposed`: an order of it no longer says what is planned.
    `prices_held`: a price list of the provider waits for the price manager.
    """

    id: int
    reference: str
    case_number: str
    quantity: Decimal
    unit: str
    period: "Range[date]"
    service_id: int
    order_period: str
    open: tuple["Range[date]", ...]
    ended: bool
    assessed: bool
    decision_id: int
    decision_number: str | None
    decided_on: date | None
    decision_valid: "Range[date] | None"
    budget_id: int
    service_code: str
    service_name: str
    accounting_cost: str | None
    cpv: str | None
    provider_code: str | None
    unit_name: str | None
    unit_email: str | None
    choice_id: int | None
    chosen_by: str | None
    chooser: str | None
    seller: Seller | None
    order_number: str | None
    declined: str | None
    standing: Standing | None
    proposed: bool
    prices_held: bool

    @property
    def first_day(self) -> date:
        """The first day of the service."""
        if self.period.lower is None:
            raise ValueError(self.reference)
        return self.period.lower

    @property
    def day_after(self) -> date:
        """The day after the last day of the service."""
        if self.period.upper is None:
            raise ValueError(self.reference)
        return self.period.upper


#: Rows in: plan item ids, and how much the organisation orders at once. Rows out: one per item that exists, with its current choice,
#: what was decided about that choice, a live order that covers any of it, and the days that none covers.
_ITEMS = text(
    """
    SELECT plan_item.id, client_case.number AS case_number, client_case.number || '/' || plan_item.external_id AS reference,
           plan_item.quantity, plan_item.unit, plan_item.period, plan_item.service_id,
           coalesce(provider.order_period, :order_period) AS order_period,
           datemultirange(plan_item.period) - coalesce((
               SELECT range_agg(period) FROM order_coverage WHERE order_coverage.plan_item_id = plan_item.id AND live
           ), '{}') AS open,
           (plan_item.ended_at IS NOT NULL OR decision.ended_at IS NOT NULL OR client_case.status = 'closed'
            OR client_case.gone_at IS NOT NULL) AS ended,
           (client_case.assessment_date IS NOT NULL OR client_case.plan_date IS NOT NULL) AS assessed,
           decision.id AS decision_id, decision.number AS decision_number, decision.decided_on, decision.valid AS decision_valid,
           budget.id AS budget_id,
           service.code AS service_code, service.name_fi, service.name_sv, service.accounting_cost, service.cpv,
           provider_service.provider_code,
           unit.name AS unit_name, unit.contact_email AS unit_email,
           choice.id AS choice_id, choice.chosen_by, choice.actor AS chooser,
           provider.id AS provider_id, provider.name, provider.business_id, provider.endpoint_scheme, provider.endpoint_id,
           provider.country, provider.active, provider.channel, provider.channel_settings, provider.email, provider.language,
           order_decline.reason AS declined,
           order_approval.id AS approval_id, order_approval.gross AS approved_gross, order_approval.approved_by,
           order_approval.reason AS approval_reason, order_approval.automatic AS approved_automatically,
           EXISTS (SELECT FROM order_proposal WHERE order_proposal.plan_item_id = plan_item.id AND settled_at IS NULL) AS proposed,
           EXISTS (
               SELECT FROM price_source JOIN price_list ON price_list.source_id = price_source.id AND price_list.state = 'held'
               WHERE price_source.provider_id = provider.id
           ) AS prices_held,
           (SELECT number FROM purchase_order JOIN order_coverage ON order_coverage.order_id = purchase_order.id
            WHERE order_coverage.plan_item_id = plan_item.id AND order_coverage.live
              AND order_coverage.period && plan_item.period LIMIT 1) AS order_number
    FROM plan_item
    JOIN client_case ON client_case.id = plan_item.case_id
    JOIN decision ON decision.id = plan_item.decision_id
    JOIN budget ON budget.decision_id = decision.id
    JOIN service ON service.id = plan_item.service_id
    LEFT JOIN unit ON unit.id = client_case.unit_id
    LEFT JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
    LEFT JOIN provider ON provider.id = choice.provider_id
    LEFT JOIN provider_service ON provider_service.provider_id = provider.id AND provider_service.service_id = service.id
    LEFT JOIN order_decline ON order_decline.choice_id = choice.id AND order_decline.withdrawn_at IS NULL
    LEFT JOIN order_approval ON order_approval.plan_item_id = plan_item.id AND order_approval.ended_at IS NULL
        AND order_approval.choice_id = choice.id
    WHERE plan_item.id = ANY(:ids)
    """
).columns(period=DATERANGE, decision_valid=DATERANGE, open=DATEMULTIRANGE)

#: Rows in: plan item ids. Rows out: ids of the decisions they belong to.
_DECISIONS = text("SELECT DISTINCT decision_id FROM plan_item WHERE id = ANY(:ids)")

#: Rows in: plan item ids. Rows out: the same, held until the transaction ends. NO KEY UPDATE lets others go on writing budget
#: lines of these items; the fixed order keeps two approvals from waiting for each other.
_HOLD = text("SELECT id FROM plan_item WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE")


def load_items(session: Session, plan_item_ids: Collection[int], *, order_period: str) -> list[Item]:
    """The items, in the order they were asked for; ids that do not exist are left out. Their budgets must exist.

    `order_period`: how much is ordered at once from providers that do not say.
    """
    values = {"ids": list(plan_item_ids), "order_period": order_period}
    found = {row.id: _item(row) for row in session.execute(_ITEMS, values)}
    return [found[id] for id in plan_item_ids if id in found]


def decisions_of(session: Session, plan_item_ids: Collection[int]) -> list[int]:
    """Ids of the decisions that plan items rest on."""
    return list(session.execute(_DECISIONS, {"ids": list(plan_item_ids)}).scalars())


def hold(session: Session, plan_item_ids: Collection[int]) -> None:
    """Keep the items from being ordered or chosen anew by others until the transaction ends."""
    session.execute(_HOLD, {"ids": list(plan_item_ids)})


def _item(row: Any) -> Item:
    return Item(
        id=row.id,
        reference=row.reference,
        case_number=row.case_number,
        quantity=row.quantity,
        unit=row.unit,
        period=row.period,
        service_id=row.service_id,
        order_period=row.order_period,
        open=tuple(row.open),
        ended=row.ended,
        assessed=row.assessed,
        decision_id=row.decision_id,
        decision_number=row.decision_number,
        decided_on=row.decided_on,
        decision_valid=row.decision_valid,
        budget_id=row.budget_id,
        service_code=row.service_code,
        service_name=(row.name_sv if row.language == "sv" else "") or row.name_fi,
        accounting_cost=row.accounting_cost,
        cpv=row.cpv,
        provider_code=row.provider_code,
        unit_name=row.unit_name,
        unit_email=row.unit_email,
        choice_id=row.choice_id,
        chosen_by=row.chosen_by,
        chooser=row.chooser,
        seller=_seller(row) if row.provider_id else None,
        order_number=row.order_number,
        declined=row.declined,
        standing=_standing(row) if row.approval_id else None,
        proposed=row.proposed,
        prices_held=row.prices_held,
    )


def _standing(row: Any) -> Standing:
    return Standing(
        id=row.approval_id,
        gross=row.approved_gross,
        approved_by=row.approved_by,
        reason=row.approval_reason,
        automatic=row.approved_automatically,
    )


def _seller(row: Any) -> Seller:
    return Seller(
        id=row.provider_id,
        name=row.name,
        business_id=row.business_id,
        endpoint_scheme=row.endpoint_scheme,
        endpoint_id=row.endpoint_id,
        language=row.language,
        country=row.country,
        active=row.active,
        channel=row.channel,
        profile="ordering" if row.channel_settings.get("profile") == "ordering" else "order_only",
        destination=Destination(
            row.business_id, row.email, row.language, row.channel_settings, row.endpoint_scheme, row.endpoint_id
        ),
    )
