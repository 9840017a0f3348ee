"""What was proposed in a case, as the family and the worker see it, and what could be proposed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.errors import InputError
from core.i18n import language
from services.compare import Comparison, Offer, compare_case
from services.family.overtaking import JOINED, OVERTAKEN
from services.labels import SERVICE_NAME
from services.orders.approving.chosen import Chosen, chosen_in

_PROPOSALS: Final = f"""
    SELECT family_proposal.id, client_case.number AS case_number, family_proposal.plan_item_id, plan_item.external_id AS item,
           service.code AS service_code, {SERVICE_NAME} AS service, family_proposal.provider_id, provider.name AS provider, family_proposal.voice, family_proposal.total,
           CASE WHEN family_proposal.state = 'open' AND {OVERTAKEN} IS NOT NULL THEN 'overtaken' ELSE family_proposal.state END AS state,
           coalesce(CASE WHEN family_proposal.state = 'open' THEN {OVERTAKEN} ELSE family_proposal.decided_why END, '') AS why,
           family_proposal.proposed_at, family_proposal.decided_by, family_proposal.decided_at
    FROM family_proposal {JOINED}
    JOIN service ON service.id = plan_item.service_id
    JOIN provider ON provider.id = family_proposal.provider_id
"""  # noqa: S608 - our own words

#: Rows in: a case, a day. Rows out: its proposals, open ones first, then the newest; no more than anybody reads.
_OF_CASE: Final = text(
    f"{_PROPOSALS} WHERE family_proposal.case_id = :case ORDER BY family_proposal.state = 'open' DESC, family_proposal.id DESC LIMIT 30"
)
#: Rows in: a day. Rows out: what waits for an answer, the longest first.
_WAITING: Final = text(
    f"{_PROPOSALS} WHERE family_proposal.state = 'open' AND {OVERTAKEN} IS NULL ORDER BY family_proposal.id LIMIT :limit"
)
#: Rows in: a case. Rows out: its planned services in force (by what the source calls them), each with the providers who give its service.
_GIVERS: Final = text(
    """
    SELECT plan_item.external_id AS item,
           ARRAY(SELECT provider_id FROM provider_service WHERE provider_service.service_id = plan_item.service_id) AS givers
    FROM plan_item WHERE plan_item.case_id = :case AND plan_item.ended_at IS NULL
    """
)


@dataclass(frozen=True)
class Proposal:
    """What a family proposed and what came of it. `total`: euros, as they stood on the screen. `why`: the worker's words, or of what was
    overtaken by what (proposals.OVERTAKEN_BY).
    """

    id: int
    case_number: str
    plan_item_id: int
    item: str
    service_code: str
    service: str
    provider_id: int
    provider: str
    voice: str
    total: Decimal | None
    state: str
    why: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.state == "open"


@dataclass(frozen=True)
class Open:
    """A planned service that something can be proposed for: who is chosen, what is proposed, and the offers, the cheapest first.

    `room`: the euros there are for it (None: not known).
    """

    chosen: Chosen
    found: Comparison
    proposed: Proposal | None
    offers: tuple[Offer, ...]

    @property
    def room(self) -> Decimal | None:
        return None if self.found.ceiling is None else self.found.ceiling - self.found.beside


def proposals_of(session: Session, case_id: int, today: date) -> list[Proposal]:
    """The proposals of a case, open ones first."""
    return _read(session, _OF_CASE, case=case_id, today=today)


def waiting(session: Session, today: date, *, limit: int) -> list[Proposal]:
    """What waits for an answer, of the whole organisation."""
    return _read(session, _WAITING, today=today, limit=limit)


def _read(session: Session, statement: TextClause, **values: Any) -> list[Proposal]:
    rows = session.execute(statement, {**values, "language": language()}).mappings()
    return [Proposal(**row) for row in rows]


def compared(
    session: Session, number: str, *, item: str | None = None, today: date, budgets: Budgets
) -> list[Comparison]:
    """The comparisons of a case, or of one planned service; none where nothing can be compared (any more)."""
    try:
        return compare_case(session, number, item=item, today=today, settings=budgets)
    except InputError:
        return []


def what_can_be_proposed(
    session: Session,
    case_id: int,
    number: str,
    proposals: Sequence[Proposal],
    *,
    item: str = "",
    today: date,
    budgets: Budgets,
) -> tuple[list[Open], int]:
    """The planned services of a case that are in force and not ordered, with the offers of who gives them; how many there are beside.

    `proposals` are those of the case. With `item` (what the source calls it) that one alone, if it is one of them.
    """
    chosen = {name: one for name, one in chosen_in(session, case_id).items() if one.order_number is None}
    wanted = item if item in chosen else None
    open_ones = {one.item: one for one in proposals if one.is_open}
    givers = {row.item: set(row.givers) for row in session.execute(_GIVERS, {"case": case_id})}
    found = [
        Open(
            chosen[one.item],
            one,
            open_ones.get(one.item),
            tuple(
                offer
                for offer in one.offers
                if offer.service == chosen[one.item].service and offer.provider_id in givers.get(one.item, ())
            ),
        )
        for one in compared(session, number, item=wanted, today=today, budgets=budgets)
        if one.item in chosen
    ]
    return found, len(chosen) - len(found) if wanted else 0


def totals_now(
    session: Session, number: str, proposals: Sequence[Proposal], *, today: date, budgets: Budgets
) -> dict[int, Offer]:
    """What each open proposal would come to today, by its id; one without a price is missing."""
    wanted = [one for one in proposals if one.is_open]
    if not wanted:
        return {}
    chosen = {one.item: one for one in compared(session, number, today=today, budgets=budgets)}
    return {
        proposal.id: offer
        for proposal in wanted
        if proposal.item in chosen
        for offer in chosen[proposal.item].offers
        if (offer.provider_id, offer.service) == (proposal.provider_id, proposal.service_code)
    }
