"""`avain price mail`: providers' e-mails of which nobody can tell whose price list they bring, and a person's word on them."""

from typing import Annotated, Any

import typer

from cli.common import As, DryRun, Json, Limit, actor, console, emit, sub_app, table, transaction
from core.errors import Message
from core.i18n import _, moment

app = sub_app(_("E-mails that bring price lists, and those that wait for a person."))

Mail = Annotated[str, typer.Argument(metavar=_("MAIL"), help=_("The number of the e-mail, or its file's name."))]


@app.command("list", help=_("List the e-mails that wait for a person."))
def list_mails(
    everything: Annotated[bool, typer.Option("--all", help=_("Also those that were taken or discarded."))] = False,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """`avain price mail list`."""
    from services.price_mail import listed

    with transaction() as session:
        rows = listed(session, everything=everything, limit=limit)
    for row in rows:
        row["reason"] = Message.from_json(row["reason"]).text() if row["reason"] else None
        for one in row["attachments"]:
            one["reason"] = Message.from_json(one["reason"]).text() if one["reason"] else None
    columns = (_("Number"), _("Source"), _("File"), _("Sender"), _("Sent"), _("Brings"), _("State"), _("Why it waits"))
    emit(rows, as_json, lambda: console().print(table(_("E-mails with price lists"), columns, map(_row, rows))))


@app.command(help=_("Say whose price list an e-mail brings; it is then read as that provider's."))
def assign(  # noqa: PLR0917 - options of a command
    mail: Mail,
    provider: Annotated[str, typer.Argument(metavar=_("PROVIDER"), help=_("The provider's business id."))],
    attachment: Annotated[
        str | None, typer.Option("--attachment", metavar=_("FILE"), help=_("Which of the files that came with it."))
    ] = None,
    note: Annotated[str, typer.Option("--note", help=_("Why; it is recorded."))] = "",
    dry_run: DryRun = False,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """`avain price mail assign 7 1234567-1`: calls for the mail source to be read."""
    from core.clock import business_now
    from core.settings import settings
    from services import price_mail
    from services.sources import call_fetch, find_source

    with transaction(dry_run=dry_run) as session:
        found = price_mail.assign(
            session, mail, provider, attachment=attachment, actor=actor(as_), note=note, now=business_now(session)
        )
        source = find_source(settings().sources, found.source)
        call_fetch(session, source, f"mail-{found.id}", now=True)
        data = {
            "mail": found.id,
            "file": found.file_name,
            "state": found.state,
            "provider": provider,
            "source": source.name,
        }
    told = _("The e-mail {file} will be read as the price list of {provider}.").format_map(data)
    emit(data, as_json, lambda: console().print(told, markup=False))


@app.command(help=_("Discard an e-mail that waits; nothing of it is imported."))
def discard(
    mail: Mail,
    note: Annotated[str, typer.Option("--note", help=_("Why; it is recorded."))],
    dry_run: DryRun = False,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """`avain price mail discard 7 --note "an advertisement"`."""
    from core.clock import business_now
    from services import price_mail

    with transaction(dry_run=dry_run) as session:
        found = price_mail.discard(session, mail, actor=actor(as_), note=note, now=business_now(session))
        data = {"mail": found.id, "file": found.file_name, "state": found.state}
    emit(data, as_json, lambda: console().print(_("Discarded.")))


def _row(row: dict[str, Any]) -> list[Any]:
    from services.price_mail import state_in_words

    brings = "\n".join(one["name"] for one in row["attachments"])
    state = state_in_words(row["state"]).text() + (f": {row['provider']}" if row["provider"] else "")
    return [
        row["id"], row["source"], row["file_name"], row["sender"], moment(row["sent_at"]), brings, state,
        row["reason"] or row["note"],
    ]  # fmt: skip
