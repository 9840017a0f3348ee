"""`avain source template`: a price list for a provider to fill in."""

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.common import Json, console, emit, transaction
from core.errors import InputError
from core.i18n import _, ngettext

if TYPE_CHECKING:
    from connectors.prices.template import TemplateService


def register(app: typer.Typer) -> None:
    """Add the command to `avain source`."""
    app.command("template", help=_("Write a price list for a provider to fill in."))(template)


def template(
    output: Annotated[Path, typer.Option("--output", "-o", help=_("The file to write."))],
    form: Annotated[Literal["xlsx", "csv"], typer.Option("--format", help=_("A workbook, or CSV."))] = "xlsx",
    provider: Annotated[
        str | None, typer.Option("--provider", help=_("With the services of this provider (business id)."))
    ] = None,
    as_json: Json = False,
) -> None:
    """`avain source template --format xlsx --provider 1234567-1 -o hinnasto.xlsx`; a file that is there already is not overwritten."""
    from connectors.prices.template import write_template

    services, business_id = _asked(provider) if provider is not None else ([], "")
    content = write_template(form, services, business_id=business_id)
    try:
        with output.open("xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise InputError("{path} is there already.", path=str(output)) from error
    except OSError as error:
        raise InputError(
            "{path} cannot be written ({detail}).", path=str(output), detail=error.strerror or ""
        ) from error
    sentence = ngettext(
        "{path}: {count} service to be priced.", "{path}: {count} services to be priced.", len(services)
    )
    data = {"file": output, "format": form, "services": len(services), "sha256": sha256(content).hexdigest()}
    emit(data, as_json, lambda: console().print(sentence.format(path=output, count=len(services)), markup=False))


def _asked(provider: str) -> "tuple[list[TemplateService], str]":
    from models.provider import Provider
    from services.names import provider_of
    from services.prices.template import services_of

    with transaction() as session:
        found = session.get_one(Provider, provider_of(session, provider))
        return services_of(session, found.id), found.business_id
