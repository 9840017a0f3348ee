"""`avain source`: where cases and price lists come from; have one read, see what it would change, what it changed."""

import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from cli.common import (
    CHANGES_PENDING,
    DONE,
    ERROR,
    LARGEST_ID,
    SOME_REJECTED,
    As,
    DryRun,
    Json,
    Limit,
    actor,
    complaints,
    console,
    emit,
    outcome_name,
    stop,
    sub_app,
    table,
    transaction,
)
from cli.labels import counts_in_words, kind_name
from core.errors import NotFound, Transient
from core.i18n import N_, _, moment, ngettext

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from services.case_sync import SyncResult
    from services.rejected import Group
    from services.sources import Source, Step

app = sub_app(_("Sources of cases and price lists."))

Name = Annotated[str, typer.Argument(metavar=_("SOURCE"), help=_("The source's name in avain.toml."))]

RunId = Annotated[
    int, typer.Argument(min=1, max=LARGEST_ID, metavar=_("RUN"), help=_("The number of the run that waits."))
]
Note = Annotated[str, typer.Option("--note", help=_("Why; it is recorded."))]

_FIGURES = (N_("read"), N_("added"), N_("changed"), N_("unchanged"), N_("gone"), N_("rejected"))
_READING = ("read", "rejected")
#: The two kinds of source.
_WORDS = (N_("cases"), N_("prices"))
_STEPS = ("fetch_cases", "fetch_prices", "sync_cases", "import_prices")
_LATE = N_("The run has not ended in {seconds} s; it goes on when a worker is there (avain up, avain worker).")
_LATE_INLINE = N_(
    "The run has not ended in {seconds} s: another run holds the source, or it waits for its next attempt. It stays called for."
)
#: How often a request under way is looked at, in seconds.
_LOOK_EVERY = 0.3


@app.command("list", help=_("Every source, and how its last run went."))
def list_sources(as_json: Json = False) -> None:
    """Name, kind, path, and the last run of each."""
    from core.settings import settings
    from services.sources import all_sources, history

    with transaction() as session:
        rows = [(source, next(iter(history(session, source, 1)), None)) for source in all_sources(settings().sources)]

    def render() -> None:
        body = [
            [source.name, _(source.kind), source.place, moment(last.started_at) if last else "–", outcome_name(last.outcome) if last else "–"]
            for source, last in rows
        ]  # fmt: skip
        console().print(table(_("Sources"), [_("Source"), _("Kind"), _("Path"), _("Last run"), _("Outcome")], body))

    emit(
        [
            {
                "source": source.name, "kind": source.kind, "form": source.form, "place": source.place, "mode": source.mode,
                "last_run": last.run_id if last else None, "outcome": last.outcome if last else None,
            }
            for source, last in rows
        ],
        as_json,
        render,
    )  # fmt: skip


