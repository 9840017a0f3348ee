"""The list of cases: those a person may see, what needs attention first."""

from urllib.parse import urlencode

from starlette.responses import Response

from console import fields
from console.case_page import TONES
from console.visit import Here, Pages
from core.errors import InputError, Message
from core.i18n import N_, _
from core.logging import redact
from services.access.people import SUPERVISOR, WORKER
from services.budgets.words import state_name
from services.case_lists import ORDER, Page, Wanted, cases_of, workers_of
from services.labels import status_name

pages = Pages()
ROLES = (WORKER, SUPERVISOR)
_NO_PERSON = N_("Cases are not looked for by henkilötunnus. Use the case's number or its id at the source.")


@pages.get("/cases", roles=ROLES)
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
    visit.saw("cases:mine", "cases.listed", count=len(found.cases))
    kept = {"state": state, "worker": worker, "every": "1" if wanted.every else ""}
    return visit.page(
        "cases/cases.html",
        status=422 if problem else 200,
        wanted=wanted,
        search=wanted.search,
        problem=problem,
        found=found,
        further=_address({**kept, "after": found.after or ""}),
        workers=workers_of(visit.session, visit.person, visit.today),
        states=[one for one in ORDER if one != "none"],
        tones=TONES,
        state_name=state_name,
        status_name=status_name,
    )


def _address(values: dict[str, str]) -> str:
    return "/cases?" + urlencode({name: value for name, value in values.items() if value})
