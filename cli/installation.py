"""Commands about the installation itself: init, doctor, up, demo, beat, db, config."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import OperationalError

from cli import backup
from cli.common import ERROR, Json, actor, complaints, console, emit, stop, sub_app, transaction
from core.errors import AvainError, ConfigurationError, InputError, Transient
from core.i18n import _
from workers.groups import GROUPS, run_beat, run_worker

#: PostgreSQL's SQLSTATE of a lock that was not got in time.
_LOCK_NOT_AVAILABLE = "55P03"

db_app = sub_app(_("The database: its shape, copies of it."))
backup.register(db_app)
config_app = sub_app(_("The settings."))


def register(app: typer.Typer) -> None:
    """Add the commands to the `avain` command."""
    app.command(help=_("Write a commented avain.toml."))(init)
    app.command(help=_("Check everything Avain stands on; say what to do where something is broken."))(doctor)
    app.command(help=_("Run everything in the foreground until Ctrl-C."))(up)
    app.command(help=_("Stop the embedded services that a command has started."))(down)
    app.command(help=_("Show the whole chain on real parts, with invented cases."))(demo)
    app.command(help=_("Run the scheduler (two or more may run)."))(beat)
    app.command(help=_("Exit 0 if a worker, beat or console on this host is alive (for health checks)."), hidden=True)(
        alive
    )
    app.add_typer(db_app, name="db")
    app.add_typer(config_app, name="config")


def init(path: Annotated[Path, typer.Argument(help=_("Where to write it."))] = Path("avain.toml")) -> None:
    """Write the sample configuration; an existing file is never overwritten."""
    from cli.sample_configuration import SAMPLE

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(SAMPLE)
    except FileExistsError as error:
        raise InputError("{path} exists already and is left as it is.", path=str(path)) from error
    console().print(_("{path} is written. Next: look through it, then run: avain doctor").format(path=path))


def doctor(
    deep: Annotated[
        bool,
        typer.Option("--deep", help=_("Look instead whether what is kept agrees with itself; takes some seconds.")),
    ] = False,
    whole: Annotated[
        bool, typer.Option("--all", help=_("With --deep: every budget and the whole audit trail, not a sample."))
    ] = False,
    as_json: Json = False,
) -> None:
    """Run every check and say what to do; exit 1 when something is broken."""
    from cli import deep as looking
    from cli.doctor import examine, show

    if whole and not deep:
        raise typer.BadParameter(_("--all belongs to --deep."))
    if deep:
        found = looking.look(whole=whole, quiet=as_json)
        emit(found.to_json(), as_json, lambda: looking.show(found))
        if found.broken:
            stop(ERROR)
        return
    findings = examine()
    emit([finding.to_json() for finding in findings], as_json, lambda: show(findings))
    if any(finding.state == "broken" for finding in findings):
        stop(ERROR)


def up() -> None:
    """Embedded services (if no others are named), migrations, a worker per group, beat and the console, until Ctrl-C."""
    from cli.console import listening_socket
    from cli.supervisor import Child, Supervisor, avain
    from core.logging import configure_logging
    from core.settings import settings

    configure_logging(settings().log_format, settings().log_level)
    _check_templates()
    listening_socket(settings()).close()  # a port that is taken is said before anything else is begun
    children = [Child(f"worker {name}", avain("worker", "--group", name)) for name in GROUPS]
    children.append(Child("beat", avain("beat")))
    with_heartbeat = len(children)
    children.append(Child("console", avain("console")))
    complaints().print(_("Avain is starting. Ctrl-C stops it."))
    with _embedded_while_needed() as revive:
        upgrade()
        announce = _once_all_live(with_heartbeat)

        def tend() -> None:
            revive()
            announce()

        Supervisor(children, tend).run()
    complaints().print(_("Avain has stopped."))


def _once_all_live(processes: int) -> Callable[[], None]:
    """A function that says so, and how to come in, once every process has given a sign of life and the console answers."""
    from sqlalchemy.exc import SQLAlchemyError

    from cli.console import answers, entry_link
    from core.settings import settings
    from services.heartbeats import signs

    announced = False

    def look() -> None:
        nonlocal announced
        if announced:
            return
        with suppress(SQLAlchemyError), transaction() as session:
            announced = sum(sign.alive for sign in signs(session)) >= processes
        announced = announced and answers(settings())
        if not announced:
            return
        complaints().print(_("Avain is running."))
        if settings().console.oidc is not None:
            complaints().print(_("The console: {address}").format(address=settings().console.origin))
        elif settings().environment != "production":
            link = entry_link(settings(), worker=None, as_=None)
            complaints().print(_("The console, for the next quarter of an hour and once: {link}").format(link=link))

    return look


@contextmanager
def _embedded_while_needed() -> Iterator[Callable[[], None]]:
    """Have the embedded services run; the last `avain up` of a home to end stops them, whoever started them.

    Yields a function that starts again what has died meanwhile.
    """
    import fcntl

    from core.settings import settings

    if not settings().embedded:
        yield lambda: None
        return
    from core import embedded

    wanted = settings().embedded_services

    def revive() -> None:
        if set(wanted) <= set(embedded.pids(home)):
            return
        try:
            embedded.start(home, services=wanted)
        except AvainError as error:
            complaints().print(str(error), markup=False)

    home = settings().home
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        try:
            embedded.start(home, services=wanted)
            yield revive
        finally:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                complaints().print(_("Another avain up uses the embedded services; they go on running."))
            else:
                embedded.stop(home)


def down() -> None:
    """Stop the embedded services of this home; data stays."""
    from core import embedded
    from core.settings import settings

    embedded.stop(settings().home)
    console().print(_("The embedded services have stopped; their data stays."))


def demo(
    directory: Annotated[Path | None, typer.Option(help=_("Where the results go; default: var/demo"))] = None,
) -> None:
    """Run the scenario; exit 0 only if every step held."""
    try:
        from demo.scenario import run
    except ModuleNotFoundError as missing:
        raise ConfigurationError(
            'The demo needs the "embedded" extra: {module} is not installed.', module=missing.name
        ) from missing
    stop(run(directory))


def worker(
    context: typer.Context,
    group: Annotated[
        list[str] | None,
        typer.Option(
            help=_("Which queues: {groups}. May be given several times; default: inside.").format(
                groups=", ".join(GROUPS)
            )
        ),
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help=_("How many tasks at once."))] = None,
) -> None:
    """Without a sub-command: run a worker process. `import` and `list` are about the people called workers."""
    if context.invoked_subcommand is not None:
        return
    groups = group or ["inside"]
    for unknown in [name for name in groups if name not in GROUPS]:
        raise InputError("There is no group {group}; there are: {groups}.", group=unknown, groups=", ".join(GROUPS))
    _check_templates()
    run_worker(groups, concurrency=concurrency)


def alive(kind: Annotated[str, typer.Argument(help="worker, beat, console")]) -> None:
    """For health checks: exit 0 when a process of this kind on this host gave a sign of life lately."""
    import socket

    from cli.console import answers
    from core.settings import settings
    from services.heartbeats import signs

    if kind == "console":
        stop(0 if answers(settings()) else ERROR)
    with transaction() as session:
        here = [sign for sign in signs(session) if sign.kind == kind and sign.host == socket.gethostname()]
    if not any(sign.alive for sign in here):
        stop(ERROR)


def beat() -> None:
    """Become beat."""
    _check_templates()
    run_beat()


def _check_templates() -> None:
    """An organisation's templates of e-mails are refused here, with file and line, and not at eight in the morning."""
    from core.settings import settings
    from services.reminders.message import check_templates

    check_templates(settings())