@app.command("run", help=_("Read a source now and apply what it says."))
def run(
    name: Name,
    inline: Annotated[bool, typer.Option("--inline", help=_("Do it in this process instead of a worker's."))] = False,
    patience: Annotated[float, typer.Option(help=_("Seconds to wait for it to end."), min=1)] = 3600,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """Calls for the work, recording who asked, and follows it to its end. Exit code 3 when records were rejected, 1 when it was held, refused or failed."""
    from core.clock import business_now
    from core.settings import settings
    from services import audit
    from services.sources import call_fetch, find_source

    source = find_source(settings().sources, name)
    request = f"cli-{uuid4().hex[:12]}"
    with _done_here() if inline else nullcontext():
        with transaction() as session:
            call_fetch(session, source, request)
            now = business_now(session)
            audit.record(session, actor(as_), "source.run_called", f"source:{source.name}", now=now, request=request)
        steps = _follow(source, request, patience, inline=inline, quiet=as_json)
    last = steps[-1]
    counts = _counts_of(last)
    data = {
        "run": last.run_id, "source": source.name, "state": last.outcome,
        **{figure: counts.get(figure, 0) for figure in (*_FIGURES, "conflicts")},
        "seconds": round(sum(step.seconds for step in steps), 3),
    }  # fmt: skip
    if source.kind == "prices":
        data["gone"] = counts.get("ended", 0)

    def render() -> None:
        figures = ", ".join(f"{_(figure)} {data[figure]}" for figure in _FIGURES)
        console().print(f"[bold]{source.name}[/] {outcome_name(last.outcome)}: {figures} ({data['seconds']:.1f} s)")
        if data["rejected"]:
            console().print(_("See what was rejected with: {command}").format(command="avain rejected list"))
        if data["conflicts"]:
            console().print(
                ngettext(
                    "The source names another provider than was chosen here for {count} planned service; the choice stays.",
                    "The source names another provider than was chosen here for {count} planned services; the choices stay.",
                    data["conflicts"],
                ).format(count=data["conflicts"])
            )
        if last.outcome == "held":
            command = f"avain source approve {last.run_id} --note …"
            console().print(_("A person may approve it with: {command}").format(command=command), markup=False)

    emit(data, as_json, render)
    if last.message and not as_json:
        complaints().print(" ".join(filter(None, (last.reply, last.message.text()))), markup=False)
    stop(_exit_code(last.outcome, data["rejected"]))


@app.command("plan", help=_("Read a source and show what it would change; nothing is applied."))
def plan(name: Name, as_json: Json = False) -> None:
    """Exit code 4 when applying would change something, 1 when the file would be refused."""
    from core.settings import settings
    from services.sources import find_source

    source = find_source(settings().sources, name)
    if source.kind == "prices":
        from cli import price_source

        prepared = price_source.plan(name)
        emit(price_source.plan_json(prepared), as_json, lambda: price_source.print_plan(prepared))
        stop(price_source.plan_exit_code(prepared))
    result, groups = _plan_cases(source)

    def render() -> None:
        figures = ", ".join(f"{_(figure)} {result.counts[figure]}" for figure in _FIGURES)
        console().print(f"[bold]{source.name}[/] {outcome_name(result.state)}: {figures}")
        for group in groups:
            console().print(
                f"✗ {group.count} × {group.reason.text()} ({group.file_name}:{group.position})", markup=False
            )
        if result.reason:
            console().print(" ".join(filter(None, (result.file, result.reason.text()))), markup=False)

    data = {
        "source": source.name, "state": result.state, **result.counts, "reason": result.reason,
        "rejections": [
            {"count": one.count, "field": one.field, "reason": one.reason, "file": one.file_name, "position": one.position}
            for one in groups
        ],
    }  # fmt: skip
    emit(data, as_json, render)
    pending = result.added + result.changed + result.gone
    stop(ERROR if result.state == "refused" else CHANGES_PENDING if pending else DONE)


@app.command(help=_("Apply a run that was held, exactly as it was read."))
def approve(run: RunId, note: Note, dry_run: DryRun = False, as_: As = None, as_json: Json = False) -> None:
    """`avain source approve 7 --note "the unit moved, 40 cases went"`; of cases or of a price list."""
    from core.clock import business_now
    from core.settings import settings
    from services import held_runs

    with transaction(dry_run=dry_run) as session:
        counts = held_runs.approve(session, run, actor(as_), note, settings(), now=business_now(session))
    data = {"run": run, "state": "applied", **counts, "dry_run": dry_run}
    figures = counts_in_words(counts)
    emit(data, as_json, lambda: console().print(_("Applied: {figures}").format(figures=figures)))


@app.command(help=_("Discard a run that was held; nothing of it is applied."))
def discard(run: RunId, note: Note, dry_run: DryRun = False, as_: As = None, as_json: Json = False) -> None:
    """`avain source discard 7 --note "half an export"`; of cases or of a price list."""
    from core.clock import business_now
    from services import held_runs

    with transaction(dry_run=dry_run) as session:
        held_runs.discard(session, run, actor(as_), note, now=business_now(session))
    data = {"run": run, "state": "discarded", "dry_run": dry_run}
    emit(data, as_json, lambda: console().print(_("Discarded.")))


@app.command("history", help=_("Earlier runs of a source."))
def history(name: Name, limit: Limit = 30, as_json: Json = False) -> None:
    """Fetches, synchronisations and imports, newest first, with their figures."""
    from core.settings import settings
    from services import sources

    source = sources.find_source(settings().sources, name)
    with transaction() as session:
        past = sources.history(session, source, limit)

    def render() -> None:
        body = [
            [one.run_id, kind_name(one.kind), moment(one.started_at), outcome_name(one.outcome), counts_in_words(one.counts),
             one.message.text() if one.message else ""]
            for one in past
        ]  # fmt: skip
        columns = [_("Run"), _("Kind"), _("Started"), _("Outcome"), _("Counts"), ""]
        console().print(table(_("Runs of {source}").format(source=source.name), columns, body, right=[0]))

    emit([vars(one) for one in past], as_json, render)


def _done_here() -> "AbstractContextManager[None]":
    """No worker is told of the steps of a request: this process does them."""
    from workers.queue import keep

    return keep(_STEPS)


def _counts_of(step: "Step") -> dict[str, Any]:
    """The figures of a step. Of a refused file only those of reading it: what it would have changed was not done."""
    return (
        {name: step.counts[name] for name in _READING if name in step.counts}
        if step.outcome == "refused"
        else step.counts
    )


def _plan_cases(source: "Source") -> "tuple[SyncResult, list[Group]]":
    """Fetch, read and merge for real, look, and roll it all back."""
    from connectors.transports.base import Visit
    from core.clock import business_now
    from core.settings import settings
    from services import rejected
    from services.case_sync import plan_source
    from services.sources import transport_of

    with tempfile.TemporaryDirectory() as spool, transaction(dry_run=True) as session:
        way = transport_of(settings().sources, source, identity=settings().privacy.identity)
        fetched = way.fetch(Visit(Path(spool)))
        if not fetched.files:
            raise NotFound("There are no files at the source.")
        before = {group.id for group in rejected.grouped(session, source.name)}
        result = plan_source(session, source.name, fetched.files, settings(), now=business_now(session))
        return result, [group for group in rejected.grouped(session, source.name) if group.id not in before]


def _follow(source: "Source", request: str, patience: float, *, inline: bool, quiet: bool) -> "list[Step]":
    """Wait until everything the request called for has ended, doing it here if `inline`."""
    from services.sources import progress

    until = time.monotonic() + patience
    seen: tuple[int, int | None] | None = None
    shown = complaints().status(_("waiting for a worker"), spinner="dots")
    if not quiet:
        shown.start()
    try:
        while True:
            with transaction() as session:
                steps = progress(session, source.name, request)
            open_steps = [step for step in steps if not step.ended]
            if not open_steps or (inline and open_steps[0].outcome == "retry"):
                return steps
            shown.update(_state_of(open_steps[0]))
            if time.monotonic() > until:
                raise Transient(_LATE_INLINE if inline else _LATE, seconds=int(patience))
            here = (open_steps[0].work_id, open_steps[0].run_id)
            if not inline or here == seen:  # nothing could be claimed: another holds the source, or it is not due yet
                time.sleep(_LOOK_EVERY)
            if inline:
                from workers.inline import do_now

                do_now(open_steps[0].work_id, open_steps[0].kind)
            seen = here
    finally:
        shown.stop()


def _state_of(step: "Step") -> str:
    return f"{kind_name(step.kind)} … {step.seconds:.0f} s" if step.under_way else _("waiting for a worker")


def _exit_code(outcome: str | None, rejected: int) -> int:
    if outcome in ("succeeded", "nothing_to_do"):
        return SOME_REJECTED if rejected else DONE
    return SOME_REJECTED if outcome == "partly" else ERROR
