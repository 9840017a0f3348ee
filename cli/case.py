"""`avain case`: whom Avain knows of, what is decided and planned, and who is chosen to provide it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.common import As, DryRun, Json, Limit, actor, console, emit, sub_app, table, transaction
from core.clock import business_now, local_date
from core.i18n import N_, _, day, moment, money
from core.units import amount
from services.labels import chooser_name, status_name

if TYPE_CHECKING:
    from services.cases import CaseView, ItemView

#: Words that come from the database.
_WORDS = (N_("open"), N_("closed"), N_("child"), N_("parent"), N_("adult"), N_("worker"), N_("source"))

app = sub_app(_("Cases, and the choice of providers."))


@app.command("list", help=_("Open cases."))
def list_cases(
    worker: Annotated[str | None, typer.Option(help=_("Only this responsible worker's."))] = None,
    unit: Annotated[str | None, typer.Option(help=_("Only this unit's."))] = None,
    everything: Annotated[bool, typer.Option("--all", help=_("Closed and gone ones too."))] = False,
    limit: Limit = 200,
    as_json: Json = False,
) -> None:
    """Number, the source's id, status, worker, services."""
    from services import cases, names

    with transaction() as session:
        names.must_exist(session, "--worker", worker, "worker")
        names.must_exist(session, "--unit", unit, "unit")
        found = cases.list_cases(session, worker=worker, unit=unit, everything=everything, limit=limit)
        services = names.service_names(session)

    def render() -> None:
        body = [
            [one.number, one.external_id, status_name(one.status, gone=one.gone_at is not None), one.worker, one.unit, ", ".join(services[code] for code in one.services)]
            for one in found
        ]  # fmt: skip
        columns = [_("Case"), _("At the source"), _("Status"), _("Worker"), _("Unit"), _("Services")]
        console().print(table(_("Cases"), columns, body))

    emit([asdict(one) for one in found], as_json, render)


@app.command("show", help=_("One case with its decisions, planned services and choices."))
def show(
    case: Annotated[str, typer.Argument(metavar=_("CASE"), help=_("The case's number, HB-2026-000001."))],
    as_: As = None,
    as_json: Json = False,
) -> None:
    """Looking at a case is recorded, as the law on access logs wants."""
    from services import audit, names
    from services.cases import case_view

    with transaction() as session:
        view = case_view(session, case)
        services = names.service_names(session)
        audit.record(session, actor(as_), "case.viewed", f"case:{case}", now=business_now(session))
    emit(asdict(view), as_json, lambda: _print(view, services))


@app.command("choose", help=_("Record which provider was chosen for a planned service."))
def choose(  # noqa: PLR0917 - typer's own way
    item: Annotated[
        str,
        typer.Argument(
            metavar=_("ITEM"), help=_("HB-2026-000001/ITEM; the case's number alone if it plans one service.")
        ),
    ],
    provider: Annotated[str, typer.Option(help=_("Business id, name, or the beginning of the name."))],
    by: Annotated[str, typer.Option(help=_("Who chose: child, parent, adult or worker."))],
    reason: Annotated[str, typer.Option(help=_("Why, in a few words; needed where the budget would go over."))] = "",
    dry_run: DryRun = False,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """A new choice ends the earlier one; what is ordered already must be cancelled first."""
    from core.settings import settings
    from services import cases, names
    from services.orders.approving.choosing import choose as record_choice

    with transaction(dry_run=dry_run) as session:
        plan_item_id = names.item_of(session, item)
        choice = record_choice(
            session, plan_item_id, names.provider_of(session, provider),
            chosen_by=by, actor=actor(as_), reason=reason, now=business_now(session), budgets=settings().budgets,
        )  # fmt: skip
        session.flush()  # its id is shown
        view = next(one for one in cases.case_view(session, item.partition("/")[0]).items if one.id == plan_item_id)
    emit(
        {
            "choice": choice.id,
            "item": view.name,
            "provider": view.provider,
            "chosen_by": by,
            "actor": choice.actor,
            "at": choice.chosen_at,
            "reason": choice.reason,
        },
        as_json,
        lambda: console().print(_("{item}: {provider}").format(item=view.name, provider=view.provider), markup=False),
    )


def _choice_in_words(item: "ItemView") -> str:
    """Whose choice it was, when, who wrote it down and why: `child 16.11.2026 (cli:aino), nearer to home`."""
    if item.chosen_by is None or item.chosen_at is None:
        return ""
    said = f"{chooser_name(item.chosen_by)} {day(local_date(item.chosen_at))} ({item.recorded_by})"
    return f"{said}: {item.why}" if item.why else said


def _print(view: "CaseView", services: dict[str, str]) -> None:
    out = console()
    for label, value in (
        (_("Case"), view.number), (_("At the source"), f"{view.source}: {view.external_id}"),
        (_("Status"), status_name(view.status, gone=view.gone_at is not None)), (_("Worker"), view.worker), (_("Co-worker"), view.co_worker),
        (_("Supervisor"), view.supervisor),
        (_("Unit"), view.unit), (_("Non-disclosure"), _("yes") if view.non_disclosure else _("no")),
        (_("Assessment"), day(view.assessment_date)), (_("Client plan"), day(view.plan_date)),
        (_("Kykyviisari"), day(view.kykyviisari_date)), (_("Support person"), _("yes") if view.support_person else _("no")),
        (_("Goals"), " · ".join(view.goals)),
    ):  # fmt: skip
        out.print(f"{label}: {value or '–'}", markup=False)
    if view.held_at is not None:
        out.print(f"{_('Kept until further notice since')}: {moment(view.held_at)}", markup=False)
    decisions = [
        [one.number or one.external_id, day(one.stand_date), day(one.decided_on), f"{day(one.valid_from)}–{day(one.valid_to)}",
         money(one.granted_amount) if one.granted_amount is not None
         else f"{services[one.baseline]} {amount(one.baseline_quantity, one.baseline_unit)}" if one.baseline and one.baseline_quantity else "–",
         _("ended") if one.ended else ""]
        for one in view.decisions
    ]  # fmt: skip
    columns = [_("Decision"), _("Stand"), _("Decided"), _("Valid"), _("Granted or replaced"), ""]
    out.print(table(_("Decisions"), columns, decisions))
    items = [
        [one.name, services[one.service], amount(one.quantity, one.unit), f"{day(one.first)}–{day(one.last)}", one.provider or "–",
         _choice_in_words(one), _("ended") if one.ended else ""]
        for one in view.items
    ]  # fmt: skip
    out.print(
        table(
            _("Planned services"),
            [_("Item"), _("Service"), _("Quantity"), _("Period"), _("Provider"), _("Chosen by"), ""],
            items,
        )
    )
    if view.other_cases:
        others = [
            [one.number, one.source, status_name(one.status, gone=one.gone_at is not None), one.worker, one.unit]
            for one in view.other_cases
        ]
        columns = [_("Case"), _("Source"), _("Status"), _("Worker"), _("Unit")]
        out.print(table(_("Other cases of the same client"), columns, others))
