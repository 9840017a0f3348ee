"""`avain order preview`: an order to look at before anybody approves it, or as it was stored; on the screen, and as XML and PDF files."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.text import Text

from cli import papers
from cli.common import ERROR, SOME_REJECTED, As, Json, actor, console, emit, stop, table, transaction
from core.clock import business_now
from core.errors import InputError
from core.i18n import _, day, money
from core.units import amount, unit_price, what_is_priced

if TYPE_CHECKING:
    from services.orders.sending.previewing import Preview

_ORDER_NUMBER: Final = re.compile(r"T-\d{4}-\d{6,}")

Names = Annotated[
    list[str],
    typer.Argument(
        metavar=_("NAME"),
        help=_(
            "An order's number, T-2026-000001; or what would be ordered: HB-2026-000001, HB-2026-000001/ITEM, or an id."
        ),
    ),
]
_INTO = _("A file, or a folder if there are several.")


def preview(
    names: Names,
    *,
    pdf: Annotated[
        Path | None, typer.Option("--pdf", metavar=_("FILE"), help=_("Write the paper there.") + " " + _INTO)
    ] = None,
    xml: Annotated[
        Path | None, typer.Option("--xml", metavar=_("FILE"), help=_("Write the electronic order there.") + " " + _INTO)
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help=_("Why; needed over the ceiling and for cancelling."))] = "",
    force: Annotated[bool, typer.Option("--force", help=_("Replace the file that is there."))] = False,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """`avain order preview HB-2026-000001 --pdf order.pdf`. Nothing is stored; looking at an order is recorded, as the law on access logs wants.

    Exit code 1 when nothing of it could be ordered, 3 when some of it could not.
    """
    orders = [name for name in names if _ORDER_NUMBER.fullmatch(name)]
    items = [name for name in names if name not in orders]
    who = actor(as_)
    found = [*_stored(orders, who)] if orders else []
    refused: list[dict[str, str]] = []
    if items:
        proposed, refused = _proposed(items, who, reason)
        found.extend(proposed)
    written = {
        "pdf": _put(found, pdf, "pdf", force=force),
        "xml": _put(found, xml, "xml", force=force),
    }
    data = [
        {**_data(one), **{kind: files[place] for kind, files in written.items() if files}}
        for place, one in enumerate(found)
    ]

    def render() -> None:
        for place, one in enumerate(found):
            _show(one)
            for files in written.values():
                if files and files[place]:
                    console().print(f"→ {files[place]}")
        if refused:
            rows = [[one["item"], one["reason"]] for one in refused]
            console().print(table(_("Not ordered"), [_("Item"), _("Reason")], rows))

    emit({"orders": data, "refused": refused}, as_json, render)
    if refused:
        stop(SOME_REJECTED if found else ERROR)


def _stored(numbers: list[str], who: str) -> list["Preview"]:
    """Orders that exist, as they were stored."""
    from core.settings import settings
    from services import audit
    from services.orders.sending import previewing

    configured = settings()
    with transaction() as session:
        found = [
            previewing.stored(session, number, organisation=configured.organisation, orders=configured.orders)
            for number in numbers
        ]
        for number in numbers:
            audit.record(session, who, "order.viewed", f"order:{number}", now=business_now(session))
    return found


def _proposed(names: list[str], who: str, reason: str) -> tuple[list["Preview"], list[dict[str, str]]]:
    """What approving would order, and what stands against the rest, by the names it was asked for."""
    from core.settings import settings
    from services import audit
    from services.orders.approving.naming import find_items
    from services.orders.sending import previewing

    configured = settings()
    with transaction() as session:
        now = business_now(session)
        ids, unknown = find_items(session, names)
        found, against = previewing.proposed(
            session, ids, reason=reason, now=now,
            settings=configured.orders, organisation=configured.organisation, budgets=configured.budgets,
        )  # fmt: skip
        for case in dict.fromkeys(item.partition("/")[0] for one in found for item in one.items):
            audit.record(session, who, "order.previewed", f"case:{case}", now=now)
    refused = [{"item": name, "reason": why.text()} for name, why in unknown.items()]
    return found, refused + [{"item": one.item, "reason": one.reason.text()} for one in against]


def _put(found: list["Preview"], target: Path | None, kind: str, *, force: bool) -> list[Path | None]:
    """Write each order's paper or document; the files, in the order of `found`. Raises InputError."""
    if target is None or not found:
        return []
    if len(found) > 1 and not target.is_dir():
        raise InputError(
            "These are {count} orders: give a folder that exists instead of {path}.", count=len(found), path=str(target)
        )
    files: list[Path | None] = []
    for one in found:
        content = one.pdf() if kind == "pdf" else one.document
        if content is None:  # a month to come
            files.append(None)
            continue
        file = target / f"{_stem(one)}.{kind}" if target.is_dir() else target
        if not papers.is_there(file, content, force=force):
            papers.put(file, content, force=force)
        files.append(file)
    return files


def _stem(one: "Preview") -> str:
    """What its file is called: the order's number, or whom it would go to and for when."""
    paper = one.paper
    return paper.number or f"{one.items[0].replace('/', '-')}-{paper.seller.business_id}-{paper.first.isoformat()}"


def _data(one: "Preview") -> dict[str, Any]:
    """The JSON of one order: figures in euros, days included; `document` is the XML."""
    paper = one.paper
    total = paper.total
    return {
        "order": paper.number or None,
        "state": one.state,
        "items": list(one.items),
        "orders_on": one.orders_on,
        "provider": paper.seller.name,
        "business_id": paper.seller.business_id,
        "language": paper.language,
        "decision": paper.decision_number,
        "contract": paper.contract,
        "first_day": paper.first,
        "last_day": paper.last,
        "total_net": total.net,
        "total_vat": total.vat,
        "total_gross": total.gross,
        "lines": [asdict(line) for line in paper.lines],
        "sha256": one.sha256,
        "document": None if one.document is None else one.document.decode(),
    }


def _show(one: "Preview") -> None:
    from services.orders.show import state_name

    paper, total = one.paper, one.paper.total
    state = state_name(one.state) if one.state else _("not ordered yet")
    if one.orders_on:
        state = _("ordered on {date}, once approved").format(date=day(one.orders_on))
    console().print(
        Text.assemble(
            (paper.number or _("Would be ordered"), "bold"), f"  {paper.seller.name}  {state}  {money(total.gross)}"
        )
    )
    rows = [
        [
            line.number,
            what_is_priced(line.service, line.extra),
            f"{day(line.first)}–{day(line.last)}",
            amount(line.quantity, line.unit),
            unit_price(line.price, line.unit, line.base_quantity),
            money(line.gross),
        ]
        for line in paper.lines
    ]
    columns = [_("Line"), _("Service"), _("Period"), _("Quantity"), _("Price"), _("Total")]
    console().print(table(_("Lines"), columns, rows, right=[0, 3, 4, 5]))
    console().print(_("without VAT {net}, VAT {vat}").format(net=money(total.net), vat=money(total.vat)))
    console().print(
        _("Decision {decision}, {date}").format(decision=paper.decision_number, date=day(paper.decision_date))
    )
