"""One price list: what it would change or has changed, what was left out of it, and a person's word on it.

What a person decides is exactly what was shown: the form holds the fingerprint of the plan. Where the world has moved, the sentence says
what, and the list is planned anew where its file is still here.
"""

from typing import Any

from starlette.responses import Response

from console import fields
from console.forms import Typed
from console.pages.prices import columns_in_words, meanings
from console.paging import Id, PageNumber
from console.roles import READERS
from console.visit import Here, Pages
from core.errors import InputError, Message
from core.i18n import _
from services import price_uploads, prices
from services.access.cases import visible_among
from services.access.people import PRICE_MANAGER
from services.budgets.words import state_name
from services.labels import counts_in_words, field_name
from services.names import service_names
from services.price_reply import write_reply
from services.prices.keeping import state_in_words
from services.prices.showing import KINDS_OF_CHANGE, ListView, changes_on_page, list_view, rejected_on_page
from services.prices.words import amount_in_words, change_in_words, effect_in_words, per_what
from services.sources import sources_of_provider

pages = Pages()


@pages.get("/prices/lists/{number}", roles=READERS)
def show(visit: Here, number: Id, page: PageNumber = 1, rejected: PageNumber = 1, only: str = "") -> Response:
    """The list, with the plan that waits or what it has changed."""
    found = list_view(visit.session, number)
    visit.saw(f"price_list:{number}", "price_list.viewed")
    return _page(visit, found, page=page, rejected=rejected, only=only)


@pages.post("/prices/lists/{number}/approve", roles=(PRICE_MANAGER,))
def approve(visit: Here, number: Id, shown: Typed = "", note: Typed = "") -> Response:
    """Apply exactly the plan that was shown."""
    back = f"/prices/lists/{number}"
    try:
        with visit.session.begin_nested():
            prices.approve(visit.session, number, visit.actor, fields.words(note, _("Note")), visit.now, shown=shown)
    except InputError as error:
        return _refused(visit, number, error, note=note, field="approve")
    return visit.go(back, Message("Applied. The budgets it touches are being calculated."))


@pages.post("/prices/lists/{number}/discard", roles=(PRICE_MANAGER,))
def discard(visit: Here, number: Id, note: Typed = "") -> Response:
    """Let a list that waits be."""
    try:
        with visit.session.begin_nested():
            prices.discard(visit.session, number, visit.actor, fields.words(note, _("Note")), visit.now)
    except InputError as error:
        return _refused(visit, number, error, note=note, field="discard")
    return visit.go(f"/prices/lists/{number}", Message("Discarded. The prices in force stay."))


@pages.get("/prices/lists/{number}/rollback", roles=(PRICE_MANAGER,))
def look_at_rollback(visit: Here, number: Id) -> Response:
    """What undoing the list would do, before it is done."""
    visit.saw(f"price_list:{number}", "price_list.viewed")
    return _undoing(visit, number)


@pages.post("/prices/lists/{number}/rollback", roles=(PRICE_MANAGER,))
def rollback(visit: Here, number: Id, shown: Typed = "", note: Typed = "") -> Response:
    """Undo it, as it was shown."""
    found = list_view(visit.session, number)
    if not found.can_be_undone:  # a second click, or somebody was quicker
        return visit.go(f"/prices/lists/{number}", _state(found), wrong=True)
    try:
        with visit.session.begin_nested():
            prices.rollback(
                visit.session, found.run_id, visit.actor, fields.words(note, _("Note")), visit.now, shown=shown
            )
    except InputError as error:
        return _undoing(visit, number, problem=str(error), note=note, status=422)
    return visit.go(f"/prices/lists/{number}", Message("Rolled back: the prices from before it are in force again."))


