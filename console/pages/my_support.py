"""A support person of the family: a link that only looks, given and taken back by the family itself."""

from starlette.responses import Response

from console.family import FamilyPages, FamilyVisit, OfFamily, OnlyLooksError
from console.forms import Typed
from console.paging import Id
from core.errors import InputError, Message
from core.i18n import LANGUAGES
from core.keys import family_code_key
from services.family import link_words, links
from services.family.sessions import FamilyCase

pages = FamilyPages()


@pages.get("/my/{number}/support")
def support(visit: OfFamily, number: str) -> Response:
    """The support persons' links, and a button for another. Not for support persons themselves."""
    if not visit.family.may_act:
        raise OnlyLooksError
    case = visit.case(number)
    visit.saw(case, page="support")
    return _page(visit, case)


@pages.post("/my/{number}/support")
def make(visit: OfFamily, number: str, language: Typed = "") -> Response:
    """A link and its code, shown once."""
    case = visit.case(number)
    try:
        made = links.make_link(
            visit.session,
            case.number,
            holder="support",
            actor=visit.actor,
            now=visit.now,
            key=family_code_key(visit.settings),
            settings=visit.settings.family,
        )
    except InputError as error:
        return _page(visit, case, problem=str(error), status=422)
    wanted = language if language in LANGUAGES else visit.request.state.language
    paper = link_words.paper(made, visit.settings, visit.console.family_origin, wanted)
    return visit.page("my/support_made.html", case=case, paper=paper)


@pages.post("/my/{number}/support/{link}/revoke")
def revoke(visit: OfFamily, number: str, link: Id) -> Response:
    """Take a support person's link back; whoever came in by it is signed out."""
    case = visit.case(number)
    links.revoke(visit.session, case.number, link, actor=visit.actor, now=visit.now, holder="support")
    return visit.go(f"/my/{case.number}/support", Message("The support person can no longer look at your budget."))


def _page(visit: FamilyVisit, case: FamilyCase, *, problem: str = "", status: int = 200) -> Response:
    listed = links.listed(visit.session, case.case_id, now=visit.now, holder="support")
    return visit.page(
        "my/support.html",
        status=status,
        case=case,
        problem=problem,
        links=[one for one in listed if one.open],
        days=visit.settings.family.support_link_days,
    )
