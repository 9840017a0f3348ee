"""`avain unit`: what a unit's supervisor is shown, on the command line and as a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import papers
from cli.common import As, DryRun, Json, actor, as_text, console, emit, sub_app, table, transaction
from core.clock import business_now, local_date
from core.errors import InputError
from core.i18n import _, day, money, number

if TYPE_CHECKING:
    from services.oversight.report import Report

app = sub_app(_("Units as their supervisors see them."))

Code = Annotated[str, typer.Argument(metavar=_("UNIT"), help=_("The unit's code."))]
First = Annotated[str, typer.Option("--from", metavar=_("MONTH"), help=_("First month, such as 2026-01."))]
Last = Annotated[str, typer.Option("--to", metavar=_("MONTH"), help=_("Last month; else this one."))]


@app.command("show", help=_("Whether a unit is cost-neutral, waiting times, ratings, results, what is left open."))
def show(code: Code, first: First = "", last: Last = "", as_: As = None, as_json: Json = False) -> None:
    """The last twelve months where none are given. Looking is recorded."""
    from services.oversight.report import ON_PAGE
    from services.oversight.report import as_json as told

    found = _report(code, (first, last), actor(as_), "unit.viewed", ON_PAGE)
    emit(told(found), as_json, lambda: _print(found))


@app.command("report", help=_("The same as a workbook (XLSX), or as JSON where the file's name ends so."))
def report(
    code: Code,
    first: First = "",
    last: Last = "",
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar=_("FILE"), help=_("Where to put it; else UNIT-MONTHS.xlsx here.")),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help=_("Replace the file that is there."))] = False,
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Groups of fewer than five cases stand neither in the one nor in the other. Making it is recorded."""
    from services.oversight.report import IN_FILE
    from services.oversight.report import as_json as told
    from services.oversight.workbook import write_workbook

    found = _report(code, (first, last), actor(as_), "unit.reported", IN_FILE, dry_run=dry_run)
    months = f"{found.period.first:%Y-%m}-{found.period.last:%Y-%m}"
    target = output or Path(f"avain-{found.unit.id}-{months}.xlsx")
    if target.suffix.lower() not in {".xlsx", ".json"}:
        raise InputError("The file's name must end with .xlsx or .json.")
    content = as_text(told(found)).encode() if target.suffix.lower() == ".json" else write_workbook(found)
    there = papers.is_there(target, content, force=force)
    if not dry_run and not there:
        papers.put(target, content, force=force)
    emit({"unit": found.unit.code, "path": str(target)}, as_json, lambda: console().print(str(target), markup=False))


def _report(
    code: str, months: tuple[str, str], who: str, action: str, limit: int, *, dry_run: bool = False
) -> "Report":
    from core.settings import settings
    from services import audit
    from services.oversight.months import Period
    from services.oversight.report import report_on
    from services.oversight.units import unit_called

    with transaction(dry_run=dry_run) as session:
        now = business_now(session)
        unit = unit_called(session, code)
        period = Period.read(*months, local_date(now))
        found = report_on(session, unit, period, today=local_date(now), settings=settings(), limit=limit)
        told = f"{period.first:%Y-%m}–{period.last:%Y-%m}"
        cases = list(found.cases)
        audit.record(session, who, action, f"unit:{unit.code}", now=now, count=len(cases), cases=cases, months=told)
    return found


def _print(found: "Report") -> None:
    from services.oversight import words

    figures, out = found.figures, console()
    out.print(words.neutral(figures.euros).text())
    out.print(
        table(
            _("Euros month by month"),
            [_("Months"), _("Cases"), _("Cost"), _("Granted"), _("Difference")],
            [
                [
                    words.months(line.first, line.last),
                    "–" if line.cases is None else line.cases,
                    money(line.cost),
                    money(line.ceiling),
                    money(line.difference),
                ]
                for line in figures.euros.lines
            ],
            right=[1, 2, 3, 4],
        )
    )
    out.print(
        table(
            _("Days from decision to start"),
            [_("Service"), _("Starts"), _("Median"), _("90th percentile")],
            [
                [
                    words.service_or_others(one.service),
                    one.starts,
                    number(one.median),
                    "–" if one.p90 is None else number(one.p90),
                ]
                for one in figures.waits
            ],
            right=[1, 2, 3],
        )
    )
    out.print(
        table(
            _("What families answered"),
            [_("Service"), _("Provider"), _("Average, 1 to 5"), _("Answers")],
            [
                [
                    words.service_or_others(one.service),
                    words.provider_or_others(one.provider),
                    number(one.average),
                    one.answers,
                ]
                for one in figures.ratings
            ],
            right=[2, 3],
        )
    )
    for result in figures.results:
        answers = "; ".join(f"{words.answer(answer)}: {count}" for answer, count in result.answers.items())
        out.print(f"{words.question(result.question)}: {answers}")
    _print_open(found)
    out.print(_("Groups of fewer than five cases are left out everywhere, also of totals."))


def _print_open(found: "Report") -> None:
    from services.budgets.words import state_name
    from services.follow_ups.words import kind_label

    out = console()
    out.print(
        table(
            _("Exceptions and their reasons"),
            [_("Case"), _("State"), _("Over by"), _("Reasons")],
            [
                [one.case_number, state_name(one.state), money(one.over), "; ".join(said.reason for said in one.said)]
                for one in found.exceptions
            ],
            right=[2],
        )
    )
    out.print(
        table(
            _("Follow-ups that were passed on"),
            [_("Follow-up"), _("Case"), _("Kind"), _("Due"), _("Worker"), _("Passed on")],
            [
                [one.id, one.case_number, kind_label(one.kind), day(one.due), one.worker or "–", day(one.escalated_on)]
                for one in found.escalations
            ],
        )
    )
    out.print(
        table(
            _("Workload"),
            [
                _("Worker"), _("Open cases"), _("Follow-ups due"), _("Overdue"), _("Passed on"), _("Waiting for approval"),
            ],
            [
                [one.name or _("nobody responsible"), one.cases, one.follow_ups, one.overdue, one.escalated, one.approvals]
                for one in found.workload
            ],
            right=[1, 2, 3, 4, 5],
        )
    )  # fmt: skip