@pages.get("/prices/lists/{number}/reply", roles=(PRICE_MANAGER,))
def reply(visit: Here, number: Id) -> Response:
    """The draft of a reply to the provider about rows that could not be used."""
    found = list_view(visit.session, number)
    try:
        written = write_reply(visit.session, number, visit.settings, field_name)
    except InputError as error:
        return visit.go(f"/prices/lists/{number}", error.message, wrong=True)
    visit.saw(f"price_list:{number}", "price_list.reply_drafted")
    return visit.page("prices/reply.html", found=found, reply=written)


@pages.get("/prices/lists/{number}/reply.eml", roles=(PRICE_MANAGER,))
def reply_file(visit: Here, number: Id) -> Response:
    """The same as a file that mail programs open as an unsent e-mail."""
    written = write_reply(visit.session, number, visit.settings, field_name)
    visit.saw(f"price_list:{number}", "price_list.reply_drafted", form="eml")
    return visit.file(written.content, name=f"hinnasto-{number}.eml", media_type="message/rfc822")


def _refused(visit: Here, number: Id, error: InputError, *, note: str, field: str) -> Response:
    """The page again with the sentence; a list whose plan can no longer hold is read anew where its file is here."""
    found = list_view(visit.session, number)
    if found.state != "held":  # a second click, or somebody was quicker
        return visit.go(f"/prices/lists/{number}", error.message, wrong=True)
    if error.message.msgid == prices.WORLD_MOVED and found.kept and found.upload_id is not None:
        price_uploads.read_again(visit.session, found.upload_id, chosen=None, actor=visit.actor, now=visit.now)
        return visit.go(f"/prices/upload/{found.upload_id}", error.message, wrong=True)
    return _page(visit, found, problem=str(error), field=field, note=note, status=422)


def _state(found: ListView) -> Message:
    return Message("The list is {state}.", state=state_in_words(found.state))


def _page(
    visit: Here,
    found: ListView,
    *,
    page: int = 1,
    rejected: int = 1,
    only: str = "",
    problem: str | None = None,
    field: str = "",
    note: str = "",
    status: int = 200,
) -> Response:
    names = service_names(visit.session)
    changes = changes_on_page(visit.session, found, page, only)
    return visit.page(
        "prices/list.html",
        status=status,
        found=found,
        state=state_in_words(found.state),
        figures=counts_in_words({name: count for name, count in found.counts.items() if count}),
        changes=changes,
        words=[change_in_words(one, names.get(one.service)) for one in changes.lines],
        left_out=rejected_on_page(visit.session, found, rejected),
        only=only if only in KINDS_OF_CHANGE else "",
        effect=effect_in_words(found.effect) if found.effect else [],
        moved=_moved(visit, found),
        budget_state=state_name,
        field_name=field_name,
        also_read=sources_of_provider(visit.settings.sources, found.business_id) if found.upload_id else [],
        columns=columns_in_words(found.columns),
        meanings=meanings(),
        problem=problem,
        field=field,
        note=note,
        may_write=visit.person.is_one_of(PRICE_MANAGER),
    )


def _moved(visit: Here, found: ListView) -> list[dict[str, Any]]:
    """Budgets that change. Which case and decision each is of is told to those who may see the case; prices are others' work than cases."""
    moved = found.effect["moved"] if found.effect else []
    if not moved:
        return []
    seen = visible_among(visit.session, visit.person, {one["case"] for one in moved}, visit.today)
    return [one if one["case"] in seen else {**one, "case": None, "decision": None} for one in moved]


def _undoing(visit: Here, number: Id, *, problem: str | None = None, note: str = "", status: int = 200) -> Response:
    found = list_view(visit.session, number)
    try:
        undoing = prices.look_at_rollback(visit.session, found.run_id)
    except InputError as error:
        return visit.go(f"/prices/lists/{number}", error.message, wrong=True)
    return visit.page(
        "prices/rollback.html",
        status=status,
        found=found,
        undoing=undoing,
        names=service_names(visit.session),
        amount=amount_in_words,
        per_what=per_what,
        problem=problem,
        note=note,
    )
