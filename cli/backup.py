"""`avain db backup` and `avain db restore`: a copy of the database, and an installation from one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.status import Status

from cli.common import As, DryRun, Json, actor, complaints, console, emit, ended_in_order, table, transaction
from core.errors import Message
from core.i18n import HELSINKI, N_, _, moment, number

if TYPE_CHECKING:
    from services.backup.making import Made
    from services.backup.restoring import Plan

#: What is being done, by the step that is told.
_STEPS: Final = {
    "copying": N_("Copying the database: {megabytes} MB …"),
    "reading": N_("Reading the copy again …"),
    "adding": N_("Calculating the checksum …"),
    "rows": N_("Putting the copy into the database …"),
    "shape": N_("Bringing the tables to this version's shape …"),
    "statistics": N_("Counting what is in the tables …"),
}


def register(app: typer.Typer) -> None:
    """Add the commands to `avain db`."""
    app.command("backup", help=_("Make a copy of the database in a new file, while everything goes on."))(backup)
    app.command("restore", help=_("Put a copy into a new, empty database; nothing leaves it until somebody says so."))(
        restore
    )


def backup(
    file: Annotated[
        Path,
        typer.Argument(metavar=_("FILE"), help=_("A new file, or a folder: then the file is named by day and time.")),
    ],
    as_json: Json = False,
    as_: As = None,
) -> None:
    """Needs the owner of the tables (AVAIN_DATABASE_OWNER_URL) and pg_dump of the server's version; recorded in the audit trail."""
    from core.clock import business_now
    from core.database import database_owner_url
    from services import audit
    from services.backup.making import make

    _remember_keys()
    with ended_in_order(), _status(quiet=as_json) as told:
        made = make(database_owner_url(), _named(file), told=told)
    with transaction() as session:
        audit.record(
            session, actor(as_), "database.backed_up", f"backup:{made.file.name}", now=business_now(session),
            sha256=made.sha256, bytes=made.size,
        )  # fmt: skip
    emit(_as_json(made), as_json, lambda: _print_made(made))


def _remember_keys() -> None:
    """So that a restored copy can tell whether it was given the right ones."""
    from core.keys import fingerprints
    from core.settings import settings
    from services.backup import keys

    with transaction() as session:
        keys.remember(session, fingerprints(settings()))


def _named(file: Path) -> Path:
    """The file itself, or one in the folder with the present moment in its name."""
    if not file.is_dir():
        return file
    return file / f"avain-{datetime.now(HELSINKI):%Y-%m-%dT%H%M%S}.dump"


def _as_json(made: "Made") -> dict[str, Any]:
    return {
        "file": made.file.absolute(),
        "sha256": made.sha256,
        "bytes": made.size,
        "taken_at": made.taken_at,
        "shape": made.revision,
        "server": made.server,
        "seconds": round(made.seconds, 3),
    }


def _print_made(made: "Made") -> None:
    rows = [
        (_("Holds what was committed by"), moment(made.taken_at)),
        (_("Megabytes"), _megabytes(made.size)),
        ("SHA-256", made.sha256),
        (_("Shape"), made.revision),
        (_("Seconds"), f"{made.seconds:.1f}"),
    ]
    console().print(table(_("{path} is written, and was read again").format(path=made.file), ["", ""], rows))
    console().print(
        _(
            "It holds clients' data: keep it where only administrators get, on another machine, and the keys elsewhere. What else belongs to a"
            " backup: docs/backup.md"
        )
    )


def restore(
    file: Annotated[
        Path, typer.Argument(metavar=_("FILE"), help=_("A file of avain db backup, or of pg_dump --format=custom."))
    ],
    as_json: Json = False,
    dry_run: DryRun = False,
    as_: As = None,
) -> None:
    """Into the empty database that AVAIN_DATABASE_URL and AVAIN_DATABASE_OWNER_URL name; all of the copy or nothing."""
    from core.database import database_owner_url, database_url
    from services.backup import restoring

    owner, app = database_owner_url(), database_url()
    with ended_in_order(), _status(quiet=as_json) as told:
        what = restoring.plan(owner, app, file, told=lambda: told("adding", 0))
        if not dry_run:
            seconds = restoring.restore(owner, app, what, told=lambda step: told(step, 0))
            _take_in(what, actor(as_))
            restoring.open_to_the_application(owner, what)
    if dry_run:
        complaints().print(_("Dry run: nothing was changed."))
        emit({**_plan_as_json(what), "dry_run": True}, as_json, lambda: _print_plan(what))
        return
    left = [message.text() for message in _left(what)]
    emit(
        {**_plan_as_json(what), "seconds": round(seconds, 3), "left": left},
        as_json,
        lambda: _print_restored(what, seconds, left),
    )


