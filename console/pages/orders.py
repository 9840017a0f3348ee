"""The list of orders: of the cases a person may see, the newest first."""

from starlette.responses import Response

from console import fields, paging
from console.paging import Key
from console.roles import CASE_ROLES
from console.visit import Here, Pages
from core.errors import InputError, Message
from core.i18n import N_, _
from core.logging import redact
from services.case_lists import workers_of
from services.orders import listing, words
from services.orders.show import STATE_NAMES, state_name

pages = Pages()
_NO_PERSON = N_("Cases are not looked for by henkilötunnus. Use the case's number or its id at the source.")


@pages.get("/orders", roles=CASE_ROLES)
def orders(  # noqa: PLR0917 - what the list is narrowed down by
    visit: Here, state: str = "", provider: str = "", case: str = "", worker: str = "", before: Key = None
) -> Response:
    """Orders by state, provider, case or responsible worker."""
    if redact(case) != case:
        # led on, so that it stays neither in the address nor in the history of the browser
        return visit.go("/orders", Message(_NO_PERSON), wrong=True)
    wanted, found, problem = listing.Wanted(), [], ""
    try:
        wanted = listing.Wanted(
            state,
            fields.words(provider, _("Provider")),
            fields.words(case, _("Case number")),
            fields.words(worker, _("Responsible worker")),
        )
        found = listing.orders_of(visit.session, visit.person, wanted, visit.today, before=before)
    except InputError as error:
        problem = str(error)
    kept = {"state": wanted.state, "provider": wanted.provider, "case": wanted.case, "worker": wanted.worker}
    leaf = paging.leaf(found, listing.PAGE, "/orders", kept, before=before)
    visit.saw_cases("orders:mine", "orders.listed", [one.case_number for one in leaf.rows])
    return visit.page(
        "orders/orders.html",
        status=422 if problem else 200,
        leaf=leaf,
        wanted=wanted,
        problem=problem,
        states=STATE_NAMES,
        providers=listing.providers_ordered_from(visit.session),
        workers={one.external_id: one.name for one in workers_of(visit.session, visit.person, visit.today)},
        state_name=state_name,
        tones=words.TONES,
    )
