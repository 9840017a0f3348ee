"""`avain invoice`: providers' invoices and credit notes; look, say what one bills, accept or discard one that waits."""

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.common import LARGEST_ID, As, DryRun, Json, Limit, actor, console, emit, sub_app, table, transaction
from core.clock import business_now
from core.errors import InputError
from core.i18n import N_, _, day, moment, money
from core.units import amount, what_is_priced

if TYPE_CHECKING:
    from services.invoices.listing import InvoiceRow, InvoiceView
    from services.invoices.taking import Outcome

app = sub_app(_("Invoices and credit notes of providers."))

KINDS = {"invoice": N_("invoice"), "credit": N_("credit note")}
#: `2=T-2026-000001/3`, or `2=3` where the order is named.
_PLACE = re.compile(r"(?P<line>[0-9]{1,6})=(?:(?P<order>[^/=\s]+)/)?(?P<number>[0-9]{1,6})")

Id = Annotated[
    int, typer.Argument(min=1, max=LARGEST_ID, metavar=_("ID"), help=_("The number of the invoice in Avain's list."))
]
Final = Annotated[bool, typer.Option("--final", help=_("No other invoice will come for the order."))]
Why = Annotated[str, typer.Option("--reason", help=_("Why; it is recorded."))]


@app.command("list", help=_("Invoices, the latest first; those that wait for a person, unless told otherwise."))
def list_invoices(
    state: Annotated[str | None, typer.Option(help=_("Only those in this state."))] = None,
    provider: Annotated[str | None, typer.Option(help=_("Only of this provider (business id)."))] = None,
    everything: Annotated[bool, typer.Option("--all", help=_("Of all states."))] = False,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """`avain invoice list`."""
    from services import names
    from services.invoices import listing

    with transaction() as session:
        names.must_be_one_of("--state", state, listing.STATES)
        names.must_exist(session, "--provider", provider, "provider")
        wanted = state or (None if everything else "held")
        rows = listing.listed(session, state=wanted, provider=provider, limit=limit)

    def render() -> None:
        columns = [
            _("Id"),
            _("Number"),
            _("Provider"),
            _("Issued"),
            _("Total"),
            _("Order"),
            _("State"),
            _("Why it waits"),
        ]
        body = [
            [
                one.id,
                one.number,
                one.provider or one.sender,
                day(one.issue_date) if one.issue_date else "",
                _euros(one),
                one.order,
                listing.state_name(one.state),
                one.reason.text() if one.reason else listing.match_name(one.match),
            ]
            for one in rows
        ]
        console().print(table(_("Invoices"), columns, body, right=[0, 4]))

    emit([asdict(one) for one in rows], as_json, render)


@app.command("show", help=_("One invoice: its lines beside those of the orders it bills or may bill."))
def show(invoice: Id, as_: As = None, as_json: Json = False) -> None:
    """Looking is recorded, as the law on access logs wants."""
    from services import audit
    from services.invoices import listing

    with transaction() as session:
        view = listing.view(session, invoice)
        audit.record(session, actor(as_), "invoice.viewed", f"invoice:{invoice}", now=business_now(session))
    data = {**asdict(view.row), **asdict(view), "holds": [{"code": code, "reason": why} for code, why in view.holds]}
    del data["row"]
    emit(data, as_json, lambda: _show(view))


@app.command(
    "assign", help=_("Say which order an invoice bills, and which of its lines; without either it is looked at anew.")
)
def assign(  # noqa: PLR0917 - options of a command
    invoice: Id,
    order: Annotated[
        str | None, typer.Argument(metavar=_("[ORDER]"), help=_("The order's number, T-2026-000001."))
    ] = None,
    lines: Annotated[
        list[str] | None,
        typer.Option(
            "--line",
            metavar="2=T-2026-000001/3",
            help=_("Line 2 of the invoice bills line 3 of that order; can be repeated."),
        ),
    ] = None,
    reason: Why = "",
    final: Final = False,
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """`avain invoice assign 7 T-2026-000001 --line 2=3`."""
    from core.settings import settings
    from services.invoices import deciding

    places = dict(_place(one, order) for one in lines or [])
    with transaction(dry_run=dry_run) as session:
        outcome = deciding.assign(
            session, invoice, order, places, actor=actor(as_), reason=reason, now=business_now(session), settings=settings(), final=final
        )  # fmt: skip
    _tell(invoice, outcome, as_json)


@app.command("accept", help=_("Take an invoice in spite of what speaks against it, such as a higher price."))
def accept(  # noqa: PLR0917 - options of a command
    invoice: Id, reason: Why, final: Final = False, as_: As = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """`avain invoice accept 7 --reason "sovittu puhelimessa"`."""
    from core.settings import settings
    from services.invoices import deciding

    with transaction(dry_run=dry_run) as session:
        outcome = deciding.accept(
            session, invoice, actor=actor(as_), reason=reason, now=business_now(session), settings=settings(), final=final
        )  # fmt: skip
    _tell(invoice, outcome, as_json)


@app.command("discard", help=_("Let an invoice rest: nothing of it counts."))
def discard(invoice: Id, reason: Why, as_: As = None, dry_run: DryRun = False, as_json: Json = False) -> None:
    """`avain invoice discard 7 --reason "väärä asiakas, uusi tulossa"`."""
    from services.invoices import deciding

    with transaction(dry_run=dry_run) as session:
        deciding.discard(session, invoice, actor=actor(as_), reason=reason, now=business_now(session))
    emit({"invoice": invoice, "state": "discarded"}, as_json, lambda: console().print(_("Discarded.")))


def _place(written: str, order: str | None) -> tuple[int, tuple[str, int]]:
    found = _PLACE.fullmatch(written)
    named = (found["order"] or order) if found else None
    if found is None or named is None:
        raise InputError("--line {line}: write it so: 2=T-2026-000001/3", line=written)
    return int(found["line"]), (named, int(found["number"]))


def _euros(row: "InvoiceRow") -> str:
    if row.gross is None:
        return ""
    return money(-row.gross if row.kind == "credit" else row.gross)


def _tell(invoice: int, outcome: "Outcome", as_json: bool) -> None:
    reason = outcome.reason.text() if outcome.reason else None
    told = _("Booked on its orders.") if reason is None else _("It goes on waiting: {reason}").format(reason=reason)
    emit({"invoice": invoice, "state": outcome.state, "reason": reason}, as_json, lambda: console().print(told))


def _show(view: "InvoiceView") -> None:
    from services.invoices import listing

    row = view.row
    facts = [
        (_("Provider"), row.provider or row.sender),
        (_("Kind"), _(KINDS[row.kind]) if row.kind else ""),
        (_("Issued"), day(row.issue_date) if row.issue_date else ""),
        (_("Total"), _euros(row)),
        (_("State"), listing.state_name(row.state)),
        (_("Gives back from invoice"), view.credits),
        (_("Decided by"), f"{view.settled_by}, {moment(view.settled_at)}" if view.settled_by else None),
        (_("Note"), view.note),
    ]
    console().print(table(row.number or str(row.id), ["", ""], [fact for fact in facts if fact[1]]))
    for _code, why in view.holds:
        console().print(why.text())
    columns = [_("Line"), _("Quantity"), _("Without VAT"), _("VAT"), _("Total"), _("Line of the order")]
    body = [
        [
            one.number,
            amount(one.quantity, one.unit),
            money(one.net),
            money(one.vat),
            money(one.gross),
            "/".join(filter(None, (one.order, one.order_line))),
        ]
        for one in view.lines
    ]
    if body:
        console().print(table(_("Lines of the invoice"), columns, body, right=[0, 2, 3, 4]))
    if view.order_lines:
        columns = [_("Line"), _("Service"), _("Period"), _("Quantity"), _("Total"), _("Billed")]
        body = [
            [
                one.place,
                what_is_priced(one.service, one.extra),
                f"{day(one.first)}–{day(one.last)}",
                amount(one.quantity, one.unit),
                money(one.gross),
                money(one.billed),
            ]
            for one in view.order_lines
        ]
        console().print(table(_("Lines of the orders"), columns, body, right=[4, 5]))
