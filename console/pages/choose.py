"""Comparing for a case, and choosing: what the money of each decision buys, beside who is chosen, and a form that records a choice.

A choice is made for what was on the screen: the form carries the choice it was shown with, and one made meanwhile is told of instead of
being overwritten. What is refused comes back with everything that was typed.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import Query
from starlette.responses import Response

from console import offers
from console.forms import Typed
from console.pages.compare import in_language
from console.roles import CASE_ROLES
from console.templating import NATIVE
from console.visit import Here, Pages, Visit
from core.errors import InputError, Message, NotFound
from core.i18n import money, speaking
from services.access import CaseAccess
from services.cases import is_non_disclosure
from services.compare import Comparison, compare_case
from services.compare.annex import annex
from services.compare.asking import NothingToCompareError
from services.compare.noting import note_compared
from services.compare.words import FOR_THOSE_WHO_DECIDE
from services.names import people
from services.orders.approving.choosing import (
    CHOOSERS,
    AlreadyOrderedError,
    ChosenMeanwhileError,
    ReasonNeededError,
    choose,
)
from services.orders.approving.chosen import Chosen, chosen_in, plan_item_called

pages = Pages()

#: A reason is a few words.
LONGEST_REASON: Final = 500
_LARGEST_ID: Final = 2**63 - 1

Asked = Annotated[str, Query()]


@dataclass(frozen=True)
class Refused:
    """A choice that was not recorded: what was typed, and which field (`chosen_by`, `reason`, or '' for none of them) has to change."""

    item: str
    provider_id: int
    chosen_by: str
    reason: str
    field: str
    sentence: Message


@dataclass(frozen=True)
class Part:
    """One comparison of a case: `own` are offers of the planned service, which can be chosen, `others` those of services instead of it."""

    found: Comparison
    about: list[tuple[str, str]]
    remarks: list[Message]
    chosen: Chosen | None
    own: offers.Rows
    others: offers.Rows


@pages.get("/cases/{number}/compare", roles=CASE_ROLES)
def compare(visit: Here, number: str, item: Asked = "", show: Asked = "") -> Response:
    """What the decisions of a case could buy."""
    case = visit.case(number)
    note_compared(visit.session, visit.actor, case.number, now=visit.now)
    return _page(visit, case, item=item, everything=show == "all")


@pages.get("/cases/{number}/compare.pdf", roles=CASE_ROLES)
def printed(visit: Here, number: str, item: Asked = "", language: Asked = "") -> Response:
    """One comparison on one page for the steering group."""
    case, wanted = visit.case(number), in_language(language)
    with speaking(wanted):
        found = _compared(visit, case, item)
        if len(found) > 1:
            raise InputError("The case has several planned services. Print the page of each by itself.")
        paper = annex(found[0], made_by=visit.person.name, now=visit.now, language=wanted)
        note_compared(visit.session, visit.actor, case.number, now=visit.now, printed=paper)
        return offers.paper(visit, paper, case=case.number)


@pages.post("/cases/{number}/items/{item:path}/choose", roles=CASE_ROLES)
def choose_provider(  # noqa: PLR0917 - the fields of the form
    visit: Here,
    number: str,
    item: str,
    provider: Typed = "",
    chosen_by: Typed = "",
    reason: Typed = "",
    shown: Typed = "",
) -> Response:
    """Record who shall provide a planned service."""
    case = visit.case(number)
    plan_item = plan_item_called(visit.session, case.case_id, item)
    if plan_item is None:
        raise NotFound("Case {case} has no planned service {item}.", case=case.number, item=item)
    typed = (item, _id(provider) or 0, chosen_by, reason.strip())
    problem = _unreadable(typed[1], chosen_by, reason, shown)
    if problem is None:
        try:
            with visit.session.begin_nested():
                choose(
                    visit.session,
                    plan_item,
                    typed[1],
                    chosen_by=chosen_by,
                    actor=visit.actor,
                    reason=reason.strip(),
                    now=visit.now,
                    budgets=visit.settings.budgets,
                    shown=_id(shown),
                )
        except InputError as error:
            problem = refusal(error)
        else:
            path = f"/cases/{quote(case.number)}/compare"
            chosen = chosen_in(visit.session, case.case_id).get(item)
            return visit.go(path, Message("The choice for {item} is recorded.", item=chosen.label if chosen else item))
    note_compared(visit.session, visit.actor, case.number, now=visit.now)
    return _page(visit, case, item="", everything=False, refused=Refused(*typed, *problem))


def _compared(visit: Visit, case: CaseAccess, item: str) -> list[Comparison]:
    return compare_case(
        visit.session, case.number, item=item or None, today=visit.today, settings=visit.settings.budgets
    )


def _page(visit: Visit, case: CaseAccess, *, item: str, everything: bool, refused: Refused | None = None) -> Response:
    nothing: Message | None = None
    found: list[Comparison] = []
    try:
        found = _compared(visit, case, item)
    except NothingToCompareError as error:
        nothing = error.message
    chosen = chosen_in(visit.session, case.case_id)
    values: dict[str, Any] = {
        "case": case,
        "item": item,
        "parts": [_part(one, chosen.get(one.item or ""), refused, everything=everything) for one in found],
        "nothing": nothing,
        "hidden": Message(FOR_THOSE_WHO_DECIDE) if is_non_disclosure(visit.session, case.number) else None,
        "refused": refused,
        "refused_for": chosen[refused.item].label if refused and refused.item in chosen else refused and refused.item,
        "named": people(visit.session),
        "choosers": CHOOSERS,
        "longest_reason": LONGEST_REASON,
        "languages": NATIVE,
    }
    return visit.page("compare/case.html", status=422 if refused else 200, **values)


def _part(found: Comparison, chosen: Chosen | None, refused: Refused | None, *, everything: bool) -> Part:
    """With all of the offers where one that is not among the first was asked for."""
    own = [one for one in found.offers if chosen is not None and one.service == chosen.service]
    others = [one for one in found.offers if chosen is None or one.service != chosen.service]
    rows = offers.rows_of(own, everything=everything)
    if refused is not None and refused.item == found.item:
        asked_for = all(one.provider_id != refused.provider_id for one in rows.shown)
        rows = offers.rows_of(own, everything=everything or asked_for)
    return Part(
        found,
        offers.about(found),
        offers.remarks(found),
        chosen,
        rows,
        offers.rows_of(others, everything=everything),
    )


def _unreadable(provider: int, chosen_by: str, reason: str, shown: str) -> tuple[str, Message] | None:
    """The field of a form that cannot be read, and why."""
    if provider == 0 or _id(shown) is None:
        return "", Message("The form was not complete. Choose again.")
    if chosen_by not in CHOOSERS:
        return "chosen_by", Message("Say who chose the provider.")
    if len(reason.strip()) > LONGEST_REASON or "\0" in reason:
        return "reason", Message("Write the reason in at most {count} characters.", count=LONGEST_REASON)
    return None


def refusal(error: InputError) -> tuple[str, Message]:
    """A refused choice in the words of the page, which has no commands."""
    params = error.message.params
    if isinstance(error, ReasonNeededError):
        figures = {**params, "amount": money(error.amount), "ceiling": money(error.ceiling)}
        return "reason", Message(
            "With {provider} the budget would come to {amount}, over its ceiling of {ceiling} and the tolerance."
            " That can be chosen, but say why.",
            **figures,
        )
    if isinstance(error, AlreadyOrderedError):
        return "", Message("{item} is already ordered ({order}). That order has to be cancelled first.", **params)
    if isinstance(error, ChosenMeanwhileError):
        return "", Message(
            "Somebody has chosen for {item} meanwhile. See below who is chosen now, and choose again if need be.",
            **params,
        )
    return "", error.message


def _id(text: str) -> int | None:
    plain = text.isascii() and text.isdigit() and len(text) <= len(str(_LARGEST_ID))
    return int(text) if plain and int(text) <= _LARGEST_ID else None