@db_app.command("upgrade", help=_("Bring the database to this version's shape."))
def upgrade() -> None:
    """Run the migrations as the owner."""
    from core import schema
    from core.clock import business_now
    from services import audit
    from services.effects import state

    before, wanted = schema.revisions()
    if before == wanted:
        return
    try:
        schema.upgrade()
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
            raise
        raise Transient("A table is in use: a copy of the database is just being made, or long work is under way. Try again later.") from error  # fmt: skip
    with transaction() as session:
        now = business_now(session)
        audit.record(session, actor(None), "database.upgraded", f"schema:{wanted}", now=now, before=before)
        stands = state(session)
    if stands.name != "go":
        complaints().print(f"{stands.words} {_('See: {command}').format(command='avain effects status')}", markup=False)


@db_app.command("status", help=_("Say which shape the database has."))
def status(as_json: Json = False) -> None:
    """Current and wanted revision; exit 1 when they differ."""
    from core.schema import revisions

    current, wanted = revisions()
    emit(
        {"current": current, "wanted": wanted},
        as_json,
        lambda: console().print(
            _("The database is up to date ({revision}).").format(revision=wanted)
            if current == wanted
            else _("The database has shape {current}, this version wants {wanted}. Run: avain db upgrade").format(
                current=current or "–", wanted=wanted
            )
        ),
    )
    if current != wanted:
        stop(ERROR)


@config_app.command("schema", help=_("Print the JSON Schema of avain.toml."))
def schema() -> None:
    """For editors that complete and check TOML by a schema."""
    from core.settings import Settings

    console().print_json(json.dumps(Settings.model_json_schema()))


@config_app.command("show", help=_("Print the settings in force, without secrets."))
def show_settings() -> None:
    """Secrets print as stars."""
    from core.settings import settings

    console().print_json(settings().model_dump_json())


def move_clock(to: Annotated[str, typer.Argument(help=_("A moment in Helsinki: 2026-12-01T08:00"))]) -> None:
    """Set the business clock of a test installation (AVAIN_TEST_CLOCK=1)."""
    from datetime import datetime

    from core.clock import business_now, move_business_clock
    from core.i18n import HELSINKI
    from services import audit

    try:
        moment_to = datetime.fromisoformat(to).replace(tzinfo=HELSINKI)
    except ValueError as error:
        raise InputError("{text} is not a moment; write it like 2026-12-01T08:00", text=to) from error
    with transaction() as session:
        before = business_now(session)
        move_business_clock(session, moment_to)
        audit.record(session, actor(None), "clock.moved", "clock:business", now=before, to=to)


if os.environ.get("AVAIN_TEST_CLOCK") == "1":
    config_app.command("clock", help=_("Move the business clock of a test installation."))(move_clock)
