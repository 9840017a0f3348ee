"""`avain case hold|unhold|export`: having a case stay whatever its age, and a copy of everything about a client."""

from pathlib import Path
from typing import Annotated

import typer

from cli import papers
from cli.common import As, DryRun, Json, actor, complaints, console, emit, transaction
from core.clock import business_now
from core.errors import InputError
from core.i18n import _

Case = Annotated[str, typer.Argument(metavar=_("CASE"), help=_("Its number, such as HB-2026-000001."))]
Reason = Annotated[str, typer.Option("--reason", help=_("Why; it is recorded."))]


def register(app: typer.Typer) -> None:
    """Hang the commands into `avain case`."""
    app.command("hold", help=_("Have a case kept whatever its age, until the hold is ended."))(hold)
    app.command("unhold", help=_("End that a case is kept whatever its age."))(unhold)
    app.command("export", help=_("A copy of everything about the case's client, for the client: a zip."))(export)


def hold(case: Case, reason: Reason, *, dry_run: DryRun = False, as_: As = None, as_json: Json = False) -> None:
    """Nothing of it is removed by retention; the case's page says that it is held."""
    from services.retention import holds

    with transaction(dry_run=dry_run) as session:
        holds.hold(session, case, actor=actor(as_), reason=reason, now=business_now(session))
    said = _("Case {case} is kept until further notice.").format(case=case)
    emit({"case": case, "held": True}, as_json, lambda: console().print(said))


def unhold(case: Case, reason: Reason, *, dry_run: DryRun = False, as_: As = None, as_json: Json = False) -> None:
    """From then on its age counts again."""
    from services.retention import holds

    with transaction(dry_run=dry_run) as session:
        holds.unhold(session, case, actor=actor(as_), reason=reason, now=business_now(session))
    said = _("Case {case} is kept as long as others are.").format(case=case)
    emit({"case": case, "held": False}, as_json, lambda: console().print(said))


def export(
    case: Case,
    to: Annotated[Path, typer.Option("--to", metavar=_("FILE"), help=_("Where to put the zip."))],
    asked_by: Annotated[
        str, typer.Option("--asked-by", help=_("Whose request it is: child, parent or adult (the client)."))
    ],
    reason: Reason,
    *,
    with_identity: Annotated[
        bool, typer.Option("--with-identity", help=_("With the name and the henkilötunnus; opening them is recorded."))
    ] = False,
    with_notes: Annotated[
        bool,
        typer.Option(
            "--with-notes",
            help=_("With workers' own words about follow-ups. Read them first: they may tell of others."),
        ),
    ] = False,
    in_person: Annotated[
        bool,
        typer.Option(
            "--in-person",
            help=_("It is handed over in person, to somebody who has shown who they are. Needed under non-disclosure."),
        ),
    ] = False,
    only_this_case: Annotated[
        bool, typer.Option("--only-this-case", help=_("None of the client's other cases."))
    ] = False,
    language: Annotated[str, typer.Option(help=_("Language of the page: fi, sv or en."))] = "fi",
    force: Annotated[bool, typer.Option("--force", help=_("Replace the file that is there."))] = False,
    dry_run: DryRun = False,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """Recorded before the file is there: nobody reads what is in no trail."""
    from core.settings import settings
    from services.client_export import Asked
    from services.client_export import export as make

    asked = Asked(asked_by, reason, with_identity, with_notes, in_person, only_this_case)
    if to.suffix.lower() != ".zip":
        raise InputError("The copy is a zip: name a file that ends in .zip.")
    with transaction(dry_run=dry_run) as session:
        made = make(session, case, asked, language, actor=actor(as_), now=business_now(session), settings=settings())
        papers.is_there(to, made.content, force=force)
    if not dry_run:
        papers.put(to, made.content, force=force)
    left_out = [one.text() for one in made.left_out]
    data = {
        "case": case,
        "cases": made.cases,
        "file": to,
        "sha256": made.sha256,
        "bytes": len(made.content),
        "left_out": left_out,
    }

    def render() -> None:
        if not dry_run:
            console().print(_("The copy is in {file}.").format(file=to))
        for sentence in left_out:
            complaints().print(sentence)

    emit(data, as_json, render)
