"""`avain order approve`, `waiting`, `decline`, `proposals`, `settle`: what people decide about orders, before there are any and after."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.common import ERROR, SOME_REJECTED, As, DryRun, Json, Limit, actor, console, emit, stop, table, transaction
from core.clock import business_now, business_today
from core.i18n import N_, _, day, money
from core.units import amount
from services.labels import channel_name

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from services.orders.approving.approval import Approved
    from services.orders.approving.declining import Declined
    from services.orders.weighing.bundles import Refused

Items = Annotated[
    list[str],
    typer.Argument(
        metavar=_("ITEM..."),
        help=_("What to order: HB-2026-000001 (all chosen services of the case), HB-2026-000001/ITEM, or an id."),
    ),
]
Reason = Annotated[str, typer.Option("--reason", help=_("Why; needed over the ceiling and for cancelling."))]
Case = Annotated[str | None, typer.Option("--case", help=_("Only of this case."))]

#: How a proposal is settled, in the words of the command and of services/orders/proposals.py.
_OUTCOMES = {"cancel": "cancelled", "keep": "kept"}
_PERIODS = {"whole": N_("whole"), "monthly": N_("by the month")}


def approve(items: Items, reason: Reason = "", as_: As = None, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Exit code 3 when some items were refused, 1 when all were."""
    with transaction(dry_run=dry_run) as session:
        done = _approve(session, items, actor(as_), reason)
        data = _outcome(done)
    emit(data, as_json, lambda: _render_outcome(data, dry_run=dry_run))
    if done.refused:
        stop(SOME_REJECTED if done.orders or done.later else ERROR)


def waiting(
    case: Case = None,
    declined: Annotated[bool, typer.Option("--declined", help=_("Those that were declined instead."))] = False,
    limit: Limit = 200,
    as_json: Json = False,
) -> None:
    """Chosen services that nobody has ordered, longest first: what they come to, and whether approving them needs a reason."""
    from core.settings import settings
    from services import names
    from services.orders.approving import waiting as reading

    configured = settings()
    with transaction() as session:
        if case is not None:
            names.check_case(session, case)
        found = reading.waiting(
            session,
            settings=configured.orders,
            today=business_today(session),
            case_number=case,
            declined=declined,
            limit=limit,
        )

    def render() -> None:
        rows = [
            [
                f"{one.case_number}/{one.item}",
                one.service,
                one.provider,
                _(_PERIODS.get(one.order_period, one.order_period)),
                f"{day(one.first_day)}–{day(one.last_day)}",
                amount(one.quantity, one.unit),
                "–" if one.gross is None else money(one.gross),
                one.declined or (_("needs a reason") if one.over(configured.budgets) else ""),
            ]
            for one in found
        ]
        columns = [
            _("Item"),
            _("Service"),
            _("Provider"),
            _("How it is ordered"),
            _("Period"),
            _("Quantity"),
            _("Total"),
            _("Note"),
        ]
        title = _("Declined") if declined else _("Waiting for approval")
        console().print(table(title, columns, rows, right=[5, 6]))

    emit([{**asdict(one), "over": one.over(configured.budgets)} for one in found], as_json, render)


