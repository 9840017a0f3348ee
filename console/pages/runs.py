"""Runs: what was done, what is under way and how far it is, what went wrong, and what a person decides about it.

A run's sentence may name an order or a case, so lists and single runs are both noted in the audit trail. How far a run under way is, is
asked every other second and holds figures only: that is not.
"""

from typing import Any

from starlette.responses import JSONResponse, Response

from console import fields, paging
from console.forms import Form, Typed
from console.paging import Id, Key
from console.roles import READERS, WRITERS, may_act
from console.visit import Here, NotAllowedError, Pages, Visit
from core.errors import InputError, Message
from core.i18n import _
from models.work import OUTCOMES
from services import held_runs, names, progress, runs
from services.access.people import OPERATOR
from services.sources import Step, all_sources, progress_of_work
from services.sources import progress as steps_of
from services.work import KINDS
from services.work.history import given_up_count

pages = Pages()
_PAGE = 50


@pages.get("/runs", roles=READERS)
def list_runs(visit: Here, kind: str = "", outcome: str = "", source: str = "", before: Key = None) -> Response:
    """Latest runs, narrowed down, a page at a time; above them how much was given up that nobody has seen."""
    kinds, outcomes = [*KINDS, "poison"], [runs.UNDER_WAY, *OUTCOMES]
    sources = [one.name for one in all_sources(visit.settings.sources)]
    names.must_be_one_of(_("Kind"), kind or None, kinds)
    names.must_be_one_of(_("Outcome"), outcome or None, outcomes)
    names.must_be_one_of(_("Source"), source.partition("/")[0] or None, sources)
    found = runs.listed(
        visit.session, kind=kind or None, outcome=outcome or None, source=source or None, before=before, limit=_PAGE + 1
    )
    wanted = {"kind": kind, "outcome": outcome, "source": source}
    leaf = paging.leaf(found, _PAGE, "/runs", wanted, before=before)
    visit.saw("runs", "runs.listed", count=len(leaf.rows))
    return visit.page(
        "runs/runs.html",
        leaf=leaf,
        given_up=given_up_count(visit.session) if before is None else 0,
        wanted=wanted,
        kinds=kinds,
        outcomes=outcomes,
        sources=sources,
    )


@pages.get("/runs/called/{work_id}", roles=READERS)
def called(visit: Here, work_id: Id) -> Response:
    """What was called for and has not begun: leads on to its run as soon as there is one."""
    work = runs.called_work(visit.session, work_id)
    if work.run_id is not None:
        return visit.go(f"/runs/{work.run_id}")
    return visit.page("runs/called.html", work=work)


@pages.get("/runs/called/{work_id}/progress", roles=READERS)
def called_progress(visit: Here, work_id: Id) -> Response:
    """Whether it has begun: the address of its run."""
    work = runs.called_work(visit.session, work_id)
    at = f"/runs/{work.run_id}" if work.run_id is not None else None
    return JSONResponse({"line": _("waiting for a worker"), "count": None, "total": None, "done": False, "at": at})


@pages.get("/runs/{run_id}", roles=READERS)
def show(visit: Here, run_id: Id) -> Response:
    """One run, the steps it is one of, and what can be done about it."""
    view = runs.view(visit.session, run_id)
    visit.saw(f"run:{run_id}", "run.viewed")
    return _page(visit, view)


@pages.get("/runs/{run_id}/progress", roles=READERS)
def show_progress(visit: Here, run_id: Id) -> Response:
    """How far it is, for the page that watches it."""
    view = runs.view(visit.session, run_id)
    return JSONResponse(_how_far(visit, _steps(visit, view)))


@pages.post("/runs/{run_id}/retry", roles=WRITERS)
def retry(visit: Here, run_id: Id) -> Response:
    """Have given-up work done again."""
    view = _writable(visit, run_id)
    try:
        with visit.session.begin_nested():
            runs.retry(visit.session, run_id, actor=visit.actor, now=visit.now)
    except InputError as refused:
        return _page(visit, view, Form({}, {"retry": str(refused)}))
    return visit.go(f"/runs/{run_id}", Message("It is due again, with all its attempts."))


