"""`avain budget statement`: what a family reads about its budget, as an accessible PDF; for one case, or for many as Work."""

import time
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from cli import papers
from cli.common import ERROR, As, DryRun, Json, actor, complaints, console, emit, stop, transaction
from core.clock import business_now, business_today, local_date
from core.errors import Transient
from core.i18n import N_, _, day, number
from services.labels import count_name

if TYPE_CHECKING:
    from services.statements.bulk import Progress, Wanted
    from services.statements.printing import Printed
    from services.statements.reading import Statement

_FIGURES = ("cases", "written", "skipped", "failed", "non_disclosure", "without_budget")
_LATE = N_("The run has not ended in {seconds} s; it goes on when a worker is there (avain up, avain worker).")
#: How often Work under way is looked at, in seconds.
_LOOK_EVERY = 0.3


class Language(StrEnum):
    """What a family reads."""

    fi = "fi"
    sv = "sv"
    en = "en"


def statement(
    case: Annotated[
        str | None, typer.Argument(metavar=_("CASE"), help=_("The number of the case, such as HB-2026-000001."))
    ] = None,
    *,
    lang: Annotated[Language, typer.Option(help=_("Language of the statement."))] = Language.fi,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar=_("FILE"), help=_("Where to put it; else CASE-LANGUAGE.pdf here.")),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help=_("Replace the file that is there."))] = False,
    every: Annotated[bool, typer.Option("--all", help=_("Of every open case with a live budget."))] = False,
    unit: Annotated[str | None, typer.Option(help=_("With --all: only this unit's."))] = None,
    worker: Annotated[str | None, typer.Option(help=_("With --all: only this worker's."))] = None,
    inline: Annotated[bool, typer.Option("--inline", help=_("Do it in this process instead of a worker's."))] = False,
    patience: Annotated[float, typer.Option(help=_("Seconds to wait for it to end."), min=1)] = 3600,
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """`avain budget statement HB-2026-000001 --lang sv`. Making one is recorded, as the law on access logs wants."""
    if (case is None) is not every:
        raise typer.BadParameter(_("Give either the number of a case, or --all."))
    if case is None:
        if output is not None or force:
            raise typer.BadParameter(_("--output and --force are for the statement of one case."))
        _make_all(_Asked(lang.value, unit, worker, inline=inline, patience=patience), actor(as_), dry_run, as_json)
    else:
        if unit is not None or worker is not None or inline:
            raise typer.BadParameter(_("--unit, --worker and --inline go with --all."))
        _make_one(case, lang.value, output, actor(as_), force=force, dry_run=dry_run, as_json=as_json)


def _make_one(
    case: str, language: str, output: Path | None, who: str, *, force: bool, dry_run: bool, as_json: bool
) -> None:
    from core.settings import settings
    from services import audit
    from services.statements.bulk import file_name
    from services.statements.single import make_statement

    with transaction(dry_run=dry_run) as session:
        now = business_now(session)
        found, made = make_statement(session, case, language, now=now, settings=settings())
        target = _target(output, file_name(case, language))
        there = papers.is_there(target, made.document, force=force)
        audit.record(
            session, who, "budget.statement_made", f"case:{case}", now=now, language=language, sha256=made.sha256
        )  # fmt: skip
    if not dry_run and not there:  # recorded first: what can be read has been recorded
        papers.put(target, made.document, force=force)
    data = {
        "case": case,
        "language": language,
        "path": str(target),
        "sha256": made.sha256,
        "pages": made.pages,
        "figures_of": local_date(now),
        "non_disclosure": found.non_disclosure,
    }
    emit(data, as_json, lambda: _say(made, target, found))


def _say(made: "Printed", target: Path, found: "Statement") -> None:
    console().print(
        _("{path}: {pages} pages").format(path=target, pages=made.pages)
        if made.pages != 1
        else _("{path}: 1 page").format(path=target),
        markup=False,
    )
    if found.non_disclosure:
        complaints().print(
            _("The client is under non-disclosure (turvakielto): hand the statement over in person only."), markup=False
        )