def _take_in(what: "Plan", who: str) -> None:
    """Pause what leaves from here, whatever the copy says, and record who restored it."""
    from core.clock import business_now
    from services import audit
    from services.effects import disown

    with transaction() as session:
        now, taken_at = business_now(session), what.found.taken_at.isoformat()
        disown(
            session,
            Message("It was restored from {file}, a copy of {moment}.", file=what.file.name, moment=taken_at),
            now=now,
        )
        audit.record(
            session, who, "database.restored", f"backup:{what.file.name}", now=now,
            sha256=what.sha256, taken_at=taken_at, before=what.found.revision,
        )  # fmt: skip


def _left(what: "Plan") -> list[Message]:
    """What is left for a person, in order."""
    from core.keys import fingerprints
    from core.settings import settings
    from services.audit_seals.anchoring import ends_as_noted
    from services.backup import keys
    from services.sources import all_sources
    from services.visiting import moves

    left = []
    with transaction() as session:
        differing = keys.differing(session, fingerprints(settings()))
        try:
            anchored = ends_as_noted(session, settings().audit_anchors)
        except OSError:
            anchored = False
    if differing:
        left.append(
            Message(
                "These keys are not those of the copied installation: {names}. Set the right ones before anything is started.",
                names=", ".join(differing),
            )
        )
    elif differing is None:
        left.append(
            Message(
                "Make sure that AVAIN_HASH_KEY and the keys of identity are those of the copied installation: the copy does not say."
            )
        )
    if not what.checked:
        left.append(
            Message("No checksum lay beside the copy: whether it still is as it was made could not be checked.")
        )
    if not what.reader and any(one.schema == "reporting" and one.kind == "ACL" for one in what.found.entries):
        left.append(
            Message(
                "The server has no role avain_reader, who could read the views without identity: make it and give it its rights (docs/servers.md)."
            )
        )
    left.append(
        Message(
            "Bring back the files of AVAIN_HOME, of every machine (docs/backup.md): in the folder effects stands what left after the copy was made."
        )
    )
    if not anchored:
        left.append(
            Message(
                "The anchor file of the audit trail does not end where the copy says. With the right file in place: avain audit anchor-anew --reason …"
            )
        )
    moving = [one.name for one in all_sources(settings().sources) if moves(settings(), one)]
    if moving:
        left.append(
            Message(
                "Put back the files of these sources that were read and moved after the copy was made; nobody has read them here: {names}",
                names=", ".join(moving),
            )
        )
    left += [
        Message("Check everything: avain doctor --deep"),
        Message(
            "Start workers, beat and console; nothing leaves yet. What was done after the copy is not here: links and rights that were taken back"
            " since must be taken back again."
        ),
        Message(
            "See what would leave and what left already: avain effects list. Then let it go: avain effects release"
        ),
    ]
    return left


def _plan_as_json(what: "Plan") -> dict[str, Any]:
    return {
        "file": what.file.absolute(),
        "sha256": what.sha256,
        "checked": what.checked,
        "taken_at": what.found.taken_at,
        "shape": what.found.revision,
        "upgraded_by": what.later,
        "tables": len(what.found.tables),
    }


def _print_plan(what: "Plan") -> None:
    checked = _("agrees with the one beside it") if what.checked else _("none beside it to compare with")
    rows = [
        (_("Copy was made on"), moment(what.found.taken_at)),
        ("SHA-256", f"{what.sha256} ({checked})"),
        (_("Shape"), what.found.revision),
        (_("Migrations to follow"), str(what.later)),
        (_("Tables"), str(len(what.found.tables))),
    ]
    console().print(table(str(what.file), ["", ""], rows))


def _print_restored(what: "Plan", seconds: float, left: list[str]) -> None:
    _print_plan(what)
    console().print(_("The copy is restored ({seconds} s). What is left to do:").format(seconds=f"{seconds:.1f}"))
    for place, one in enumerate(left, start=1):
        console().print(f"{place}. {one}")


@contextmanager
def _status(*, quiet: bool) -> Iterator[Callable[[str, int], None]]:
    """A line on a terminal that says what is being done."""
    with Status("", console=complaints()) as status:
        if quiet or not status.console.is_terminal:
            status.stop()
        yield lambda step, size: status.update(_(_STEPS[step]).format(megabytes=_megabytes(size)))


def _megabytes(size: int) -> str:
    return number(round(size / 1_000_000))
