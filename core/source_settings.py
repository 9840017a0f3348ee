"""The settings of sources: where cases and price lists come from, and how gently they are read.

A source says its place in one of these ways: `path` (files of this machine, the short form), `transport` (files from elsewhere),
`fhir` or `sql`. Secrets come from the environment: AVAIN_SOURCES__CASES__<name>__TRANSPORT__PASSWORD.
"""

import base64
import binascii
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from core.errors import Message
from core.i18n import N_
from core.setting_groups import Group, RefusedSettingError

_MEBIBYTE = 1024 * 1024
#: What becomes of a file at the source once it has been applied. `move`: into `move_to`, a folder at the source.
After = Literal["leave", "move"]
Hours = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]


def _check_moving(after: After, move_to: Path | str | None) -> None:
    if (after == "move") != (move_to is not None):
        raise ValueError(N_('after = "move" needs move_to, and move_to needs after = "move"'))


class LocalFiles(Group):
    """Files of this machine or of a mounted share."""

    kind: Literal["local"] = "local"
    path: str = Field(description="a file, or a pattern such as /srv/export/cases-*.xml")
    after: After = "leave"
    move_to: Path | None = Field(default=None, description="a folder; relative to the file's own")

    @model_validator(mode="after")
    def _move_has_a_place(self) -> "LocalFiles":
        _check_moving(self.after, self.move_to)
        return self


def _x_road_id(parts: int) -> AfterValidator:
    """An identifier of so many parts, none empty, without the characters X-Road forbids in them (PR-REST 4.8)."""

    def check(value: str) -> str:
        named = value.split("/")
        wrong = any(not part.strip() or part in {".", ".."} or not part.isprintable() for part in named)
        if wrong or set(value) & set(":;%\\"):
            raise ValueError(
                N_(
                    "an X-Road identifier is names between slashes, without colons, semicolons, percent signs or backslashes"
                )
            )
        if len(named) != parts:
            raise RefusedSettingError(
                Message(
                    "an X-Road identifier has {parts} parts here, this one has {count}", parts=parts, count=len(named)
                )
            )
        return value

    return AfterValidator(check)


