"""Price lists: what waits, what was read last, what is missing; templates for providers, and what their column titles mean."""

from typing import Any, Final, Literal

from starlette.responses import Response

from connectors.prices.table.words import COLUMNS
from connectors.prices.template import write_template
from console import fields
from console.forms import Typed
from console.roles import READERS
from console.visit import Here, Pages
from core.errors import InputError, Message, NotFound
from core.i18n import _
from services import price_mail, price_uploads
from services.access.people import PRICE_MANAGER
from services.names import provider_of
from services.price_mail.whose import known_providers
from services.prices.columns import all_columns, forget_column, learn_column
from services.prices.keeping import state_in_words
from services.prices.showing import latest_lists
from services.prices.template import services_of
from services.prices.values import doubts
from services.prices.watching import held_since
from services.prices.words import column_name
from services.today.prices import for_price_manager

pages = Pages()
_TYPES: Final = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}


@pages.get("/prices", roles=READERS)
def overview(visit: Here) -> Response:
    """What a price manager has to decide, newest needs first."""
    session = visit.session
    held = [(one, doubts(one.reasons)) for one in held_since(session)]
    uploads = price_uploads.uploads_open(session)
    mails = price_mail.listed(session)
    days = visit.settings.prices.ending_soon_days
    wanting = for_price_manager(session, visit.today, ending_days=days, everything=frozenset(("missing", "ending")))
    visit.saw("price_lists", "price_lists.listed", held=len(held), uploads=len(uploads), mails=len(mails))
    return visit.page(
        "prices/prices.html",
        held=held,
        uploads=uploads,
        mails=len(mails),
        missing=wanting.get("missing"),
        ending=wanting["ending"],
        next_year=visit.today.year + 1,
        latest=latest_lists(session),
        providers=sorted(known_providers(session).names.items(), key=lambda one: one[1].casefold()),
        list_state=state_in_words,
        may_write=visit.person.is_one_of(PRICE_MANAGER),
    )


@pages.get("/prices/template/{business_id}/{form}", roles=READERS)
def template(visit: Here, business_id: str, form: Literal["xlsx", "csv"]) -> Response:
    """The file a provider can fill in."""
    provider_id = known_providers(visit.session).ids.get(business_id)
    if provider_id is None:
        raise NotFound("There is no active provider {business_id}.", business_id=business_id)
    content = write_template(form, services_of(visit.session, provider_id), business_id=business_id)
    visit.saw(f"provider:{business_id}", "price_template.made", form=form)
    return visit.file(content, name=f"hinnasto-{business_id}.{form}", media_type=_TYPES[form])


@pages.get("/prices/columns", roles=READERS)
def columns(visit: Here) -> Response:
    """What providers' own titles mean."""
    visit.saw("price_columns", "price_columns.listed")
    return _columns(visit)


@pages.post("/prices/columns", roles=(PRICE_MANAGER,))
def learn(
    visit: Here,
    provider: Typed = "",
    title: Typed = "",
    meaning: Typed = "",
) -> Response:
    """Say what a title means; `-` is nothing to us."""
    try:
        with visit.session.begin_nested():
            provider_id = provider_of(visit.session, fields.words(provider, _("Provider")))
            said = "" if meaning == "-" else meaning
            learn_column(
                visit.session, provider_id, fields.words(title, _("Title")), said, actor=visit.actor, now=visit.now
            )
    except InputError as error:
        typed = {"provider": provider, "title": title, "meaning": meaning}
        return _columns(visit, typed, str(error), status=422)
    return visit.go("/prices/columns", Message("It is remembered what {title} means.", title=title))


@pages.post("/prices/columns/forget", roles=(PRICE_MANAGER,))
def forget(visit: Here, provider: Typed = "", title: Typed = "") -> Response:
    """Forget what a title means. Done twice it is done once."""
    try:
        with visit.session.begin_nested():
            provider_id = provider_of(visit.session, fields.words(provider, _("Provider")))
            forget_column(visit.session, provider_id, title, actor=visit.actor, now=visit.now)
    except InputError as error:
        return visit.go("/prices/columns", error.message, wrong=True)
    return visit.go("/prices/columns", Message("Forgotten: {title}", title=title))


def _columns(
    visit: Here, typed: dict[str, str] | None = None, problem: str | None = None, *, status: int = 200
) -> Response:
    return visit.page(
        "prices/columns.html",
        status=status,
        learnt=all_columns(visit.session),
        providers=sorted(known_providers(visit.session).names.items(), key=lambda one: one[1].casefold()),
        meanings=meanings(),
        column_name=column_name,
        typed=typed or {"provider": "", "title": "", "meaning": ""},
        problem=problem,
        may_write=visit.person.is_one_of(PRICE_MANAGER),
    )


def meanings() -> list[tuple[str, str]]:
    """What a title may mean, code and words, in the order people look for them."""
    return [(one, column_name(one)) for one in COLUMNS]


def columns_in_words(columns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Columns of a file (title, samples), each with the words of what it is taken for already, None where nobody knows."""
    return [
        {**one, "words": None if one["meaning"] is None else column_name(one["meaning"]) if one["meaning"] else ""}
        for one in columns
    ]
