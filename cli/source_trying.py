"""`avain source test`, `plan` and `apply`: what a source says, looked at by a person before any of it is applied."""

import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from cli.common import (
    CHANGES_PENDING,
    DONE,
    ERROR,
    SOME_REJECTED,
    As,
    DryRun,
    Json,
    actor,
    complaints,
    console,
    emit,
    ended_in_order,
    stop,
    transaction,
)
from cli.source_following import FIGURES, NOW, Name, done_here, follow, report
from core.errors import InputError, NotFound
from core.i18n import _, ngettext
from services.labels import counts_in_words, field_name, outcome_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli import price_source
    from connectors.cases.trial import Fault, Trial
    from connectors.prices.row import PriceDocument
    from services.case_sync import SyncResult
    from services.rejected import Group
    from services.sources import Source
    from services.visiting import Brought

Now = Annotated[bool, typer.Option("--now", help=NOW)]


def register(app: typer.Typer) -> None:
    """Add the commands to `avain source`."""
    app.command("test", help=_("Reach a source and read its first records; nothing is written."))(try_out)
    app.command("plan", help=_("Read a source and show what it would change; nothing is applied."))(plan)
    app.command(
        "apply", help=_("Read a source here and now, show what it would change, and apply just that after a yes.")
    )(apply)


@contextmanager
def looking_place(source: "Source") -> "Iterator[Path]":
    """A folder for copies of real records, in the spool, which only Avain's account reads. Gone after the block, also when the terminal is
    closed in the middle of it; what a killed process leaves goes with what else is forgotten there (workers/spool.py).
    """
    from core.settings import settings

    own = settings().home.absolute() / "spool" / source.name
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ended_in_order(), tempfile.TemporaryDirectory(dir=own, prefix="look-") as folder:
        yield Path(folder)


@contextmanager
def brought(
    source: "Source", *, now: bool, anew: bool = True, spool: Path | None = None, most: int | None = None
) -> "Iterator[tuple[list[str], Brought]]":
    """What is at a source: the names of what was found, and what a visit brought, in the source's lane. Gone after the block, unless a
    `spool` was named. Without `anew` a delta brings what was not applied yet. With `most` so many cases are enough: only to be looked at.
    """
    from core.clock import business_now
    from core.settings import settings
    from services.sources import transport_of
    from services.visiting import bring, task
    from workers.fetching import seconds_for, turn_at
    from workers.looking import looking_at

    with looking_place(source) as temporary:
        with looking_at(source, settings(), now=now):
            transport = transport_of(settings().sources, source, identity=settings().privacy.identity)
            names = transport.look()
            with transaction() as session:
                place, seconds = spool or temporary, seconds_for("look_at_source")
                instant = business_now(session)
                asked = task(
                    session, settings(), source, place, instant, seconds=seconds, anew=anew, most=most, turns=turn_at
                )
            visit = bring(transport, asked)
        yield names, visit


def try_out(
    name: Name,
    records: Annotated[int, typer.Option("--records", min=1, max=1_000_000, help=_("Read at most so many."))] = 100,
    now: Now = False,
    as_json: Json = False,
) -> None:
    """Exit code 0 when all records that were read are valid, 3 when some are not, 1 when none is, or when the source cannot be read."""
    from core.settings import settings
    from services.sources import find_source

    source = find_source(settings().sources, name)
    with brought(source, now=now, most=records) as (names, visit):
        tried = _try(source, visit, records)
    figures = ngettext("{valid} of {count} record is valid", "{valid} of {count} records are valid", tried.read).format(
        valid=tried.valid, count=tried.read
    )

    def render() -> None:
        out = console()
        out.print(_("{source} can be reached: {place}").format(source=source.name, place=source.place), markup=False)
        found = ngettext("{count} file: {names}", "{count} files: {names}", len(names))
        out.print(found.format(count=len(names), names=", ".join(names[:10]) or "–"), markup=False)
        out.print(figures, markup=False)
        for fault in tried.faults:
            out.print(_fault(fault, fault.file), markup=False)
        if tried.empty:
            empty = ", ".join(field_name(one) for one in tried.empty)
            out.print(_("Never filled: {fields}").format(fields=empty), markup=False)

    data = {
        "source": source.name, "place": source.place, "found": names, "files": [one.name for one in visit.files],
        "read": tried.read, "valid": tried.valid, "rejections": [vars(one) for one in tried.faults], "empty": list(tried.empty),
    }  # fmt: skip
    emit(data, as_json, render)
    stop(DONE if tried.valid == tried.read else SOME_REJECTED if tried.valid else ERROR)


