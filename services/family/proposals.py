"""A family proposes who shall give a planned service; the worker confirms it, and then it is a choice like any other, or says why not.

Everything that settles a proposal holds its planned service first, as choosing and approving do (services/orders/approving): of two people
at the same moment the second finds what the first has done, and is told.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.clock import local_date
from core.errors import InputError, Message, NotFound
from core.i18n import N_, _, day, speaking
from models.case import Choice
from models.family import FAMILY_VOICES, FamilyProposal
from services import audit
from services.compare import Offer, compare_choice
from services.family.free_words import answered
from services.family.overtaking import JOINED, OVERTAKEN
from services.family.sessions import FamilyCase
from services.family.telling import tell_worker
from services.orders.approving.choosing import choose

#: By what a proposal was overtaken, in words for either side.
OVERTAKEN_BY: Final = {
    "ended": N_("the service has ended"),
    "ordered": N_("the service has been ordered"),
    "chosen": N_("another choice was written down"),
}


class PriceChangedError(InputError):
    """The price is another one than stood on the screen. Nothing was written."""


class SettledError(InputError):
    """The proposal is answered already, taken back, or overtaken."""


@dataclass(frozen=True)
class Seen:
    """What a proposal would come to, as the worker's page said; None: not known."""

    total: Decimal | None


@dataclass(frozen=True)
class Shown:
    """What stood on the screen when somebody proposed: the provider, the euros (None: they could not be told), the choice (0: none)."""

    provider_id: int
    total: Decimal | None
    choice: int


#: Rows in: a case and what its source calls a planned service. Rows out: it, held until the transaction ends. What hangs on it is read by
#: statements of their own: one that waits for somebody sees the other tables as they were before it waited.
_HOLD_CALLED: Final = text("SELECT id FROM plan_item WHERE case_id = :case AND external_id = :item FOR NO KEY UPDATE")
#: Rows in: a planned service that is held. Rows out: it, with who is chosen, and whether it is over or ordered.
_ITEM: Final = text(
    """
    SELECT plan_item.id, plan_item.service_id, chosen.id AS choice_id, chosen.provider_id AS chosen_id, chosen_provider.name AS chosen,
           (plan_item.ended_at IS NOT NULL OR decision.ended_at IS NOT NULL OR client_case.status = 'closed' OR client_case.gone_at IS NOT NULL
            OR coalesce(upper(decision.valid) <= CAST(:today AS date), false)) AS over,
           EXISTS (SELECT FROM order_coverage WHERE order_coverage.plan_item_id = plan_item.id AND live) AS ordered
    FROM plan_item
    JOIN decision ON decision.id = plan_item.decision_id
    JOIN client_case ON client_case.id = plan_item.case_id
    LEFT JOIN choice AS chosen ON chosen.plan_item_id = plan_item.id AND chosen.ended_at IS NULL
    LEFT JOIN provider AS chosen_provider ON chosen_provider.id = chosen.provider_id
    WHERE plan_item.id = :item
    """
)
#: Rows in: a planned service that is held. Rows out: what is proposed for it, and by what that is overtaken, if it is.
_OPEN: Final = text(
    f"""
    SELECT family_proposal.id, family_proposal.provider_id, family_proposal.voice, family_proposal.proposed_by, provider.name AS provider,
           {OVERTAKEN} AS overtaken
    FROM family_proposal {JOINED} JOIN provider ON provider.id = family_proposal.provider_id
    WHERE family_proposal.plan_item_id = :item AND family_proposal.state = 'open'
    """  # noqa: S608 - our own words
)
#: Rows in: a provider and a service. Rows out: the provider and whether it gives the service.
_PROVIDER: Final = text(
    """
    SELECT name, active AND EXISTS (
        SELECT FROM provider_service WHERE provider_id = provider.id AND service_id = :service) AS offers
    FROM provider WHERE id = :id
    """
)
#: Rows in: a proposal, perhaps of one case alone. Rows out: the planned service it is for.
_WHICH: Final = text(
    "SELECT plan_item_id FROM family_proposal WHERE id = :id AND (CAST(:case AS bigint) IS NULL OR case_id = :case)"
)
_HOLD: Final = text("SELECT FROM plan_item WHERE id = :item FOR NO KEY UPDATE")
#: Rows in: a proposal whose planned service is held. Rows out: how it stands.
_ONE: Final = text(
    f"""
    SELECT family_proposal.id, family_proposal.plan_item_id, family_proposal.provider_id, family_proposal.voice, family_proposal.proposed_at,
           client_case.number, plan_item.external_id AS item, provider.name AS provider,
           CASE WHEN family_proposal.state = 'open' AND {OVERTAKEN} IS NOT NULL THEN 'overtaken' ELSE family_proposal.state END AS state,
           CASE WHEN family_proposal.state = 'open' THEN {OVERTAKEN} ELSE family_proposal.decided_why END AS why,
           CAST(family_proposal.offer ->> 'choice' AS bigint) AS choice
    FROM family_proposal {JOINED} JOIN provider ON provider.id = family_proposal.provider_id
    WHERE family_proposal.id = :id
    """  # noqa: S608 - our own words
)
#: Rows in: an open proposal whose planned service is held. Rows changed: it.
_SETTLE: Final = text(
    """
    UPDATE family_proposal SET state = :state, decided_by = :actor, decided_at = :now, decided_why = :why
    WHERE id = :id AND state = 'open'
    """
)
_CHOSEN: Final = text("UPDATE family_proposal SET choice_id = :choice WHERE id = :id")


