"""The settings of sources: where cases, price lists, what comes in about orders, absences and returned reminders come from, and how
gently they are read.

A source says its place in one of these ways: `path` (files of this machine, the short form), `transport` (files from elsewhere),
`fhir` or `sql`. Secrets come from the environment: AVAIN_SOURCES__CASES__<name>__TRANSPORT__PASSWORD.
"""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self, cast

from pydantic import Field, SecretStr, model_validator

from core.i18n import N_
from core.setting_groups import Group
from core.transport_settings import HttpsFile, LocalFiles, ProxyAddress, SftpFiles, Transport

Hours = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]


#: What base R4 has no element for.
FhirExtension = Literal[
    "assessment-date",
    "plan-date",
    "kykyviisari-date",
    "support-person",
    "supervisor",
    "stand-date",
    "granted-amount",
    "baseline",
    "follow-up",
]


class FhirReading(Group):
    """Which of a server's codes mean what to Avain, and which resources are asked for at all.

    Without a `…_system`, the only identifier is taken (of a provider: the one that is a business id), and the resource's id where
    there is none. `only_…` are search parameters of that type, such as "category=http://example.test|decision".
    """

    only_episodes: str = ""
    only_care_plans: str = ""
    only_service_requests: str = ""
    worker_system: str | None = None
    unit_system: str | None = None
    decision_system: str | None = None
    provider_system: str | None = None
    service_system: str | None = Field(default=None, description="the code system of ServiceRequest.code")
    non_disclosure: tuple[str, ...] = Field(
        default=("TURVAKIELTO",),
        description="codes in meta.security of a Patient that mean non-disclosure (turvakielto)",
    )
    extensions: dict[FhirExtension, str] = Field(
        default_factory=dict, description="the url of an extension, where it is not urn:avain:fhir:<name>"
    )


class Fhir(Group):
    """A FHIR R4 server."""

    base_url: str
    allow_private: bool = False
    allow_http: bool = False
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    bearer_token: SecretStr | None = None
    proxy: ProxyAddress | None = Field(default=None, description="the only way to it: http://host:port")
    token_url: str | None = Field(default=None, description="OAuth2 client credentials: where tokens are given out")
    client_id: str | None = None
    client_secret: SecretStr | None = None
    scope: str | None = None
    format: Literal["json", "xml"] = "json"
    page_size: int = Field(default=200, ge=1, le=1000)
    overlap_minutes: int = Field(
        default=10, ge=0, description="a delta asks for what changed since the last one, and this much before"
    )
    reading: FhirReading = FhirReading()

    @model_validator(mode="after")
    def _credentials_are_whole(self) -> "Fhir":
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError(N_("client_certificate and client_key go together"))
        if self.token_url is not None and self.bearer_token is not None:
            raise ValueError(N_("a FHIR server has bearer_token or token_url, not both"))
        if self.token_url is not None and (self.client_id is None or self.client_secret is None):
            raise ValueError(N_("token_url needs client_id and client_secret"))
        return self


class SqlView(Group):
    """A read-only view of a database, by any SQLAlchemy URL. Columns are mapped by the source's profile."""

    url: SecretStr = Field(description="AVAIN_SOURCES__CASES__<name>__SQL__URL")
    cases: str = Field(description="the query; with decisions and plan_items, those of the cases alone")
    decisions: str | None = None
    plan_items: str | None = None
    delta_column: str | None = Field(
        default=None,
        description="a column of the query of the cases: a delta asks for cases whose value is not before the last seen",
    )
    overlap_minutes: int = Field(
        default=10,
        ge=0,
        description="so much before the last seen, where the column is a moment: changes committed late",
    )
    seconds: int = Field(default=300, ge=1, description="that the database may take to answer before it is left alone")


class Gentleness(Group):
    """How hard a source may be asked. A source is always read by one connection, one run at a time."""

    requests_per_second: float = Field(default=5, gt=0, description="to one server, by all processes together")
    rows_per_second: int = Field(default=5_000, gt=0, description="of a database")
    hours: tuple[Hours, ...] = Field(default=(), description='Helsinki time, such as "20:00-06:00"; empty: always')
    failures: int = Field(
        default=5, ge=1, description="so many failures in a row, and the source is left alone for a while"
    )
    pause_minutes: float = Field(
        default=30, gt=0, description="so long it is left alone after failures; then it is tried once"
    )
    give_up_days: float = Field(
        default=7, gt=0, le=90, description="what has waited so long for it is given up, and the operator is told"
    )