def plan(
    name: Name,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar=_("FILE"), help=_("Save the plan of a price list, to be applied later.")
        ),
    ] = None,
    now: Now = False,
    as_json: Json = False,
) -> None:
    """Exit code 4 when applying would change something, 1 when the file would be refused."""
    from core.settings import settings
    from services.sources import find_source

    source = find_source(settings().sources, name)
    _not_of_mails(source)
    if output is not None and source.kind != "prices":
        raise InputError("Only the plan of a price list can be saved; {source} is a source of cases.", source=name)
    with brought(source, now=now, anew=source.mode != "delta") as (_names, visit):
        if not visit.files:
            raise NotFound(visit.nothing)
        stop(_plan(source, visit, as_json, output))


def apply(  # noqa: PLR0917 - options of a command
    name: Annotated[
        str,
        typer.Argument(metavar=_("SOURCE"), help=_("The source's name in avain.toml, or a file with a saved plan.")),
    ],
    yes: Annotated[bool, typer.Option("--yes", help=_("Do not ask."))] = False,
    now: Now = False,
    note: Annotated[
        str,
        typer.Option("--note", help=_("Why a saved plan that must wait for a person may be applied; it is recorded.")),
    ] = "",
    dry_run: DryRun = False,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """What was shown is what is applied: the files are fetched once, a saved plan not at all. Exit codes as of `run`; of a dry run as
    of `plan`.
    """
    from cli import price_source

    if price_source.is_plan_file(name):
        _apply_saved(name, note, dry_run, as_, as_json)
    else:
        _apply_source(name, yes, now, dry_run, as_, as_json)


def _apply_saved(name: str, note: str, dry_run: bool, as_: str | None, as_json: bool) -> None:
    """No question is asked: what a saved plan does was shown when it was saved, and it does that or nothing."""
    from cli import price_source
    from core.clock import business_now
    from core.settings import settings
    from services.price_plan_files import apply_saved, read_plan

    saved = read_plan(price_source.read_file(name), settings())
    with transaction(dry_run=dry_run) as session:
        counts = apply_saved(session, saved, settings(), actor=actor(as_), note=note, now=business_now(session))
    data = {"source": saved.source, "file": saved.file, "state": "applied", **counts}
    figures = counts_in_words(counts)
    emit(data, as_json, lambda: console().print(_("Applied: {figures}").format(figures=figures), markup=False))
    stop(price_source.applied_exit_code(counts))


def _apply_source(  # noqa: PLR0917 - options of a command
    name: str, yes: bool, now: bool, dry_run: bool, as_: str | None, as_json: bool
) -> None:
    from uuid import uuid4

    from core.settings import settings
    from services.sources import find_source, last_applied

    if not (yes or dry_run or (_can_ask() and not as_json)):
        raise InputError("Nobody can be asked here. Say --yes to apply without a question, --dry-run to see the plan.")
    source, request = find_source(settings().sources, name), f"apply-{uuid4().hex[:12]}"
    _not_of_mails(source)
    spool = settings().home.absolute() / "spool" / source.name / request
    try:
        with brought(source, now=now, anew=source.mode != "delta", spool=spool) as (_names, visit):
            if not visit.files:
                raise NotFound(visit.nothing)
            with transaction() as session:
                before = last_applied(session, source)
            code = DONE if as_json and not dry_run else _plan(source, visit, as_json)
            if dry_run or code == ERROR:
                stop(code)
            if not yes and not typer.confirm(_("Apply this?")):
                stop(ERROR)
            with done_here():
                _call(source, visit, request, before, actor(as_))
                steps = follow(source, request, 3600, inline=True, quiet=as_json)
            report(source, steps, as_json)
    finally:
        shutil.rmtree(spool, ignore_errors=True)


def _not_of_mails(source: "Source") -> None:
    """A folder of e-mails holds many lists, each planned as what its provider sent: when it is read, and held where a person must look."""
    if source.form == "mail":
        raise InputError(
            "{source} holds e-mails of several providers. Have them read with: {command}",
            source=source.name,
            command=f"avain source run {source.name.partition('/')[0]}",
        )
    if source.kind == "incoming":
        raise InputError(
            "What came in about orders is taken file by file, without a plan. Have it read with: {command}",
            command=f"avain source run {source.name}",
        )
    if source.kind == "bounces":
        raise InputError(
            "Reminders that came back are read without a plan. Have them read with: {command}",
            command=f"avain source run {source.name}",
        )
    if source.kind == "absences":
        raise InputError(
            "Absences are applied without a plan. Have them read with: {command}",
            command=f"avain source run {source.name}",
        )


def _can_ask() -> bool:
    return sys.stdin.isatty()


def _call(source: "Source", visit: "Brought", request: str, before: int | None, who: str) -> None:
    """Call for exactly what was shown to be applied."""
    from core.clock import business_now
    from services import audit
    from services.sources import call_reading, last_applied

    with transaction() as session:
        if last_applied(session, source) != before:
            raise InputError("Another run has applied something of the source meanwhile. Look at it again.")
        call_reading(session, source, request, **visit.arguments)
        audit.record(
            session, who, "source.run_called", f"source:{source.name}", now=business_now(session), request=request
        )


def _try(source: "Source", visit: "Brought", records: int) -> "Trial":
    from core.settings import settings
    from services.looked import meanings, try_files

    if not visit.files:
        raise NotFound(visit.nothing)
    with transaction() as session:
        columns = meanings(session, settings(), source)
    return try_files(settings(), source, visit.files, columns, records)


def _plan(source: "Source", visit: "Brought", as_json: bool, output: Path | None = None) -> int:
    """Show what the files would change; the exit code that says so."""
    if source.kind == "prices":
        from cli import price_source

        shown = _plan_prices(source, visit, output)
        emit(price_source.plan_json(shown), as_json, lambda: price_source.print_plan(shown))
        if output is not None and not as_json:
            command = f"avain source apply {output}"
            complaints().print(_("Saved. To apply exactly this: {command}").format(command=command), markup=False)
        return price_source.plan_exit_code(shown)
    result, groups = _plan_cases(source, visit)

    def render() -> None:
        figures = ", ".join(f"{_(figure)} {result.counts[figure]}" for figure in FIGURES)
        console().print(Text(source.name, style="bold"), f"{outcome_name(result.state)}: {figures}")
        for group in groups:
            console().print(_fault(group, group.file_name), markup=False)
        if result.reason:
            console().print(" ".join(filter(None, (result.file, result.reason.text()))), markup=False)

    data: dict[str, Any] = {
        "source": source.name, "state": result.state, **result.counts, "reason": result.reason,
        "rejections": [
            {"count": one.count, "field": one.field, "reason": one.reason, "file": one.file_name, "position": one.position}
            for one in groups
        ],
    }  # fmt: skip
    emit(data, as_json, render)
    if visit.note and not as_json:
        complaints().print(visit.note.text(), markup=False)
    pending = result.added + result.changed + result.gone
    return ERROR if result.state == "refused" else CHANGES_PENDING if pending else DONE


def _fault(one: "Fault | Group", file: str) -> str:
    """`✗ 2 × decision: number: The text is empty. (cases.xml:17)`, of equal faults the place of the first."""
    what = ": ".join(filter(None, (field_name(one.field), one.reason.text())))
    return f"✗ {one.count} × {what} ({file}:{one.position})"


def _plan_cases(source: "Source", visit: "Brought") -> "tuple[SyncResult, list[Group]]":
    """Read and merge for real, look, and roll it all back."""
    from core.clock import business_now
    from core.settings import settings
    from services import rejected
    from services.case_sync import plan_source

    with transaction(dry_run=True) as session:
        before = rejected.latest_id(session)
        result = plan_source(session, source.name, visit.files, settings(), now=business_now(session))
        return result, rejected.grouped(session, source.name, after=before)


def _plan_prices(source: "Source", visit: "Brought", output: Path | None) -> "price_source.Shown":
    """Plan for real, look what it does to budgets, and roll it all back; keep the plan in `output`, if that is wanted."""
    from cli import price_source
    from core.clock import business_now, local_date
    from core.settings import settings
    from services.price_plan_files import save_plan
    from services.prices import prepare
    from services.prices.effect import effect_of

    document = _price_document(source, visit)
    configured = settings()
    with transaction(dry_run=True) as session:
        now = business_now(session)
        prepared = prepare(session, source.name, configured.sources.prices[source.name], document, local_date(now))
        plan = prepared.plan
        effect = effect_of(session, plan, now=now, settings=configured.budgets) if not plan.empty else None
        if output is not None:
            price_source.write_file(
                output, save_plan(session, prepared, effect, visit.arguments, configured=configured, now=now)
            )
    return price_source.Shown(prepared, effect, configured.sources.prices[source.name].provider)


def _price_document(source: "Source", visit: "Brought") -> "PriceDocument":
    from core.settings import settings
    from services.looked import meanings, price_document

    with transaction() as session:
        columns = meanings(session, settings(), source)
    return price_document(settings(), source, visit.files, columns)
