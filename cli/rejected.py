"""`avain rejected`: records that were left out, equal ones as one line; look, discard with a note, read the source again."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.common import LARGEST_ID, As, DryRun, Json, Limit, actor, console, emit, sub_app, table, transaction
from cli.source_following import NOW, ask_and_follow
from core.clock import business_now
from core.i18n import _, moment
from services.labels import field_name

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

app = sub_app(_("Records that were left out of a file."))

Id = Annotated[
    int,
    typer.Argument(min=1, max=LARGEST_ID, metavar=_("ID"), help=_("The number of a rejected record or of its group.")),
]


@app.command("list", help=_("Open ones, equal reasons as one line."))
def list_rejected(
    source: Annotated[str | None, typer.Option(help=_("Only of this source."))] = None, as_json: Json = False
) -> None:
    """One line per source, reason and field, the most frequent first."""
    from core.settings import settings
    from services import names
    from services.rejected import grouped
    from services.sources import all_sources

    with transaction() as session:
        configured = [one.name for one in all_sources(settings().sources)]
        names.must_exist(session, "--source", source, "rejected", besides=configured)
        groups = grouped(session, source)

    def render() -> None:
        body = [
            [one.id, one.count, one.source, f"{one.file_name}:{one.position}", one.external_id,
             field_name(one.field, one.reason if one.count == 1 else None), one.reason.text()]
            for one in groups
        ]  # fmt: skip
        columns = [_("Id"), _("Number"), _("Source"), _("First at"), _("Record"), _("Field"), _("Reason")]
        console().print(table(_("Rejected records"), columns, body, right=[0, 1]))

    emit([vars(one) for one in groups], as_json, render)


@app.command("show", help=_("Every record of a group."))
def show(rejected: Id, limit: Limit = 100, as_json: Json = False) -> None:
    """File, position and reason of each; the content stays in the source."""
    from services.rejected import members

    with transaction() as session:
        found = members(session, rejected, limit)

    def render() -> None:
        body = [
            [one.id, one.run_id, f"{one.file_name}:{one.position}", one.external_id, field_name(one.field, one.reason), one.reason.text(),
             moment(one.settled_at) if one.settled_at else "", one.note]
            for one in found
        ]  # fmt: skip
        columns = [_("Id"), _("Run"), _("At"), _("Record"), _("Field"), _("Reason"), _("Settled"), _("Note")]
        console().print(table(_("Rejected records"), columns, body, right=[0, 1]))

    emit([vars(one) for one in found], as_json, render)


@app.command("discard", help=_("Let a rejected record rest, with a note."))
def discard(  # noqa: PLR0917 - options of a command
    rejected: Id,
    note: Annotated[str, typer.Option(help=_("Why it may rest."))],
    group: Annotated[bool, typer.Option("--group", help=_("The whole group."))] = False,
    dry_run: DryRun = False,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """A later run that meets the record again records it anew."""
    from services.rejected import let_rest

    with transaction(dry_run=dry_run) as session:
        now = business_now(session)
        count = let_rest(session, rejected, note, actor=actor(as_), now=now, whole_group=group)
    sentence = _("Discarded: {count}").format(count=count)
    emit({"rejected": rejected, "discarded": count}, as_json, lambda: console().print(sentence))


@app.command("retry", help=_("Try rejected records again: one, its group, or all open ones of a source."))
def retry(  # noqa: PLR0917 - options of a command
    rejected: Annotated[
        int | None,
        typer.Argument(
            min=1, max=LARGEST_ID, metavar=_("[ID]"), help=_("The number of a rejected record or of its group.")
        ),
    ] = None,
    group: Annotated[bool, typer.Option("--group", help=_("The whole group."))] = False,
    source: Annotated[str | None, typer.Option(help=_("With --all: the source whose open records are meant."))] = None,
    everything: Annotated[bool, typer.Option("--all", help=_("All open records of the source."))] = False,
    inline: Annotated[bool, typer.Option("--inline", help=_("Do it in this process instead of a worker's."))] = False,
    now: Annotated[bool, typer.Option("--now", help=NOW)] = False,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """Only the source has a record's content: it is read anew, and of cases the chosen records alone are applied. A price list is one
    whole: it is read again from its beginning to its end.
    """
    from core.settings import settings
    from services.asking import Asked, retry_rejected

    if (rejected is None) != everything or (source is not None) != everything or (group and everything):
        raise typer.BadParameter(
            _("Name a rejected record (with --group: all like it), or a source with --source NAME --all.")
        )

    def asks(session: "Session") -> Asked:
        return retry_rejected(
            session, settings().sources, rejected, actor=actor(as_), now=business_now(session), by="cli", source=source, whole_group=group,
            at_any_hour=now,
        )  # fmt: skip

    ask_and_follow(asks, inline, 3600, as_json)
