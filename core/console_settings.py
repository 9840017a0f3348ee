"""`[console]`: where people reach the web pages, how they sign in, and how long they stay signed in."""

from ipaddress import ip_address, ip_network
from typing import ClassVar, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from core.i18n import N_
from core.login_settings import LoginProvider
from core.setting_groups import Group

LOOPBACK = ("127.0.0.1", "::1", "localhost")
Role = Literal["worker", "supervisor", "price_manager", "operator", "auditor"]


class Oidc(LoginProvider):
    """`[console.oidc]`: the organisation's login provider."""

    section: ClassVar[str] = "console.oidc"

    client_secret: SecretStr | None = Field(
        default=None, description="AVAIN_CONSOLE__OIDC__CLIENT_SECRET; none: a public client, PKCE alone"
    )
    roles_claim: str = Field(
        default="roles", description="claim that holds the roles; a dot goes into it: realm_access.roles"
    )
    roles: dict[Role, list[str]] = Field(
        default_factory=lambda: {role: [role] for role in get_args(Role)},
        description="which values of the claim mean which role",
    )
    subject_claim: str = Field(default="sub", description="claim that is compared with a worker's subject")
    trust_unchecked_email: bool = Field(
        default=False,
        description="match workers by e-mail where the provider does not say whether it checked it; only if nobody can set their own address there",
    )

    @property
    def needed_claim(self) -> str:
        return self.roles_claim


class Console(Group):
    """`[console]`."""

    host: str = Field(default="127.0.0.1", description="the address it listens on")
    port: int = Field(default=8765, ge=1, le=65535)
    public_url: str | None = Field(
        default=None, description="where people reach it, e.g. https://avain.example; needed with a login provider"
    )
    trusted_proxies: list[str] = Field(
        default_factory=list, description="addresses of proxies whose X-Forwarded-For is believed"
    )
    metrics_from: list[str] = Field(
        default_factory=list, description="addresses or networks that may read /metrics, beside this machine"
    )
    idle_minutes: int = Field(default=30, ge=1, le=24 * 60, description="signed out after so long without a click")
    session_hours: int = Field(default=9, ge=1, le=24, description="signed out after so long in any case")
    max_upload_mb: int = Field(default=20, ge=1, le=200)
    case_url: str | None = Field(
        default=None,
        description="page of a case in the client information system; {external_id}, {source} and {number} are filled in",
    )
    late_minutes: int = Field(
        default=60, ge=0, le=24 * 60, description="how late a scheduled read may be before it counts as late"
    )
    oidc: Oidc | None = None

    @field_validator("trusted_proxies", "metrics_from")
    @classmethod
    def _addresses(cls, value: list[str]) -> list[str]:
        for one in value:
            try:
                ip_network(one)
            except ValueError as error:
                raise ValueError(N_("must be addresses (10.0.0.7) or networks (10.0.0.0/24)")) from error
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _not_everybody(cls, value: list[str]) -> list[str]:
        if any(ip_network(one).prefixlen == 0 for one in value):
            raise ValueError(N_("must not be everybody: whoever is believed may say that they come from anywhere"))
        return value

    @field_validator("public_url")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        return None if value is None else origin_of(value)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.oidc is not None and self.public_url is None:
            raise ValueError(N_("with console.oidc, console.public_url says where people reach the console"))
        if self.oidc is None and self.host not in LOOPBACK:
            raise ValueError(N_("without console.oidc the console may listen on 127.0.0.1 only"))
        return self

    @property
    def origin(self) -> str:
        """Scheme, host and port as browsers see them."""
        return self.public_url or f"http://{_bracketed(self.host)}:{self.port}"

    @property
    def origins(self) -> frozenset[str]:
        """What a browser may say its form came from: the origin, or without a public address any name of this machine."""
        if self.public_url is not None:
            return frozenset({self.public_url.lower()})
        return frozenset(f"http://{_bracketed(name)}:{self.port}" for name in LOOPBACK)

    @property
    def host_names(self) -> frozenset[str]:
        """The names under which it answers: a name of somebody else's that leads here (DNS rebinding) is none of them."""
        public = urlsplit(self.public_url).hostname if self.public_url else None
        return frozenset({*LOOPBACK, *([public] if public else [])})


def origin_of(address: str) -> str:
    """Scheme, host and port of where people reach a site: https, or this machine's own by http. Raises ValueError."""
    parts = urlsplit(address)
    local = parts.hostname in LOOPBACK and parts.scheme == "http"
    if not parts.hostname or (parts.scheme != "https" and not local) or parts.path not in {"", "/"} or parts.query:
        raise ValueError(N_("must be an https address without a path"))
    return address.rstrip("/")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def is_within(address: str, networks: list[str]) -> bool:
    """Whether an address is one of these, or in one of these networks."""
    try:
        known = ip_address(address)
    except ValueError:
        return False
    return any(known in ip_network(one) for one in networks)
