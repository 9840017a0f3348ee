"""Providers, what they offer with what VAT, and their contracts, from `providers.toml`."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.channels.base import Destination
from connectors.channels.registry import CHANNELS, COMMON_SETTINGS, problem
from core.channel_settings import Connections
from core.errors import InputError, Message
from core.i18n import N_
from documents.order import Profile
from models.base import days
from models.provider import Contract, Provider, ProviderService
from models.service import Service
from services.reference_data.checks import BusinessId, EmailAddress
from services.reference_data.faults import FieldError, written
from services.reference_data.reading import Entry, Imported, put, read_file, record, rows_by, unique
from services.reference_data.services import Code, check_known

_Language = Annotated[
    str,
    AfterValidator(written("[a-z]{2,3}", N_("are codes of two or three letters with commas between, such as fi, sv"))),
]
_Country = Annotated[str, AfterValidator(written("[A-Z]{2}", N_("is a code of two capital letters, such as FI")))]
_Endpoint = Annotated[str, AfterValidator(written(r"\d{12,17}", N_("is 12 to 17 digits")))]


class FixedPrice(Entry):
    """Prices may not rise up to and including `until`."""

    kind: Literal["fixed"]
    until: date


class PercentAYear(Entry):
    """Prices may rise by at most `percent` a year, not before `from`."""

    kind: Literal["percent"]
    percent: Decimal = Field(ge=0, le=100)
    since: date = Field(alias="from")


class FreePrice(Entry):
    """Prices may rise as the provider likes."""

    kind: Literal["free"]


class ContractEntry(Entry):
    """`[[provider.contract]]`: valid from `first` to `last`, both included; its own terms for orders, else the organisation's hold."""

    number: str = Field(min_length=1)
    first: date
    last: date = Field(le=date(2999, 12, 31))  # the day after must be a day too
    price_rule: Annotated[FixedPrice | PercentAYear | FreePrice, Field(discriminator="kind")]
    no_show_terms: str = Field(default="", max_length=2_000)
    cancellation_terms: str = Field(default="", max_length=2_000)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise FieldError("last", N_("is before the first day"))
        return self


class OfferEntry(Entry):
    """`[[provider.service]]`: one of our services, the provider's own code for it, and its VAT with the basis of an exemption."""

    service: Code
    provider_code: str | None = None
    vat_category: Literal["S", "Z", "E", "AE", "K", "G", "O"] = "E"
    vat_rate: Decimal = Field(default=Decimal(0), ge=0, lt=1, decimal_places=4)
    vat_basis: str = ""

    @model_validator(mode="after")
    def _vat_adds_up(self) -> Self:
        if self.vat_category == "E" and self.vat_rate != 0:
            raise FieldError("vat_rate", N_("is 0 for an exempt service (E)"))
        if self.vat_category == "S" and self.vat_rate == 0:
            raise FieldError("vat_rate", N_("is needed for the standard category (S)"))
        if self.vat_category == "E" and not self.vat_basis:
            raise FieldError(
                "vat_basis", N_("is needed for an exemption: say what it rests on, for example the registration")
            )
        return self


class Facts(Entry):
    """`facts` of a provider: what a family chooses by, beside prices. What is not known is left out."""

    areas: list[str] | None = None
    languages: list[_Language] | None = None
    home_visits: bool | None = None
    specialisation: list[str] | None = None
    earliest_start: date | None = None
    earliest_start_days: int | None = Field(default=None, ge=0, le=730)

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if self.earliest_start is not None and self.earliest_start_days is not None:
            raise FieldError(
                "earliest_start", N_("is a day, or else a number of days from the choice: say one of them only")
            )
        return self


class ChannelSettings(Entry):
    """`channel_settings`: which connection of avain.toml orders take, the folder they are put into, the Peppol profile they are in, and
    whether an e-mail carries the XML beside the PDF.
    """

    connection: str | None = Field(default=None, min_length=1)
    folder: str | None = Field(default=None, min_length=1)
    profile: Profile | None = None
    attach_xml: bool | None = None


