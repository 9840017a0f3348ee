"""What a case's page shows of its family's own acts: proposals to answer, ratings, wishes. Words are opened for those who may read names."""

from dataclasses import dataclass
from decimal import Decimal

from console.visit import Visit
from core import keys
from core.i18n import N_, _
from services.access import CaseAccess
from services.compare import Offer
from services.compare.words import verdict_name
from services.family import ratings, wishes
from services.family.proposals import OVERTAKEN_BY
from services.family.ratings import Rated
from services.family.reading import Proposal, proposals_of, totals_now
from services.family.wishes import Wish

#: What came of a proposal, as workers read it.
STATES = {
    "open": N_("waits for an answer"),
    "confirmed": N_("confirmed"),
    "declined": N_("declined"),
    "withdrawn": N_("taken back by the family"),
    "overtaken": N_("no longer open"),
}


@dataclass(frozen=True)
class Waiting:
    """A proposal to answer, with what it would come to today: `seen` is that figure as the form carries it."""

    proposal: Proposal
    total: Decimal | None
    verdict: str
    is_over: bool

    @property
    def seen(self) -> str:
        return "" if self.total is None else str(self.total)

    @property
    def has_changed(self) -> bool:
        """Whether the family saw another figure."""
        return self.total != self.proposal.total


@dataclass(frozen=True)
class Settled:
    """A proposal that needs no answer any more: how it ended, and why."""

    proposal: Proposal
    state: str
    why: str


@dataclass(frozen=True)
class FamilyPart:
    """The section of the page; `may_read`: whether the reader may read words."""

    waiting: list[Waiting]
    settled: list[Settled]
    ratings: list[Rated]
    wishes: list[Wish]
    may_read: bool

    @property
    def is_empty(self) -> bool:
        return not (self.waiting or self.settled or self.ratings or self.wishes)

    @property
    def forms(self) -> set[str]:
        """The forms that stand in it."""
        answers = {f"{act}-{one.proposal.id}" for one in self.waiting for act in ("confirm", "decline")}
        return answers | {f"wish-{one.id}" for one in self.wishes if one.noted_at is None}


def part(visit: Visit, access: CaseAccess) -> FamilyPart | None:
    """The section; None where families have no page. Reading words is an event of its own."""
    if not visit.settings.family.enabled:
        return None
    session = visit.session
    proposals = proposals_of(session, access.case_id, visit.today)
    now = totals_now(session, access.number, proposals, today=visit.today, budgets=visit.settings.budgets)
    found = wishes.wishes_of(session, access.case_id, keys.wish_sealer(visit.settings) if access.names_freely else None)
    read = [one.id for one in found if one.words]
    if read:
        visit.saw(f"case:{access.number}", "family.wishes_read", wishes=read, how=access.how)
    return FamilyPart(
        [_waiting(one, now.get(one.id)) for one in proposals if one.is_open],
        [Settled(one, _(STATES[one.state]), _why(one)) for one in proposals if not one.is_open],
        ratings.latest_of_case(session, access.case_id),
        found,
        access.names_freely,
    )


def _waiting(one: Proposal, offer: Offer | None) -> Waiting:
    if offer is None:
        return Waiting(one, None, "", is_over=False)
    return Waiting(one, offer.total, verdict_name(offer), is_over=offer.verdict == "over")


def _why(one: Proposal) -> str:
    return _(OVERTAKEN_BY[one.why]) if one.state == "overtaken" and one.why in OVERTAKEN_BY else one.why
