"""`avain retention report|run|find`: what is over its time, removing it, and the number that a removed case had."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.common import As, DryRun, Json, actor, complaints, console, emit, sub_app, table, transaction
from core.clock import business_now, business_today, local_date
from core.i18n import _, day

if TYPE_CHECKING:
    from services.retention import Report

app = sub_app(_("How long what is kept is kept, and removing what is over its time."))


@app.command("report", help=_("What is over its time, and what stays all the same and why. Changes nothing."))
def show(
    listed: Annotated[
        int, typer.Option("--list", min=0, max=100_000, help=_("Name so many of the cases that may go."))
    ] = 0,
    as_json: Json = False,
) -> None:
    """Counts by class; with `--list` numbers of cases."""
    from core.settings import settings
    from services.retention.report import due_cases, report

    configured = settings()
    with transaction() as session:
        today = business_today(session)
        found = report(session, configured.retention, configured.audit, today=today)
        numbers = due_cases(session, configured.retention, today=today, limit=listed) if listed else []
    data = {**_told(found, automatic=configured.retention.automatic), "cases": numbers}
    emit(data, as_json, lambda: _print(found, numbers, automatic=configured.retention.automatic))


@app.command("run", help=_("Remove what is over its time, now; each night does it by itself where automatic is on."))
def run(as_json: Json = False, dry_run: DryRun = False, as_: As = None) -> None:
    """Batch by batch; each is a transaction of its own and stands in the audit trail. A dry run says what would go."""
    from core.keys import record_hasher
    from core.settings import settings
    from services.retention import Removed, Sweep, report
    from services.retention.rules import class_name, rules

    configured, total = settings(), Removed()
    with transaction() as session:
        today = business_today(session)
        if dry_run:
            found = report(session, configured.retention, configured.audit, today=today)
            most = configured.retention.most_a_night
            total.classes.update({line.name: min(line.due, most) for line in found.lines})
    sweep = Sweep(
        rules(configured.retention, today),
        record_hasher(configured),
        most=configured.retention.most_a_night,
        actor=actor(as_),
    )
    while not dry_run:
        with transaction() as session:
            done = sweep.batch(session, business_now(session))
        if done is None:
            break
        total += done
    data: dict[str, Any] = {**total.counts, "rows": dict(sorted(total.rows.items()))}
    if dry_run:
        data["dry_run"] = True
        complaints().print(_("Dry run: nothing was changed."))
    rows = [[class_name(name).text(), count] for name, count in total.counts.items()]
    title = _("Would be removed") if dry_run else _("Removed")
    emit(data, as_json, lambda: console().print(table(title, [_("What"), _("How many")], rows, right=[1])))


@app.command(
    "find", help=_("The number that a removed case had, by its id at the source: its audit trail is kept longer.")
)
def find(
    source: Annotated[str, typer.Argument(metavar=_("SOURCE"), help=_("Its name in avain.toml."))],
    external_id: Annotated[str, typer.Argument(metavar="ID", help=_("The case's id at the source."))],
    as_json: Json = False,
) -> None:
    """With the number: `avain audit show --case NUMBER`."""
    from core.keys import record_hasher
    from core.settings import settings
    from services.retention.removed import numbers_of_removed

    with transaction() as session:
        numbers = numbers_of_removed(session, source, external_id, record_hasher(settings()))

    def render() -> None:
        for number in numbers:
            console().print(number)
        if not numbers:
            console().print(_("No case was removed that the source calls so."))

    emit(numbers, as_json, render)


def _told(found: "Report", *, automatic: bool) -> dict[str, Any]:
    return {
        "today": found.today,
        "automatic": automatic,
        "classes": [vars(line) for line in found.lines],
        "holds": [vars(one) for one in found.holds],
        "unknown_units": list(found.unknown_units),
        "events": {"before": found.events_before, "due": found.events},
        "removed": found.removed,
    }


def _print(found: "Report", numbers: list[str], *, automatic: bool) -> None:
    from services.retention.report import why_kept
    from services.retention.rules import class_name

    out = console()
    rows = [
        [
            class_name(line.name).text(),
            day(line.before),
            line.due,
            "; ".join(f"{why_kept(reason).text()}: {count}" for reason, count in line.kept.items()),
            day(line.next) if line.next else "–",
        ]
        for line in found.lines
    ]
    columns = [_("What"), _("From before"), _("May go"), _("Stays, and why"), _("Next one from")]
    out.print(table(_("Over its time on {date}").format(date=day(found.today)), columns, rows, right=[2]))
    if numbers:
        out.print(table(_("May go"), [_("Case")], [[number] for number in numbers]))
    if found.holds:
        held = [[one.number, day(local_date(one.held_at)), one.held_by, one.reason] for one in found.holds]
        out.print(table(_("Held cases"), [_("Case"), _("Since"), _("By"), _("Why")], held))
    for code in found.unknown_units:
        out.print(_("[retention] names the unit {unit}, which Avain does not have.").format(unit=code))
    if found.events:
        said = _(
            "The audit trail has {count} events from before {date}; the owner of the tables may purge what they say: {command}"
        )
        command = f"avain audit purge --before {found.events_before.isoformat()} --reason …"
        out.print(said.format(count=found.events, date=day(found.events_before), command=command))
    out.print(
        _("Removed by night, by itself.")
        if automatic
        else _(
            "Nothing is removed by itself. Turn it on with [retention] automatic = true, or remove it now: avain retention run"
        )
    )
