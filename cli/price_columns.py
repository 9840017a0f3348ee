"""`avain price columns`: what a provider's own column titles mean."""

from typing import Annotated

import typer

from cli.common import As, DryRun, Json, actor, console, emit, table, transaction
from core.errors import InputError
from core.i18n import _


def register(app: typer.Typer) -> None:
    """Add the command to `avain price`."""
    app.command("columns", help=_("What the column titles of a provider's price lists mean; said once, remembered."))(
        columns
    )


def columns(  # noqa: PLR0917 - options of a command
    provider: Annotated[
        str, typer.Argument(metavar=_("PROVIDER"), help=_("Its business id, name, or the beginning of its name."))
    ],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar=_("TITLE=COLUMN"), help=_("A title, and the column it means."))
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", metavar=_("TITLE"), help=_("A title that means nothing to us."))
    ] = None,
    forget: Annotated[
        list[str] | None, typer.Option("--forget", metavar=_("TITLE"), help=_("Forget what a title means."))
    ] = None,
    dry_run: DryRun = False,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """`avain price columns 1234567-1 --set "Taksa=price" --ignore "Huom"`; without options it lists what is remembered."""
    from connectors.prices.table.words import COLUMNS
    from core.clock import business_now
    from services.names import provider_of
    from services.prices.columns import column_meanings, forget_column, learn_column

    said = [_parted(one) for one in set_ or []] + [(title, "") for title in ignore or []]
    with transaction(dry_run=dry_run and bool(said or forget)) as session:
        provider_id, who, now = provider_of(session, provider), actor(as_), business_now(session)
        for title, meaning in said:
            learn_column(session, provider_id, title, meaning, actor=who, now=now)
        for title in forget or []:
            forget_column(session, provider_id, title, actor=who, now=now)
        known = column_meanings(session, provider_id)

    def render() -> None:
        rows = [(title, meaning or _("(ignored)")) for title, meaning in known.items()]
        console().print(
            table(_("Column titles of {provider}").format(provider=provider), (_("Title"), _("Column")), rows)
        )
        console().print(_("Columns: {names}").format(names=", ".join(COLUMNS)), markup=False)

    emit({"provider": provider, "columns": known}, as_json, render)


def _parted(said: str) -> tuple[str, str]:
    title, sign, column = said.rpartition("=")
    if not (sign and title.strip() and column.strip()):
        raise InputError("{value}: write a title, an equals sign and a column, such as Taksa=price", value=said)
    return title.strip(), column.strip()