def propose(
    session: Session,
    case: FamilyCase,
    item: str,
    shown: Shown,
    *,
    voice: str,
    actor: str,
    now: datetime,
    budgets: Budgets,
) -> int:
    """Propose a provider for a planned service (by what the source calls it), on what was `shown`. The id of the proposal.

    What is over the budget may be proposed too: the worker then has to say why it is chosen. The same thing sent twice is one proposal.
    Raises PriceChangedError, InputError with a sentence for the family, NotFound.
    """
    if voice not in FAMILY_VOICES:
        raise InputError("Say who answers.")
    today = local_date(now)
    called = {"case": case.case_id, "item": item if item.isprintable() else ""}
    held = session.execute(_HOLD_CALLED, called).scalar()
    if held is None:
        raise NotFound("There is no such planned service.")
    found = session.execute(_ITEM, {"item": held, "today": today}).one()
    if found.over:
        raise InputError("This service has ended. Nothing can be proposed for it any more.")
    if found.ordered:
        raise InputError("This service is ordered already. Talk with your worker if you want another provider.")
    open_one = session.execute(_OPEN, {"item": found.id, "today": today}).one_or_none()
    if open_one is not None and open_one.overtaken is None:
        if (open_one.provider_id, open_one.voice, open_one.proposed_by) == (shown.provider_id, voice, actor):
            return int(open_one.id)
        raise InputError(
            "{provider} is proposed for this already. Take that proposal back first, then you can send another.",
            provider=open_one.provider,
        )
    offer = _offer(session, case, item, found, shown, now=now, budgets=budgets)
    if open_one is not None:
        _settle(session, open_one.id, "overtaken", actor="avain", now=now, why=open_one.overtaken)
    proposal = FamilyProposal(
        case_id=case.case_id,
        plan_item_id=found.id,
        provider_id=shown.provider_id,
        voice=voice,
        total=offer.total,
        offer=_kept(offer, shown.choice),
        proposed_by=actor,
        proposed_at=now,
    )
    session.add(proposal)
    session.flush()  # its id is told
    audit.record(
        session,
        actor,
        "family.proposed",
        f"case:{case.number}",
        now=now,
        proposal=proposal.id,
        plan_item=found.id,
        provider=shown.provider_id,
        voice=voice,
    )
    said = Message("A family proposes a provider. It waits on the page of the case for your answer.")
    tell_worker(session, case.case_id, "family_proposal", f"proposed for {found.id} on {today}", said)
    return proposal.id


def _offer(
    session: Session, case: FamilyCase, item: str, found: Row[Any], shown: Shown, *, now: datetime, budgets: Budgets
) -> Offer:
    """The provider's offer as it is now, if it is the one that was shown."""
    if shown.choice != (found.choice_id or 0):
        if found.chosen is None:
            raise InputError("The choice that stood on the page has been taken back meanwhile. Look again.")
        raise InputError(
            "Your worker has written down a choice meanwhile: {provider}. Look again, and talk with your worker.",
            provider=found.chosen,
        )
    provider = session.execute(_PROVIDER, {"id": shown.provider_id, "service": found.service_id}).one_or_none()
    if provider is None:
        raise InputError("The form was not complete. Open the page again.")
    if found.chosen_id == shown.provider_id:
        raise InputError("{provider} is chosen for this already.", provider=provider.name)
    if not provider.offers:
        raise InputError("{provider} does not give this service any more.", provider=provider.name)
    _found, offer = compare_choice(
        session, case.number, item, shown.provider_id, today=local_date(now), settings=budgets
    )
    if offer is None:
        raise PriceChangedError(
            Message("{provider} has no price for this any more. Look again.", provider=provider.name)
        )
    if offer.total != shown.total:
        raise PriceChangedError(
            Message(
                "The price of {provider} has changed: it was {euros}, now it is {of_euros}. Look again, and send it if you still want it.",
                provider=provider.name,
                euros=_text(shown.total),
                of_euros=_text(offer.total),
            )
        )
    return offer


def _text(total: Decimal | None) -> str:
    return "–" if total is None else str(total)


