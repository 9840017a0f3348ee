"""`avain service|provider|worker import FILE` and `list`: what people maintain in files."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.common import As, DryRun, Json, actor, console, emit, sub_app, table, transaction
from core.i18n import _, day
from services.compare.words import facts_in_words
from services.labels import channel_name

service_app = sub_app(_("Services, and which may stand in for which."))
provider_app = sub_app(_("Providers: channel, contracts, services with VAT."))
worker_app = sub_app(_("Responsible workers, units and supervisors."))

TomlFile = Annotated[Path, typer.Argument(metavar=_("FILE"), help=_("A TOML file."), dir_okay=False)]


@service_app.command("import", help=_("Add and correct services from a TOML file."))
def import_services(file: TomlFile, dry_run: DryRun = False, as_: As = None, as_json: Json = False) -> None:
    """`avain service import services.toml`."""
    from services import reference_data

    _import(reference_data.import_services, file, dry_run, as_, as_json)


@provider_app.command("import", help=_("Add and correct providers, contracts and offers from a TOML file."))
def import_providers(file: TomlFile, dry_run: DryRun = False, as_: As = None, as_json: Json = False) -> None:
    """`avain provider import providers.toml`."""
    from services import reference_data

    _import(reference_data.import_providers, file, dry_run, as_, as_json)


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


@worker_app.command("list", help=_("List the workers."))
def list_workers(as_json: Json = False) -> None:
    """`avain worker list`."""
    from services.reference_data.listing import workers

    columns = {
        "id": _("Id"),
        "name": _("Name"),
        "email": _("E-mail"),
        "language": _("Language"),
        "unit": _("Unit of organisation"),
        "supervisor": _("Supervisor"),
    }
    _list(workers, _("Workers"), columns, as_json)


def _import(how: Callable[..., Any], file: Path, dry_run: bool, as_: str | None, as_json: bool) -> None:
    from core.clock import business_now

    with transaction(dry_run=dry_run) as session:
        imported = how(session, file, now=business_now(session), actor=actor(as_))
    data = {"file": str(file), **imported.to_json(), "dry_run": dry_run}
    sentence = _("{file}: {added} added, {changed} changed, {unchanged} unchanged.").format_map(data)
    emit(data, as_json, lambda: console().print(sentence, markup=False))


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


_SHOWN: dict[str, Callable[[Any], str]] = {"channel": channel_name, "facts": facts_in_words}
