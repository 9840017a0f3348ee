"""`avain service|provider|worker import FILE` and `list`: what people maintain in files."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.common import ERROR, As, DryRun, Json, actor, complaints, console, emit, stop, sub_app, table, transaction
from core.errors import Message
from core.i18n import _, day, moment
from services.compare.words import facts_in_words
from services.labels import channel_name, outcome_name

service_app = sub_app(_("Services, and which may stand in for which."))
provider_app = sub_app(_("Providers: channel, contracts, services with VAT."))
worker_app = sub_app(_("Responsible workers, units and supervisors."))

_DAYS = ["%Y-%m-%d", "%d.%m.%Y"]
TomlFile = Annotated[Path, typer.Argument(metavar=_("FILE"), help=_("A TOML file."), dir_okay=False)]


@service_app.command("import", help=_("Add and correct services from a TOML file."))
def import_services(file: TomlFile, dry_run: DryRun = False, as_: As = None, as_json: Json = False) -> None:
    """`avain service import services.toml`."""
    from services import reference_data

    _import(reference_data.import_services, file, dry_run, as_, as_json)


@provider_app.command("import", help=_("Add and correct providers, contracts and offers from a TOML file."))
def import_providers(file: TomlFile, dry_run: DryRun = False, as_: As = None, as_json: Json = False) -> None:
    """`avain provider import providers.toml`."""
    from core.settings import settings
    from services import reference_data

    how = partial(reference_data.import_providers, connections=settings().orders.connections)
    _import(how, file, dry_run, as_, as_json)


@worker_app.command("import", help=_("Add and correct units and workers from a TOML file."))
def import_workers(file: TomlFile, dry_run: DryRun = False, as_: As = None, as_json: Json = False) -> None:
    """`avain worker import workers.toml`."""
    from services import reference_data

    _import(reference_data.import_workers, file, dry_run, as_, as_json)


@service_app.command("list", help=_("List the services."))
def list_services(as_json: Json = False) -> None:
    """`avain service list`."""
    from services.reference_data.listing import services

    columns = {"code": _("Code"), "name": _("Name"), "unit": _("Unit"), "alternatives": _("Alternatives")}
    _list(services, _("Services"), columns, as_json)


@provider_app.command("list", help=_("List the providers."))
def list_providers(as_json: Json = False) -> None:
    """`avain provider list`."""
    from services.reference_data.listing import providers

    columns = {
        "business_id": _("Business id"),
        "name": _("Name"),
        "channel": _("Orders by"),
        "services": _("Services"),
        "facts": _("For choosing"),
        "contracts": _("Contracts"),
        "contract_until": _("Contract until"),
    }
    _list(providers, _("Providers"), columns, as_json)


@provider_app.command(
    "test-order", help=_("Send a test document, which is no order, the way the provider's orders go.")
)
def send_test(
    business_id: Annotated[str, typer.Argument(metavar=_("BUSINESS_ID"))], as_: As = None, as_json: Json = False
) -> None:
    """`avain provider test-order 1234567-1`: does it in this process and prints the other side's answer; exit code 1 without one."""
    from core.clock import business_now
    from core.logging import configure_logging
    from core.settings import settings
    from services.orders.sending import testing
    from workers.queue import keep
    from workers.task import perform
    from workers.tasks.orders import send_test_order

    # to stderr: stdout holds the answer and nothing else
    configure_logging(settings().log_format, settings().log_level)
    connections = settings().orders.connections
    with keep({"send_test_order"}), transaction() as session:
        now = business_now(session)
        tried = testing.call_test(session, business_id, connections=connections, actor=actor(as_), now=now)
    perform(tried.work_id, send_test_order)
    with transaction() as session:
        came = testing.what_came(session, tried.work_id)
    data = {
        "number": tried.number,
        "channel": tried.channel,
        "run": came.run_id,
        "outcome": came.outcome,
        "reply": came.said,
    }
    sentence = f"{tried.number}: {outcome_name(came.outcome)}. {came.said}"
    emit(data, as_json, lambda: console().print(sentence, markup=False))
    if came.outcome != "succeeded":
        stop(ERROR)


@worker_app.command("list", help=_("List the workers."))
def list_workers(as_json: Json = False) -> None:
    """`avain worker list`."""
    from core.clock import business_today
    from services.reference_data.listing import workers

    columns = {
        "id": _("Id"),
        "name": _("Name"),
        "email": _("E-mail"),
        "language": _("Language"),
        "unit": _("Unit of organisation"),
        "supervisor": _("Supervisor"),
        "away": _("Away"),
    }
    _list(lambda session: workers(session, business_today(session)), _("Workers"), columns, as_json)


