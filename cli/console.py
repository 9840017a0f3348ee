"""`avain console`: serve the web pages; a one-time link; who is signed in, and signing somebody out."""

import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.common import As, Json, actor, emit, sub_app, table, transaction
from cli.common import console as out
from core.errors import AvainError, ConfigurationError, InputError
from core.i18n import _, moment, ngettext
from core.settings import Settings

if TYPE_CHECKING:
    import uvicorn

app = sub_app(_("The web pages: serve them, let people in, sign them out."))

#: Pages that are being made when the console is told to stop get so long.
_STOP_SECONDS = 10


def serve(context: typer.Context) -> None:
    """Without a sub-command: serve the pages until stopped."""
    if context.invoked_subcommand is not None:
        return
    import uvicorn

    from core.logging import configure_logging
    from core.settings import settings
    from services.reminders.message import check_templates

    configured = settings()
    check_templates(configured)
    configure_logging(configured.log_format, configured.log_level)
    how = serving(configured)
    with listening_socket(configured) as taken:
        taken.listen(how.backlog)
        uvicorn.Server(how).run(sockets=[taken])


def serving(configured: Settings, app: Any = "console.app:create_app") -> "uvicorn.Config":
    """What the server is told: whom to believe, what not to say, and to be strict and not endlessly patient (console/web/patience.py)."""
    import uvicorn

    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        http="console.web.patience:Patient",
        proxy_headers=bool(configured.console.trusted_proxies),
        forwarded_allow_ips=configured.console.trusted_proxies,
        server_header=False,
        access_log=False,  # its lines hold addresses of people and whole query strings; console/web/measured.py logs what is needed
        log_config=None,
        ws="none",
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


def listening_socket(configured: Settings) -> socket.socket:
    """The console's address, taken. Raises ConfigurationError if somebody else has it, or this machine does not."""
    host, port = configured.console.host, configured.console.port
    taken = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        raise ConfigurationError(
            "The console cannot use port {port} of {host}: another program has it, or it is not allowed. Choose another port with console.port in avain.toml, or with AVAIN_CONSOLE__PORT.",
            port=port, host=host,
        ) from error  # fmt: skip
    return taken


def answers(configured: Settings) -> bool:
    """Whether the console of this machine lives: it answers /healthz."""
    from connectors.http import HostRule, HttpDoor, Outbound

    host = configured.console.host
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - an address to ask, not to listen on
    rule = HostRule(allow_private=True, allow_http=True, ports=frozenset({configured.console.port}))
    door = HttpDoor(Outbound(hosts={host: rule}, connect_seconds=1, read_seconds=2, total_seconds=3, max_redirects=0))
    with suppress(AvainError):
        door.request("GET", f"http://{f'[{host}]' if ':' in host else host}:{configured.console.port}/healthz")
        return True
    return False


def entry_link(configured: Settings, *, worker: str | None, as_: str | None) -> str:
    """A fresh one-time link. Raises InputError where people sign in with a login provider, or in production."""
    from core.clock import business_now
    from services.access import entry

    if configured.console.oidc is not None:
        raise InputError(
            "Here people sign in with the organisation's login provider (console.oidc); there are no one-time links."
        )
    if configured.environment == "production":
        raise InputError("In production people sign in with the organisation's login provider; set console.oidc.")
    with transaction() as session:
        token = entry.make_link(session, worker=worker, now=business_now(session), actor=actor(as_))
    return f"{configured.console.origin}/enter/{token}"


@app.command("link", help=_("Print a link that signs you in once, on this machine."))
def link(
    worker: Annotated[
        str | None, typer.Option("--as", metavar=_("WORKER"), help=_("Sign in as this worker; else as the local user."))
    ] = None,
    as_json: Json = False,
) -> None:
    """`avain console link --as W-101`."""
    from core.settings import settings

    made = entry_link(settings(), worker=worker, as_=None)
    emit({"link": made}, as_json, lambda: out().print(made, soft_wrap=True))


@app.command("sessions", help=_("Who is signed in."))
def sessions(as_json: Json = False) -> None:
    """Living sessions, the latest click first."""
    from core.settings import settings
    from services.access.sessions import living

    with transaction() as session:
        found = living(session, idle_minutes=settings().console.idle_minutes)
    emit(found, as_json, lambda: out().print(_told(found)))


def _told(found: list[dict[str, Any]]) -> Any:
    from services.labels import role_name

    columns = [_("Subject"), _("Name"), _("Worker"), _("Roles"), _("Signed in"), _("Last click"), _("Until")]
    rows = [
        [
            one["subject"], one["name"], one["worker"] or "–", ", ".join(role_name(role) for role in one["roles"]),
            moment(one["signed_in"]), moment(one["seen"]), moment(one["until"]),
        ]
        for one in found
    ]  # fmt: skip
    return table(_("Signed in"), columns, rows)


@app.command("revoke", help=_("Sign somebody out everywhere."))
def revoke(
    subject: Annotated[str | None, typer.Argument(help=_("As avain console sessions shows it."))] = None,
    worker: Annotated[str | None, typer.Option(help=_("Or: the worker's id."))] = None,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """`avain console revoke SUBJECT` or `--worker W-101`."""
    from core.clock import business_now
    from services.access.sessions import revoke_all, revoke_worker

    if (subject is None) == (worker is None):
        raise InputError("Name either a subject or, with --worker, a worker.")
    with transaction() as session:
        now = business_now(session)
        if subject is not None:
            ended = revoke_all(session, subject, actor=actor(as_), now=now)
        else:
            ended = revoke_worker(session, worker or "", actor=actor(as_), now=now)
    sentence = ngettext("{count} session ended.", "{count} sessions ended.", ended).format(count=ended)
    emit({"ended": ended}, as_json, lambda: out().print(sentence))
