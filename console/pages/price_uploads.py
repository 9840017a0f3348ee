"""Bringing a price list: handing over a file, seeing it being read, saying whose it is and what its columns mean."""

from typing import Annotated, Any, Final

from fastapi import File, Form, UploadFile
from starlette.responses import Response

from console import fields
from console.forms import Typed
from console.pages.prices import columns_in_words, meanings
from console.paging import Id
from console.roles import READERS
from console.visit import Here, Pages
from core.errors import InputError, Message
from core.i18n import _
from services import price_uploads
from services.access.people import PRICE_MANAGER
from services.price_mail.whose import known_providers
from services.prices.columns import learn_column
from services.sources import OWN

pages = Pages()
#: A file that no worker has taken for so long (seconds): something is wrong with them.
_LONG: Final = 30
#: What a column's field says for "nothing to us".
_NOTHING: Final = "-"


@pages.get("/prices/upload", roles=(PRICE_MANAGER,))
def form(visit: Here, provider: str = "") -> Response:
    """The form."""
    return _form(visit, chosen=provider)


@pages.post("/prices/upload", roles=(PRICE_MANAGER,))
def upload(
    visit: Here,
    file: Annotated[UploadFile | None, File()] = None,
    provider: Typed = "",
) -> Response:
    """Keep the file and have a worker read it."""
    if file is None or not file.filename:
        return _form(visit, chosen=provider, problem=_("Choose a file."), status=422)
    limit = visit.settings.console.max_upload_mb * 1024 * 1024
    try:
        with visit.session.begin_nested():
            price_uploads.forget_decided(visit.session, visit.now)
            number = price_uploads.bring(
                visit.session,
                file.file.read(limit + 1),
                file_name=file.filename,
                chosen=fields.words(provider, _("Provider")) or None,
                actor=visit.actor,
                limit=limit,
                now=visit.now,
            )
    except InputError as error:
        return _form(visit, chosen=provider, problem=str(error), status=422)
    return visit.go(f"/prices/upload/{number}")


@pages.get("/prices/upload/{number}", roles=READERS)
def show(visit: Here, number: Id) -> Response:
    """Where the file stands; once it is a list, the list."""
    found = price_uploads.upload_of(visit.session, number)
    if found.state == "read":
        return visit.go(f"/prices/lists/{found.price_list_id}")
    if found.state != "reading":  # the page that refreshes itself is no new look each time
        visit.saw(f"price_upload:{number}", "price_upload.viewed")
    return _page(visit, found)


@pages.post("/prices/upload/{number}/read", roles=(PRICE_MANAGER,))
def read_again(  # noqa: PLR0917 - the fields of a form
    visit: Here,
    number: Id,
    provider: Typed = "",
    insisted: Typed = "",
    title: Annotated[list[str] | None, Form()] = None,
    meaning: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Say whose the file is and what its columns mean, and have it read anew."""
    try:
        with visit.session.begin_nested():
            said = _said(title, meaning)
            found = price_uploads.upload_of(visit.session, number)
            _learn(visit, provider or found.business_id or found.chosen, said)
            price_uploads.read_again(
                visit.session,
                number,
                chosen=fields.words(provider, _("Provider")) or None,
                insisted=insisted == "yes",
                actor=visit.actor,
                now=visit.now,
            )
    except InputError as error:
        found = price_uploads.upload_of(visit.session, number)
        if found.state == "read":  # it was asked for on the list's page, or somebody has decided meanwhile
            return visit.go(f"/prices/lists/{found.price_list_id}", error.message, wrong=True)
        return _page(visit, found, chosen=provider, said=_said(title, meaning), problem=str(error), status=422)
    return visit.go(f"/prices/upload/{number}")


@pages.post("/prices/upload/{number}/discard", roles=(PRICE_MANAGER,))
def discard(visit: Here, number: Id) -> Response:
    """Let it be."""
    try:
        with visit.session.begin_nested():
            price_uploads.discard(visit.session, number, actor=visit.actor, now=visit.now)
    except InputError as error:
        return visit.go("/prices", error.message, wrong=True)
    return visit.go("/prices", Message("Discarded. The prices in force stay."))


def _said(titles: list[str] | None, said: list[str] | None) -> dict[str, str]:
    """What was said of each title; nothing of those that were passed over."""
    return {title: meaning for title, meaning in zip(titles or [], said or [], strict=False) if meaning}


def _learn(visit: Here, business_id: str | None, said: dict[str, str]) -> None:
    if not said:
        return
    provider_id = known_providers(visit.session).ids.get(business_id or "")
    if provider_id is None:
        raise InputError("Choose the provider first: what a column means is remembered for each.")
    for title, meaning in said.items():
        learn_column(
            visit.session,
            provider_id,
            title,
            "" if meaning == _NOTHING else meaning,
            actor=visit.actor,
            now=visit.now,
        )


def _form(visit: Here, *, chosen: str, problem: str | None = None, status: int = 200) -> Response:
    return visit.page(
        "prices/upload.html",
        status=status,
        providers=_providers(visit),
        own=OWN,
        chosen=chosen,
        problem=problem,
        megabytes=visit.settings.console.max_upload_mb,
    )


def _page(
    visit: Here,
    found: price_uploads.Upload,
    *,
    chosen: str | None = None,
    said: dict[str, str] | None = None,
    problem: str | None = None,
    status: int = 200,
) -> Response:
    return visit.page(
        "prices/upload_read.html",
        status=status,
        upload=found,
        waits_long=not found.under_way and found.seconds > _LONG,
        providers=_providers(visit),
        own=OWN,
        chosen=chosen if chosen is not None else found.chosen or "",
        columns=columns_in_words(found.columns),
        meanings=meanings(),
        said=said or {},
        problem=problem,
        may_write=visit.person.is_one_of(PRICE_MANAGER),
    )


def _providers(visit: Here) -> list[tuple[str, Any]]:
    return sorted(known_providers(visit.session).names.items(), key=lambda one: one[1].casefold())
