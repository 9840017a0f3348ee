"""`avain incoming`: what came in about orders; look, apply or discard what was held."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.common import (
    LARGEST_ID,
    As,
    DryRun,
    Json,
    Limit,
    actor,
    complaints,
    console,
    emit,
    sub_app,
    table,
    transaction,
)
from core.clock import business_now
from core.errors import Message
from core.i18n import _, day, moment, number

if TYPE_CHECKING:
    from services.orders.replies.incoming_held import IncomingLine

app = sub_app(_("Answers, invoices and delivered quantities that came in."))

Document = Annotated[
    int, typer.Argument(min=1, max=LARGEST_ID, metavar=_("DOCUMENT"), help=_("The document's number in the list."))
]


@app.command(
    "list", help=_("Documents about orders, the latest first; those that wait for a person, unless told otherwise.")
)
def list_documents(
    state: Annotated[str | None, typer.Option(help=_("Only those in this state."))] = None,
    kind: Annotated[str | None, typer.Option(help=_("Only those of this kind."))] = None,
    everything: Annotated[bool, typer.Option("--all", help=_("Of all states."))] = False,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """`avain incoming list`."""
    from models.answer import INCOMING_KINDS
    from services import names
    from services.orders.replies import incoming_held
    from services.orders.words import incoming_name, settled_name

    with transaction() as session:
        names.must_be_one_of("--state", state, incoming_held.STATES)
        names.must_be_one_of("--kind", kind, INCOMING_KINDS)
        states = (state,) if state else None if everything else ("held",)
        rows = incoming_held.listed(session, states=states, kind=kind, limit=limit)

    def render() -> None:
        columns = (
            _("Document"), _("Came"), _("Source"), _("File"), _("Kind"), _("Number"), _("Order"), _("Provider"), _("State"), _("Reason"),
        )  # fmt: skip
        body = [
            [one.id, moment(one.recorded_at), one.source, one.file_name, incoming_name(one.kind), one.number, one.order_number,
             one.provider, settled_name(one.state), one.note or one.reason]
            for one in rows
        ]  # fmt: skip
        console().print(table(_("What came in about orders"), columns, body, right=[0]))

    emit([_as_json(one) for one in rows], as_json, render)


@app.command("show", help=_("One document: what was read of it, and what became of it."))
def show(document: Document, as_: As = None, as_json: Json = False) -> None:
    """Looking is recorded. What people wrote in a document was never kept."""
    from services import audit
    from services.orders.replies import incoming_held
    from services.orders.replies.delivered import Report
    from services.orders.words import incoming_name, settled_name

    with transaction() as session:
        row, order = incoming_held.shown(session, document)
        reason = Message.from_json(row.reason) if row.reason else None
        data: dict[str, Any] = {
            "id": row.id, "source": row.source, "file_name": row.file_name, "sha256": row.sha256, "kind": row.kind, "number": row.number,
            "sender": row.sender, "order": order, "state": row.state, "reason": reason.text() if reason else None, "run": row.run_id,
            "recorded_at": row.recorded_at, "settled_at": row.settled_at, "settled_by": row.settled_by, "note": row.note,
            "content": row.content,
        }  # fmt: skip
        refused = [Message.from_json(one) for one in row.content.get("refused", [])] if row.kind == "delivered" else []
        held = [Report.from_json(one) for one in row.content.get("held", [])] if row.kind == "delivered" else []
        audit.record(session, actor(as_), "incoming.viewed", f"incoming:{document}", now=business_now(session))

    def render() -> None:
        kept = [
            (_("File"), f"{row.source}: {row.file_name}"),
            (_("Kind"), incoming_name(row.kind)),
            (_("Number"), row.number or "–"),
            (_("Order"), order or "–"),
            (_("Sender"), row.sender or "–"),
            (_("State"), settled_name(row.state)),
            (_("Reason"), reason or "–"),
            (_("Note"), row.note or "–"),
        ]
        console().print(table(_("Document {id}").format(id=document), [_("What"), _("Value")], kept))
        for sentence in refused:
            console().print(sentence.text(), markup=False)
        if held:
            told = [[one.number, one.line, f"{day(one.first)}–{day(one.last)}", number(one.quantity)] for one in held]
            console().print(
                table(_("What waits"), [_("Order"), _("Line"), _("Period"), _("Quantity")], told, right=[1, 3])
            )

    emit(data, as_json, render)


@app.command("apply", help=_("Do what a held document says."))
def apply(
    document: Document,
    reason: Annotated[str, typer.Option("--reason", help=_("Why; it is recorded."))] = "",
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """An answer moves its order; quantities that went beyond the order are taken as they were told."""
    from services.orders.replies import incoming_held

    with transaction(dry_run=dry_run) as session:
        left = incoming_held.apply(session, document, actor=actor(as_), reason=reason, now=business_now(session))
        row, order = incoming_held.shown(session, document)
        data = {"document": document, "state": row.state, "order": order, "left": [one.text() for one in left]}

    def render() -> None:
        console().print(_("Document {id} is applied.").format(id=document))
        for one in left:
            complaints().print(one.text(), markup=False)

    emit(data, as_json, render)


@app.command("discard", help=_("Let a held document be; nothing of it is done."))
def discard(
    document: Document,
    reason: Annotated[str, typer.Option("--reason", help=_("Why; it is recorded."))],
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Changes that a provider proposed are declined with it: tell the provider."""
    from services.orders.replies import incoming_held

    with transaction(dry_run=dry_run) as session:
        incoming_held.discard(session, document, actor=actor(as_), reason=reason, now=business_now(session))
    emit({"document": document, "state": "discarded"}, as_json, lambda: console().print(_("Discarded.")))


def _as_json(one: "IncomingLine") -> dict[str, Any]:
    return {**asdict(one), "reason": one.reason.text() if one.reason else None}
