"""What a family does on its own pages: proposes who shall give a service, rates it, writes what it wishes.

Whoever only looks (a support person) is told so. What is refused comes back with everything that was typed, wishes too: they are kept
nowhere else.
"""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import Query
from starlette.responses import Response

from console.family import FamilyPages, FamilyVisit, OfFamily, OnlyLooksError
from console.forms import Form, Sent, Typed
from console.paging import Id
from core import keys
from core.errors import InputError, Message
from core.i18n import N_, _, short_money
from models.family import FAMILY_VOICES
from services.compare import Offer
from services.family import proposals, ratings, wishes
from services.family.alternatives import remarks
from services.family.free_words import LONGEST
from services.family.reading import Open, Proposal, proposals_of, what_can_be_proposed
from services.family.sessions import FamilyCase

pages = FamilyPages()

Asked = Annotated[str, Query()]

#: Who answers, as a family says it.
VOICES: Final = {
    "child": N_("a child or young person"),
    "parent": N_("a parent"),
    "adult": N_("an adult, for myself"),
}
#: What came of a proposal, as its family reads it.
STATES: Final = {
    "open": N_("Waits for your worker's answer"),
    "confirmed": N_("Your worker has confirmed it"),
    "declined": N_("Your worker has not accepted it"),
    "withdrawn": N_("You took it back"),
    "overtaken": N_("No longer open"),
}
#: What became of a wish.
WISH_STATES: Final = {
    "sent": N_("Sent, not read yet"),
    "seen": N_("Your worker has read it"),
    "noted": N_("Your worker has written it down"),
}
#: So many providers are shown until somebody asks for all of them.
FIRST: Final = 10
_LARGEST_ID: Final = 2**63 - 1


@pages.get("/my/{number}/propose")
def propose_page(visit: OfFamily, number: str, item: Asked = "", provider: Asked = "", show: Asked = "") -> Response:
    """Planned services that somebody can be proposed for, with what each would cost; and what came of earlier proposals."""
    case = _case(visit, number)
    visit.saw(case, page="propose")
    return _propose(visit, case, Form({"item": item, "provider": provider}), everything=show == "all")


@pages.post("/my/{number}/propose")
def propose(  # noqa: PLR0917 - the fields of the form
    visit: OfFamily, number: str, item: Typed = "", offer: Typed = "", voice: Typed = "", choice: Typed = ""
) -> Response:
    """Propose a provider: what stood on the screen goes with it."""
    case = visit.case(number)
    try:
        with visit.session.begin_nested():
            proposals.propose(
                visit.session,
                case,
                item,
                _shown(offer, choice),
                voice=voice,
                actor=visit.actor,
                now=visit.now,
                budgets=visit.settings.budgets,
            )
    except InputError as refused:
        typed = {"item": item, "provider": offer.partition(":")[0], "voice": voice}
        return _propose(visit, case, Form(typed, {"": str(refused)}), everything=True)
    said = Message("Your proposal is sent. Your worker answers it, and you see the answer here.")
    return visit.go(f"/my/{quote(case.number)}/propose", said)


@pages.post("/my/{number}/proposals/{proposal}/withdraw")
def withdraw(visit: OfFamily, number: str, proposal: Id) -> Response:
    """Take a proposal back, while nobody has answered it."""
    case = visit.case(number)
    try:
        with visit.session.begin_nested():
            proposals.withdraw(visit.session, case, proposal, actor=visit.actor, now=visit.now)
    except proposals.SettledError as refused:
        return visit.go(f"/my/{quote(case.number)}/propose", refused.message, wrong=True)
    return visit.go(f"/my/{quote(case.number)}/propose", Message("Your proposal is taken back."))


@pages.get("/my/{number}/rate")
def rate_page(visit: OfFamily, number: str, voice: Asked = "") -> Response:
    """Five faces for each service that has begun. `voice`: who answers, where the way here told it (a child's own page)."""
    case = _case(visit, number)
    visit.saw(case, page="rate")
    return _rate(visit, case, Form({"voice": voice}))


@pages.post("/my/{number}/rate")
def rate(visit: OfFamily, number: str, item: Typed = "", rating: Typed = "", voice: Typed = "") -> Response:
    """Keep a rating."""
    case = visit.case(number)
    known = rating.isascii() and rating.isdecimal() and len(rating) == 1
    try:
        with visit.session.begin_nested():
            ratings.rate(
                visit.session,
                case,
                item,
                int(rating) if known else None,
                voice,
                actor=visit.actor,
                now=visit.now,
            )
    except InputError as refused:
        return _rate(visit, case, Form({"item": item, "rating": rating, "voice": voice}, {"": str(refused)}))
    return visit.go(f"/my/{quote(case.number)}/rate", Message("Thank you. Your worker sees what you answered."))


@pages.get("/my/{number}/wishes")
def wishes_page(visit: OfFamily, number: str, voice: Asked = "") -> Response:
    """A list to tick, words of one's own, and what became of earlier wishes; what they said is not shown again."""
    case = _case(visit, number)
    visit.saw(case, page="wishes")
    return _wishes(visit, case, Form({"voice": voice}))


