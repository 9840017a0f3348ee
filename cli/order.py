"""`avain order`: from a choice to an order at the provider; approve, look, send again, cancel, check a file."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import order_approval, order_show
from cli.common import (
    ERROR,
    As,
    DryRun,
    Json,
    Limit,
    actor,
    console,
    emit,
    stop,
    sub_app,
    table,
    transaction,
)
from cli.order_approval import Reason
from cli.order_preview import preview
from core.clock import business_now
from core.i18n import N_, _, day, money

if TYPE_CHECKING:
    from lxml.etree import _ElementTree as ElementTree

    from documents.findings import Finding

app = sub_app(_("Purchase orders."))
SEVERITIES = {"fatal": N_("fatal"), "warning": N_("warning")}

Number = Annotated[str, typer.Argument(metavar=_("ORDER"), help=_("The order's number, T-2026-000001."))]


@app.command("list", help=_("Orders, newest first."))
def list_orders(
    state: Annotated[str | None, typer.Option(help=_("Only orders in this state."))] = None,
    case: Annotated[str | None, typer.Option(help=_("Only orders of this case."))] = None,
    limit: Limit = 200,
    as_json: Json = False,
) -> None:
    """Number, case, provider, state, period and euros of each."""
    from services import names
    from services.orders import show

    with transaction() as session:
        names.must_be_one_of("--state", state, show.STATE_NAMES)
        if case is not None:
            names.check_case(session, case)
        orders = show.list_orders(session, state=state, case_number=case, limit=limit)

    def render() -> None:
        rows = [
            [
                o.number,
                o.case_number,
                o.provider,
                _state(o.state),
                f"{day(o.first_day)}–{day(o.last_day)}",
                money(o.total_gross),
            ]
            for o in orders
        ]
        columns = [_("Order"), _("Case"), _("Provider"), _("State"), _("Period"), _("Total")]
        console().print(table(_("Purchase orders"), columns, rows, right=[5]))

    emit([asdict(order) for order in orders], as_json, render)


app.command("show", help=_("One order: lines, answers, invoices, delivery attempts; --xml prints the document."))(
    order_show.show
)


app.command("preview", help=_("An order as it was stored, or as approving would make it; as XML and PDF, too."))(
    preview
)


app.command("approve", help=_("Order chosen services: makes the orders and has them delivered."))(
    order_approval.approve
)
app.command("waiting", help=_("Chosen services that wait for approval."))(order_approval.waiting)
app.command("decline", help=_("Say that what was chosen shall not be ordered, or take that back."))(
    order_approval.decline
)
app.command("proposals", help=_("Orders that no longer say what is planned."))(order_approval.proposals)
app.command("settle", help=_("Settle one of those: cancel the order, or keep it."))(order_approval.settle)


@app.command("send", help=_("Deliver orders that wait, now and in this process."))
def send(
    order: Annotated[str | None, typer.Argument(metavar=_("[ORDER]"), help=_("Only this one."))] = None,
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """For an installation whose workers are down: the same Work, under the same lease, as a worker would do it."""
    import workers.tasks.orders as tasks
    from core.logging import configure_logging
    from core.settings import settings
    from services import audit
    from services.effects import must_be_allowed
    from services.orders import show
    from workers.task import perform

    configure_logging(
        settings().log_format, settings().log_level
    )  # to stderr: stdout holds the result and nothing else
    with transaction(dry_run=dry_run) as session:
        must_be_allowed(session, "deliver_order")
        due = show.deliveries_due(session, order)
        for number in show.states_of_deliveries(session, due):
            audit.record(session, actor(as_), "order.send_asked", f"order:{number}", now=business_now(session))
    for work_id in [] if dry_run else due:
        perform(work_id, tasks.deliver_order)
    with transaction() as session:
        states = show.states_of_deliveries(session, due)

    def render() -> None:
        rows = [[name, _state(state)] for name, state in states.items()]
        title = _("Would be delivered") if dry_run else _("Delivered")
        console().print(table(title, [_("Order"), _("State")], rows))

    emit(states, as_json, render)


@app.command("resend", help=_("Send an order again under the same number, to where the provider takes orders now."))
def resend(order: Number, reason: Reason = "", as_: As = None, dry_run: DryRun = False, as_json: Json = False) -> None:
    """After a failure, or when the provider says it never came."""
    from services.orders.sending import ending

    with transaction(dry_run=dry_run) as session:
        work_id = ending.resend(session, order, actor=actor(as_), reason=reason, now=business_now(session))
    emit(
        {"order": order, "work": work_id},
        as_json,
        lambda: console().print(_("{order} will be sent again.").format(order=order)),
    )


@app.command("cancel", help=_("Cancel an order, so that its services can be ordered anew."))
def cancel(order: Number, reason: Reason = "", as_: As = None, dry_run: DryRun = False, as_json: Json = False) -> None:
    """The provider is told by e-mail; where it has no address, a person tells it."""
    from services.orders.sending import ending

    with transaction(dry_run=dry_run) as session:
        done = ending.cancel(session, order, actor=actor(as_), reason=reason, now=business_now(session))

    def render() -> None:
        console().print(_("{order} is cancelled.").format(order=order))
        if done.letter:
            console().print(_("The provider is told by e-mail."))
        elif done.person_tells:
            console().print(_("The provider may have received it: tell the provider that it is cancelled."))

    emit(
        {"order": order, "state": "cancelled", "letter": done.letter, "tell_provider": done.person_tells},
        as_json,
        render,
    )


@app.command(
    "check",
    help=_(
        "Check an order, order response or catalogue: schema, Peppol rules, our own; exit code 1 if something is fatal."
    ),
)
def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help=_("A UBL document as XML."))],
    schematron: Annotated[
        list[Path] | None,
        typer.Option("--schematron", exists=True, dir_okay=False, help=_("Official rules to run as well (.sch).")),
    ] = None,
    as_json: Json = False,
) -> None:
    """Findings with line, rule, severity and place; what the file is, its root element tells."""
    from documents.checking import CHECK_LIMIT, check_file
    from documents.findings import fatal

    with file.open("rb") as opened:
        checked = check_file(opened.read(CHECK_LIMIT + 1))
    found = [*checked.findings, *_by_schematron(checked.tree, schematron or [])]

    def render() -> None:
        if not found:
            console().print(_("Nothing to object to."))
            return
        rows = [[f.line or "", f.rule, _(SEVERITIES[f.severity]), f.location, f.text.text()] for f in found]
        columns = [_("Line"), _("Rule"), _("Severity"), _("Place"), _("Finding")]
        console().print(table(f"{file.name} ({checked.kind})", columns, rows, right=[0]))

    emit([{**asdict(f), "text": f.text.text()} for f in found], as_json, render)
    if fatal(found):
        stop(ERROR)


def _state(state: str) -> str:
    from services.orders.show import state_name

    return state_name(state)


def _by_schematron(tree: "ElementTree", schemas: list[Path]) -> "list[Finding]":
    if not schemas:
        return []
    from documents.schematron import Schematron

    return [finding for rules in schemas for finding in Schematron.load(rules).check(tree)]
