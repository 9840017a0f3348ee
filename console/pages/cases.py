"""The list of cases: those a person may see, what needs attention first."""

from starlette.responses import Response

from console import fields, paging
from console.case_page import TONES
from console.roles import CASE_ROLES
from console.visit import Here, Pages
from core.errors import InputError, Message
from core.i18n import N_, _
from core.logging import redact
from services.budgets.words import state_name
from services.case_lists import ORDER, Page, Wanted, cases_of, workers_of
from services.labels import status_name

pages = Pages()
_NO_PERSON = N_("Cases are not looked for by henkilötunnus. Use the case's number or its id at the source.")


@pages.get("/cases", roles=CASE_ROLES)
def listing(
    visit: Here, *, q: str = "", state: str = "", worker: str = "", every: str = "", after: str = ""
) -> Response:
    """`q`: a case's number or its id at the source; no person is looked for."""
    if redact(q) != q:
        # led on, so that it stays neither in the address nor in the history of the browser
        return visit.go("/cases", Message(_NO_PERSON), wrong=True)
    wanted, problem = Wanted(state=state or None, every=every == "1"), ""
    try:
        search, of = fields.words(q, _("Case")), fields.words(worker, _("Responsible worker"))
        wanted = Wanted(search, state or None, of or None, every == "1", after)
        found = cases_of(visit.session, visit.person, wanted, visit.today)
    except InputError as error:
        found, problem = Page((), None), str(error)
    visit.saw_cases("cases:mine", "cases.listed", [one.number for one in found.cases])
    kept = {"state": state, "worker": worker, "every": "1" if wanted.every else ""}
    return visit.page(
        "cases/cases.html",
        status=422 if problem else 200,
        wanted=wanted,
        search=wanted.search,
        problem=problem,
        leaf=paging.Leaf(
            found.cases,
            paging.address("/cases", kept) if after else None,
            paging.address("/cases", {**kept, "after": found.after}) if found.after else None,
        ),
        workers={one.external_id: one.name for one in workers_of(visit.session, visit.person, visit.today)},
        states=ORDER,
        tones=TONES,
        state_name=state_name,
        status_name=status_name,
    )
