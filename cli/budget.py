"""`avain budget`: a budget's figures, where each of them comes from, and recomputing what was touched."""

import dataclasses
import time
from contextlib import nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text
from rich.tree import Tree

from cli import statement
from cli.common import As, DryRun, Json, actor, complaints, console, emit, sub_app, table, transaction
from core.clock import business_now, business_today
from core.errors import NotFound
from core.i18n import _, moment, money
from core.units import amount, what_is_priced
from services.budgets import words
from services.budgets.show import BudgetView, Line

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sqlalchemy.orm import Session

    from services.budgets.recompute import Recomputed

app = sub_app(_("Personal budgets: figures, explanations, recomputation."))
app.command("statement", help=_("Make what a family reads about its budget: an accessible PDF in plain language."))(
    statement.statement
)

Case = Annotated[str, typer.Argument(metavar=_("CASE"), help=_("The number of the case, such as HB-2026-000001."))]
At = Annotated[
    datetime | None,
    typer.Option("--at", formats=["%Y-%m-%d"], metavar=_("DATE"), help=_("As it was known at the end of that day.")),
]


@app.command(help=_("Show the budgets of a case: ceiling, invoiced, ordered, planned, free, and the lines."))
def show(case: Case, at: At = None, as_: As = None, as_json: Json = False) -> None:
    """`avain budget show HB-2026-000001`. Looking is recorded, as the law on access logs wants."""
    budgets, services = _read(case, at, actor(as_))
    emit([_plain(one) for one in budgets], as_json, lambda: _print(_named(budgets, services)))


@app.command(help=_("Explain a budget: from each total to the row of the price list, its file, sha256 and run."))
def explain(case: Case, at: At = None, as_: As = None, as_json: Json = False) -> None:
    """`avain budget explain HB-2026-000001 --at 2026-11-20`. Recorded like `show`."""
    budgets, services = _read(case, at, actor(as_))
    emit([_plain(one) for one in budgets], as_json, lambda: console().print(*map(_tree, _named(budgets, services))))