@worker_app.command("away", help=_("Enter that a worker is away, and who stands in."))
def away(  # noqa: PLR0917 - options of a command
    worker: Annotated[str, typer.Argument(metavar=_("WORKER"))],
    first: Annotated[datetime, typer.Option("--from", formats=_DAYS, help=_("The first day."))],
    last: Annotated[datetime, typer.Option("--to", formats=_DAYS, help=_("The last day."))],
    deputy: Annotated[str | None, typer.Option(help=_("Who sees and does the worker's cases meanwhile."))] = None,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """`avain worker away W-101 --from 2026-12-01 --to 2026-12-12 --deputy W-102`."""
    from core.clock import business_now
    from services.access import absences

    with transaction() as session:
        made = absences.go_away(
            session, worker, first=first.date(), last=last.date(), deputy=deputy,
            now=business_now(session), actor=actor(as_),
        )  # fmt: skip
    emit(asdict(made), as_json, lambda: console().print(made.said.text()))


@worker_app.command("back", help=_("End a worker's absence, or call the next one off."))
def back(worker: Annotated[str, typer.Argument(metavar=_("WORKER"))], as_: As = None, as_json: Json = False) -> None:
    """`avain worker back W-101`."""
    from core.clock import business_now, local_date
    from services.access import absences

    with transaction() as session:
        now = business_now(session)
        ended = absences.come_back(session, worker, today=local_date(now), now=now, actor=actor(as_))
    sentence = Message(
        "{worker} is back: the absence from {start} to {end} is over.",
        worker=worker, start=str(ended.first), end=str(ended.last),
    )  # fmt: skip
    emit(asdict(ended), as_json, lambda: console().print(sentence.text()))


def _import(how: Callable[..., Any], file: Path, dry_run: bool, as_: str | None, as_json: bool) -> None:
    from core.clock import business_now

    with transaction(dry_run=dry_run) as session:
        imported = how(session, file, now=business_now(session), actor=actor(as_))
    data = {"file": str(file), **imported.to_json(), "dry_run": dry_run}
    if imported.warnings:
        data["warnings"] = [one.text() for one in imported.warnings]
    sentence = _("{file}: {added} added, {changed} changed, {unchanged} unchanged.").format_map(data)
    emit(data, as_json, lambda: console().print(sentence, markup=False))
    for one in imported.warnings if not as_json else ():
        complaints().print(one.text(), markup=False)


def _list(how: Callable[..., Iterable[dict[str, Any]]], title: str, columns: dict[str, str], as_json: bool) -> None:
    with transaction() as session:
        rows = list(how(session))
    shown = [[_SHOWN.get(name, _shown)(row[name]) for name in columns] for row in rows]
    emit(rows, as_json, lambda: console().print(table(title, columns.values(), shown)))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if value is None:
        return "–"
    return day(value) if hasattr(value, "isoformat") else str(value)


def _absences(found: list[dict[str, str]]) -> str:
    """`1.12.2026–12.12.2026 (W-102)`."""
    return ", ".join(
        f"{day(date.fromisoformat(one['first']))}–{day(date.fromisoformat(one['last']))} ({one['deputy'] or '–'})"
        for one in found
    )


_SHOWN: dict[str, Callable[[Any], str]] = {"channel": channel_name, "facts": facts_in_words, "away": _absences}


@worker_app.command(
    "address-ok", help=_("Say that e-mail addresses a mail server refused are right: they are written to again.")
)
def address_ok(
    workers: Annotated[list[str] | None, typer.Argument(metavar=_("WORKER"))] = None,
    everybody: Annotated[bool, typer.Option("--all", help=_("All whose address was refused."))] = False,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """`avain worker address-ok W-101`; without a worker those are listed whose address was refused, and why."""
    from core.clock import business_now
    from services.reminders import addresses

    with transaction() as session:
        refused = addresses.refused(session)
        named = [one.external_id for one in refused] if everybody else workers or []
        cleared = addresses.clear(session, named, actor=actor(as_), now=business_now(session)) if named else []

    def render() -> None:
        if named:
            console().print(_("They are written to again: {workers}").format(workers=", ".join(cleared) or "–"))
            return
        columns = [_("Worker"), _("Address"), _("Since"), _("Reason")]
        body = [[one.external_id, one.email, moment(one.at), one.reason.text()] for one in refused]
        console().print(table(_("Refused addresses"), columns, body))

    emit({"cleared": cleared} if named else [one.to_json() for one in refused], as_json, render)
