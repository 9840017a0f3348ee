"""One case: what is decided, planned and chosen, its budgets; who the client is, for those who may know; the family's statement."""

from starlette.responses import Response

from console import case_page, fields
from console.forms import Typed
from console.roles import CASE_ROLES
from console.visit import Here, Pages
from core import keys
from core.errors import ConfigurationError, InputError
from core.i18n import LANGUAGES, _
from services.access.identity import PARTS, read_identity
from services.statements.bulk import file_name
from services.statements.single import make_statement

pages = Pages()


@pages.get("/cases/{number}", roles=CASE_ROLES)
def case(visit: Here, number: str) -> Response:
    """Everything about a case that is no name."""
    return case_page.show(visit, visit.case(number))


@pages.post("/cases/{number}/identity", roles=CASE_ROLES)
def identity(visit: Here, number: str, part: Typed = "name", reason: Typed = "") -> Response:
    """Who the client is, shown once: the answer to a form, so that it stands in no address and no history can lead back to it."""
    access = visit.case(number)
    wanted = next((one for one in PARTS if one == part), PARTS[0])
    try:
        why = fields.words(reason, _("Reason"))
        sealer = keys.sealer(visit.settings)
        found = read_identity(visit.session, access, sealer, wanted, actor=visit.actor, now=visit.now, reason=why)
    except (InputError, ConfigurationError) as error:
        return case_page.show(
            visit, access, typed=case_page.Typed("identity", {"reason": reason, "part": wanted}, str(error), "reason")
        )
    return visit.page("cases/identity.html", access=access, part=wanted, found=found)


@pages.get("/cases/{number}/statement.pdf", roles=CASE_ROLES)
def statement(visit: Here, number: str, language: str = "") -> Response:
    """What the family reads about its budget, in the language it reads. Recorded with the file's sha256."""
    access = visit.case(number)
    wanted = language or visit.request.state.language
    if wanted not in LANGUAGES:
        raise InputError("Statements are made in these languages: {languages}", languages=", ".join(LANGUAGES))
    _told, made = make_statement(visit.session, access.number, wanted, now=visit.now, settings=visit.settings)
    visit.saw(f"case:{access.number}", "budget.statement_made", language=wanted, sha256=made.sha256)
    return visit.file(made.document, name=file_name(access.number, wanted), media_type="application/pdf")