@pages.post("/my/{number}/wishes")
def wish(visit: OfFamily, number: str, sent: Sent) -> Response:
    """Keep a wish: its words sealed."""
    case = visit.case(number)
    try:
        with visit.session.begin_nested():
            wishes.write(
                visit.session,
                case,
                place=sent.get("place", ""),
                ticks=[tick for tick in wishes.TICKS if sent.get(f"tick-{tick}")],
                words=sent.get("words", ""),
                voice=sent.get("voice", ""),
                actor=visit.actor,
                sealer=keys.wish_sealer(visit.settings),
                now=visit.now,
            )
    except InputError as refused:
        return _wishes(visit, case, Form(sent, {"": str(refused)}))
    return visit.go(f"/my/{quote(case.number)}/wishes", Message("Your wish is sent to your worker."))


def _case(visit: FamilyVisit, number: str) -> FamilyCase:
    """The case, for those who may act: the pages of who only looks have no such forms."""
    case = visit.case(number)
    if not visit.family.may_act:
        raise OnlyLooksError
    return case


def _propose(visit: FamilyVisit, case: FamilyCase, form: Form, *, everything: bool) -> Response:
    told = proposals_of(visit.session, case.case_id, visit.today)
    found, others = what_can_be_proposed(
        visit.session,
        case.case_id,
        case.number,
        told,
        item=form.value("item"),
        today=visit.today,
        budgets=visit.settings.budgets,
    )
    return visit.page(
        "my/propose.html",
        status=422 if form.problems else 200,
        case=case,
        questions=[_question(one, form, everything=everything) for one in found],
        others=others,
        told=[(one, _(STATES[one.state]), _why(one)) for one in told],
        form=form,
        voices=_voices(),
    )


def _question(one: Open, form: Form, *, everything: bool) -> dict[str, Any]:
    """A planned service with the providers to choose between; what is chosen already is none of them."""
    others = [offer for offer in one.offers if offer.provider_id != _chosen_id(one)]
    asked_for = form.value("provider") if form.value("item") == one.chosen.item else ""
    shown = others if everything or asked_for else others[:FIRST]
    return {
        "item": one.chosen.item,
        "name": one.chosen.service_name,
        "chosen": one.chosen.provider,
        "choice": one.chosen.choice_id,
        "proposed": one.proposed,
        "room": one.room,
        "offers": [
            {
                "value": f"{offer.provider_id}:{'' if offer.total is None else offer.total}",
                "provider": offer.provider,
                "total": offer.total,
                "quantity": offer.quantity,
                "unit": offer.unit,
                "difference": _difference(offer),
                "verdict": offer.verdict,
                "cheapest": offer.cheapest,
                "known": list(remarks(offer)),
                "reason": offer.reason,
                "picked": asked_for == str(offer.provider_id),
            }
            for offer in shown
        ],
        "more": len(others) - len(shown),
    }


def _difference(offer: Offer) -> str:
    """`€18 left`, or `€26 over`; nothing where it is not known."""
    if offer.difference is None:
        return ""
    said = _("{amount} left") if offer.difference >= 0 else _("{amount} over")
    return said.format(amount=short_money(abs(offer.difference)))


def _chosen_id(one: Open) -> int | None:
    return next((offer.provider_id for offer in one.offers if offer.chosen), None)


def _why(one: Proposal) -> str:
    """The worker's words, or by what it was overtaken."""
    if one.state == "declined":
        return one.why
    return _(proposals.OVERTAKEN_BY[one.why]) if one.state == "overtaken" else ""


def _rate(visit: FamilyVisit, case: FamilyCase, form: Form) -> Response:
    return visit.page(
        "my/rate.html",
        status=422 if form.problems else 200,
        case=case,
        services=ratings.ratable(visit.session, case, visit.today),
        faces={rating: ratings.face(rating) for rating in ratings.FACES},
        form=form,
        voices=_voices(),
    )


def _wishes(visit: FamilyVisit, case: FamilyCase, form: Form) -> Response:
    told = wishes.wishes_of(visit.session, case.case_id, None)
    return visit.page(
        "my/wishes.html",
        status=422 if form.problems else 200,
        case=case,
        told=[(one, _(WISH_STATES[one.state])) for one in told],
        ticks=[(tick, wishes.tick_label(tick)) for tick in wishes.TICKS],
        longest=LONGEST,
        place=form.value("place") or wishes.new_place(),
        days=visit.settings.family.wish_days,
        form=form,
        voices=_voices(),
    )


def _voices() -> list[tuple[str, str]]:
    return [(voice, _(VOICES[voice])) for voice in FAMILY_VOICES]


def _shown(offer: str, choice: str) -> proposals.Shown:
    """What stood on the screen. Raises InputError where nothing was picked, or the form is not ours."""
    provider, _colon, total = offer.partition(":")
    if not offer:
        raise InputError("Choose one of the providers.")
    try:
        euros = Decimal(total) if total else None
        ids = (int(provider), int(choice))
    except (ValueError, InvalidOperation):
        ids, euros = (-1, -1), None
    if not all(0 <= one <= _LARGEST_ID for one in ids) or not (euros is None or euros.is_finite()):
        raise InputError("The form was not complete. Open the page again.")
    return proposals.Shown(ids[0], euros, ids[1])