def _target(output: Path | None, name: str) -> Path:
    """The file meant: one of our own naming in the present folder, or in a folder that is named."""
    if output is None:
        return Path(name)
    return output / name if output.is_dir() else output


@dataclass(frozen=True)
class _Asked:
    language: str
    unit: str | None
    worker: str | None
    inline: bool
    patience: float


def _make_all(asked: _Asked, who: str, dry_run: bool, as_json: bool) -> None:
    from core.settings import settings
    from services import audit, names
    from services.statements.bulk import KINDS, Wanted, call_for, choose
    from workers.queue import keep

    started = time.monotonic()
    request = f"cli-{uuid4().hex[:12]}"
    with keep(KINDS) if asked.inline else nullcontext():
        with transaction(dry_run=dry_run) as session:
            names.must_exist(session, "--unit", asked.unit, "unit")
            names.must_exist(session, "--worker", asked.worker, "worker")
            wanted = Wanted(request, who, asked.language, business_today(session), asked.unit, asked.worker)
            audit.record(
                session, who, "budget.statements_asked", "budgets", now=business_now(session),
                request=request, language=asked.language, unit=asked.unit, worker=asked.worker,
            )  # fmt: skip
            if dry_run:
                counts = choose(session, wanted).counts
            else:
                call_for(session, wanted)
        done = None if dry_run else _follow(request, asked, quiet=as_json)
    folder = settings().statement_folder / wanted.today.isoformat()
    seconds = time.monotonic() - started
    _report(wanted, folder, counts if done is None else done.counts, done, seconds=seconds, as_json=as_json)


def _follow(request: str, asked: _Asked, *, quiet: bool) -> "Progress":
    """Wait until all of a request's Work has ended, doing it here if `inline`. Raises Transient when it is late."""
    from services.statements.bulk import progress
    from workers.inline import do_now

    until = time.monotonic() + asked.patience
    tried: tuple[int, int] | None = None
    shown = nullcontext() if quiet else complaints().status(_("waiting for a worker"), spinner="dots")
    with shown as line:
        while True:
            with transaction() as session:
                now = progress(session, request)
            if now.steps == now.ended:
                return now
            if line is not None:
                line.update(_so_far(now))
            if time.monotonic() > until:
                raise Transient(_LATE, seconds=int(asked.patience))
            here = None if now.waiting is None else (now.waiting[0], now.ended)
            if (
                not asked.inline or now.waiting is None or here == tried
            ):  # another does it, or its next attempt is not due
                time.sleep(_LOOK_EVERY)
            if asked.inline and now.waiting is not None:
                do_now(*now.waiting)
            tried = here


def _so_far(now: "Progress") -> str:
    written, cases = now.counts.get("written", 0), now.counts.get("cases", 0)
    if not cases:
        return _("waiting for a worker")
    return _("{written} of {cases} statements written").format(written=number(written), cases=number(cases))


def _report(
    wanted: "Wanted", folder: Path, counts: dict[str, int], done: "Progress | None", *, seconds: float, as_json: bool
) -> None:
    """What came of it; exit code 1 when something could not be made."""
    figures = {name: int(counts.get(name, 0)) for name in _FIGURES}
    data: dict[str, Any] = {
        "request": wanted.request, "language": wanted.language, "folder": str(folder), "figures_of": wanted.today,
        **figures, "seconds": round(seconds, 3),
    }  # fmt: skip

    def render() -> None:
        said = ", ".join(f"{count_name(name)} {number(figure)}" for name, figure in figures.items())
        console().print(_("Statements of {date}: {figures}").format(date=day(wanted.today), figures=said), markup=False)
        if figures["written"]:
            console().print(str(folder), markup=False)

    emit(data, as_json, render)
    if done is not None and (done.dead or figures["failed"]):
        if done.message is not None:
            complaints().print(str(done.message), markup=False)
        stop(ERROR)
