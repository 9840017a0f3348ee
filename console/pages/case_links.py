"""Links to "My budget" on a case's page: made for the family, shown once, taken back."""

from starlette.responses import Response

from console import case_page
from console.forms import Typed
from console.paging import Id
from console.roles import CASE_ROLES
from console.visit import Here, Pages, Visit
from core.errors import InputError, Message, NotFound
from core.i18n import LANGUAGES
from core.keys import family_code_key
from services.family import links
from services.family.link_words import paper

pages = Pages()


@pages.post("/cases/{number}/links", roles=CASE_ROLES)
def make(visit: Here, number: str, language: Typed = "") -> Response:
    """A link and its code, as a paper to print: the answer to a form, so that no address leads back to it."""
    access = visit.case(number)
    _must_be_on(visit)
    wanted = language if language in LANGUAGES else "fi"
    try:
        made = links.make_link(
            visit.session,
            access.number,
            holder="client",
            actor=visit.actor,
            now=visit.now,
            key=family_code_key(visit.settings),
            settings=visit.settings.family,
        )
    except InputError as error:
        return case_page.show(visit, access, typed=case_page.Typed("links", {"language": wanted}, str(error)))
    return visit.page(
        "cases/link.html", access=access, paper=paper(made, visit.settings, visit.console.family_origin, wanted)
    )


@pages.post("/cases/{number}/links/{link}/revoke", roles=CASE_ROLES)
def revoke(visit: Here, number: str, link: Id) -> Response:
    """Take a link back; whoever came in by it is signed out."""
    access = visit.case(number)
    _must_be_on(visit)
    ended = links.revoke(visit.session, access.number, link, actor=visit.actor, now=visit.now)
    path = f"/cases/{access.number}#links"
    if not ended:
        return visit.go(path, Message("The link had ended already."))
    return visit.go(path, Message("The link is taken back. Whoever came in by it has been signed out."))


def _must_be_on(visit: Visit) -> None:
    if not visit.settings.family.enabled:
        raise NotFound("There is no such page.")
