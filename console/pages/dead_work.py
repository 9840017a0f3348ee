"""Given-up work in groups, 7,000 equal failures as one line: one group or all of it tried again, or let rest with a reason.

A form carries what was shown of it (`shown`): what failed meanwhile is not swept along. A single work is acted on at its run (/runs/{run}).
"""

from typing import Final

from starlette.responses import Response

from console import fields, paging
from console.forms import Form, Typed
from console.paging import Key
from console.roles import READERS, WRITERS, may_act
from console.visit import Here, NotAllowedError, Pages, Visit
from core.errors import InputError, Message
from core.i18n import _
from services import dead_work
from services.access.people import OPERATOR
from services.dead_work import Chosen, Group, Shown
from services.runs import OF_PRICES

pages = Pages()
_PAGE = 50
#: Of what a price manager acts on whole groups. Letters go to the operator too: one of theirs is tried again at its run.
_OF_PRICES: Final = OF_PRICES - {"send_letter"}


@pages.get("/dead-work", roles=READERS)
def list_groups(visit: Here) -> Response:
    """All groups, the largest first."""
    groups = dead_work.groups(visit.session)
    visit.saw("dead_work", "dead_work.listed", count=sum(one.count for one in groups))
    return _list(visit, groups)


@pages.post("/dead-work/retry", roles=WRITERS)
def retry_all(visit: Here, shown: Typed = "") -> Response:
    """Have everything tried again that this person may, as it was shown."""
    try:
        with visit.session.begin_nested():
            count = dead_work.retry(
                visit.session, Chosen(_kinds(visit)), Shown.read(shown), actor=visit.actor, now=visit.now
            )
    except InputError as refused:
        return _list(visit, dead_work.groups(visit.session), Form({}, {"retry": str(refused)}))
    return visit.go("/dead-work", _due_again(count))


@pages.post("/dead-work/discard", roles=WRITERS)
def discard_all(visit: Here, shown: Typed = "", note: Typed = "") -> Response:
    """Let everything rest that this person may, as it was shown."""
    try:
        with visit.session.begin_nested():
            count = dead_work.discard(
                visit.session,
                Chosen(_kinds(visit)),
                Shown.read(shown),
                fields.words(note, _("Why")),
                actor=visit.actor,
                now=visit.now,
            )
    except InputError as refused:
        groups = dead_work.groups(visit.session)
        return _list(visit, groups, Form({"note": note}, {"discard": str(refused)}))
    return visit.go("/dead-work", Message("Given-up work that was let rest: {count}", count=count))


@pages.get("/dead-work/{group}", roles=READERS)
def show(visit: Here, group: str, before: Key = None) -> Response:
    """One group: its single works, a page at a time, and what can be done about all of them."""
    found = dead_work.group_named(visit.session, group)
    visit.saw(f"dead_work:{found.code}", "dead_work.viewed", count=found.count)
    return _one(visit, found, before=before)


@pages.post("/dead-work/{group}/retry", roles=WRITERS)
def retry(visit: Here, group: str, shown: Typed = "") -> Response:
    """Have a group tried again, as it was shown."""
    found = _writable(visit, group)
    try:
        with visit.session.begin_nested():
            count = dead_work.retry(
                visit.session, Chosen.of(found), Shown.read(shown), actor=visit.actor, now=visit.now
            )
    except InputError as refused:
        return _one(visit, found, Form({}, {"retry": str(refused)}))
    return visit.go("/dead-work", _due_again(count))


@pages.post("/dead-work/{group}/discard", roles=WRITERS)
def discard(visit: Here, group: str, shown: Typed = "", note: Typed = "") -> Response:
    """Let a group rest, as it was shown."""
    found = _writable(visit, group)
    try:
        with visit.session.begin_nested():
            count = dead_work.discard(
                visit.session,
                Chosen.of(found),
                Shown.read(shown),
                fields.words(note, _("Why")),
                actor=visit.actor,
                now=visit.now,
            )
    except InputError as refused:
        return _one(visit, found, Form({"note": note}, {"discard": str(refused)}))
    return visit.go("/dead-work", Message("Given-up work that was let rest: {count}", count=count))


def _list(visit: Visit, groups: list[Group], form: Form | None = None) -> Response:
    mine = [one for one in groups if _may_write(visit, one)]
    again = [one for one in mine if one.may_be_retried]
    return visit.page(
        "runs/dead_work.html",
        status=422 if form else 200,
        groups=groups,
        to_retry=dead_work.everything(again),
        to_discard=dead_work.everything(mine),
        minutes=dead_work.minutes_of(sum(one.count for one in again)),
        of_prices=not visit.person.is_one_of(OPERATOR),
        form=form or Form(),
    )


def _one(visit: Visit, group: Group, form: Form | None = None, *, before: int | None = None) -> Response:
    found = dead_work.members(visit.session, group, before=before, limit=_PAGE + 1)
    return visit.page(
        "runs/dead_group.html",
        status=422 if form else 200,
        group=group,
        leaf=paging.leaf(found, _PAGE, f"/dead-work/{group.code}", before=before),
        may_write=_may_write(visit, group),
        minutes=dead_work.minutes_of(group.count),
        form=form or Form(),
    )


def _writable(visit: Visit, code: str) -> Group:
    found = dead_work.group_named(visit.session, code)
    if not _may_write(visit, found):
        raise NotAllowedError
    return found


def _may_write(visit: Visit, group: Group) -> bool:
    return may_act(visit.person, of_prices=group.kind in _OF_PRICES)


def _kinds(visit: Visit) -> frozenset[str] | None:
    return None if visit.person.is_one_of(OPERATOR) else _OF_PRICES


def _due_again(count: int) -> Message:
    return Message(
        "Due again, with all its attempts: {count}. The last of it is tried in about {minutes} min.",
        count=count,
        minutes=dead_work.minutes_of(count),
    )