@pages.post("/runs/{run_id}/acknowledge", roles=WRITERS)
def acknowledge(visit: Here, run_id: Id, note: Typed = "") -> Response:
    """Note that a failure was seen and may rest."""
    view = _writable(visit, run_id)
    try:
        with visit.session.begin_nested():
            runs.acknowledge(visit.session, run_id, fields.words(note, _("Note")), actor=visit.actor, now=visit.now)
    except InputError as refused:
        return _page(visit, view, Form({"note": note}, {"acknowledge": str(refused)}))
    return visit.go(f"/runs/{run_id}", Message("Acknowledged."))


@pages.post("/runs/{run_id}/approve", roles=(OPERATOR,))
def approve(visit: Here, run_id: Id, note: Typed = "") -> Response:
    """Apply a held run of cases, exactly as it was read."""
    view = runs.view(visit.session, run_id)
    try:
        _must_be_of_cases(view)
        with visit.session.begin_nested():
            held_runs.approve(
                visit.session, run_id, visit.actor, fields.words(note, _("Note")), visit.settings, now=visit.now
            )
    except InputError as refused:
        return _page(visit, view, Form({"note": note}, {"approve": str(refused)}))
    return visit.go(f"/runs/{run_id}", Message("It was applied, exactly as it was read."))


@pages.post("/runs/{run_id}/discard", roles=(OPERATOR,))
def discard(visit: Here, run_id: Id, note: Typed = "") -> Response:
    """Let a held run of cases be."""
    view = runs.view(visit.session, run_id)
    try:
        _must_be_of_cases(view)
        with visit.session.begin_nested():
            held_runs.discard(visit.session, run_id, visit.actor, fields.words(note, _("Note")), now=visit.now)
    except InputError as refused:
        return _page(visit, view, Form({"note": note}, {"discard": str(refused)}))
    return visit.go(f"/runs/{run_id}", Message("It was discarded; nothing of it was applied."))


def _page(visit: Visit, view: runs.RunView, form: Form | None = None) -> Response:
    """The run; `form` holds a note that could not be taken, and why, by what was asked for (`approve`)."""
    run, steps = view.run, _steps(visit, view)
    applied = run.outcome in {"succeeded", "partly"} and run.kind in {"sync_cases", "import_prices"}
    price_list = None
    if run.waits_for_a_person and run.kind == "import_prices" and run.source and view.file_sha256:
        price_list = held_runs.waiting_price_list(visit.session, run.source, view.file_sha256)
    return visit.page(
        "runs/run.html",
        status=422 if form else 200,
        view=view,
        run=run,
        steps=steps if view.request else [],
        how_far=_how_far(visit, steps),
        advice=runs.advice(view),
        calculated=runs.calculated_after(visit.session, run.id) if applied else None,
        price_list=price_list,
        may_write=_may_write(visit, run),
        may_decide=visit.person.is_one_of(OPERATOR),
        source_shown=bool(run.source) and _is_configured(visit, run.source or ""),
        form=form or Form(),
    )


def _steps(visit: Visit, view: runs.RunView) -> list[Step]:
    """All Work of the request that the run is of; its own Work alone where it is of none."""
    run = view.run
    if view.request and run.source:
        return steps_of(visit.session, run.source.partition("/")[0], view.request)
    return progress_of_work(visit.session, run.work_id)


def _how_far(visit: Visit, steps: list[Step]) -> dict[str, Any]:
    """One line, the figure that grows, about what it will grow to, and whether there is nothing more to wait for."""
    waiting = progress.waited_for(steps)
    if waiting is None or waiting.outcome == "postponed":
        return {"line": "", "count": None, "total": None, "done": True, "at": None}
    count = progress.done_so_far(waiting.counts) if waiting.under_way else None
    total = runs.read_last_time(visit.session, waiting.run_id) if waiting.under_way and waiting.run_id else None
    return {"line": progress.state_of(waiting), "count": count, "total": total, "done": False, "at": None}


def _writable(visit: Visit, run_id: int) -> runs.RunView:
    view = runs.view(visit.session, run_id)
    if not _may_write(visit, view.run):
        raise NotAllowedError
    return view


def _may_write(visit: Visit, run: runs.RunLine) -> bool:
    return may_act(visit.person, of_prices=run.is_of_prices(visit.settings.sources))


def _must_be_of_cases(view: runs.RunView) -> None:
    if view.run.kind != "sync_cases":
        raise InputError("A price list is approved or discarded on the page of that list, by a price manager.")


def _is_configured(visit: Visit, name: str) -> bool:
    return name.partition("/")[0] in {one.name for one in all_sources(visit.settings.sources)}
