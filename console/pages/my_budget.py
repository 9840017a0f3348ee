"""What a family sees of its own budget: its cases, the picture with the few facts that matter, what the same money buys, and the statement.

Every page is of today: a budget that was touched is calculated first (services/statements/freshness.py). A child has a page of its own, with
visits and faces and no money on it.
"""

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import Query
from starlette.responses import Response

from console.family import FamilyPages, FamilyVisit, OfFamily
from core.errors import NotFound
from services import audit
from services.family import alternatives as side_by_side
from services.family.overview import listed, overview
from services.family.sessions import FamilyCase
from services.family.wording import Told, in_words
from services.names import service_names
from services.statements.bulk import file_name
from services.statements.single import make_statement

pages = FamilyPages()

Asked = Annotated[str, Query()]
_ALL: Final = "all"
#: A PDF is made anew each time, and each is an event.
_PAPERS: Final = "30/minute"


@pages.get("/my")
def cases(visit: OfFamily) -> Response:
    """The family's cases; of a single one its budget at once."""
    if len(visit.family.cases) == 1:
        return visit.go(f"/my/{quote(visit.family.cases[0])}")
    found = listed(visit.session, visit.family.cases)
    seen = [audit.Event(visit.actor, "family.viewed", f"case:{one.number}", details={"page": "list"}) for one in found]
    audit.record_many(visit.session, seen, now=visit.now)
    return visit.page("my/cases.html", cases=found, named=service_names(visit.session))


@pages.get("/my/{number}")
def budget(visit: OfFamily, number: str) -> Response:
    """How many visits and euros are left, what happens next, what has been ordered."""
    case = visit.case(number)
    visit.saw(case)
    return visit.page("my/budget.html", case=case, told=_told(visit, case), several=len(visit.family.cases) > 1)


@pages.get("/my/{number}/child")
def child(visit: OfFamily, number: str) -> Response:
    """The same for a child: visits in dots, who gives the service, whom to tell."""
    case = visit.case(number)
    visit.saw(case, page="child")
    return visit.page("my/child.html", case=case, told=_told(visit, case))


@pages.get("/my/{number}/alternatives")
def alternatives(visit: OfFamily, number: str, item: Asked = "", show: Asked = "") -> Response:
    """What the same money buys elsewhere."""
    case = visit.case(number)
    visit.saw(case, "family.compared")
    found = side_by_side.alternatives(
        visit.session,
        case.number,
        item=item,
        everything=show == _ALL,
        today=visit.today,
        settings=visit.settings.budgets,
    )
    return visit.page("my/alternatives.html", case=case, questions=found, item=item)


@pages.get("/my/{number}/statement.pdf", at_most=_PAPERS)
def statement(visit: OfFamily, number: str) -> Response:
    """The same on paper, in the language the page is read in. Recorded with the file's sha256."""
    case, language = visit.case(number), visit.request.state.language
    told, made = make_statement(visit.session, case.number, language, now=visit.now, settings=visit.settings)
    if told.non_disclosure:  # since the case was looked up
        raise NotFound("There is no such page.")
    visit.saw(case, "budget.statement_made", language=language, sha256=made.sha256)
    return visit.file(made.document, name=file_name(case.number, language), media_type="application/pdf", inline=True)


def _told(visit: FamilyVisit, case: FamilyCase) -> Told:
    found = overview(visit.session, case, visit.request.state.language, now=visit.now, settings=visit.settings)
    return in_words(found, today=visit.today)
