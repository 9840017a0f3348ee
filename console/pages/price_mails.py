"""E-mails with price lists of which nobody can tell whose they are, and a person's word on them."""

from starlette.responses import Response

from console import fields
from console.forms import Typed
from console.paging import Id
from console.roles import READERS
from console.visit import Here, Pages
from core.errors import InputError, Message
from core.i18n import _
from services import price_mail
from services.access.people import PRICE_MANAGER
from services.price_mail.whose import known_providers
from services.sources import call_fetch, find_source

pages = Pages()


@pages.get("/prices/mail", roles=READERS)
def listed(visit: Here, everything: str = "") -> Response:
    """Those that wait, or all."""
    visit.saw("price_mails", "price_mails.listed")
    return _page(visit, everything=everything == "yes")


@pages.post("/prices/mail/{number}/assign", roles=(PRICE_MANAGER,))
def assign(
    visit: Here,
    number: Id,
    provider: Typed = "",
    attachment: Typed = "",
    note: Typed = "",
) -> Response:
    """Say whose list it brings, and have its source read."""
    typed = {"provider": provider, "attachment": attachment, "note": note}
    if not provider:
        return _page(visit, at=number, problem=_("Choose the provider."), typed=typed, status=422)
    try:
        with visit.session.begin_nested():
            found = price_mail.assign(
                visit.session,
                str(number),
                fields.words(provider, _("Provider")),
                attachment=attachment or None,
                actor=visit.actor,
                note=fields.words(note, _("Note")),
                now=visit.now,
            )
            source = find_source(visit.settings.sources, found.source)
            call_fetch(visit.session, source, f"mail-{found.id}", now=True)
    except InputError as error:
        return _page(visit, at=number, problem=str(error), typed=typed, status=422)
    told = Message("The e-mail {file} will be read as the price list of {provider}.", file=found.file_name, provider=provider)  # fmt: skip
    return visit.go("/prices/mail", told)


@pages.post("/prices/mail/{number}/discard", roles=(PRICE_MANAGER,))
def discard(visit: Here, number: Id, note: Typed = "") -> Response:
    """Nothing of it is imported."""
    try:
        with visit.session.begin_nested():
            price_mail.discard(
                visit.session, str(number), actor=visit.actor, note=fields.words(note, _("Note")), now=visit.now
            )
    except InputError as error:
        typed = {"provider": "", "attachment": "", "note": note}
        return _page(visit, at=number, problem=str(error), typed=typed, status=422)
    return visit.go("/prices/mail", Message("Discarded. The prices in force stay."))


def _page(
    visit: Here,
    *,
    everything: bool = False,
    at: int | None = None,
    problem: str | None = None,
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    mails = price_mail.listed(visit.session, everything=everything)
    for one in mails:
        one["reason"] = Message.from_json(one["reason"]) if one["reason"] else None
        one["files"] = [each for each in one["attachments"] if each["sha256"]]
    return visit.page(
        "prices/mails.html",
        status=status,
        mails=list(reversed(mails)),
        everything=everything,
        mail_state=price_mail.state_in_words,
        providers=sorted(known_providers(visit.session).names.items(), key=lambda one: one[1].casefold()),
        at=at if any(one["id"] == at for one in mails) else None,
        lost=problem if not any(one["id"] == at for one in mails) else None,
        problem=problem,
        typed=typed or {"provider": "", "attachment": "", "note": ""},
        may_write=visit.person.is_one_of(PRICE_MANAGER),
    )
