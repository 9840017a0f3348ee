"""`avain price reply`: a draft to the provider of a list whose rows could not all be used."""

from pathlib import Path
from typing import Annotated

import typer

from cli.common import Json, console, emit, transaction
from cli.price import ListId
from core.i18n import _


def register(app: typer.Typer) -> None:
    """Add the command to `avain price`."""
    app.command(
        "reply", help=_("Write a draft to the provider that lists the rejected rows and what to do about them.")
    )(reply)


def reply(
    price_list: ListId,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar=_("FILE"), help=_("An .eml file, to be opened in a mail program."))
    ],
    as_json: Json = False,
) -> None:
    """`avain price reply 7 -o reply.eml`: nothing is sent; a person reads it, changes it and sends it."""
    from core.settings import settings
    from services.labels import field_name
    from services.price_reply import write_reply

    with transaction() as session:
        written = write_reply(session, price_list, settings(), field_name)
    output.write_bytes(written.content)
    data = {
        "price_list": price_list, "file": str(output), "to": written.recipient, "language": written.language, "rows": written.rows
    }  # fmt: skip
    told = _("A draft was written to {file} (rows: {rows}). It has not been sent.").format_map(data)
    emit(data, as_json, lambda: console().print(told, markup=False))
