"""`avain audit`: whether the trail of who saw and did what is as it was sealed, and removing what was kept long enough."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.status import Status
from sqlalchemy import text
from sqlalchemy.orm import Session

from cli import audit_show
from cli.common import ERROR, As, DryRun, Json, actor, complaints, console, emit, stop, sub_app, table, transaction
from core.clock import business_now, business_today
from core.errors import InputError
from core.i18n import _, day, moment, ngettext
from core.reasons import os_reason

if TYPE_CHECKING:
    from services.audit_seals.findings import Verified

app = sub_app(_("Who saw and did what; whether it is as it was sealed."))

Reason = Annotated[str, typer.Option("--reason", help=_("Why; it stands in the trail."))]


app.command(
    "show", help=_("What was done, newest first; of a case: by whom and why, also as an extract for the client.")
)(audit_show.show)


@app.command(
    "verify", help=_("Check every event against its seal; name the first that is not as it was sealed (exit 1).")
)
def verify(
    month: Annotated[
        str | None, typer.Option("--month", metavar="2026-11", help=_("Only what was sealed in this month."))
    ] = None,
    as_json: Json = False,
) -> None:
    """Walk the chain beside the anchor file; reads only."""
    from core.database import statements
    from core.settings import settings
    from services.audit_seals.verifying import verify

    only, file = _month(month), settings().audit_anchors
    begun = perf_counter()
    with statements() as session, _status(quiet=as_json) as told:
        try:
            found = verify(session, file, first=only, last=only, told=told)
        except OSError as error:
            raise InputError(
                "The anchor file {path} cannot be read: {error}", path=str(file), error=os_reason(error)
            ) from error
    seconds = perf_counter() - begun
    emit(_told(found, seconds), as_json, lambda: _print(found, seconds))
    if found.broken is not None:
        stop(ERROR)


@app.command("purge", help=_("Remove what old events say; when and what was done stays, and so do the seals."))
def purge(
    before: Annotated[
        str, typer.Option("--before", metavar="2014-11-01", help=_("What was recorded before this day."))
    ],
    reason: Reason = "",
    as_json: Json = False,
    dry_run: DryRun = False,
    as_: As = None,
) -> None:
    """Needs the owner of the tables (AVAIN_DATABASE_OWNER_URL); recorded in the trail itself."""
    from core.settings import settings
    from services.audit_seals import purging

    try:
        day_before = date.fromisoformat(before)
    except ValueError as error:
        raise InputError("{text} is not a day; write it like 2014-11-01", text=before) from error
    with _as_owner() as session:
        what = purging.plan(session, day_before, today=business_today(session), keep_years=settings().audit.keep_years)
        record = None
        if not dry_run and what.count:
            record = purging.purge(session, what, actor=actor(as_), reason=reason.strip(), now=business_now(session))
    told: dict[str, Any] = {"before": day_before, "purged": what.count, "oldest": what.oldest, "record": record}
    if dry_run:
        told["dry_run"] = True
        complaints().print(_("Dry run: nothing was changed."))

    def render() -> None:
        if not what.count:
            console().print(_("Nothing that is old enough is left to be purged."))
            return
        console().print(
            ngettext(
                "What {count} event from before {date} says is purged.",
                "What {count} events from before {date} say is purged.",
                what.count,
            ).format(count=what.count, date=day(day_before))
        )

    emit(told, as_json, render)


@app.command("anchor-anew", help=_("Begin the anchors anew after the anchor file was lost or the database restored."))
def anchor_anew(reason: Reason, as_json: Json = False, as_: As = None) -> None:
    """What was anchored before is not compared any more; that is recorded, and told by every verification."""
    from core.settings import settings
    from services.audit_seals import anchoring, sealing

    file = settings().audit_anchors
    with transaction() as session:
        now = sealing.look(session).moment
        begun = anchoring.anchor_anew(session, file, actor=actor(as_), reason=reason, moment=now)
    emit(
        {"anchor": begun.number, "month": f"{begun.month:%Y-%m}", "position": begun.position, "file": file},
        as_json,
        lambda: console().print(_("The anchors begin anew with number {number}.").format(number=begun.number)),
    )


def _month(written: str | None) -> date | None:
    if written is None:
        return None
    try:
        return datetime.strptime(written, "%Y-%m").replace(tzinfo=None).date()  # noqa: DTZ007 - a month has no zone
    except ValueError as error:
        raise InputError("{text} is not a month; write it like 2026-11", text=written) from error


@contextmanager
def _as_owner() -> Iterator[Session]:
    """One transaction of the tables' owner, in which everything is seen as at its beginning."""
    from core.database import database_owner_url, make_engine

    engine = make_engine(database_owner_url(), pool_size=1)
    try:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
            connection.execute(text("SELECT 1"))
            with Session(connection, expire_on_commit=False) as session:
                yield session
    finally:
        engine.dispose()


@contextmanager
def _status(*, quiet: bool) -> Iterator[Any]:
    """A line on a terminal that says how far it is."""
    with Status("", console=complaints()) as status:
        if quiet or not status.console.is_terminal:
            status.stop()
        yield lambda count: status.update(_("events verified: {count} …").format(count=count))


def _told(found: "Verified", seconds: float) -> dict[str, Any]:
    broken = found.broken
    return {
        "whole": broken is None,
        "broken": None if broken is None else {**broken.to_json(), "message": broken.message},
        "verified": found.events,
        "purged": found.purged,
        "waiting": found.waiting,
        "waiting_since": found.waiting_since,
        "anchors": found.anchors,
        "not_anchored": found.not_anchored,
        "anchored_anew": found.anchored_anew,
        "seconds": round(seconds, 3),
    }


def _print(found: "Verified", seconds: float) -> None:
    if found.broken is not None:
        complaints().print(_("The audit trail is not as it was sealed."))
        complaints().print(found.broken.message.text())
        complaints().print(_("Events before that, all as they were sealed: {count}").format(count=found.events))
        return
    rows: list[tuple[str, str]] = [
        (_("Events as they were sealed"), str(found.events)),
        (_("of them purged, with a record"), str(found.purged)),
        (_("Anchors that agree"), str(found.anchors)),
        (_("Sealed since the last anchor"), str(found.not_anchored)),
        (_("Not sealed yet"), str(found.waiting)),
        (_("the oldest of them since"), "–" if found.waiting_since is None else moment(found.waiting_since)),
        (_("Seconds"), f"{seconds:.1f}"),
    ]
    if found.anchored_anew is not None:
        rows.append((_("Anchored anew on"), moment(datetime.fromisoformat(found.anchored_anew))))
    console().print(table(_("The audit trail is as it was sealed"), ["", ""], rows, right=[1]))
