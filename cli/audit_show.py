"""`avain audit show`: what was done; of a case everything that concerns it, with names and purposes, and the extract for a client."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import papers
from cli.common import As, DryRun, Json, actor, complaints, console, emit, table, transaction
from core.clock import business_now, local_date
from core.errors import InputError
from core.i18n import _, moment
from services.audit_actions import action_name

if TYPE_CHECKING:
    from datetime import date

    from services.audit_of_case import Entry


def show(
    subject: Annotated[str | None, typer.Argument(help=_("For example case:HB-2026-000001"))] = None,
    *,
    case: Annotated[
        str | None, typer.Option("--case", metavar="HB-…", help=_("Everything that concerns this case."))
    ] = None,
    extract: Annotated[
        Path | None,
        typer.Option(
            "--extract",
            metavar=_("FILE"),
            help=_("With --case: the extract for the client, .pdf or .xlsx, in Finnish."),
        ),
    ] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help=_("With --case: the first day."))
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help=_("With --case: the last day."))
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help=_("With --extract: the special reason to go further back than usual."))
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help=_("How many events."))] = 50,
    force: Annotated[bool, typer.Option("--force", help=_("Replace the file that is there."))] = False,
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Looking is recorded, and so is making an extract."""
    days = (first and first.date(), last and last.date())
    if case is None:
        if extract is not None or any(days):
            raise typer.BadParameter(_("--extract, --from and --to go with --case."))
        _show_all(subject, limit, actor(as_), dry_run=dry_run, as_json=as_json)
    elif subject is not None:
        raise typer.BadParameter(_("Give either a subject or --case."))
    elif extract is None:
        _show_case(case, days, limit, actor(as_), dry_run=dry_run, as_json=as_json)
    else:
        _make(case, days, reason, extract, actor(as_), force=force, dry_run=dry_run, as_json=as_json)


def _show_all(subject: str | None, limit: int, who: str, *, dry_run: bool, as_json: bool) -> None:
    from services import audit

    with transaction(dry_run=dry_run) as session:
        found = audit.events(session, subject, limit)
        said = {} if subject is None else {"of_subject": subject}
        audit.record(session, who, "audit.listed", "audit", now=business_now(session), count=len(found), **said)
    emit(
        found,
        as_json,
        lambda: console().print(
            table(
                _("Audit trail"),
                [_("When"), _("Who"), _("What"), _("To what"), _("Why")],
                [[moment(e["at"]), e["actor"], action_name(e["action"]), e["subject"], e["reason"]] for e in found],
            )
        ),
    )


def _show_case(
    number: str, days: "tuple[date | None, date | None]", limit: int, who: str, *, dry_run: bool, as_json: bool
) -> None:
    from services import audit, audit_of_case
    from services.audit_extract import Period
    from services.audit_purposes import purpose_of

    with transaction(dry_run=dry_run) as session:
        now = business_now(session)
        case = audit_of_case.case_of(session, number)
        first, after = Period(days[0], days[1] or local_date(now)).moments
        wanted = audit_of_case.Wanted(first=first, after=after)
        found = audit_of_case.entries(session, case, wanted, limit=limit)
        audit.record(session, who, "audit.case_viewed", f"case:{case.number}", now=now, count=len(found))

    def told(one: "Entry") -> dict[str, object]:
        return {
            "at": one.at,
            "who": one.actor.name,
            "role": one.role,
            "unit": one.actor.unit,
            "action": one.action,
            "order": one.order,
            "listed": one.listed,
            "reason": one.reason,
        }

    emit(
        [told(one) for one in found],
        as_json,
        lambda: console().print(
            table(
                _("Who has handled case {case}").format(case=case.number),
                [_("When"), _("Who"), _("What"), _("Why")],
                [
                    [
                        moment(one.at),
                        ", ".join(part for part in (one.actor.name, one.role, one.actor.unit) if part),
                        f"{action_name(one.action)} {one.order or ''}".rstrip(),
                        purpose_of(one.action),
                    ]
                    for one in found
                ],
            )
        ),
    )


def _make(
    number: str,
    days: "tuple[date | None, date | None]",
    reason: str,
    target: Path,
    who: str,
    *,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    from core.settings import settings
    from services import audit_extract

    form = target.suffix.lower().removeprefix(".")
    if form not in audit_extract.FORMS:
        raise InputError("The file's name must end with .pdf or .xlsx.")
    with transaction(dry_run=dry_run) as session:
        now = business_now(session)
        period = audit_extract.period(*days, reason, today=local_date(now), years=settings().audit.request_years)
        found = audit_extract.extract_of(session, number, period, now=now, settings=settings())
        made = audit_extract.make(found, form)
        papers.is_there(target, made.content, force=force)
        audit_extract.note_made(session, who, found, made, form, now=now)
    if not dry_run:  # recorded first: what can be read has been recorded
        papers.put(target, made.content, force=True)
    data = {"case": found.case.number, "path": str(target), "sha256": made.sha256, "events": len(found.entries)}
    emit(data, as_json, lambda: console().print(str(target), markup=False))
    if found.case.non_disclosure and not as_json:
        complaints().print(
            _("The client is under non-disclosure (turvakielto): hand the extract over in person only."), markup=False
        )
