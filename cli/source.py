"""`avain source`: where cases and price lists come from; have one read, see what it changed, decide on what was held."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli import source_sampling, source_template, source_trying
from cli.common import (
    LARGEST_ID,
    As,
    DryRun,
    Json,
    Limit,
    actor,
    console,
    emit,
    sub_app,
    table,
    transaction,
)
from cli.source_following import NOW, Name, ask_and_follow
from core.i18n import _, moment
from services.labels import counts_in_words, kind_name, outcome_name

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

app = sub_app(_("Sources of cases and price lists."))
source_trying.register(app)
source_sampling.register(app)
source_template.register(app)

RunId = Annotated[
    int, typer.Argument(min=1, max=LARGEST_ID, metavar=_("RUN"), help=_("The number of the run that waits."))
]
Note = Annotated[str, typer.Option("--note", help=_("Why; it is recorded."))]


@app.command("list", help=_("Every source, and how its last run went."))
def list_sources(as_json: Json = False) -> None:
    """Name, kind, how and where it is read, the last run, whether it may be asked now, and its open rejected records."""
    from core.settings import settings
    from services.gentleness import rests
    from services.source_overview import overview
    from services.source_words import word
    from services.sources import all_sources
    from services.visiting import configured_as

    configured = settings()
    with transaction() as session:
        every = all_sources(configured.sources)
        resting = rests(session, {one.lane: configured_as(configured, one).gentle for one in every})
        rows = [(state.source, state, resting.get(state.source.lane)) for state in overview(session, every)]

    def render() -> None:
        body = [
            [source.name, word(source.kind), word(source.mode), source.place, moment(last.started_at) if last.started_at else "–",
             outcome_name(last.outcome) if last.run_id else "–", str(rest.reason) if rest else _("may be asked"), last.rejected or ""]
            for source, last, rest in rows
        ]  # fmt: skip
        columns = [_("Source"), _("Kind"), _("Mode"), _("Path"), _("Last run"), _("Outcome"), _("State"), _("Rejected")]
        console().print(table(_("Sources"), columns, body, right=[7]))

    emit(
        [
            {
                "source": source.name, "kind": source.kind, "form": source.form, "place": source.place, "mode": source.mode,
                "last_run": last.run_id, "outcome": last.outcome,
                "left_alone_since": rest.since if rest else None, "left_alone_until": rest.until if rest else None,
                "reason": rest.reason if rest else None, "rejected": last.rejected,
            }
            for source, last, rest in rows
        ],
        as_json,
        render,
    )  # fmt: skip


@app.command("run", help=_("Read a source now and apply what it says."))
def run(  # noqa: PLR0917 - options of a command
    name: Name,
    inline: Annotated[bool, typer.Option("--inline", help=_("Do it in this process instead of a worker's."))] = False,
    patience: Annotated[float, typer.Option(help=_("Seconds to wait for it to end."), min=1)] = 3600,
    now: Annotated[bool, typer.Option("--now", help=NOW)] = False,
    anew: Annotated[bool, typer.Option("--anew", help=_("Read also what was applied before."))] = False,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """Calls for the work, recording who asked, and follows it to its end. Exit code 3 when records were rejected, 1 when it was held,
    refused, put off or failed.
    """
    from core.clock import business_now
    from core.settings import settings
    from services.asking import Asked, read_now
    from services.sources import find_source

    source = find_source(settings().sources, name)

    def asks(session: "Session") -> Asked:
        at = business_now(session)
        return read_now(session, source, actor=actor(as_), now=at, by="cli", at_any_hour=now, anew=anew)

    ask_and_follow(asks, inline, patience, as_json)


@app.command(help=_("Apply a run that was held, exactly as it was read."))
def approve(run: RunId, note: Note, dry_run: DryRun = False, as_: As = None, as_json: Json = False) -> None:
    """`avain source approve 7 --note "the unit moved, 40 cases went"`; of cases or of a price list."""
    from core.clock import business_now
    from core.faults import fault_point
    from core.settings import settings
    from services import held_runs

    with transaction(dry_run=dry_run) as session:
        counts = held_runs.approve(session, run, actor(as_), note, settings(), now=business_now(session))
    fault_point("approve.committed")
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


@app.command(help=_("Undo the price list that a run applied: what was in force before it is in force again."))
def rollback(
    run: Annotated[
        int,
        typer.Argument(min=1, max=LARGEST_ID, metavar=_("RUN"), help=_("The number of the run that applied the list.")),
    ],
    note: Note,
    dry_run: DryRun = False,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """`avain source rollback 7 --note "prices of another county"`; versions are added, nothing is deleted."""
    from core.clock import business_now
    from services import prices

    with transaction(dry_run=dry_run) as session:
        undone = prices.rollback(session, run, actor(as_), note, business_now(session))
    data = {"run": run, "state": "rolled_back", "price_list": undone.price_list_id, "source": undone.source,
            "file": undone.file_name, "ended": undone.ended, "restored": undone.restored, "by_run": undone.run_id}  # fmt: skip
    figures = counts_in_words({"ended": undone.ended, "restored": undone.restored})
    sentence = _("Rolled back {file} of {source}: {figures}").format(
        file=undone.file_name, source=undone.source, figures=figures
    )
    emit(data, as_json, lambda: console().print(sentence, markup=False))


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