def decline(
    items: Items,
    *,
    reason: Reason = "",
    withdraw: Annotated[bool, typer.Option("--withdraw", help=_("Take back that they were declined."))] = False,
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """What was chosen shall not be ordered; a new choice is a new question. Exit code 3 when some were refused, 1 when all were."""
    from services.orders.approving import declining
    from services.orders.approving.naming import find_items

    with transaction(dry_run=dry_run) as session:
        found, unknown = find_items(session, items)
        act = declining.withdraw if withdraw else declining.decline
        done = act(session, found, actor=actor(as_), reason=reason, now=business_now(session))
    refused = [*_strangers(unknown), *done.refused]
    data = {"items": list(done.plan_item_ids), "refused": _told(refused)}
    emit(data, as_json, lambda: _render_declined(done, refused, withdraw=withdraw))
    if refused:
        stop(SOME_REJECTED if done.plan_item_ids else ERROR)


def proposals(limit: Limit = 200, as_json: Json = False) -> None:
    """Orders that no longer say what is planned: each waits for somebody to cancel it or to keep it."""
    from services.names import service_names
    from services.orders.proposals import open_proposals
    from services.orders.words import differences

    with transaction() as session:
        found = open_proposals(session, today=business_today(session), limit=limit)
        names = service_names(session)

    def render() -> None:
        rows = [
            [
                one.id,
                one.order_number,
                one.item,
                one.service,
                one.provider,
                money(one.total_gross),
                one.reason.text(),
                "\n".join(
                    f"{what}: {ordered} → {planned}" for what, ordered, planned in differences(one.details, names)
                ),
            ]
            for one in found
        ]
        columns = [
            _("Id"),
            _("Order"),
            _("Item"),
            _("Service"),
            _("Provider"),
            _("Total"),
            _("Reason"),
            _("What differs"),
        ]
        console().print(table(_("Orders that no longer say what is planned"), columns, rows, right=[0, 5]))

    emit([{**asdict(one), "reason": one.reason.text()} for one in found], as_json, render)


def settle(
    proposal: Annotated[int, typer.Argument(metavar=_("ID"), help=_("The id that `avain order proposals` shows."))],
    outcome: Annotated[str, typer.Argument(metavar="cancel|keep", help=_("Cancel the order, or keep it as it is."))],
    *,
    reason: Reason = "",
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """A cancelled order's services wait for approval again, as they are planned now."""
    from services import names
    from services.orders import proposals as deciding

    names.must_be_one_of(_("outcome"), outcome, _OUTCOMES)
    with transaction(dry_run=dry_run) as session:
        cancelled = deciding.settle(
            session, proposal, _OUTCOMES[outcome], actor=actor(as_), reason=reason, now=business_now(session)
        )

    def render() -> None:
        said = _("The order is cancelled.") if cancelled else _("The order is kept as it is.")
        console().print(said)
        if cancelled and cancelled.letter:
            console().print(_("The provider is told by e-mail."))
        elif cancelled and cancelled.person_tells:
            console().print(_("The provider may have received it: tell the provider that it is cancelled."))

    data = {
        "proposal": proposal,
        "outcome": _OUTCOMES[outcome],
        "letter": cancelled is not None and cancelled.letter,
        "tell_provider": cancelled is not None and cancelled.person_tells,
    }
    emit(data, as_json, render)


def _approve(session: "Session", items: list[str], approver: str, reason: str) -> "Approved":
    from core.settings import settings
    from services.orders.approving.approval import approve as approve_items
    from services.orders.approving.naming import find_items

    configured = settings()
    found, unknown = find_items(session, items)
    done = approve_items(
        session,
        found,
        approver=approver,
        reason=reason,
        now=business_now(session),
        settings=configured.orders,
        organisation=configured.organisation,
        budgets=configured.budgets,
    )
    return replace(done, refused=(*_strangers(unknown), *done.refused))


def _strangers(unknown: dict[str, Any]) -> "tuple[Refused, ...]":
    from services.orders.weighing.bundles import Refused

    return tuple(Refused(None, name, why) for name, why in unknown.items())


def _outcome(done: "Approved") -> dict[str, Any]:
    return {
        "orders": [
            {
                "order": order.number,
                "channel": order.channel,
                "total_net": order.total_net,
                "total_vat": order.total_vat,
                "total_gross": order.total_gross,
                "sha256": order.document_sha256,
            }
            for order in done.orders
        ],
        "later": [item.reference for item in done.later],
        "refused": _told(done.refused),
    }


def _told(refused: "list[Refused] | tuple[Refused, ...]") -> list[dict[str, str]]:
    return [{"item": one.item, "reason": one.reason.text()} for one in refused]


def _render_outcome(data: dict[str, Any], *, dry_run: bool) -> None:
    rows = [[o["order"], channel_name(o["channel"]), money(o["total_gross"])] for o in data["orders"]]
    if rows:
        title = _("Would be ordered") if dry_run else _("Ordered")
        console().print(table(title, [_("Order"), _("Channel"), _("Total")], rows, right=[2]))
    if data["later"]:
        rows = [[item] for item in data["later"]]
        console().print(table(_("Approved, and ordered month by month when the time comes"), [_("Item")], rows))
    _render_refused(_("Not ordered"), data["refused"])


def _render_refused(title: str, refused: list[dict[str, str]]) -> None:
    if refused:
        console().print(table(title, [_("Item"), _("Reason")], [[r["item"], r["reason"]] for r in refused]))


def _render_declined(done: "Declined", refused: "list[Refused]", *, withdraw: bool) -> None:
    if done.plan_item_ids:
        said = _("{count} taken back: they wait for approval again.") if withdraw else _("{count} declined.")
        console().print(said.format(count=len(done.plan_item_ids)))
    _render_refused(_("Not taken back") if withdraw else _("Not declined"), _told(refused))