@app.command(help=_("Calculate the touched budgets now, in this process; with --all every budget."))
def recompute(
    every: Annotated[bool, typer.Option("--all", help=_("Every budget, touched or not."))] = False,
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """`avain budget recompute`. Its JSON: recomputed, changed, unpriced, over, seconds."""
    from core.settings import settings
    from services import audit
    from services.budgets.dirty import mark_all, mark_by_time_and_settings

    started = time.monotonic()
    with transaction(dry_run=dry_run) as session:
        audit.record(session, actor(as_), "budget.recompute_asked", "budgets", now=business_now(session), every=every)
        mark_by_time_and_settings(session, today=business_today(session), settings=settings().budgets)
        if every:
            mark_all(session, "asked")
        # a dry run has one transaction for all, so one connection
        tried = _recompute(lambda: nullcontext(session), threads=1, quiet=as_json) if dry_run else None
    parallel = settings().budgets.parallel
    total = _recompute(transaction, threads=parallel, quiet=as_json) if tried is None else tried
    data = {**dataclasses.asdict(total), "seconds": round(time.monotonic() - started, 3)}
    emit(data, as_json, lambda: console().print(_sentence(total)))


@app.command(help=_("Look up the ceilings of a case anew, when a unit cost was corrected after the decision."))
def rebase(  # noqa: PLR0917 - options of a command
    case: Case,
    reason: Annotated[str, typer.Option(help=_("Why, in a few words."))],
    decision: Annotated[
        str | None, typer.Option(metavar=_("DECISION"), help=_("Only this decision's, by its number."))
    ] = None,
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """`avain budget rebase HB-2026-000001 --reason "yksikköhinta korjattu"`. The new figures are calculated at once."""
    from core.settings import settings
    from services.budgets.rebase import rebase as look_up_anew
    from services.budgets.recompute import recompute_now
    from services.budgets.show import budgets_of_case

    with transaction(dry_run=dry_run) as session:
        now = business_now(session)
        before = {one.decision: one.ceiling for one in budgets_of_case(session, case)}
        decisions = look_up_anew(session, case, decision=decision, actor=actor(as_), reason=reason, now=now)
        recompute_now(session, decisions, cause="rebase", now=now, settings=settings().budgets)
        after = budgets_of_case(session, case)
    moved = [
        {"decision": one.decision, "ceiling_before": before.get(one.decision), "ceiling": one.ceiling} for one in after
    ]

    def render() -> None:
        for one in after:
            was = money(before.get(one.decision))
            console().print(f"{words.title(one)}: {was} → {money(one.ceiling)}", markup=False)

    emit(moved, as_json, render)


def _recompute(within: "Callable[[], AbstractContextManager[Session]]", *, threads: int, quiet: bool) -> "Recomputed":
    """Calculate all that is noted, each chunk in a transaction that `within` opens; on a terminal it is shown how far it is."""
    from core.settings import settings
    from services.budgets.side_by_side import recompute_noted
    from services.progress import in_words

    begun = time.monotonic()
    with nullcontext() if quiet else complaints().status(_("calculating budgets"), spinner="dots") as status:

        def show(done: int) -> None:
            if status is not None:
                status.update(in_words("recompute_budgets", {"recomputed": done}, time.monotonic() - begun))

        return recompute_noted(within, settings=settings().budgets, threads=threads, show=show)


def _sentence(total: Any) -> str:
    return _("Budgets recomputed: {recomputed}, changed: {changed}, unpriced: {unpriced}, over: {over}.").format_map(
        dataclasses.asdict(total)
    )


def _read(case: str, at: datetime | None, who: str) -> tuple[list[BudgetView], dict[str, str]]:
    """The budgets of a case, and what the reader calls each service."""
    from services import audit
    from services.budgets.show import budgets_of_case
    from services.names import service_names

    with transaction() as session:
        budgets = budgets_of_case(session, case, at=at.date() if at else None)
        audit.record(session, who, "budget.viewed", f"case:{case}", now=business_now(session))
        services = service_names(session)
    if not budgets and at is not None:
        raise NotFound(
            "Nothing was known yet of a budget of case {case} on {date}.", case=case, date=at.date().isoformat()
        )
    if not budgets:
        raise NotFound(
            "Case {case} has no budget yet. Budgets are made from its decisions: avain budget recompute", case=case
        )
    return budgets, services


def _named(budgets: list[BudgetView], services: dict[str, str]) -> list[BudgetView]:
    return [words.with_names(one, services) for one in budgets]


def _plain(budget: BudgetView) -> dict[str, Any]:
    return {**dataclasses.asdict(budget), "reasons": budget.reasons}


def _print(budgets: list[BudgetView]) -> None:
    for budget in budgets:
        _print_one(budget)


def _print_one(budget: BudgetView) -> None:
    figures = [
        (_("Ceiling"), money(budget.ceiling)),
        (_("Invoiced"), money(budget.invoiced)),
        (_("Ordered"), money(budget.ordered)),
        (_("– of which delivered"), money(budget.delivered)),
        (_("Planned"), money(budget.planned)),
        (_("Free"), money(budget.free)),
        (_("State"), words.state_name(budget.state)),
        (_("Figures of"), moment(budget.recorded_at)),
    ]
    out = console()
    out.print(Text(words.title(budget), style="bold"))  # not the table's own title: that is broken where the table ends
    out.print(table("", ("", ""), figures, right=(1,)))
    for said in words.remarks(budget):
        out.print(f"  ! {said}", markup=False)
    if budget.lines:
        headings = (_("Service"), _("Provider"), _("Days"), _("Quantity"), _("Price"), _("Gross"), _("State"))
        out.print(table("", headings, [_cells(line) for line in budget.lines], right=(3, 4, 5)))
    out.print()


def _cells(line: Line) -> tuple[str, ...]:
    return (
        what_is_priced(line.service, line.extra),
        line.provider or "–",
        words.days_of(line),
        amount(line.quantity, line.unit),
        words.price_in_words(line.price),
        money(line.gross),
        words.kind_in_words(line),
    )


def _tree(budget: BudgetView) -> Tree:
    tree = Tree(Text(words.title(budget), style="bold"))
    tree.add(Text(words.cause_in_words(budget)))
    ceiling = tree.add(Text(_("Ceiling") + f" {money(budget.ceiling)}"))
    told = words.ceiling_in_words(budget.ceiling_from)
    if told:
        branch = ceiling.add(Text(told))
        if budget.ceiling_from.price is not None:
            branch.add(Text(words.origin_in_words(budget.ceiling_from.price)))
    for kind, heading in words.PARTS.items():
        branch = tree.add(Text(f"{_(heading)} {money(getattr(budget, kind))}"))
        for line in budget.lines:
            if line.kind == kind:
                _explain_line(branch, line)
    unpriced = [line for line in budget.lines if line.kind == "unpriced"]
    if unpriced:
        branch = tree.add(Text(_("Unpriced")))
        for line in unpriced:
            branch.add(Text(words.line_in_words(line)))
    tree.add(Text(_("Free") + f" {money(budget.free)} ({words.state_name(budget.state)})"))
    for said in words.remarks(budget):
        tree.add(Text(f"! {said}"))
    return tree


def _explain_line(branch: Tree, line: Line) -> None:
    shown = branch.add(Text(words.line_in_words(line)))
    for note in words.line_notes(line):
        shown.add(Text(note))
    if line.price:
        shown.add(Text(f"{line.provider or ''} {words.origin_in_words(line.price)}".strip()))