def _kept(offer: Offer, choice: int) -> dict[str, Any]:
    return {
        "total": None if offer.total is None else str(offer.total),
        "quantity": None if offer.quantity is None else str(offer.quantity),
        "unit": offer.unit,
        "verdict": offer.verdict,
        "prices": [price.price_id for price in offer.prices],
        "choice": choice,
    }


def withdraw(session: Session, case: FamilyCase, proposal_id: int, *, actor: str, now: datetime) -> None:
    """The family takes a proposal back; a second time changes nothing. Raises SettledError when it was answered meanwhile, NotFound."""
    one = _held(session, proposal_id, case.case_id, now)
    if one.state == "withdrawn":
        return
    if one.state == "confirmed":
        raise SettledError(
            Message("Your worker has confirmed the proposal already. Talk with your worker if you want something else.")
        )
    if one.state == "declined":
        raise SettledError(Message("Your worker has answered this proposal already. See the answer below."))
    if one.state == "overtaken":
        raise SettledError(Message("This proposal is no longer open. See below what happened."))
    _settle(session, proposal_id, "withdrawn", actor=actor, now=now)
    audit.record(session, actor, "family.proposal_withdrawn", f"case:{case.number}", now=now, proposal=proposal_id)


def confirm(
    session: Session,
    proposal_id: int,
    *,
    case_id: int | None = None,
    actor: str,
    reason: str = "",
    shown: Seen | None = None,
    now: datetime,
    budgets: Budgets,
    language: str,
) -> Choice:
    """Make a proposal the choice: chosen by the family's voice, recorded by `actor`; the kept reason says, in `language`, that they proposed it.

    `shown`: None where nobody was shown anything. Raises SettledError,
    PriceChangedError, and as `choose` does (ReasonNeededError where it is over the budget and `reason` is empty).
    """
    one = _held(session, proposal_id, case_id, now)
    if one.state != "open":
        raise _settled(one)
    if shown is not None:
        _found, offer = compare_choice(
            session, one.number, one.item, one.provider_id, today=local_date(now), settings=budgets
        )
        total = None if offer is None else offer.total
        if total != shown.total:
            raise PriceChangedError(
                Message(
                    "The price of {provider} has changed since this page was opened: it was {euros}, now it is {of_euros}. Nothing was confirmed.",
                    provider=one.provider,
                    euros=_text(shown.total),
                    of_euros=_text(total),
                )
            )
    _settle(session, proposal_id, "confirmed", actor=actor, now=now)
    with speaking(language):
        proposed = _("The family proposed it on {date}.").format(date=day(local_date(one.proposed_at)))
    choice = choose(
        session,
        one.plan_item_id,
        one.provider_id,
        chosen_by=one.voice,
        actor=actor,
        reason=reason,
        proposed=proposed,
        now=now,
        budgets=budgets,
        shown=one.choice,
    )
    session.execute(_CHOSEN, {"id": proposal_id, "choice": choice.id})
    audit.record(
        session,
        actor,
        "family.proposal_confirmed",
        f"case:{one.number}",
        now=now,
        proposal=proposal_id,
        plan_item=one.plan_item_id,
        choice=choice.id,
    )
    return choice


def decline(
    session: Session, proposal_id: int, *, case_id: int | None = None, actor: str, reason: str, now: datetime
) -> None:
    """Say no to a proposal, with a reason that the family reads. Raises SettledError, InputError, NotFound."""
    why = answered(reason)
    one = _held(session, proposal_id, case_id, now)
    if one.state != "open":
        raise _settled(one)
    _settle(session, proposal_id, "declined", actor=actor, now=now, why=why)
    audit.record(
        session,
        actor,
        "family.proposal_declined",
        f"case:{one.number}",
        now=now,
        reason=why,
        proposal=proposal_id,
        plan_item=one.plan_item_id,
    )


def _held(session: Session, proposal_id: int, case_id: int | None, now: datetime) -> Row[Any]:
    """A proposal; its planned service is held from here on, so nothing about it changes any more."""
    item = session.execute(_WHICH, {"id": proposal_id, "case": case_id}).scalar()
    if item is None:
        raise NotFound("There is no such proposal.")
    session.execute(_HOLD, {"item": item})
    return session.execute(_ONE, {"id": proposal_id, "today": local_date(now)}).one()


def _settle(session: Session, proposal_id: int, state: str, *, actor: str, now: datetime, why: str = "") -> None:
    session.execute(_SETTLE, {"id": proposal_id, "state": state, "actor": actor, "now": now, "why": why})


def _settled(one: Row[Any]) -> SettledError:
    """Why a worker can no longer answer a proposal."""
    if one.state == "withdrawn":
        return SettledError(Message("The family has taken this proposal back."))
    if one.state == "confirmed":
        return SettledError(Message("This proposal is confirmed already."))
    if one.state == "declined":
        return SettledError(Message("This proposal is declined already."))
    return SettledError(Message("This proposal is no longer open: {reason}", reason=Message(OVERTAKEN_BY[one.why])))