class CaseSource(Group):
    """Where cases come from. Files are read in the order of their names."""

    kind: str = Field(
        default="xml", description="a connector: xml, table, fhir, sql, or one that an installed package brings"
    )
    path: str | None = Field(default=None, description='short for transport = { kind = "local", path = … }')
    transport: Transport | None = None
    fhir: Fhir | None = None
    sql: SqlView | None = None
    profile: Path | None = Field(default=None, description="how a foreign export is read; relative to avain.toml")
    mode: Literal["snapshot", "delta"] = "snapshot"
    gentle: Gentleness = Gentleness()
    max_gone: Decimal = Field(
        default=Decimal("0.05"), ge=0, le=1, description="share of cases that may vanish before the run is held"
    )
    max_rejected: Decimal = Field(
        default=Decimal("0.10"), ge=0, le=1, description="share of records that may be rejected before the run is held"
    )
    late_files: Literal["hold", "apply"] = Field(
        default="hold",
        description="of a delta: what becomes of a new file whose name stands before one that was applied; apply where names give no order",
    )

    @model_validator(mode="after")
    def _has_one_place(self) -> "CaseSource":
        if [self.path, self.transport, self.fhir, self.sql].count(None) != 3:
            raise ValueError(N_("a case source has exactly one of: path, transport, fhir, sql"))
        if (self.kind == "fhir") != (self.fhir is not None) or (self.kind == "sql") != (self.sql is not None):
            raise ValueError(N_('kind = "fhir" goes with the table fhir, kind = "sql" with the table sql'))
        if self.kind in {"table", "sql"} and self.profile is None:
            raise ValueError(N_("a table or view needs a profile that says which column is what"))
        return self

    @property
    def files(self) -> Transport | None:
        """Where its files come from; None for a FHIR server or a view."""
        return LocalFiles(path=self.path) if self.path is not None else self.transport

    @property
    def place(self) -> str:
        """Where it is, for people; never a secret."""
        return _place(self.files) if self.files is not None else self.fhir.base_url if self.fhir is not None else "sql"


class PriceListSource(Group):
    """Where a provider's price list, the organisation's own unit costs (kind `own`), or the e-mails of all providers (kind `mail`: a
    folder of .eml files) come from.
    """

    kind: Literal["provider", "own", "mail"] = "provider"
    provider: str | None = Field(default=None, description="business id")
    path: str | None = None
    transport: Transport | None = None
    encoding: str = "cp1252"
    gentle: Gentleness = Gentleness()
    alert_fall: Decimal = Field(
        default=Decimal("0.20"), ge=0, le=1, description="a price that falls by more than this share holds the list"
    )
    max_rejected: Decimal = Field(
        default=Decimal("0.10"), ge=0, le=1, description="share of rows that may be rejected before the list is held"
    )
    allow_backdating: bool = Field(
        default=False, description="whether a list may change the price of past days without a person's word"
    )

    @model_validator(mode="after")
    def _provider_goes_with_kind(self) -> "PriceListSource":
        if (self.kind == "provider") != (self.provider is not None):
            raise ValueError(
                N_(
                    'kind = "provider" needs `provider` (a business id), kind = "own" and kind = "mail" must not have it'
                )
            )
        return self

    @model_validator(mode="after")
    def _has_one_place(self) -> "PriceListSource":
        if (self.path is None) == (self.transport is None):
            raise ValueError(N_("a price source has exactly one of: path, transport"))
        if self.kind == "mail" and isinstance(self.transport, HttpsFile):
            raise ValueError(N_("e-mails lie in a folder: of this machine, or of an SFTP server"))
        return self

    @property
    def files(self) -> Transport:
        """Where its files come from. A folder of e-mails is known by its own name: `in/mail` stands for `in/mail/*.eml`."""
        if self.transport is None:
            return LocalFiles(path=self._mails(self.path or ""))
        if isinstance(self.transport, LocalFiles | SftpFiles):
            return self.transport.model_copy(update={"path": self._mails(self.transport.path)})
        return self.transport

    @property
    def place(self) -> str:
        """Where it is, for people; never a secret."""
        return _place(self.files)

    def _mails(self, path: str) -> str:
        single = path.lower().endswith(".eml") or set("*?[") & set(path)
        return path if self.kind != "mail" or single else f"{path.rstrip('/')}/*.eml"


