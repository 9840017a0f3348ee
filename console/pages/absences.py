"""Absences: who is away, who stands in. Workers enter their own, supervisors those of their units, operators anybody's.

Why somebody is away is never asked: it is nobody's business here, and it may tell of their health.
"""

from typing import Final

from starlette.responses import Response

from console import fields, paging
from console.forms import Form, Typed
from console.paging import Id, Key
from console.visit import Here, Pages, Visit
from core.errors import AvainError, InputError, Message, NotFound
from core.i18n import _
from services.access import absence_lists, absences
from services.access.people import OPERATOR, SUPERVISOR, WORKER

pages = Pages()
_ROLES: Final = (WORKER, SUPERVISOR, OPERATOR)


@pages.get("/absences", roles=_ROLES)
def list_absences(visit: Here, which: str = "", after: Key = None) -> Response:
    """Those that are on or to come, and the form; or, `which` = earlier, those that are over."""
    return _page(visit, Form({"worker": visit.person.worker or ""}), which=which, after=after)


@pages.post("/absences", roles=_ROLES)
def enter(visit: Here, *, worker: Typed = "", first: Typed = "", last: Typed = "", deputy: Typed = "") -> Response:
    """Enter an absence. Who enters none but their own need not say whose."""
    form = Form({"worker": worker, "first": first, "last": last, "deputy": deputy})
    whose = _worker(visit, form)
    first_day, last_day = form.read("first", fields.day, _("First day")), form.read("last", fields.day, _("Last day"))
    for name, value in (("first", first_day), ("last", last_day)):
        if value is None:
            form.wrong(name, _("The day is missing."))
    stands_in = _deputy(visit, form)
    if form.problems or whose is None or first_day is None or last_day is None:
        return _page(visit, form)
    try:
        if stands_in is not None:
            absence_lists.may_stand_in(visit.session, visit.person, whose, stands_in)
        with visit.session.begin_nested():
            away = absences.go_away(
                visit.session, whose, first=first_day, last=last_day, deputy=stands_in, now=visit.now, actor=visit.actor
            )
    except InputError as refused:
        form.wrong("", str(refused))
        return _page(visit, form)
    return visit.go("/absences", away.said, wrong=away.deputy_away)


@pages.post("/absences/{absence}/end", roles=_ROLES)
def end(visit: Here, absence: Id) -> Response:
    """End the absence from today, or call it off if it has not begun."""
    worker = absence_lists.worker_of(visit.session, visit.person, absence)
    try:
        with visit.session.begin_nested():
            ended = absences.come_back(
                visit.session, worker, today=visit.today, now=visit.now, actor=visit.actor, absence=absence
            )
    except InputError as refused:
        return visit.go("/absences", refused.message, wrong=True)
    return visit.go("/absences", Message(
        "{worker} is back: the absence from {start} to {end} is over.",
        worker=ended.worker, start=str(ended.first), end=str(ended.last),
    ))  # fmt: skip


def _worker(visit: Visit, form: Form) -> str | None:
    typed = (form.text("worker") if visit.person.is_one_of(SUPERVISOR, OPERATOR) else None) or visit.person.worker
    if typed is None:
        form.wrong("worker", _("Say who is away."))
        return None
    try:
        words = fields.words(typed, _("Who is away"))
        return absence_lists.may_enter_for(
            visit.session, visit.person, absence_lists.find_colleague(visit.session, words).id
        )
    except NotFound:  # alike for one who does not exist and one who is not theirs
        form.wrong("worker", Message("There is no worker {worker} whose absences you can enter.", worker=typed).text())
    except InputError as error:
        form.wrong("worker", str(error))
    return None


def _deputy(visit: Visit, form: Form) -> str | None:
    try:
        typed = fields.words(form.value("deputy"), _("Deputy"))
        return absence_lists.find_colleague(visit.session, typed).id if typed else None
    except AvainError as error:
        form.wrong("deputy", str(error))
        return None


def _page(visit: Visit, form: Form, *, which: str = "", after: int | None = None) -> Response:
    earlier = which == "earlier"
    found = absence_lists.listed(
        visit.session, visit.person, visit.today, earlier=earlier, key=after, limit=absence_lists.PAGE + 1
    )
    wanted = {"which": "earlier"} if earlier else {}
    leaf = paging.leaf(found, absence_lists.PAGE, "/absences", wanted, after=after)
    visit.saw("workers", "absences.listed", count=len(leaf.rows))
    for_others = visit.person.is_one_of(SUPERVISOR, OPERATOR)
    return visit.page(
        "absences.html",
        status=422 if form.problems else 200,
        form=form,
        leaf=leaf,
        earlier=earlier,
        for_others=for_others,
        may_enter=for_others or visit.person.worker is not None,
        entered_for=absence_lists.entered_for(visit.session, visit.person) if for_others else (),
        beside=absence_lists.beside(visit.session, visit.person),
        today=visit.today,
    )