def _one_line(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError(N_("goes into a header: only printable ASCII characters"))
    return value


HeaderValue = Annotated[str, Field(min_length=1), AfterValidator(_one_line)]


class XRoad(Group):
    """A security server of X-Road (Suomi.fi-palveluväylä) in front of the service; `url` of the transport is the server's."""

    client: Annotated[str, _x_road_id(4)] = Field(
        description="instance/class/member/subsystem of this organisation: the header X-Road-Client"
    )
    service: Annotated[str, _x_road_id(5)] = Field(
        description="instance/class/member/subsystem/service: the path after /r1/"
    )
    user_id: HeaderValue | None = None
    issue: HeaderValue | None = None


class HttpsFile(Group):
    """One file by HTTPS."""

    kind: Literal["https"]
    url: str
    redirect_hosts: tuple[str, ...] = Field(
        default=(), description="hosts beside the url's own that may be redirected to"
    )
    allow_private: bool = Field(default=False, description="the host may stand in a private network")
    allow_http: bool = Field(default=False, description="plain http, for a security server in the same network")
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    username: str | None = None
    password: SecretStr | None = None
    bearer_token: SecretStr | None = None
    max_bytes: int = Field(default=1024 * _MEBIBYTE, gt=0)
    x_road: XRoad | None = None

    @model_validator(mode="after")
    def _url_is_one_of_ours(self) -> "HttpsFile":
        check_url(self.url, allow_http=self.allow_http)
        if any(set(host) & set("/:@?# ") for host in self.redirect_hosts):
            raise ValueError(N_("redirect_hosts are names of hosts alone, such as files.example.fi"))
        if self.x_road is not None and self.redirect_hosts:
            raise ValueError(N_("redirects are not followed through X-Road; leave redirect_hosts out"))
        return self

    @model_validator(mode="after")
    def _credentials_are_whole(self) -> "HttpsFile":
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError(N_("client_certificate and client_key go together"))
        if (self.username is None) != (self.password is None):
            raise ValueError(N_("username and password go together"))
        if self.username is not None and self.bearer_token is not None:
            raise ValueError(N_("a server is told username and password or bearer_token, not both"))
        return self


def check_url(url: str, *, allow_http: bool) -> None:
    """Raise ValueError unless `url` is https (or http where that is allowed) with a host and without credentials."""
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        whole = False
    if not whole or any(letter.isspace() or not letter.isprintable() for letter in url):
        raise ValueError(N_("the url is not a whole address such as https://files.example.fi/cases.xml"))
    if "@" in parts.netloc:
        raise ValueError(N_("the url must not hold a user name or password; there are settings for them"))
    if parts.scheme != "https" and not (allow_http and parts.scheme == "http"):
        raise ValueError(N_("the url must begin with https:// (http:// only with allow_http = true)"))


class SftpFiles(Group):
    """Files by SFTP. The server's key is pinned: another key is refused."""

    kind: Literal["sftp"]
    host: str
    port: int = Field(default=22, ge=1, le=65535)
    username: str
    host_key: str = Field(description="the server's public key: ssh-ed25519 AAAA…")
    private_key: Path | None = None
    passphrase: SecretStr | None = None
    password: SecretStr | None = None
    path: str = Field(description="a file, or a pattern such as /out/cases-*.xml")
    allow_private: bool = True
    max_bytes: int = Field(default=1024 * _MEBIBYTE, gt=0)
    after: After = "leave"
    move_to: str | None = Field(default=None, description="a folder at the server; relative to the file's own")

    @model_validator(mode="after")
    def _move_has_a_place(self) -> "SftpFiles":
        _check_moving(self.after, self.move_to)
        return self

    @model_validator(mode="after")
    def _one_way_in(self) -> "SftpFiles":
        if (self.private_key is None) == (self.password is None):
            raise ValueError(N_("an SFTP source has exactly one of: private_key, password"))
        if self.passphrase is not None and self.private_key is None:
            raise ValueError(N_("passphrase opens the private_key; there is none"))
        return self

    @model_validator(mode="after")
    def _host_key_is_a_key(self) -> "SftpFiles":
        kind, _, key = self.host_key.strip().partition(" ")
        try:
            inside = base64.b64decode(key.split(" ")[0], validate=True)
        except (binascii.Error, ValueError):
            inside = b""
        if len(inside) < 4 or inside[4 : 4 + int.from_bytes(inside[:4])] != kind.encode():
            raise ValueError(N_("host_key is the server's public key as one line: ssh-ed25519 AAAA…"))
        return self


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
Transport = Annotated[LocalFiles | HttpsFile | SftpFiles, Field(discriminator="kind")]


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

    requests_per_second: float = Field(default=5, gt=0)
    rows_per_second: int = Field(default=5_000, gt=0, description="of a database")
    hours: tuple[Hours, ...] = Field(default=(), description='Helsinki time, such as "20:00-06:00"; empty: always')
    failures: int = Field(
        default=5, ge=1, description="so many failures in a row, and the source is left alone for a while"
    )
    pause_minutes: int = Field(default=30, ge=1)


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


def _place(files: Transport) -> str:
    if isinstance(files, LocalFiles):
        return files.path
    if isinstance(files, SftpFiles):
        return f"sftp://{files.host}/{files.path.lstrip('/')}"
    address = files.url.partition("?")[0]  # what follows may be a key
    return address if files.x_road is None else f"{address} (X-Road: {files.x_road.service})"


#: Also a lane and a directory of the spool.
SourceName = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class Sources(Group):
    """All sources, by name."""

    cases: dict[SourceName, CaseSource] = Field(default_factory=dict)
    prices: dict[SourceName, PriceListSource] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _each_name_once(self) -> "Sources":
        if self.cases.keys() & self.prices.keys():
            raise ValueError(N_("a case source and a price source have the same name; each needs its own"))
        return self
