"""`avain order respond`, `handover`, `placed`: what people hear by telephone, decide about answers, and do outside Avain."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

import typer

from cli.common import As, DryRun, Json, actor, console, emit, transaction
from core.clock import business_now
from core.errors import InputError
from core.i18n import _, day

#: `2=7,5`: a line of the order and its quantity.
_QUANTITY: Final = re.compile(r"(?P<line>[0-9]{1,4})=(?P<quantity>[0-9]{1,8}(?:[.,][0-9]{1,4})?)", re.ASCII)


def register(app: typer.Typer) -> None:
    """Add the command to `avain order`."""
    from cli.follow_ups import tick_hand_over

    app.command(
        "handover", help=_("Tick that the family's contact details were handed to the provider, outside Avain.")
    )(tick_hand_over)
    app.command("placed", help=_("Write down that an order was placed outside Avain (channel external)."))(placed)
    app.command("respond", help=_("Write down what a provider answered, or settle an answer that waits."))(respond)


def respond(  # noqa: PLR0917 - options of a command
    order: Annotated[str, typer.Argument(metavar=_("ORDER"), help=_("The order's number, T-2026-000001."))],
    accept: Annotated[bool, typer.Option("--accept", help=_("The provider accepts."))] = False,
    reject: Annotated[bool, typer.Option("--reject", help=_("The provider has no room."))] = False,
    change: Annotated[bool, typer.Option("--change", help=_("The provider proposes a change."))] = False,
    received: Annotated[bool, typer.Option("--received", help=_("The provider has received it."))] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help=_("Do what the answer that waits says: accept the changes."))
    ] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help=_("Let the answer that waits be: decline the changes."))
    ] = False,
    starts: Annotated[
        datetime | None,
        typer.Option("--starts-on", formats=["%Y-%m-%d", "%d.%m.%Y"], help=_("The first day the provider promises.")),
    ] = None,
    quantity: Annotated[
        list[str] | None,
        typer.Option("--quantity", metavar=_("LINE=QUANTITY"), help=_("With --change: another quantity of a line.")),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help=_("Why; it is recorded."))] = "",
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """One of --accept, --reject, --change, --received; or --apply, --discard for what waits."""
    from services.orders.replies import answers_held
    from services.orders.replies.answer_values import Code
    from services.orders.show import order_view, state_name

    codes: dict[Code, bool] = {"AP": accept, "RE": reject, "CA": change, "AB": received}
    said = [code for code, chosen in codes.items() if chosen]
    if len(said) + apply + discard != 1:
        raise InputError(
            "Say one of: {options}", options="--accept, --reject, --change, --received, --apply, --discard"
        )
    quantities = dict(_pair(one) for one in quantity or [])
    if (quantities and not change) or (starts is not None and not (accept or change)):
        raise InputError("--starts-on goes with --accept and --change, --quantity with --change.")
    with transaction(dry_run=dry_run) as session:
        who, now = actor(as_), business_now(session)
        if apply:
            answers_held.apply_held(session, order, actor=who, reason=reason, now=now)
        elif discard:
            answers_held.discard_held(session, order, actor=who, reason=reason, now=now)
        else:
            code: Code = said[0]
            first = None if starts is None else starts.date()
            answers_held.respond(
                session, order, code, actor=who, reason=reason, starts_on=first, quantities=quantities, now=now
            )  # fmt: skip
        session.flush()
        view = order_view(session, order)
        starts_on = answers_held.starts_on(session, order)

    def render() -> None:
        console().print(_("{order} is now: {state}").format(order=order, state=state_name(view.state)))
        if starts_on is not None:
            console().print(_("The first day is {date}.").format(date=day(starts_on)))

    emit({"order": order, "state": view.state, "starts_on": starts_on}, as_json, render)


def placed(
    order: Annotated[str, typer.Argument(metavar=_("ORDER"), help=_("The order's number, T-2026-000001."))],
    reference: Annotated[str, typer.Option("--reference", help=_("What it is called there."))] = "",
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """What nobody but a person can know."""
    from services.orders.sending.placing import placed as write_down

    with transaction(dry_run=dry_run) as session:
        write_down(session, order, reference=reference, actor=actor(as_), now=business_now(session))

    def render() -> None:
        console().print(_("Written down: {order} is placed.").format(order=order))

    emit({"order": order, "reference": reference.strip() or None}, as_json, render)


def _pair(text: str) -> tuple[int, Decimal]:
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        raise InputError("{text} is not of the form LINE=QUANTITY, such as 1=7,5.", text=text)
    return int(found["line"]), Decimal(found["quantity"].replace(",", "."))
