"""Rejected records: equal faults as one line, each of them with its place, tried again or let rest.

A record is named by the source's own id of it, which leads to a client: every view is noted in the audit trail.
"""

from starlette.responses import Response

from console import fields, paging
from console.forms import Form, Ticked, Typed
from console.paging import Id, Key
from console.roles import READERS, WRITERS, may_act
from console.visit import Here, NotAllowedError, Pages, Visit
from core.errors import InputError, Message
from core.i18n import _
from services import asking, names, rejected
from services.sources import all_sources

pages = Pages()
_PAGE = 100


@pages.get("/rejected", roles=READERS)
def list_rejected(visit: Here, source: str = "") -> Response:
    """Open ones, 7,000 equal ones as one line."""
    configured = [one.name for one in all_sources(visit.settings.sources)]
    names.must_exist(visit.session, _("Source"), source or None, "rejected", besides=configured)
    groups = rejected.grouped(visit.session, source or None)
    visit.saw(f"rejected:{source or 'all'}", "rejected.listed", count=sum(one.count for one in groups))
    known = sorted({*configured, *(one.source for one in groups)})
    return visit.page("runs/rejected_list.html", groups=groups, sources=known, wanted=source)


@pages.get("/rejected/{rejected_id}", roles=READERS)
def show(visit: Here, rejected_id: Id, after: Key = None) -> Response:
    """The records of a group, a page at a time."""
    visit.saw(f"rejected:{rejected_id}", "rejected.viewed")
    return _page(visit, rejected_id, after=after)


@pages.post("/rejected/{rejected_id}/retry", roles=WRITERS)
def retry(
    visit: Here,
    rejected_id: Id,
    *,
    group: Ticked = False,
    at_any_hour: Ticked = False,
) -> Response:
    """Have one or its group tried again, by reading the source anew."""
    _writable(visit, rejected_id)
    try:
        with visit.session.begin_nested():
            asked = asking.retry_rejected(
                visit.session,
                visit.settings.sources,
                rejected_id,
                actor=visit.actor,
                now=visit.now,
                by="page",
                whole_group=group,
                at_any_hour=at_any_hour,
            )
    except InputError as refused:
        return _page(visit, rejected_id, Form({}, {"retry": str(refused)}))
    return visit.go(f"/runs/called/{asked.work_id}")


@pages.post("/rejected/{rejected_id}/discard", roles=WRITERS)
def discard(visit: Here, rejected_id: Id, *, note: Typed = "", group: Ticked = False) -> Response:
    """Let one or its group rest, with a note."""
    _writable(visit, rejected_id)
    try:
        with visit.session.begin_nested():
            count = rejected.let_rest(
                visit.session,
                rejected_id,
                fields.words(note, _("Note")),
                actor=visit.actor,
                now=visit.now,
                whole_group=group,
            )
    except InputError as refused:
        return _page(
            visit, rejected_id, Form({"note": note, "group": "on" if group else ""}, {"discard": str(refused)})
        )
    return visit.go("/rejected", Message("Rejected records that were let rest: {count}", count=count))


def _page(visit: Visit, rejected_id: int, form: Form | None = None, *, after: int | None = None) -> Response:
    found = rejected.members(visit.session, rejected_id, _PAGE + 1, after=after or 0)
    one = found[0] if found and not after else rejected.members(visit.session, rejected_id, 1)[0]
    return visit.page(
        "runs/rejected.html",
        status=422 if form else 200,
        rejected_id=rejected_id,
        one=one,
        parent=one.source.partition("/")[0] if "/" in one.source else None,
        leaf=paging.leaf(found, _PAGE, f"/rejected/{rejected_id}", after=after),
        is_open=rejected.is_open(visit.session, rejected_id),
        may_write=_may_write(visit, one.source),
        form=form or Form(),
    )


def _writable(visit: Visit, rejected_id: int) -> None:
    if not _may_write(visit, rejected.members(visit.session, rejected_id, 1)[0].source):
        raise NotAllowedError


def _may_write(visit: Visit, source: str) -> bool:
    return may_act(visit.person, of_prices=source.partition("/")[0] in visit.settings.sources.prices)