class ProviderEntry(Entry):
    """`[[provider]]`. `endpoint_id` defaults to the OVT value of the business id (DOMAIN "Identifiers").

    `order_period`: how much one order holds; None as the organisation orders (`[orders] period`).
    """

    business_id: BusinessId
    name: str = Field(min_length=1)
    endpoint_scheme: Literal["0216", "0088"] = "0216"
    endpoint_id: _Endpoint | None = None
    country: _Country = "FI"
    email: EmailAddress | None = None
    language: Literal["fi", "sv", "en"] = "fi"
    channel: Literal["email", "sftp", "https", "file", "external"] = "email"
    channel_settings: ChannelSettings = ChannelSettings()
    order_period: Literal["whole", "monthly"] | None = None
    facts: Facts = Facts()
    active: bool = True
    contract: list[ContractEntry] = Field(default_factory=list)
    service: list[OfferEntry] = Field(default_factory=list)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        unique(self.contract, "number", "contract")
        unique(self.service, "service", "service")
        if self.channel == "email" and self.email is None:
            raise FieldError("email", N_("is needed, because orders go out by e-mail"))
        known = CHANNELS[self.channel].settings | COMMON_SETTINGS
        for name in sorted(self.channel_settings.model_dump(exclude_none=True).keys() - known):
            raise FieldError(f"channel_settings.{name}", N_("is nothing this channel knows"))
        return self

    def unreachable(self, connections: Connections) -> Message | None:
        """Why orders cannot reach it by the connections of this installation, or None."""
        row = self.columns()
        to = Destination(
            self.business_id,
            self.email,
            self.language,
            row["channel_settings"],
            row["endpoint_scheme"],
            row["endpoint_id"],
        )
        return problem(self.channel, to, connections)

    def columns(self) -> dict[str, Any]:
        """The columns of the provider's own row."""
        values = self.model_dump(mode="python", exclude={"contract", "service", "facts", "channel_settings"})
        values["channel_settings"] = self.channel_settings.model_dump(exclude_none=True)
        values["facts"] = self.facts.model_dump(mode="json", exclude_none=True)
        if self.endpoint_id is None and self.endpoint_scheme == "0216":
            values["endpoint_id"] = f"0037{self.business_id.replace('-', '')}"
        return values


class ProvidersFile(Entry):
    """`providers.toml`."""

    provider: list[ProviderEntry] = Field(min_length=1)

    @model_validator(mode="after")
    def _once(self) -> Self:
        unique(self.provider, "business_id", "provider")
        return self


def import_providers(
    session: Session, path: Path, now: datetime, actor: str, *, connections: Connections | None = None
) -> Imported:
    """Add and correct providers, contracts and offers. Raises InputError; then nothing was changed.

    `connections` of avain.toml: orders must be able to reach each provider by them; None: that is not looked at.
    """
    entries = read_file(path, ProvidersFile).provider
    for entry in entries:
        against = None if connections is None else entry.unreachable(connections)
        if against is not None:
            raise InputError(
                "{path}: orders cannot reach {provider}: {problem}",
                path=str(path),
                provider=entry.business_id,
                problem=against,
            )
    wanted = {offer.service for entry in entries for offer in entry.service}
    services = rows_by(session, Service, "code", wanted)
    check_known(wanted, services, path)
    imported = Imported()
    write_providers(session, entries, services, imported)
    return record(session, actor, "providers", imported, path=path, now=now)


def write_providers(
    session: Session, entries: list[ProviderEntry], services: dict[str, Service], imported: Imported
) -> None:
    """Add and correct providers, contracts and offers; the one way for files and pages. `services`: those the entries name, by code."""
    known = rows_by(session, Provider, "business_id", [entry.business_id for entry in entries])
    for entry in entries:
        row, what = put(session, Provider, known.get(entry.business_id), entry.columns())
        known[entry.business_id] = row
        imported.note(what, entry.business_id)
    session.flush()  # contracts and offers need the ids
    _import_contracts(session, entries, known, imported)
    _import_offers(session, entries, known, services, imported)
    session.flush()


def _import_contracts(
    session: Session, entries: list[ProviderEntry], providers: dict[str, Provider], imported: Imported
) -> None:
    ids = [provider.id for provider in providers.values()]
    statement = select(Contract).where(Contract.provider_id.in_(ids))  # type: ignore[attr-defined]
    existing = {(row.provider_id, row.number): row for row in session.execute(statement).scalars()}
    for entry in entries:
        provider_id = providers[entry.business_id].id
        for contract in entry.contract:
            _, what = put(
                session,
                Contract,
                existing.get((provider_id, contract.number)),
                {
                    "provider_id": provider_id,
                    "number": contract.number,
                    "valid": days(contract.first, contract.last),
                    "price_rule": contract.price_rule.model_dump(mode="json", by_alias=True),
                    "no_show_terms": contract.no_show_terms,
                    "cancellation_terms": contract.cancellation_terms,
                },
            )
            imported.note(what, entry.business_id)


def _import_offers(
    session: Session,
    entries: list[ProviderEntry],
    providers: dict[str, Provider],
    services: dict[str, Service],
    imported: Imported,
) -> None:
    ids = [provider.id for provider in providers.values()]
    statement = select(ProviderService).where(ProviderService.provider_id.in_(ids))  # type: ignore[attr-defined]
    existing = {(row.provider_id, row.service_id): row for row in session.execute(statement).scalars()}
    for entry in entries:
        for offer in entry.service:
            key = (providers[entry.business_id].id, services[offer.service].id)
            values = {"provider_id": key[0], "service_id": key[1], **offer.model_dump(exclude={"service"})}
            _, what = put(session, ProviderService, existing.get(key), values)
            imported.note(what, entry.business_id)