class _Files(Group):
    """A source that is files and nothing else: where they are, and how hard that place may be asked."""

    _one_place: ClassVar[str]

    path: str | None = Field(default=None, description='short for transport = { kind = "local", path = … }')
    transport: Transport | None = Field(default=None, description="where the files are, if not at path")
    gentle: Gentleness = Field(default=Gentleness(), description="how hard it may be asked")

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if (self.path is None) == (self.transport is None):
            raise ValueError(self._one_place)
        return self

    @property
    def files(self) -> Transport:
        """Where its files come from."""
        return LocalFiles(path=self.path) if self.path is not None else cast("Transport", self.transport)

    @property
    def place(self) -> str:
        """Where it is, for people; never a secret."""
        return _place(self.files)


class IncomingSource(_Files):
    """Where what comes in about orders lies: answers, invoices, delivered quantities, each file recognised by what it holds."""

    _one_place = N_("an incoming source has exactly one of: path, transport")

    provider: str | None = Field(
        default=None, description="business id: whose files these are; what they say of others' orders is refused"
    )


AbsenceColumn = Literal["worker", "first", "last", "deputy"]


class AbsenceSource(_Files):
    """Where it is told who is away and who stands in: a table of an HR or shift system, one row for each absence. All its files together
    are the whole: what they tell no more has ended.
    """

    _one_place = N_("a source of absences has exactly one of: path, transport")

    encoding: str = Field(default="cp1252", description="of a CSV file that is not UTF-8")
    columns: dict[AbsenceColumn, str] = Field(
        default_factory=dict, description="the titles of the columns, where they are none of the usual words"
    )
    max_gone: Decimal = Field(
        default=Decimal("0.5"),
        ge=0,
        le=1,
        description="share of the absences that may end at once before the file is refused; five may always",
    )


class BounceSource(_Files):
    """Where reminders that could not be delivered come back to: the maildrop of `mail.sender`. A Maildir is `…/Maildir/new/*`, an mbox its
    file, saved e-mails `…/*.eml`.
    """

    _one_place = N_("a source of bounces has exactly one of: path, transport")


def _place(files: Transport) -> str:
    if isinstance(files, LocalFiles):
        return files.path
    if isinstance(files, SftpFiles):
        return f"sftp://{files.host}/{files.path.lstrip('/')}"
    address = files.url.partition("?")[0]  # what follows may be a key
    return address if files.x_road is None else f"{address} (X-Road: {files.x_road.service})"


#: The name of what people bring to the console.
RESERVED: Final = "console"
#: Also a lane and a directory of the spool.
SourceName = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class Sources(Group):
    """All sources, by name."""

    cases: dict[SourceName, CaseSource] = Field(default_factory=dict, description="client information systems")
    prices: dict[SourceName, PriceListSource] = Field(default_factory=dict, description="price lists")
    incoming: dict[SourceName, IncomingSource] = Field(default_factory=dict, description="what comes in about orders")
    absences: dict[SourceName, AbsenceSource] = Field(default_factory=dict, description="who is away")
    bounces: dict[SourceName, BounceSource] = Field(default_factory=dict, description="reminders that came back")

    @model_validator(mode="after")
    def _each_name_once(self) -> "Sources":
        if self.cases.keys() & self.prices.keys():
            raise ValueError(N_("a case source and a price source have the same name; each needs its own"))
        if self.incoming.keys() & (self.cases.keys() | self.prices.keys()):
            raise ValueError(N_("an incoming source has the name of another source; each needs its own"))
        others = self.cases.keys() | self.prices.keys() | self.incoming.keys()
        if self.absences.keys() & others:
            raise ValueError(N_("a source of absences has the name of another source; each needs its own"))
        others |= self.absences.keys()
        if self.bounces.keys() & others:
            raise ValueError(N_("a source of bounces has the name of another source; each needs its own"))
        if RESERVED in others | self.bounces.keys():
            raise ValueError(N_("the name console is kept for price lists that are uploaded in the console"))
        return self
